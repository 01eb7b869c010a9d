"""What a law kept from its persons, told to them on its day (DOMAIN.md 5: `exempt`, then `released`)."""

from __future__ import annotations

from datetime import datetime

from gateway.errors import Fault, JournalUnavailable
from gateway.journal.book import Journal
from gateway.ports import JournalStore, Release


class ReleasesDamaged(Fault):
    """What some exchanges have to tell can't be opened; all others were told."""

    def __init__(self, exchanges: tuple[str, ...], released: int) -> None:
        super().__init__("release")
        self.exchanges, self.released = exchanges, released


async def release_due(journal: Journal, store: JournalStore, now: datetime) -> int:
    """Release everything whose day has come, each at its own commit. Out: of how many exchanges.

    A crash in between leaves the rest for the next time; what is told is due no more. Raises: ReleasesDamaged, once
    all others are told; JournalUnavailable.
    """
    released = 0
    damaged: list[str] = []
    last: Release | None = None
    while part := await store.due(now, last):
        last = part[-1]
        for kept in part:
            try:
                released += await journal.release(kept, now)
            except JournalUnavailable:
                raise
            except Fault:
                damaged.append(kept.exchange)
    if damaged:
        raise ReleasesDamaged(tuple(damaged), released)
    return released
