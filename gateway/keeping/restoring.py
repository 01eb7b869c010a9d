"""After a restore: what was lost, and how the log goes on (LOG.md 9.6; docs/decisions/0027).

Every class goes on in a new shard with new keys, which follows the last signed checkpoint: under the old ones nothing
is signed again. The new shard's line 1 says what is lost, so that it can be hidden from nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.audit import labels, record
from gateway.audit.losses import DONE, own_losses
from gateway.audit.note import Checkpoint, NoteInvalid, Verifier, open_checkpoint
from gateway.audit.record import Event, Kind
from gateway.audit.shard import Origin, index_origin
from gateway.errors import JournalUnavailable
from gateway.journal.guard import (
    OTHER,
    CheckpointKeeper,
    Restored,
    Seal,
    behind,
    declared,
    grew_from,
    index_unkept,
    kept_checkpoint,
    kept_checkpoints,
    reached,
)
from gateway.journal.shards import Shards
from gateway.journal.whole import in_order
from gateway.keeping.regaining import Regained
from gateway.keeping.said import said
from gateway.ports import Committed, Entry, EpochStore, JournalStore, Shard
from gateway.stages import Position


@dataclass(frozen=True, slots=True)
class Lost:
    """Lines that were signed and are not in the database any more."""

    origin: str
    start: int
    stop: int | None
    """None: what was signed last is not known either, so that any number may be lost."""
    indexed: int | None
    """Where epochs were lost that were signed: how many lines are in the last index that is left. What comes after is
    there, and can't be proved to be all. None: no epoch is lost."""
    since: str | None
    """The time of the last line before them."""

    @property
    def whole(self) -> bool:
        """Out: whether nothing of the shard can be proved."""
        return self.start == 0 or self.indexed == 0

    @property
    def told(self) -> tuple[str, ...]:
        """Out: as the log says it: ranges of lines, half-open."""
        said: list[str] = []
        if self.stop is None or self.start < self.stop:
            said.append(f"{self.origin} {self.start}-{'?' if self.stop is None else self.stop}")
        if self.indexed is not None:
            said.append(f"{index_origin(self.origin)} {self.indexed}-{self.start}")
        return tuple(said)


