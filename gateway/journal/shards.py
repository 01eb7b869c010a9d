"""The shards a house writes to: their keys, their labels, their signed heads, and the roll to the next month.

LOG.md 5 and 9: a shard is a calendar month (UTC) of one retention class; whoever comes first after midnight of the
1st closes the old one and opens the next, whose leaf 0 carries the closing checkpoint.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from gateway.audit import labels
from gateway.audit.note import Checkpoint, sign
from gateway.audit.shard import Origin, ShardKeys, opening_event, statement_text
from gateway.ports import Head, Ids, JournalStore, Keys, Line, Shard
from gateway.stages import Position

_SECRETS_CONTEXT: Final = "einmal/shard/v1|"
_LABELS_KEPT: Final = 20_000


class Restored(Exception):
    """The store is behind a checkpoint that was signed: it was restored from a backup (LOG.md 9.6)."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"the log {origin} is behind its last signed checkpoint")
        self.origin = origin


def shard_keys(origin: str, sealed: bytes, keys: Keys) -> ShardKeys:
    """In: a shard's wrapped secrets. Raises: Fault, ValueError, when they are not this shard's."""
    return ShardKeys.from_bytes(origin, keys.unwrap(sealed, _SECRETS_CONTEXT + origin))


class CheckpointKeeper(Protocol):
    """Where the last signed checkpoint of each shard is kept, outside the database (LOG.md 9.6)."""

    def read(self, origin: str) -> str | None:
        """Out: the signed note, or None when none was ever kept."""
        ...

    def keep(self, origin: str, note: str) -> None:
        """Replace the kept note, atomically."""
        ...


@dataclass(slots=True)
class OpenShard:
    """A shard with its keys at hand, and the labels it has made lately (a VRF output takes 0.2 ms)."""

    origin: str
    month: tuple[int, int]
    keys: ShardKeys
    system: bytes
    signed: tuple[int, str] = (0, "")
    _labels: OrderedDict[str, bytes] = field(default_factory=OrderedDict, repr=False)

    def person(self, subject: str) -> bytes:
        """Out: the label of a person's lines in this shard."""
        found = self._labels.get(subject)
        if found is None:
            found = self._labels[subject] = labels.label(self.keys.vrf, self.origin, subject)
            if len(self._labels) > _LABELS_KEPT:
                self._labels.popitem(last=False)
        return found

    def sealed(self, exchange: str) -> bytes:
        """Out: the label of lines that belong to nobody (yet)."""
        return labels.sealed(self.keys.seal, exchange)


