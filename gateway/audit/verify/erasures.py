"""What the log itself says was erased by its rules, or lost in a restore: nothing else may be gone (LOG.md 8, 9).

Lines about it go when their own time is over. By then the shard they speak of is destroyed; that it was is believed
from the month on in which the line that says so may be gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from gateway.audit import retention
from gateway.audit.losses import opened
from gateway.audit.record import Event
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
        self._lost: dict[str, list[Span]] = {}

    def hear(self, origin: str, lines: Iterable[Row]) -> None:
        """In: a shard's lines about the house; one that does not open is passed over (`verify_log` names it)."""
        for row in lines:
            event = opened(origin, *row)
            if event is None:
                continue
            erased = _erased(event)
            if erased is not None:
                self._found.setdefault(erased.origin, []).append(erased)
            for shard, span in retention.put_back(event):
                self._lost.setdefault(shard, []).append(span)

    def of(self, origin: str, kept_months: int | None, newest: Month) -> Erasures:
        """In: a shard; for how many months lines about the house are kept, None: for ever; the log's newest month."""
        long_ago = False
        try:
            gone = Origin.parse(origin).gone_from
        except ValueError:
            gone = None
        if gone is not None and kept_months is not None:
            months = gone[0] * 12 + gone[1] + kept_months
            long_ago = months <= newest[0] * 12 + newest[1]
        return Erasures(tuple(self._found.get(origin, ())), long_ago, tuple(self._lost.get(origin, ())))


def lost_lines(restored: Iterable[tuple[str, Row]]) -> Mapping[str, Sequence[Span]]:
    """In: shards and their line 1, where that tells of a restore. Out: by shard, which lines were put back unopened."""
    found: dict[str, list[Span]] = {}
    for origin, row in restored:
        event = opened(origin, *row)
        for shard, span in retention.put_back(event) if event is not None else ():
            found.setdefault(shard, []).append(span)
    return found


def _within(index: int, spans: Iterable[Span]) -> bool:
    return any(span.start <= index < span.stop for span in spans)


def _erased(event: Event) -> Erased | None:
    """Out: what a line tells, if it is not before its time."""
    erased = retention.heard(event)
    if erased is None:
        return None
    try:
        shard = Origin.parse(erased.origin)
    except ValueError:
        return None
    due = shard.first_due if erased.spans else shard.gone_from
    return erased if due is not None and due <= (event.time.year, event.time.month) else None
