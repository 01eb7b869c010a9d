"""How the last run of erasing ended: so that what is due and still there is seen (`gateway.keeping.retention`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from gateway.audit.german_time import german_time
from gateway.audit.retention import Rule
from gateway.audit.shard import Origin
from gateway.ports import Shard

RECENT: Final = timedelta(hours=26)
"""A run a day, begun within the first hour of it, and some time to run."""
STRAY: Final = timedelta(days=31)
"""A line that is further from its shard's month does not say when it was written."""


class RunSlate(Protocol):
    """Where it is written down how the last run ended. Raises: OSError."""

    def last_run(self) -> str: ...

    def keep_run(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class LastRun:
    """How the last run ended, and when one last left nothing behind."""

    settled: datetime | None = None
    failed: str | None = None
    """A fault's `where`, or an error's type; never content."""

    believed: datetime | None = None
    """The newest time that was believed: of the last run that was no leap, or that somebody vouched for; where the
    first run of all was one, of the line before it. A clock is held against it: what a house writes with a wrong clock
    never vouches for that clock."""

    def recent(self, now: datetime) -> bool:
        """Out: whether nothing was left behind a day ago, or since. Nothing was yet by a time that is still to come."""
        return self.settled is not None and timedelta() <= now - self.settled <= RECENT

    def render(self) -> str:
        """Out: as JSON."""
        settled = self.settled.isoformat() if self.settled else None
        believed = self.believed.isoformat() if self.believed else None
        return json.dumps({"v": 1, "settled": settled, "failed": self.failed, "believed": believed})

    @classmethod
    def parse(cls, text: str) -> LastRun:
        """Undo `render`. Out: no run, where it is none: what is due is counted then."""
        try:
            said = json.loads(text)
            settled = datetime.fromisoformat(said["settled"]) if said["settled"] else None
            believed = datetime.fromisoformat(said["believed"]) if said.get("believed") else None
            if said["v"] != 1 or any(one is not None and one.tzinfo is None for one in (settled, believed)):
                return cls()
            return cls(settled, str(said["failed"]) if said["failed"] else None, believed)
        except (ValueError, LookupError, TypeError, RecursionError):
            return cls()


def left_behind(shards: Sequence[Shard], rules: Sequence[Rule], now: datetime) -> bool:
    """Out: whether a shard has its keys that a run of the last day would not have left, whatever is written down of
    that run: by the shards' names alone, without reading a line."""
    by = german_time(now - RECENT).date()
    periods = {rule.retention: rule for rule in rules}
    kept = [shard for shard in shards if shard.secrets is not None]
    return any(_is_over(shard, periods.get(shard.retention), by) for shard in kept)


def _is_over(shard: Shard, rule: Rule | None, by: date) -> bool:
    if rule is None:
        return False
    try:
        origin = Origin.parse(shard.head.origin)
        return rule.erased_on(date(origin.year, origin.month, 1) + 2 * STRAY) <= by
    except (OverflowError, ValueError):  # kept beyond the calendar
        return False
