"""Epochs: the index of every shard at a head, in its output log, to be handed out (LOG.md 6, 7).

1 the head is committed and signed · 2 the index is made of its lines, aside · 3 the epoch is committed, with the
log's checkpoint · 4 the output log is signed at that size · 5 the index is cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from gateway.audit.index import (
    CLOCK_SKEW,
    Absence,
    Flat,
    Index,
    IndexDamaged,
    OutputLeaf,
    Presence,
    output_leaf,
    stamp,
)
from gateway.audit.note import (
    NoteInvalid,
    Verifier,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    split,
    with_lines,
)
from gateway.audit.shard import Origin, index_origin
from gateway.audit.witness import cosignature
from gateway.errors import Fault, JournalUnavailable
from gateway.journal.guard import BEHIND, UNKEPT, CheckpointKeeper, Restored
from gateway.journal.shards import OpenShard, Shards
from gateway.ports import CosignatureStore, EpochStore, Head, IndexCache, StoredEpoch, Tree
from gateway.ports.tiles import TileStore
from gateway.proving.indexes import Indexes
from gateway.proving.lines import Aside
from gateway.proving.outputs import IndexWrong, OutputLog, OutputLogs

_TRIES: Final = 5
"""How often others may make a later epoch, and none that will do, before that is a fault."""


class Unchecked(Fault):
    """No auditor asked for has cosigned an index of that shard. Where: `auditor of <origin>`."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"auditor of {origin}")


class DatedAhead(Fault):
    """An epoch is later than now: the clock was ahead when it was made, or is behind. Where: `epoch of <origin>`."""

    def __init__(self, origin: str, time: datetime) -> None:
        super().__init__(f"epoch of {origin}, {stamp(time)}")


@dataclass(frozen=True, slots=True)
class Indexed:
    """A shard at a head, with its index and what vouches for it."""

    shard: OpenShard
    head: Head
    """The log as far as it is indexed."""
    checkpoint: str
    """The log's note of that head, with the cosignatures kept."""
    epoch: StoredEpoch
    time: datetime
    """The epoch's: the cut-off."""
    output: str
    """The output log's note that ends with the epoch, with the cosignatures kept."""
    output_path: tuple[bytes, ...]
    """The epoch's inclusion in it."""
    index: Index
    """Ask it through `Epochs.find`."""


