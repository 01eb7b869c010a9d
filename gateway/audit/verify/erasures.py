"""What the log itself says was erased by its rules, or lost in a restore: nothing else may be gone (LOG.md 8, 9).

Lines about it go when their own time is over. By then the shard they speak of is destroyed; that it was is believed
from the month on in which the line that says so may be gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.audit import labels, retention
from gateway.audit.losses import opened
from gateway.audit.record import Event, Kind
from gateway.audit.retention import LOST, Erased, Span
from gateway.audit.shard import Origin

Month: TypeAlias = tuple[int, int]
Row: TypeAlias = tuple[bytes, bytes | None, bytes | None]
"""Leaf, salt and event of a line."""


@dataclass(frozen=True, slots=True)
class Erasures:
    """What is said of one shard."""

    told: tuple[Erased, ...] = ()
    long_ago: bool = False
    """The line that says it was destroyed may be gone itself."""
    lost: tuple[Span, ...] = ()
    """Lines that a restore put back without what opened them."""

    @property
    def destroyed(self) -> bool:
        """Out: whether its keys and lines may be gone."""
        return self.long_ago or any(not erased.spans for erased in self.told)

    def allow(self, index: int, withheld: str) -> bool:
        """Out: whether that line may be gone for the reason it names: a norm by which it was erased, or a restore."""
        if withheld == LOST:  # what tells of the restore may go with the shard
            return self.destroyed or _within(index, self.lost)
        norm = retention.erasing_norm(withheld)
        return any(erased.norm == norm and _within(index, erased.spans) for erased in self.told)


NOTHING: Final = Erasures()


class Told:
    """What the lines about the house say, of every shard."""

    def __init__(self) -> None:
        self._found: dict[str, list[Erased]] = {}
        self._restored: list[tuple[str, Row]] = []

    def hear(self, origin: str, lines: Iterable[tuple[int, Row]], seal: bytes | None) -> None:
        """In: a shard's lines about the house, by index; its seal secret, None once destroyed. One that does not open,
        or that the house did not write, is passed over (`verify_log` names it)."""
        for index, row in lines:
            event = opened(origin, *row)
            if event is None or not labels.by_house(seal, *row[1:]):
                continue
            erased = _erased(event, origin)
            if erased is not None:
                self._found.setdefault(erased.origin, []).append(erased)
            if index == 1 and event.kind is Kind.RESTORED:
                self._restored.append((origin, row))

    def of(self, origin: str, size: int, kept_months: int | None, newest: Month) -> Erasures:
        """In: a shard and its size; for how many months lines about the house are kept, None: for ever; the log's
        newest month."""
        long_ago = False
        try:
            gone = Origin.parse(origin).gone_from
        except ValueError:
            gone = None
        if gone is not None and kept_months is not None:
            months = gone[0] * 12 + gone[1] + kept_months
            long_ago = months <= newest[0] * 12 + newest[1]
        return Erasures(
            tuple(self._found.get(origin, ())), long_ago, lost_lines(self._restored, origin, size)
        )


def lost_lines(restored: Iterable[tuple[str, Row]], origin: str, size: int) -> tuple[Span, ...]:
    """In: shards and their line 1, where that tells of a restore; one shard and its size. Out: which of its lines were
    put back unopened: as a later shard of its class says, and up to its end, since behind it nothing was added."""
    spans: list[Span] = []
    for teller, row in restored:
        event = opened(teller, *row) if _follows(teller, origin) else None
        told = retention.put_back(event) if event is not None else ()
        spans += [span for shard, span in told if shard == origin and span.stop <= size]
    found: list[Span] = []
    end = size
    for span in sorted(spans, key=lambda span: span.stop, reverse=True):
        if span.stop < end:
            break
        found.append(span)
        end = min(end, span.start)
    return tuple(found)


def _follows(later: str, origin: str) -> bool:
    """Out: whether it is a later shard of the same class."""
    try:
        one, other = Origin.parse(later), Origin.parse(origin)
    except ValueError:
        return False
    same = (one.authority, one.retention) == (other.authority, other.retention)
    return same and one.place > other.place


def _within(index: int, spans: Iterable[Span]) -> bool:
    return any(span.start <= index < span.stop for span in spans)


def _erased(event: Event, teller: str) -> Erased | None:
    """Out: what a line tells, if it is not before its time: neither by its own time, nor by the month of the shard it
    stands in."""
    erased = retention.heard(event)
    if erased is None:
        return None
    try:
        shard, told_in = Origin.parse(erased.origin), Origin.parse(teller).month_number
    except ValueError:
        return None
    due = shard.first_due if erased.spans else shard.gone_from
    return erased if due is not None and due <= min((event.time.year, event.time.month), told_in) else None
