"""What only a restore does to the database: put back what others still have, find what it brought back to life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.ports.entries import Head


class RestoreStore(Protocol):
    """Raises: JournalUnavailable."""

    async def put_back(self, origin: str, size: int, leaves: Sequence[bytes], why: str) -> Head:
        """Close a shard of that size, with these leaves after its last one: without what opens them, withheld as `why`
        says. Out: its head. Nothing is written when it has another size by now: JournalUnavailable."""
        ...

    async def put_back_epochs(self, origin: str, epochs: Sequence[tuple[int, bytes]]) -> None:
        """Add epochs, as size and output leaf, that follow the ones the shard's output log has."""
        ...

    async def permitting(self, after: str) -> Sequence[str]:
        """Out: the next part of the records and powers that permit by their last event, by id, from the one after
        `after`. Empty: that is all."""
        ...
