"""How long a line is kept, as a rule of law says (LOG.md 8; DOMAIN.md 5), and how the log tells of what was erased.

A line is kept to the end of a day, counted as §§ 187 and 188 BGB count: of a line written on the 21st, so many months
end with the 21st; where the month has no such day, with its last. On the next day it is erased. All days are German.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.audit.record import Event, Kind

_SPAN: Final = re.compile(r"(?P<origin>\S+) (?P<start>0|[1-9][0-9]{0,18})-(?P<stop>[1-9][0-9]{0,18})\Z")
_GERMAN: Final = timedelta(hours=2)
"""German time is ahead of UTC by so much at most."""
ERASED: Final = "erased: "
"""What stands before the norm of a line that was erased (LOG.md 7)."""
PUT_BACK: Final = "put back: "
"""What stands before the lines that a restore put back, in what the log tells of it."""
LOST: Final = "lost in a restore"
"""Why a line that a restore put back can't be opened: only its leaf was left (docs/decisions/0027)."""


class Until(StrEnum):
    """With what a period ends."""

    DAY = "day"
    """So many months after the line was written (IDNrG § 9)."""
    CALENDAR_YEAR = "calendar-year"
    """With the calendar year in which these months end (BMG § 40)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long a class of lines is kept."""

    retention: str
    """The class: `24m`."""
    norm: str
    months: int
    until: Until = Until.DAY

    def kept_until(self, day: date) -> date:
        """In: the day a line was written. Out: the last day it is kept."""
        return kept_until(day, self.months, self.until)

    def erased_on(self, day: date) -> date:
        """In: the day a line was written. Out: the day it is erased."""
        return self.kept_until(day) + timedelta(days=1)

    def may_be_gone(self, written: datetime, by: datetime) -> bool:
        """In: when a line was written, and a later moment, both UTC. Out: whether it was due to be erased by then."""
        try:
            return self.erased_on(written.date()) <= (by + _GERMAN).date()
        except (OverflowError, ValueError):  # beyond the calendar
            return False

    @property
    def withheld(self) -> str:
        """Out: what stands in the place of an erased line's event."""
        return f"{ERASED}{self.norm}"


def kept_until(day: date, months: int, until: Until = Until.DAY) -> date:
    """In: the day a line was written, for how many months it is kept. Out: the last day it is kept."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if until is Until.CALENDAR_YEAR:
        return date(year, 12, 31)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def erasing_norm(withheld: str | None) -> str | None:
    """Out: by which norm a line was erased; None when it is withheld for another reason or not at all."""
    return withheld.removeprefix(ERASED) if withheld is not None and withheld.startswith(ERASED) else None


# --- what the log tells of it ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Span:
    """Lines start ≤ index < stop of a shard."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What a line `retention.erased` or `retention.destroyed` tells."""

    norm: str
    origin: str
    spans: tuple[Span, ...]
    """Empty: the shard's keys and all of its lines."""


def spans_of(indexes: Iterable[int]) -> tuple[Span, ...]:
    """In: ascending indexes. Out: the runs among them."""
    found: list[Span] = []
    for index in indexes:
        if found and found[-1].stop == index:
            found[-1] = Span(found[-1].start, index + 1)
        else:
            found.append(Span(index, index + 1))
    return tuple(found)


def told(erased: Erased) -> tuple[str, ...]:
    """Out: it as a line's `reasons`."""
    if not erased.spans:
        return erased.norm, erased.origin
    return erased.norm, *(f"{erased.origin} {span.start}-{span.stop}" for span in erased.spans)


def heard(event: Event) -> Erased | None:
    """Undo `told`. Out: what the line tells; None when it tells of nothing erased, or not as such lines do."""
    reasons = event.reasons or ()
    if event.kind is Kind.RETENTION_DESTROYED:
        return Erased(reasons[0], reasons[1], ()) if len(reasons) == 2 else None
    if event.kind is not Kind.RETENTION_ERASED or len(reasons) < 2:
        return None
    read = [_SPAN.match(reason) for reason in reasons[1:]]
    found = [match for match in read if match is not None]
    if len(found) != len(read) or len({match["origin"] for match in found}) != 1:
        return None
    spans = tuple(Span(int(match["start"]), int(match["stop"])) for match in found)
    return Erased(reasons[0], found[0]["origin"], spans)


def put_back(event: Event) -> tuple[tuple[str, Span], ...]:
    """Out: by shard, the lines that were put back without what opened them, as a line `restored` tells."""
    if event.kind is not Kind.RESTORED:
        return ()
    told = [reason.removeprefix(PUT_BACK) for reason in event.reasons or () if reason.startswith(PUT_BACK)]
    found = (_SPAN.match(one) for one in told)
    return tuple(
        (match["origin"], Span(int(match["start"]), int(match["stop"])))
        for match in found
        if match is not None
    )
