"""The shards a house writes to: their keys, their labels, their signed heads, and the roll to the next month.

LOG.md 5 and 9: a shard is a calendar month (UTC) of one retention class; whoever comes first after midnight of the
1st closes the old one and opens the next, whose leaf 0 carries the closing checkpoint.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from gateway.audit import labels
from gateway.audit.record import Event, EventInvalid, ShardOpened, from_bytes
from gateway.audit.shard import Origin, ShardKeys, opening_event, statement_text
from gateway.errors import Fault
from gateway.journal.guard import CheckpointKeeper, guarded, kept_checkpoint
from gateway.journal.signing import Signing
from gateway.journal.whole import whole
from gateway.ports import Head, Ids, JournalStore, Keys, Line, Shard
from gateway.stages import Position

SECRETS_CONTEXT: Final = "einmal/shard/v1|"
_LABELS_KEPT: Final = 20_000


def shard_keys(origin: str, sealed: bytes, keys: Keys) -> ShardKeys:
    """In: a shard's wrapped secrets. Raises: Fault, ValueError, when they are not this shard's."""
    return ShardKeys.from_bytes(origin, keys.unwrap(sealed, SECRETS_CONTEXT + origin))


@dataclass(slots=True)
class OpenShard:
    """A shard with its keys at hand, and the labels it has made lately (a VRF output takes 0.2 ms)."""

    origin: str
    month: tuple[int, int]
    keys: ShardKeys
    system: bytes
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

    def line(self, label: bytes, event: bytes, ids: Ids) -> Line:
        """Out: a line under a label of this shard: about the house, or with a random salt."""
        if label == self.system:
            return self.house_line(event)
        salt = ids.random(labels.SALT_BYTES)
        return Line(labels.leaf(label, labels.commit(salt, event)), salt, event)

    def house_line(self, event: bytes) -> Line:
        """Out: a line about the house: with a salt that nobody makes without the shard's secrets (decision 0029)."""
        salt = labels.house_salt(self.keys.seal, event)
        return Line(labels.leaf(self.system, labels.commit(salt, event)), salt, event)

    def wrote(self, line: Line) -> bool:
        """Out: whether it is a line about the house, and the house's own."""
        leaf, salt, event = labels.parse_leaf(line.leaf), line.salt, line.event
        if leaf is None or leaf.label != self.system or salt is None or event is None:
            return False
        return labels.opens(leaf, salt, event) and labels.by_house(self.keys.seal, salt, event)


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
        self._signing = Signing(store, kept)
        self._day: date | None = None
        self._named: set[str] = set()
        """The classes that every open shard was seen to name."""

    async def create(self, now: datetime) -> None:
        """Open the first shard of every class. Explicit: running never does it."""
        for retention in self._classes:
            await self._begin(Origin.at(self._authority, retention, now), None)
        await self.load()

    def seal(self, shard: Shard) -> bytes | None:
        """Out: a shard's seal secret: by it the lines are known that only the house writes (decision 0029). None, where
        nobody can tell: it is destroyed, or is not this house's."""
        if shard.secrets is None:
            return None
        try:
            return shard_keys(shard.head.origin, shard.secrets, self._keys).seal
        except (Fault, ValueError):
            return None

    async def whole(self) -> Sequence[Shard]:
        """Out: the store's shards, oldest first within their class. Raises: Restored, when one is missing, or is not as
        it was left: nothing is signed, shown or erased then."""
        return await whole(self._store, self._kept, self.seal, self._signing.sound)

    async def load(self) -> None:
        """Know the store's open shards. Raises: Restored when the store is behind what was signed, or not whole."""
        shards = await guarded(self._store, self._kept, self.seal, self._signing.sound)
        ended = {shard.head for shard in await self.whole() if shard.closed}
        self._signing.sound.update(shard.head for shard in shards if shard.head in ended)
        for shard in shards:
            if not shard.closed and shard.secrets is not None:
                known = self._open.get(shard.retention)
                if known is None or known.origin != shard.head.origin:
                    opened = self._opened(shard)
                    if self._kept.read(opened.origin) is None:
                        await self._signing.stored(shard, opened.keys)
                        self._kept.flush()
                        # A crash here leaves leaf 0 kept. Before it, whoever loads the shard keeps it: no line is
                        # added to a shard of which nothing is kept, so that one without is one that lost it.
                    self._open[shard.retention] = opened

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

    async def checkpoint(self, head: Head, shard: OpenShard) -> str:
        """In: the head that lines of this process have made. Out: its signed note. Raises: Restored, when it is not of
        one log with what others have signed; JournalUnavailable."""
        return await self._signing.committed(head, shard.keys)

    async def stand(self) -> None:
        """Raises: Restored, when a shard is not of one log with what was signed of it; JournalUnavailable."""
        for shard in await self.whole():
            if shard.secrets is not None:
                await self._signing.agree(shard)

    def begin_index(self, shard: OpenShard) -> None:
        """Keep the checkpoint of the shard's index before it has an epoch: one that is missing later was lost."""
        self._signing.begin_index(shard.origin, shard.keys)

    async def covering(self, position: Position) -> str:
        """Out: a signed checkpoint over a line committed earlier, perhaps by a process that died before signing."""
        for shard in await self.whole():
            if shard.head.origin == position.origin and shard.secrets is not None:
                return (await self._headed(shard))[2]
        return self._kept.read(position.origin) or ""

    async def headed(self) -> Sequence[tuple[OpenShard, Head, str]]:
        """Out: each shard whose keys are still there, oldest first within its class: keys, committed head, its note."""
        found: list[tuple[OpenShard, Head, str]] = []
        for shard in await self.whole():
            if shard.secrets is not None:
                found.append(await self._headed(shard))
        return found

    async def _headed(self, shard: Shard) -> tuple[OpenShard, Head, str]:
        known = self._open.get(shard.retention)
        if known is None or known.origin != shard.head.origin:
            known = self._opened(shard)
        return known, shard.head, await self._signing.stored(shard, known.keys)

    async def roll(self, now: datetime) -> None:
        """Begin the month of `now` in every class, whether or not anything happens in it; and renew each that began
        before a class was added, so that its newest leaf 0 names all, and no export can leave one out (LOG.md 5)."""
        known = await self._known()
        for retention in known:
            await self.current(retention, now)
        if self._named != set(known):
            for retention in known:
                last = await self._last(retention)
                if not last.closed and not set(known) <= await self._names(last.head.origin):
                    await self._follow(last, Origin.parse(last.head.origin).successor(now))
            # A crash here, or between two of them, leaves some that do not name all: whoever rolls next renews those.
            self._named = set(known)

    async def _known(self) -> Sequence[str]:
        """Out: the classes of the settings, and those that were taken out of them: their lines are kept and told of
        until their day, and no class may end unseen (LOG.md 5)."""
        stored = (shard.retention for shard in await self._store.shards())
        return tuple(dict.fromkeys((*self._classes, *stored)))

    async def _names(self, origin: str) -> set[str]:
        """Out: the classes that a shard's leaf 0 names."""
        opening = await self._read(Position(origin, 0))
        return set(opening.classes) if isinstance(opening, ShardOpened) else set()

    async def last_told(self, head: Head) -> datetime | None:
        """Out: the time of a shard's last line; None when that is erased, or leaf 0, which has none."""
        last = await self._read(Position(head.origin, head.size - 1))
        return last.time if isinstance(last, Event) else None

    async def _read(self, position: Position) -> Event | ShardOpened | None:
        found = await self._store.line(position)
        if found is None:
            return None
        opened = labels.opened(found.line.leaf, found.line.salt, found.line.event)
        try:
            return from_bytes(opened[1]) if opened is not None else None
        except EventInvalid:  # `log verify` names it
            return None

    async def begin_day(self, now: datetime) -> None:
        """Begin the month in every class, and keep the day's checkpoint of each open shard (LOG.md 9): whoever is there
        first after midnight, at the latest when a process starts."""
        await self.roll(now)
        if self._day != now.date():
            for shard, head, note in await self.headed():
                if self._open.get(Origin.parse(shard.origin).retention) is shard:
                    await self._store.keep_checkpoint(shard.origin, head.size, note)
            # A crash here leaves the day's checkpoint kept, perhaps twice: of one size the first stays.
            self._day = now.date()

    async def renew(self, retention: str, now: datetime) -> str:
        """Close the class's shard and open one with new keys, in a running month the month's next number.
        Out: its origin."""
        last = await self._last(retention)
        await self._follow(last, Origin.parse(last.head.origin).successor(now))
        return self._open[retention].origin

    async def restart(self, retention: str, opening: Origin, previous: str | None) -> OpenShard:
        """After a restore (`gateway.keeping.restoring`): close what is open, and open a shard that follows the signed
        note `previous`, or the head there is; that is signed only where it is not behind. Does it once. Out: the shard
        that was opened."""
        last = await self._last(retention)
        if last.head.origin != str(opening):
            last = await self._closed(last)
            known = kept_checkpoint(last.head.origin, self._kept)
            if known is None or known.size <= last.head.size:
                _, _, own = await self._headed(last)
                await self._store.keep_checkpoint(last.head.origin, last.head.size, own)
                previous = previous or own
            await self._begin(opening, previous)
            last = await self._last(retention)
        # A crash here leaves the shard opened: it is told of when the restore is gone on with.
        opened, _, _ = await self._headed(last)
        self._open[retention] = opened
        self._kept.flush()
        return opened

    async def _roll(self, retention: str, now: datetime) -> None:
        """Close, sign the final head, open the next. A crash in between leaves a closed shard without a successor:
        whoever comes next signs the same final head and goes on."""
        if not any(shard.retention == retention for shard in await self._store.shards()):
            await self._begin(
                Origin.at(self._authority, retention, now), None
            )  # a class added to the settings
            await self.load()
            return
        last = await self._last(retention)
        origin = Origin.parse(last.head.origin)
        if last.closed or origin.is_over(now):
            await self._follow(last, origin.successor(now))
        else:
            await self.load()

    async def _last(self, retention: str) -> Shard:
        return [shard for shard in await self._store.shards() if shard.retention == retention][-1]

    async def _follow(self, last: Shard, successor: Origin) -> None:
        last = await self._closed(last)
        _, _, note = await self._headed(last)
        await self._store.keep_checkpoint(last.head.origin, last.head.size, note)
        await self._begin(successor, note)
        await self.load()

    async def _closed(self, last: Shard) -> Shard:
        """Out: the shard with its final head: until it is closed, another process may add lines to it."""
        if last.closed:
            return last
        return replace(last, head=await self._store.close_shard(last.head.origin), closed=True)

    async def _begin(self, opening: Origin, previous: str | None) -> None:
        origin = str(opening)
        keys = ShardKeys.generate(origin, self._ids.random)
        statement = self._keys.sign_as_authority(statement_text(origin, keys))
        event = opening_event(await self._known(), statement, previous)
        line = OpenShard(origin, opening.month_number, keys, labels.system(origin)).house_line(event)
        secrets = self._keys.wrap(keys.to_bytes(), SECRETS_CONTEXT + origin)
        # False: another process was first; its keys stand, ours are forgotten.
        await self._store.open_shard(origin, opening.retention, secrets, line)

    def _opened(self, shard: Shard) -> OpenShard:
        origin = shard.head.origin
        assert shard.secrets is not None
        keys = shard_keys(origin, shard.secrets, self._keys)
        return OpenShard(origin, Origin.parse(origin).month_number, keys, labels.system(origin))
