"""What the watch over the exchanges looks at beside the lines: their rows, and what the bus still has of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from gateway.ports.entries import ExchangeKey
from gateway.stages import Position


@dataclass(frozen=True, slots=True)
class Watched:
    """An exchange as its row says it stands."""

    key: ExchangeKey
    kind: str | None
    """The terminal line's kind; None while it is under way."""
    terminal: Position | None
    """Where that line stands."""
    reserved: bool
    """Whether it holds a use that is neither consumed nor given back."""
    exempt_until: datetime | None
    """When its persons may be told of it, while they may not."""


class WatchStore(Protocol):
    """The exchanges' rows. Raises: JournalUnavailable."""

    async def under_way(self) -> Sequence[Watched]:
        """Out: every exchange that has not ended."""
        ...

    async def exchanges(self, names: Collection[str]) -> Mapping[str, Watched]:
        """Out: those of these exchanges that have a row."""
        ...

    async def exchanges_after(self, name: str) -> Sequence[Watched]:
        """Out: the next part of all exchanges by name, from the one after `name`. Empty: that is all."""
        ...


@runtime_checkable
class BusLine(Protocol):
    """What a bus beyond a network says of the way to it."""

    async def reached(self) -> None:
        """Raises: BusUnavailable, when nothing can be taken from it or given to it now."""
        ...

    @property
    def reconnects(self) -> int:
        """Out: how often a connection was there again after it had ended."""
        ...

    @property
    def taking(self) -> int:
        """Out: how many consumers' queues this process takes from now."""
        ...


@runtime_checkable
class BusView(Protocol):
    """What a bus can say of the requests it still has, where it can say anything."""

    async def holds(self, requests: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """In: consumers and message ids. Out: those whose request waits, is put off or is in somebody's hand.
        Raises: BusUnavailable."""
        ...
