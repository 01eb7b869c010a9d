"""How exchanges ended, for whoever compares that with what the other side kept (LOG.md 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.ports.entries import StoredLine


@dataclass(frozen=True, slots=True)
class Ended:
    """An exchange that ended."""

    exchange: str
    consumer: str
    """Empty once only its use of a decision is known."""
    place: tuple[str, str]
    """By which a consumer's exchanges are in order."""
    line: StoredLine | None
    """Its terminal line; None once nothing more of it is known."""


class ExchangeStore(Protocol):
    """Which exchanges ended, and where. Raises: JournalUnavailable."""

    async def ended(self, exchanges: Sequence[str]) -> Sequence[Ended]:
        """Out: those of these exchanges that ended, in any order."""
        ...

    async def ended_of(self, consumer: str, after: tuple[str, str] | None = None) -> Sequence[Ended]:
        """Out: a consumer's ended exchanges by their place: the first part of them, or what follows on `after`.
        Empty: that is all."""
        ...
