"""Which shards an export must hold for its period (LOG.md 7, steps 3 and 4; docs/decisions/0021).

Shards of a class follow each other, every class is there, and at neither end is one left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import TypeAlias

from gateway.audit.identity import Identity
from gateway.audit.proof import Proof
from gateway.audit.verify.reading import Findings, ReadShard

Month: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Period:
    """From the first moment of a day to a moment."""

    start: datetime
    end: datetime

    @classmethod
    def read(cls, proof: Proof, found: Findings) -> Period | None:
        """Out: the period the proof claims; None after a finding when it is none."""
        try:
            start = datetime.fromisoformat(f"{proof.from_}T00:00:00+00:00")
            end = datetime.fromisoformat(proof.to.replace("Z", "+00:00"))
            end - timedelta(seconds=1), end + timedelta(days=1)  # what is reckoned with it, at time's ends
        except (ValueError, OverflowError):
            found.add(3, "from, to", "not a day and a moment")
            return None
        if start > end:
            found.add(3, "from, to", "the period ends before it begins")
        return cls(start.astimezone(UTC), end.astimezone(UTC))

    @property
    def first(self) -> Month:
        """Out: the month it begins in."""
        return _month(self.start)

    @property
    def last(self) -> Month:
        """Out: the month of its last second: of its end, unless that is a month's first moment."""
        return _month(self.end - timedelta(seconds=1))

    @property
    def told_in(self) -> Month:
        """Out: the month of its end."""
        return _month(self.end)

    @property
    def due_by(self) -> Month:
        """Out: the month of its end, with a day's grace: a day to erase on is a German one."""
        return _month(self.end + timedelta(days=1))


def check_chain(shards: Sequence[ReadShard], period: Period | None, found: Findings) -> None:
    """Shards of a class follow each other; every class is there; nothing at the beginning is left out."""
    if not shards:
        found.add(3, "shards", "there are none")
        return
    groups = _classes(shards)
    classes = [group[0].origin.retention for group in groups]
    if len(set(classes)) != len(classes):
        found.add(3, "shards", "the shards of a class do not stand together")
    for name in sorted({name for shard in shards for name in shard.classes} - set(classes)):
        found.add(3, f"class {name}", "a class of the authority's is left out")
    for group in groups:
        for before, after in pairwise(group):
            kept = before.checkpoint
            lost = after.losses.after(kept.origin, kept.size, after.previous)
            if after.previous != kept.text and not lost:
                found.add(3, str(after.origin), "it does not follow the shard before it")
            if after.origin.place <= before.origin.place:
                found.add(3, str(after.origin), "it is not later than the shard before it")
        if period is not None and not _begins(group[0], period, shards):
            found.add(3, str(group[0].origin), "the period begins earlier: a shard is left out")


def check_statements(shards: Sequence[ReadShard], identity: Identity, found: Findings) -> None:
    """A class that a later identity key has stated a shard of goes on with that or a later one, and by now with the one
    in use: who stole a former one can't state another shard (docs/decisions/0022)."""
    for group in _classes(shards):
        keys = [identity.keys.index(shard.opening.stated_by) for shard in group]
        for shard, before, after in zip(group[1:], keys, keys[1:], strict=False):
            if after < before:
                found.add(2, str(shard.origin), "stated by an identity key that another one had followed")
        if keys[-1] != len(identity.former):
            found.add(2, str(group[-1].origin), "stated by a former identity key: a shard may be left out")


def check_cut_off(
    shards: Sequence[ReadShard], times: Sequence[datetime], period: Period, found: Findings
) -> None:
    """The newest epoch of every class reaches the end of the period, in a shard of the period's last month."""
    newest = {shard.origin.retention: (shard, time) for shard, time in zip(shards, times, strict=True)}
    for shard, time in newest.values():
        if time < period.end:
            found.add(4, str(shard.origin), "its index ends before the period does")
        if shard.origin.month_number < period.last:
            found.add(4, str(shard.origin), "the period ends in a later month: a shard may be left out")


def newest(shards: Sequence[ReadShard]) -> Sequence[ReadShard]:
    """Out: the last shard of each class."""
    return [group[-1] for group in _classes(shards)]


def beginnings(shards: Sequence[ReadShard], period: Period) -> Sequence[tuple[str, Month]]:
    """Out: each class whose older shards are gone in the period, and from which month on it is told."""
    firsts = [(group[0], group[0].previous_origin) for group in _classes(shards)]
    return [
        (first.origin.retention, first.origin.month_number)
        for first, before in firsts
        if before is not None and before.month_number >= period.first
    ]


def leaves_out(shards: Sequence[ReadShard], period: Period) -> bool:
    """Out: whether a class has shards from before the period that were still to be kept at its end."""
    before = [group[0].previous_origin for group in _classes(shards)]
    older = [origin for origin in before if origin is not None and origin.month_number < period.first]
    return any(origin.gone_from is None or origin.gone_from > period.told_in for origin in older)


def losses(shards: Sequence[ReadShard]) -> Sequence[str]:
    """Out: what a restore has lost of the classes, as their shards say it."""
    return [told for shard in shards for told in shard.losses.told]


def _classes(shards: Sequence[ReadShard]) -> list[list[ReadShard]]:
    return [list(group) for _, group in groupby(shards, key=lambda shard: shard.origin.retention)]


def _begins(first: ReadShard, period: Period, shards: Sequence[ReadShard]) -> bool:
    """Out: whether nothing of the class in the period and before its first shard here can be missing.

    The shard before it is older than the period, or may be gone by its end. Without a shard before it: it covers the
    beginning; or the class is new: an earlier shard, which was there then, does not know it.
    """
    lost = first.losses.first(first.previous)
    if first.previous is not None and lost is None:
        before = first.previous_origin
        if before is None or before.place >= first.origin.place:
            return False
        gone = before.gone_from
        return before.month_number < period.first or (gone is not None and gone <= period.told_in)
    oldest = lost or first.origin
    if oldest.number > 1:
        return False
    start = oldest.month_number
    if start <= period.first:
        return True
    earlier = [shard for shard in shards if shard.origin.month_number < start]
    covered = any(shard.origin.month_number <= period.first for shard in earlier)
    return covered and all(first.origin.retention not in shard.classes for shard in earlier)


def _month(moment: datetime) -> Month:
    return moment.year, moment.month
