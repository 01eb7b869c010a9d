"""Holds: records that are kept beyond their time, for a reason, by somebody, to a day (LOG.md 8).

A hold keeps copies aside: what opens the lines of a person or of an exchange, their proofs under the shard's head, and
for a person the proof that the label is theirs, made while the shard's key is there. So the lines go on their day, and
the keys as well, and what is held can still be shown (gateway.audit.verify.exported.held says what it shows). Nothing
is erased before every hold that stands has its copy. Lines of the log name the hold and its norm, and nobody.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from gateway.audit import labels, proof
from gateway.audit.record import Event, EventInvalid, Kind, from_bytes
from gateway.audit.shard import Origin
from gateway.audit.verify.stored import holding as said_of_holds
from gateway.errors import Fault, JournalUnavailable
from gateway.journal.book import Journal
from gateway.journal.shards import OpenShard, Shards
from gateway.keeping import copies
from gateway.keeping.said import said
from gateway.ports import Head, HoldStore, JournalStore, Keys, StoredHold, StoredLine
from gateway.stages import Position

HOLD_CONTEXT: Final = "einmal/hold/v1|"
HELD_CONTEXT: Final = "einmal/held/v1|"
"""Of both: what follows is the hold's id. What is held of a shard names that shard inside."""
_UNREADABLE: Final = "unreadable"
_PART: Final = 1000
_TRIES: Final = 20

Headed: TypeAlias = tuple[OpenShard, Head, str]
"""A shard whose keys are there, its head, its note."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What is held, why, to which day (German, the last one), and who ordered it."""

    id: str
    reason: str
    norm: str
    by: str
    until: date
    subjects: tuple[str, ...] = field(default=(), repr=False)
    """Every form of a person (LOG.md 5); empty where an exchange is held."""
    exchange: str | None = None

    def sealed_part(self) -> bytes:
        """Out: what is wrapped beside the hold's id and days; its last day once more, so that nobody moves it."""
        told = {"reason": self.reason, "norm": self.norm, "by": self.by, "until": self.until.isoformat()}
        return json.dumps(told | {"subjects": self.subjects, "exchange": self.exchange}).encode()


class Lifted(StrEnum):
    """How a hold ended."""

    OVER = "over"
    UNREAD = "unread"
    """Its row is gone, or can't be opened: nobody can tell whom or what it held."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A hold as it is listed."""

    stored: StoredHold
    hold: Hold | None
    """None once it is over, or when it can't be opened."""
    lines: int
    """How many lines it keeps open."""


