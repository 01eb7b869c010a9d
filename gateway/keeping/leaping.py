"""A clock that leapt forward must erase nothing: what is erased, nothing brings back.

A house looks every day. If the last time that was believed is long ago, either it stood still for so long, or the clock
is wrong; the house can't tell which, an administrator can. Where none was believed yet, the newest line that is more
than a day old counts: a house whose clock leapt goes on writing with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from gateway.errors import Fault
from gateway.keeping.said import said
from gateway.ports import JournalStore, StoredLine

RECENT: Final = timedelta(days=1)
_PART: Final = 256
"""Lines that are read at once."""


class ClockLeap(Fault):
    """The clock is further ahead of the log than a house is silent: nothing is erased by it."""

    def __init__(self, ahead: timedelta, before: datetime) -> None:
        super().__init__(f"clock leap of {ahead.days} days")
        self.before = before
        """What it was held against."""


async def refuse_leap(
    store: JournalStore, now: datetime, most: timedelta, believed: datetime | None = None
) -> None:
    """In: how long a house may be silent; the time that was believed last, None if none was. Then, and where it is
    still to come, so that no clock could leap beyond it, it is the newest line's that is more than a day old.
    Raises: ClockLeap, JournalUnavailable."""
    known = believed is not None and believed <= now
    before = believed if known else await _newest(store, now - RECENT)
    if before is not None and now - before > most:
        raise ClockLeap(now - before, before)


async def _newest(store: JournalStore, until: datetime) -> datetime | None:
    """Out: the newest time up to `until` in any line; None where no line tells one: then nothing is there to erase."""
    found: dict[str, datetime] = {}
    for shard in reversed(await store.shards()):
        if shard.retention in found or shard.secrets is None:
            continue
        for stop in range(shard.head.size, 0, -_PART):
            lines = await store.lines(shard.head.origin, max(0, stop - _PART), stop)
            if times := [time for time in _times(lines) if time <= until]:
                found[shard.retention] = max(times)
                break
    return max(found.values(), default=None)


def _times(lines: Sequence[StoredLine]) -> Sequence[datetime]:
    """Out: when they were written; erased ones and a shard's first tell nothing, damaged ones `log verify` names."""
    return [read.time for line in lines if (read := said(line)) is not None and read.time is not None]
