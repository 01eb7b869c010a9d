"""The time on a German wall, from UTC: what a citizen reads.

Computed by the rule itself (Directive 2000/84/EC: summer time from the last Sunday of March to the last
Sunday of October, 01:00 UTC), so that a page never depends on whether a machine has a time zone database.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_WINTER: Final = timezone(timedelta(hours=1), "MEZ")
_SUMMER: Final = timezone(timedelta(hours=2), "MESZ")


def german_time(moment: datetime) -> datetime:
    """In: an aware time. Out: the same moment in German time."""
    moment = moment.astimezone(UTC)
    summer = _change(moment.year, 3) <= moment < _change(moment.year, 10)
    try:
        return moment.astimezone(_SUMMER if summer else _WINTER)
    except OverflowError:  # the calendar's last hour, in a file somebody made up
        return moment


def _change(year: int, month: int) -> datetime:
    """Out: the last Sunday of a month with 31 days, 01:00 UTC."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
