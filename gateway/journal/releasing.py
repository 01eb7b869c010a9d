"""What a law kept from its persons, told to them on its day (DOMAIN.md 5: `exempt`, then `released`)."""

from __future__ import annotations

from datetime import datetime

from gateway.errors import Fault
from gateway.journal.book import Journal
from gateway.ports import JournalStore


async def release_due(journal: Journal, store: JournalStore, now: datetime) -> int:
    """Release everything whose day has come. Out: of how many exchanges.

    One that can't be opened keeps back none of the others; then its Fault is raised.
    """
    released, damaged = 0, None
    for due in await store.due(now):
        try:
            released += await journal.release(due, now)
        except Fault as fault:
            damaged = damaged or fault
    if damaged is not None:
        raise damaged
    return released