class Holds:
    """The only maker of copies for holds."""

    def __init__(
        self, store: HoldStore, lines: JournalStore, shards: Shards, journal: Journal, keys: Keys
    ) -> None:
        self._store, self._lines, self._shards = store, lines, shards
        self._journal, self._keys = journal, keys

    async def place(self, hold: Hold, now: datetime) -> int:
        """Place a hold and copy what it speaks of. Out: of how many lines. Raises: JournalUnavailable."""
        told = Event(kind=Kind.HOLD_PLACED, time=now, reasons=(hold.norm, hold.id))
        await self._journal.house_event(told, now)
        # A crash here leaves a line about a hold that holds nothing yet: it is placed again, under another id.
        sealed = self._keys.wrap(hold.sealed_part(), HOLD_CONTEXT + hold.id)
        await self._store.place(StoredHold(hold.id, now, hold.until, sealed))
        # A crash here leaves a hold without copies: they are made before anything is erased.
        await self._copy(hold)
        return sum(len(copies.opened(part)) for _, part in (await self._parts(hold.id)).values())

    async def lift(self, hold: str, now: datetime) -> Lifted | None:
        """End a hold: its copies are destroyed. One that the log placed and that is gone ends as well, unread.

        Out: None: there is no such hold, or it is over."""
        stored = next((one for one in await self._store.holds() if one.hold == hold), None)
        gone = stored is None or stored.lifted is not None
        norm = (await self._said()).placed(hold) if stored is None or gone else self._norm(stored)
        if norm is None:
            return None
        await self._journal.house_event(Event(kind=Kind.HOLD_LIFTED, time=now, reasons=(norm, hold)), now)
        if gone:
            return Lifted.UNREAD
        # A crash here leaves the copies: the hold stands, and is lifted once more.
        done = await self._store.lift(hold, now)
        return (Lifted.UNREAD if norm == _UNREADABLE else Lifted.OVER) if done else None

    async def expire(self, today: date, now: datetime) -> int:
        """End every hold whose last day is over. Out: how many."""
        over = [hold for hold in await self.standing() if hold.until < today]
        return sum([await self.lift(hold.id, now) is not None for hold in over])

    async def standing(self) -> tuple[Hold, ...]:
        """Out: every hold that is not over. Raises: Fault, when one can't be opened: then nothing may be erased."""
        return tuple(self._open(one) for one in await self._store.holds() if one.lifted is None)

    async def all_there(self) -> None:
        """Raises: Fault, when a hold that a line placed and none lifted is gone, or a copy of what was erased: then
        nobody knows what may be erased."""
        said, standing = await self._said(), await self.standing()
        held = {(one.id, origin) for one in standing for origin, _ in await self._store.held(one.id)}
        lacking = [*said.missing({one.id for one in standing})]
        placed = {one.hold: said_of_holds.milliseconds(one.placed) for one in await self._store.holds()}
        since = {one.id: placed[one.id] for one in standing}
        lacking += [hold for hold, _ in said.uncopied(since, held)]
        if lacking:
            raise Fault(f"missing-hold {lacking[0]}")

    async def _said(self) -> said_of_holds.Holds:
        """Out: what the house's lines say of holds."""
        said = said_of_holds.Holds()
        for shard, _, _ in await self._shards.headed():
            for line in await self._lines.labelled(shard.origin, shard.system):
                if line.line.event is None or not shard.wrote(line.line):
                    continue
                with suppress(EventInvalid):  # a damaged one says nothing: `log verify` names it
                    from_bytes(line.line.event)
                    said.hear(json.loads(line.line.event))
        return said

    async def listed(self) -> Sequence[Listed]:
        """Out: every hold there ever was, oldest first."""
        found: list[Listed] = []
        for stored in await self._store.holds():
            try:
                parts = (await self._parts(stored.hold)).values()
                lines = sum(len(copies.opened(part)) for _, part in parts)
                found.append(Listed(stored, self._open(stored), lines))
            except JournalUnavailable:
                raise
            except Fault:  # over, or not sealed by this house
                found.append(Listed(stored, None, 0))
        return found

    async def export(self, hold: str, now: datetime) -> bytes | None:
        """Out: what the hold keeps by now, as a proof (LOG.md 7); None: there is no such hold, or it keeps nothing. A
        line says that it was handed out."""
        held = next((one for one in await self.standing() if one.id == hold), None)
        if held is None:
            return None
        told = Event(kind=Kind.HOLD_EXPORTED, time=now, reasons=(held.norm, held.id))
        await self._journal.house_event(told, now)
        # A crash here leaves a line about a file that nobody got: rather one too many than one too few.
        await self._copy(held)
        parts = [part for _, part in (await self._parts(hold)).values() if part.subjects]
        if not parts:
            return None
        year, month = min(Origin.parse(part.origin).month_number for part in parts)
        keys = self._keys
        whose = proof.authority(keys.identity, keys.succession, [part.start for part in parts])
        return proof.Proof.make(whose, date(year, month, 1), now, parts).render()

    # --- copies ----------------------------------------------------------------------------------------------
    async def secure(self, holds: Iterable[Hold], shard: Headed, lines: Sequence[StoredLine] = ()) -> None:
        """Let each of these holds have its copy of what it speaks of in the shard, an empty one where that is nothing:
        so a missing one is missed. In: lines, those of held exchanges among them. A person's are looked up, and found
        among these by their leaves."""
        for hold in holds:
            if hold.exchange is None:
                await self._secure(hold, shard, await self._theirs(hold, shard[0], lines))
            else:
                found = [line for line in lines if _speaks(line, hold.exchange)]
                await self._secure(hold, shard, found)

    async def speaks(self, exchange: str) -> bool:
        """Out: whether a line that can be opened speaks of that exchange."""
        for shard in await self._shards.headed():
            async for lines in self._pages(shard):
                if any(_speaks(line, exchange) for line in lines):
                    return True
        return False

    async def _copy(self, hold: Hold) -> None:
        for shard in await self._shards.headed():
            if hold.exchange is None:
                await self.secure((hold,), shard)
                continue
            async for lines in self._pages(shard):
                if any(_speaks(line, hold.exchange) for line in lines):
                    await self.secure((hold,), shard, lines)

    async def _pages(self, shard: Headed) -> AsyncIterator[Sequence[StoredLine]]:
        for start in range(1, shard[1].size, _PART):
            yield await self._lines.lines(shard[0].origin, start, start + _PART)

    async def _theirs(
        self, hold: Hold, shard: OpenShard, among: Sequence[StoredLine]
    ) -> Sequence[StoredLine]:
        own = held_labels((hold,), shard)
        found = [await self._lines.labelled(shard.origin, label) for label in own]
        return [line for lines in (*found, among) for line in lines if line.line.leaf[1:33] in own]

    async def _secure(self, hold: Hold, shard: Headed, lines: Sequence[StoredLine]) -> None:
        """Keep what opens these lines, and what was kept before; nothing is written when that is all the same."""
        keys, head, _ = shard
        for _ in range(_TRIES):
            before, kept = (await self._parts(hold.id)).get(keys.origin, (None, None))
            old = {} if kept is None else copies.entries(kept)
            new = {
                line.position.index: copies.entry(line, old)
                for line in lines
                if line.position.index < head.size
            }
            if kept is not None and all(index in old and old[index] == new[index] for index in new):
                return
            part = await self._part(hold, shard, old | new)
            sealed = self._keys.wrap(
                part.model_dump_json(exclude_unset=True).encode(), HELD_CONTEXT + hold.id
            )
            if await self._store.keep(hold.id, keys.origin, sealed, before):
                return
            if all(one.hold != hold.id or one.lifted for one in await self._store.holds()):
                return
        raise JournalUnavailable("hold")

    async def _part(self, hold: Hold, shard: Headed, entries: Mapping[int, copies.Kept]) -> proof.ShardProof:
        keys, head, note = shard
        opening = await self._lines.line(Position(keys.origin, 0))
        if opening is None:
            raise Fault("hold")
        line = opening.line
        start = labels.opened(line.leaf, line.salt, line.event)
        if start is None:
            raise Fault("hold")
        order = sorted(entries)
        first, *paths = await self._lines.inclusions(keys.origin, [0, *order], head.size)
        by_label: dict[bytes, list[proof.Entry]] = {}
        for index, path in zip(order, paths, strict=True):
            leaf, opened = entries[index]
            by_label.setdefault(leaf[1:33], []).append(proof.entry(index, leaf, opened, path))
        return proof.ShardProof(
            origin=keys.origin,
            log=proof.LogHead(checkpoint=note),
            start=proof.Start(
                leaf=line.leaf,
                salt=start[0],
                event=start[1],
                proof=tuple(first),
            ),
            subjects=tuple(_subjects(hold, keys, by_label)),
        )

    async def _parts(self, hold: str) -> dict[str, tuple[bytes, proof.ShardProof]]:
        """Out: by shard what is kept of it, wrapped and opened, in the order of the shards. Raises: Fault."""
        found: dict[str, tuple[bytes, proof.ShardProof]] = {}
        for origin, sealed in await self._store.held(hold):
            found[origin] = sealed, open_part(hold, origin, sealed, self._keys)
        return found

    def _norm(self, stored: StoredHold) -> str:
        """Out: its norm; a hold that can't be opened any more has to end as well."""
        try:
            return self._open(stored).norm
        except Fault:
            return _UNREADABLE

    def _open(self, stored: StoredHold) -> Hold:
        return open_hold(stored, self._keys)