@dataclass(frozen=True, slots=True)
class Restart:
    """How a class goes on."""

    retention: str
    opening: str
    """The shard to be opened."""
    previous: str | None
    """The signed note it follows; None: the head there is."""
    lost: tuple[Lost, ...]
    found: tuple[str, int]
    """The class's last shard in the database, and its lines."""
    there: tuple[str, int] | None
    """The last one that can be proved, as far as it can."""

    @property
    def told(self) -> tuple[str, ...]:
        """Out: what is lost, as the log says it; where a whole shard is, with the one before it."""
        lost = tuple(told for one in self.lost for told in one.told)
        if not any(one.whole for one in self.lost):
            return lost
        return (*lost, f"last there: {self.there[0]} {self.there[1]}" if self.there else "last there: none")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore has to do, kept until it is done."""

    reason: str
    classes: tuple[Restart, ...] = ()
    """None: it is not known yet, as lines are still being put back."""
    regained: tuple[str, ...] = ()
    """Lines that were put back."""

    @property
    def lost(self) -> tuple[Lost, ...]:
        return tuple(lost for restart in self.classes for lost in restart.lost)

    def render(self) -> str:
        """Out: as JSON."""
        return json.dumps({"v": 1, **asdict(self)})

    @classmethod
    def parse(cls, text: str) -> Plan:
        """Undo `render`. Raises: ValueError."""
        try:
            said: dict[str, Any] = json.loads(text)
            classes = tuple(
                Restart(
                    one["retention"],
                    one["opening"],
                    one["previous"],
                    tuple(Lost(**lost) for lost in one["lost"]),
                    (one["found"][0], one["found"][1]),
                    (one["there"][0], one["there"][1]) if one["there"] else None,
                )
                for one in said["classes"]
            )
            return cls(said["reason"], classes, tuple(said["regained"]))
        except (KeyError, TypeError):
            raise ValueError("not the plan of a restore") from None


async def unfinished(retention: str, store: JournalStore, seal: Seal) -> bool:
    """In: the class that lines about the house go to. Out: whether the log itself tells of a restore, and not that it
    came to its end, whatever became of its plan: in lines that only the house writes."""
    return await _ended(retention, store, seal) is False


async def has_ended(retention: str, store: JournalStore, seal: Seal) -> bool:
    """In: as `unfinished`. Out: whether the newest shard is one that a restore opened, and that came to its end."""
    return await _ended(retention, store, seal) is True


async def _ended(retention: str, store: JournalStore, seal: Seal) -> bool | None:
    """Out: None: no restore opened the newest shard."""
    shard = [shard for shard in await store.shards() if shard.retention == retention][-1]
    origin, own = shard.head.origin, seal(shard)
    first = await store.line(Position(origin, 1))
    if first is None:
        return None
    line = first.line
    if not own_losses(origin, line.leaf, line.salt, line.event, own).restored:
        return None
    for one in await store.labelled(origin, labels.system(origin)):
        if not labels.by_house(own, one.line.salt, one.line.event):
            continue
        with suppress(record.EventInvalid):  # a damaged one says nothing: `log verify` names it
            event = record.from_bytes(one.line.event or b"")
            if isinstance(event, Event) and DONE in (event.reasons or ()):
                return True
    return False


class Restoring:
    """The restart of one house's log."""

    def __init__(
        self, shards: Shards, store: JournalStore, epochs: EpochStore, kept: CheckpointKeeper
    ) -> None:
        self._shards, self._store, self._epochs, self._kept = shards, store, epochs, kept

    async def assess(
        self, reason: str, keys: Mapping[str, Verifier], now: datetime, regained: Sequence[Regained] = ()
    ) -> Plan:
        """Out: what is missing, and how each class goes on. Changes nothing. In: the log key of each shard; what was
        put back before.

        Raises: Restored, when the database is not the one that was signed: only people can tell which of the two is the
        right one; JournalUnavailable, when a kept checkpoint is not signed by its shard.
        """
        signed = kept_checkpoints(self._kept)
        stored = await self._store.shards()
        in_order(stored, reached(stored, self._shards.seal))
        for origin in signed:
            self._check(str(origin), keys.get(str(origin)))
        for shard in stored:
            if not await grew_from(shard, signed, self._store):
                raise Restored(shard.head.origin, OTHER)
        classes = dict.fromkeys(shard.retention for shard in stored)
        restarts = [await self._restart(name, stored, signed, now) for name in classes]
        return Plan(reason, tuple(restarts), tuple(one.told for one in regained))

    def _check(self, origin: str, key: Verifier | None) -> None:
        note = self._kept.read(origin)
        if key is None or note is None:  # of a shard that is gone as a whole, only its name is used
            return
        try:
            open_checkpoint(note, key)
        except NoteInvalid:
            raise JournalUnavailable("checkpoint file (not signed by its shard)") from None

    async def _restart(
        self, retention: str, stored: Sequence[Shard], signed: Mapping[Origin, Checkpoint], now: datetime
    ) -> Restart:
        mine = [shard for shard in stored if shard.retention == retention]
        last = Origin.parse(mine[-1].head.origin)
        seal = self._shards.seal
        less = behind(mine, signed, reached(stored, seal))
        missing = [origin for origin in less if origin in signed and origin.retention == retention]
        open_ = [one for one in missing if not await declared(one, mine, signed, self._store, seal)]
        lost = [
            await self._lost(origin, mine, signed[origin])
            for origin in sorted(open_, key=lambda one: one.place)
        ]
        size = mine[-1].head.size
        if last not in signed:  # what was kept of it is gone
            time, indexed = await self._time(mine[-1]), await self._indexed(mine[-1])
            lost.append(Lost(str(last), size, None, indexed, time))
        elif last not in open_ and (indexed := await self._indexed(mine[-1])) is not None:
            lost.append(Lost(str(last), size, size, indexed, await self._time(mine[-1])))
        newest = max([last, *open_, *self._named(retention)], key=lambda one: one.place)
        previous = self._kept.read(str(newest)) if newest in open_ else None
        there = await self._there(mine)
        return Restart(retention, str(newest.successor(now)), previous, tuple(lost), (str(last), size), there)

    def _named(self, retention: str) -> Sequence[Origin]:
        """Out: the class's shards of which anything is kept: no name is used twice."""
        named: list[Origin] = []
        for name in self._kept.origins():
            with suppress(ValueError):  # another file
                named.append(Origin.parse(name.removesuffix(index_origin(""))))
        return [origin for origin in named if origin.retention == retention]

    async def _there(self, mine: Sequence[Shard]) -> tuple[str, int] | None:
        for shard in reversed(mine):
            indexed = await self._indexed(shard)
            if indexed != 0:
                return shard.head.origin, shard.head.size if indexed is None else indexed
        return None

    async def stands(self, plan: Plan) -> bool:
        """Out: whether the database is still the one that the plan was made for, as far as it was gone on with."""
        stored = await self._store.shards()
        sizes = {shard.head.origin: shard.head.size for shard in stored}
        last = {shard.retention: shard.head.origin for shard in stored}
        return last.keys() == {one.retention for one in plan.classes} and all(
            sizes.get(one.found[0]) == one.found[1] and last[one.retention] in (one.found[0], one.opening)
            for one in plan.classes
        )

    async def _lost(self, origin: Origin, mine: Sequence[Shard], signed: Checkpoint) -> Lost:
        for shard in mine:
            if shard.head.origin == str(origin):
                size = shard.head.size
                return Lost(
                    str(origin), size, signed.size, await self._indexed(shard), await self._time(shard)
                )
        return Lost(str(origin), 0, signed.size, None, None)

    async def _indexed(self, shard: Shard) -> int | None:
        """Out: how many lines the last epoch has, where later ones were signed, or may have been; None: it is the last
        one."""
        origin = shard.head.origin
        epochs = await self._epochs.epochs(origin)
        signed = kept_checkpoint(index_origin(origin), self._kept)
        there = signed is None or len(epochs) >= signed.size
        if there and not index_unkept(origin, len(epochs), self._kept):
            return None
        return epochs[-1].size if epochs else 0

    async def _time(self, shard: Shard) -> str | None:
        line = await self._store.line(Position(shard.head.origin, shard.head.size - 1))
        read = said(line) if line is not None else None
        return record.stamp(read.time) if read is not None and read.time is not None else None

    async def restart(self, plan: Plan, now: datetime) -> None:
        """Open every class's new shard, with the line that tells of the restore. Goes on where it was interrupted."""
        for one in plan.classes:
            shard = await self._shards.restart(one.retention, Origin.parse(one.opening), one.previous)
            if await self._store.line(Position(shard.origin, 1)) is not None:
                continue
            reasons = (plan.reason, *one.told, *plan.regained)
            told = record.to_bytes(Event(kind=Kind.RESTORED, time=now, reasons=reasons))
            result = await self._store.append(Entry(shard.origin, (shard.house_line(told),), now))
            # A crash here leaves the line; a restore that is gone on with finds it there.
            if not isinstance(result, Committed):
                raise JournalUnavailable("journal")
            await self._shards.checkpoint(result.head, shard)
        self._kept.flush()