class Epochs:
    """The only maker of epochs, for whoever hands out proofs."""

    def __init__(
        self,
        shards: Shards,
        store: EpochStore,
        stored: TileStore,
        cosignatures: CosignatureStore,
        cache: IndexCache,
        kept: CheckpointKeeper,
        aside: Aside,
    ) -> None:
        self._shards, self._store, self._cosignatures = shards, store, cosignatures
        self._indexes = Indexes(store, stored, cache, aside)
        self._outputs = OutputLogs(store, kept)

    async def make(self, now: datetime) -> Sequence[Indexed]:
        """Out: every shard whose keys are there, by class and then age: the newest of each class at an epoch of
        `now`'s second, over all that was committed before; a closed one at its last, if a restore left it one.

        A closed one's last is no later than its last line: it says nothing of what was written after it was closed
        (docs/decisions/0021). Raises: DatedAhead, Restored, IndexWrong, JournalUnavailable.
        """
        await self._shards.roll(now)
        headed = await self._shards.headed()
        await self._outputs.begin(self._shards, [shard for shard, _, _ in headed])
        newest = _newest([shard.origin for shard, _, _ in headed])
        second = now.replace(microsecond=0)
        found: list[Indexed] = []
        for shard, head, note in headed:
            before = found[-1] if found and _follows(shard, found[-1].shard) else None
            until = second
            if shard.origin not in newest:
                until = min(second, await self._ended(shard, head, before))
            await self._not_ahead(shard.origin, second)
            one = await self._at(shard, head, note, until, is_open=shard.origin in newest)
            if one is not None:
                found.append(one)
        self._indexes.keep_only(newest)
        return found

    async def checked(self, by: Sequence[Verifier]) -> Sequence[Indexed]:
        """Out: every shard at the newest epoch whose index one of these auditors cosigned; a closed one at its last, if
        a restore left it one.

        Raises: Unchecked, when a shard has none; IndexWrong, JournalUnavailable.
        """
        headed = await self._shards.headed()
        newest = _newest([shard.origin for shard, _, _ in headed])
        found: list[Indexed] = []
        for shard, head, _ in headed:
            log = await self._outputs.read(shard.origin)
            kept = await self._cosignatures.cosignatures(shard.origin, Tree.INDEX)
            vkeys = {auditor.vkey for auditor in by}
            ends = [one.size for one in kept if one.vkey in vkeys and 0 < one.size <= len(log.hashes)]
            epochs = await self._store.epochs(shard.origin, max(ends) - 1) if ends else ()
            if log.behind and log.last is None:
                continue
            if not epochs or not (shard.origin in newest or _is_last(epochs[0], head, log)):
                raise Unchecked(shard.origin)
            indexed = await self._indexed(shard, log, epochs[0])
            try:
                open_note(indexed.output, by)
            except NoteInvalid:
                raise Unchecked(shard.origin) from None
            found.append(indexed)
        return found

    async def find(self, indexed: Indexed, labels: Sequence[bytes]) -> Sequence[Presence | Absence]:
        """Out: for each label the proof that it is in the index, or that it isn't: checked, and where a cached index
        is damaged, of one that is made again. Raises: IndexWrong, when the lines are not what the epoch says."""
        try:
            return [indexed.index.find(label) for label in labels]
        except IndexDamaged:
            root = OutputLeaf.parse(indexed.epoch.leaf).index_root
            again = await self._indexes.again(indexed.head, root)
            return [again.find(label) for label in labels]

    async def rows(self, indexed: Indexed) -> Flat:
        """Out: what the index says of each label (`Index.rows`), reckoned under its epoch's root. Raises: IndexWrong,
        when the lines are not what the epoch says."""
        root = OutputLeaf.parse(indexed.epoch.leaf).index_root
        return (await self._indexes.reckoned(indexed.head, indexed.index, root)).rows()

    async def _not_ahead(self, origin: str, second: datetime) -> None:
        """Times never descend in an output log: after one that is dated ahead, each would claim what it can't know."""
        log = await self._outputs.read(origin)
        if log.last is not None and log.last[1].time > second + CLOCK_SKEW:
            raise DatedAhead(origin, log.last[1].time)

    async def _ended(self, shard: OpenShard, head: Head, before: Indexed | None) -> datetime:
        """Out: up to when a closed shard's lines tell: the last one's second. Where that is erased, nothing is claimed
        but that it began after the shard before it."""
        began = before.time if before is not None else datetime(*shard.month, 1, tzinfo=UTC)
        return max(began, await self._shards.last_told(head) or began).replace(microsecond=0)

    async def _at(
        self, shard: OpenShard, head: Head, note: str, second: datetime, *, is_open: bool
    ) -> Indexed | None:
        for _ in range(_TRIES):
            log = await self._outputs.read(shard.origin)
            if log.behind and is_open:
                raise Restored(index_origin(shard.origin), UNKEPT if log.unkept else BEHIND)
            if log.behind and log.last is None:
                return None
            if log.last is not None:
                epoch, said = log.last
                will_do = epoch.size >= head.size and (said.time >= second or not is_open)
                if will_do or log.behind:
                    return await self._indexed(shard, log, epoch)
            index = await self._indexes.new(log, head)
            made = await self._store.begin_epoch(
                shard.origin, head.size, partial(_leaf, index, note, second), note
            )
            # A crash here leaves an epoch that nobody has signed: whoever comes next signs the same.
            if made is not None:
                indexed = await self._indexed(shard, await self._outputs.read(shard.origin), made, index)
                # A crash here leaves an older index in the cache: the next one grows from that.
                await self._indexes.cache(shard.origin, index)
                return indexed
            again = {found[0].origin: found for found in await self._shards.headed()}.get(shard.origin)
            if again is None:  # destroyed meanwhile
                return None
            shard, head, note = again
        raise JournalUnavailable(f"epochs of {shard.origin}")

    async def _indexed(
        self, shard: OpenShard, log: OutputLog, epoch: StoredEpoch, index: Index | None = None
    ) -> Indexed:
        said = OutputLeaf.parse(epoch.leaf)
        checkpoint = parse_checkpoint(split(said.log)[0])
        await self._believe(shard, epoch.number + (index is None))
        output = self._outputs.sign(shard, log, epoch.number)
        head = Head(shard.origin, checkpoint.size, checkpoint.root)
        return Indexed(
            shard=shard,
            head=head,
            checkpoint=await self._cosigned(said.log, shard.origin, Tree.LOG, checkpoint.size),
            epoch=epoch,
            time=said.time,
            output=await self._cosigned(output, shard.origin, Tree.INDEX, epoch.number + 1),
            output_path=log.end(epoch.number)[1],
            index=index or await self._indexes.kept(head, said.index_root),
        )

    async def _believe(self, shard: OpenShard, stop: int) -> None:
        """Reckon again the epochs before number `stop` that nobody has signed yet: a process that died may have made
        them, or somebody who can write to the database. Raises: IndexWrong."""
        start = self._outputs.signed(shard.origin)
        unsigned = await self._store.epochs(shard.origin, start) if start < stop else ()
        for epoch in unsigned[: stop - start]:
            try:
                said = OutputLeaf.parse(epoch.leaf)
                head, _ = open_checkpoint(said.log, shard.keys.log.verifier)
            except (ValueError, NoteInvalid):
                raise IndexWrong(shard.origin) from None
            if head.size != epoch.size:
                raise IndexWrong(shard.origin)
            await self._indexes.again(Head(shard.origin, head.size, head.root), said.index_root)

    async def _cosigned(self, note: str, origin: str, tree: Tree, size: int) -> str:
        """Out: the note with the cosignatures kept. One that does not hold stops no export: `log verify` names it."""
        held: list[str] = []
        for one in await self._cosignatures.cosignatures(origin, tree, size):
            with suppress(NoteInvalid):
                held.append(cosignature(note, one.line, parse_vkey(one.vkey)))
        return with_lines(note, held)


def _newest(origins: Sequence[str]) -> set[str]:
    """In: oldest first within each class. Out: the last of each class."""
    return set({Origin.parse(origin).retention: origin for origin in origins}.values())


def _follows(shard: OpenShard, before: OpenShard) -> bool:
    return Origin.parse(shard.origin).retention == Origin.parse(before.origin).retention


def _is_last(epoch: StoredEpoch, head: Head, log: OutputLog) -> bool:
    """Out: whether a closed shard will have no later one: it has all lines, or a restore has lost the rest."""
    return epoch.size == head.size or (log.behind and epoch.number == len(log.hashes) - 1)


def _leaf(index: Index, note: str, second: datetime, last: StoredEpoch | None) -> bytes:
    """Out: the output leaf that follows on the last one; its time is no earlier than that one's."""
    if last is None:
        return output_leaf(1, index, note, stamp(second))
    return output_leaf(last.number + 2, index, note, stamp(max(second, OutputLeaf.parse(last.leaf).time)))