def open_hold(stored: StoredHold, keys: Keys) -> Hold:
    """Out: what is kept, why and for whom. Raises: Fault, ValueError, when it is not what was placed under its id."""
    if stored.sealed is None:
        raise Fault("hold")
    told = json.loads(keys.unwrap(stored.sealed, HOLD_CONTEXT + stored.hold))
    subjects, until = tuple(told.pop("subjects")), date.fromisoformat(told.pop("until"))
    if until != stored.until:
        raise Fault("hold")
    return Hold(stored.hold, until=until, subjects=subjects, **told)


def open_part(hold: str, origin: str, sealed: bytes, keys: Keys) -> proof.ShardProof:
    """Out: what a hold keeps of a shard. Raises: Fault, ValueError, when it is not of that hold and shard."""
    part = proof.ShardProof.model_validate_json(keys.unwrap(sealed, HELD_CONTEXT + hold))
    if part.origin != origin:
        raise Fault("hold")
    return part


def held_labels(holds: Iterable[Hold], shard: OpenShard) -> frozenset[bytes]:
    """Out: the labels of held persons in that shard."""
    return frozenset(shard.person(subject) for hold in holds for subject in hold.subjects)


def concerns(line: StoredLine, held: Collection[bytes], holds: Iterable[Hold]) -> bool:
    """In: the labels of held persons in the line's shard. Out: whether one of the holds speaks of the line."""
    return line.line.leaf[1:33] in held or any(
        hold.exchange is not None and _speaks(line, hold.exchange) for hold in holds
    )


def _speaks(line: StoredLine, exchange: str) -> bool:
    event = line.line.event
    if event is None or exchange.encode() not in event:
        return False
    read = said(line)
    return read is not None and read.exchange == exchange


def _subjects(
    hold: Hold, shard: OpenShard, entries: Mapping[bytes, Sequence[proof.Entry]]
) -> Iterable[proof.Subject]:
    """Out: a person's forms, each with the proof of its label; or an exchange's lines by their labels, whose owners the
    log does not tell."""
    if hold.exchange is not None:
        for label, found in entries.items():
            named = proof.exchange_subject(hold.exchange)
            yield proof.Subject(subject=named, vrf_proof=b"", label=label, entries=tuple(found))
    for subject in hold.subjects:
        label, pi = labels.prove_label(shard.keys.vrf, shard.origin, subject)
        yield proof.Subject(subject=subject, vrf_proof=pi, label=label, entries=tuple(entries.get(label, ())))
