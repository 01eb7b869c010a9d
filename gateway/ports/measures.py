"""What is counted while the house works: numbers beside words of closed lists, never anything of a message.

No safeguard hangs on it: whoever counts hears of what was decided and done, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol


class Room(StrEnum):
    """The rooms of an exchange (gateway/exchange.py), and the way out (gateway/serve.py)."""

    AUTHENTICATE = "authenticate"
    RECALL = "recall"
    READ = "read"
    DECIDE = "decide"
    ASKED = "asked"
    REGISTER = "register"
    ANSWER = "answer"
    SETTLED = "settled"
    SEND = "send"


class Measures(Protocol):
    """Who counts. Used from the house's event loop only; never raises."""

    def exchange(self, traceparent: str | None) -> AbstractContextManager[str | None]:
        """While a delivery is in hand. In: its trace context (https://www.w3.org/TR/trace-context/), if it is one.
        Out: the one to hand on: the same, or one of ours beneath it."""
        ...

    def room(self, room: Room) -> AbstractContextManager[None]:
        """While an exchange is in that room."""
        ...

    def register(self, name: str) -> AbstractContextManager[None]:
        """While a register of the policy is asked or written; a `Fault` that comes out of it is its failure."""
        ...

    def ended(self, kind: str, reason: str) -> None:
        """An exchange has ended, or was put off. In: a kind of the journal and a code of docs/reasons.md, or none."""
        ...

    def outbox(self, replies: int) -> None:
        """So many replies are settled, and the bus may not have them."""
        ...

    def witnessed(self, cosigned: Mapping[str, bool]) -> None:
        """In: by the name of each witness that was asked, whether it has cosigned everything."""
        ...