class Shards:
    """The open shard of each class, and how it becomes the next one."""

    def __init__(
        self,
        authority: str,
        classes: Sequence[str],
        store: JournalStore,
        keys: Keys,
        ids: Ids,
        kept: CheckpointKeeper,
    ) -> None:
        self._authority, self._classes = authority, tuple(classes)
        self._store, self._keys, self._ids, self._kept = store, keys, ids, kept
        self._open: dict[str, OpenShard] = {}

    async def create(self, now: datetime) -> None:
        """Open the first shard of every class. Explicit: running never does it."""
        for retention in self._classes:
            await self._begin(retention, (now.year, now.month), None)
        await self.load()

    async def load(self) -> None:
        """Know the store's open shards. Raises: Restored when the store is behind what was signed."""
        for shard in await self._guarded():
            if not shard.closed and shard.secrets is not None:
                known = self._open.get(shard.retention)
                if known is None or known.origin != shard.head.origin:
                    self._open[shard.retention] = self._opened(shard)

    async def current(self, retention: str, now: datetime) -> OpenShard:
        """Out: the class's shard for `now`, rolled over if its month has ended."""
        shard = self._open.get(retention)
        if shard is None or (now.year, now.month) > shard.month:
            await self._roll(retention, now)
            shard = self._open[retention]
        return shard

    async def stale(self, retention: str, now: datetime) -> None:
        """The store says the known shard is closed: another process rolled over, or is about to."""
        await self.load()
        shard = self._open.get(retention)
        closed = {one.head.origin for one in await self._store.shards() if one.closed}
        if shard is not None and shard.origin in closed:
            await self._roll(retention, now)

    def checkpoint(self, head: Head, shard: OpenShard) -> str:
        """Out: the signed note of a committed head. A size has one root, so signing again gives the same note."""
        size, note = shard.signed
        if size != head.size:
            note = sign(Checkpoint(head.origin, head.size, head.root).text, shard.keys.log)
            if head.size > size:
                shard.signed = (head.size, note)
                self._kept.keep(head.origin, note)
        return note

    async def covering(self, position: Position) -> str:
        """Out: a signed checkpoint over a line committed earlier, perhaps by a process that died before signing."""
        for shard in await self._store.shards():
            if shard.head.origin == position.origin and shard.secrets is not None:
                known = self._open.get(shard.retention)
                opened = known if known and known.origin == position.origin else self._opened(shard)
                return self.checkpoint(shard.head, opened)
        return self._kept.read(position.origin) or ""

    async def headed(self) -> Sequence[tuple[OpenShard, Head, str]]:
        """Out: each shard whose keys are still there, oldest first within its class: keys, committed head, its note."""
        found: list[tuple[OpenShard, Head, str]] = []
        for shard in await self._store.shards():
            if shard.secrets is not None:
                known = self._open.get(shard.retention)
                opened = known if known and known.origin == shard.head.origin else self._opened(shard)
                found.append((opened, shard.head, self.checkpoint(shard.head, opened)))
        return found

    async def _roll(self, retention: str, now: datetime) -> None:
        """Close, sign the final head, open the next. A crash in between leaves a closed shard without a successor:
        whoever comes next signs the same final head and goes on."""
        last = [shard for shard in await self._store.shards() if shard.retention == retention][-1]
        month = Origin.parse(last.head.origin).month_number
        if not last.closed and (now.year, now.month) > month:
            await self._store.close_shard(last.head.origin)
            last = [shard for shard in await self._store.shards() if shard.retention == retention][-1]
        if last.closed:
            note = self.checkpoint(last.head, self._opened(last))
            await self._store.keep_checkpoint(last.head.origin, last.head.size, note)
            # A clock that lags behind the one that closed the month still opens the month after it.
            await self._begin(retention, max((now.year, now.month), _after(month)), note)
        await self.load()

    async def _begin(self, retention: str, month: tuple[int, int], previous: str | None) -> None:
        origin = str(Origin(self._authority, retention, *month))
        keys = ShardKeys.generate(origin, self._ids.random)
        statement = self._keys.sign_as_authority(statement_text(origin, keys))
        event = opening_event(self._classes, statement, previous)
        salt = self._ids.random(labels.SALT_BYTES)
        leaf = labels.leaf(labels.system(origin), labels.commit(salt, event))
        secrets = self._keys.wrap(keys.to_bytes(), _SECRETS_CONTEXT + origin)
        # False: another process was first; its keys stand, ours are forgotten.
        await self._store.open_shard(origin, retention, secrets, Line(leaf, salt, event))

    def _opened(self, shard: Shard) -> OpenShard:
        origin = shard.head.origin
        assert shard.secrets is not None
        keys = shard_keys(origin, shard.secrets, self._keys)
        return OpenShard(origin, Origin.parse(origin).month_number, keys, labels.system(origin))

    async def _guarded(self) -> Sequence[Shard]:
        """Out: the store's shards. Raises: Restored."""
        shards = await self._store.shards()
        kept = [(shard.head.origin, self._kept.read(shard.head.origin)) for shard in shards]
        sizes = {origin: int(note.split("\n", 2)[1]) for origin, note in kept if note is not None}
        if any(shard.head.size < sizes.get(shard.head.origin, 0) for shard in shards):
            # Lines committed and signed since the store was read put the note ahead: only a head read after the
            # note says that the store is behind.
            shards = await self._store.shards()
        for shard in shards:
            if shard.head.size < sizes.get(shard.head.origin, 0):
                raise Restored(shard.head.origin)
        return shards


def _after(month: tuple[int, int]) -> tuple[int, int]:
    year, number = month
    return (year, number + 1) if number < 12 else (year + 1, 1)
