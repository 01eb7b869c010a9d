"""What a restore lost and an auditor still has: leaves and epochs out of a folder of tiles (LOG.md 4; decision 0027).

A leaf says nothing about anybody, and what opened it is gone. But with it the tree is whole again: what is left can be
proved, and what is lost is a line that stands in its place, withheld.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit import labels, tree
from gateway.audit.identity import Identity
from gateway.audit.index import OutputLeaf
from gateway.audit.note import Checkpoint, Verifier, parse_checkpoint, split
from gateway.audit.retention import LOST, PUT_BACK
from gateway.audit.shard import Origin, index_origin
from gateway.audit.tiles import INDEX, tiles_of
from gateway.audit.verify.erasures import lost_lines
from gateway.audit.verify.published.folder import Files, Head, Unreadable, read_head, read_leaves
from gateway.journal.guard import CheckpointKeeper, Seal
from gateway.ports import EpochStore, JournalStore, Shard
from gateway.ports.restore import RestoreStore
from gateway.stages import Position

PART: Final = 256
"""Lines that are read at once."""


@dataclass(frozen=True, slots=True)
class Regained:
    """Lines whose leaves were put back."""

    origin: str
    start: int
    stop: int

    @property
    def told(self) -> str:
        """Out: as the log says it."""
        return f"{PUT_BACK}{self.origin} {self.start}-{self.stop}"


@dataclass(frozen=True, slots=True)
class Folder:
    """An auditors' folder of this authority's log."""

    files: Files
    identity: Identity


async def regain(
    folder: Folder,
    shards: Sequence[Shard],
    keys: Mapping[str, Verifier],
    store: RestoreStore,
    epochs: EpochStore,
    kept: CheckpointKeeper,
) -> None:
    """Put back what the folder has and the database lacks, as far as it is signed and goes on from what is there.

    In: the log key of each shard. Raises: Unreadable, when the folder is not that of this log: of the shard that is
    named nothing was put back; JournalUnavailable.
    """
    for shard in shards:
        origin = shard.head.origin
        if folder.files.read(f"{origin}/keys", 1 << 16) is None or origin not in keys:
            continue
        head = read_head(folder.files, Origin.parse(origin), folder.identity)
        if head.statement.log != keys[origin]:
            raise Unreadable(f"{origin}/keys", "not the keys of the shard in the database")
        size = max(shard.head.size, head.log.size)
        if head.log.size > shard.head.size:
            leaves = _leaves(folder.files, origin, head.log)
            if _root(leaves[: shard.head.size]) != shard.head.root:
                raise Unreadable(f"{origin}/checkpoint", "does not go on from what is in the database")
            await store.put_back(origin, shard.head.size, leaves[shard.head.size :], LOST)
            # A crash here leaves the shard closed and whole, and the plan of the restore, which is gone on with.
            kept.keep(origin, head.note)
        await _epochs(folder.files, head, size, store, epochs, kept)
    kept.flush()


async def untold(store: JournalStore, seal: Seal) -> Sequence[Regained]:
    """Out: the lines that were put back, by this restore however often it was interrupted, and that no line 1 of the
    house's own tells of: those at the end of a shard that say so of themselves."""
    shards, found = await store.shards(), list[Regained]()
    first = [(shard, await store.line(Position(shard.head.origin, 1))) for shard in shards]
    rows = [
        (shard.head.origin, (line.line.leaf, line.line.salt, line.line.event))
        for shard, line in first
        if line is not None and labels.by_house(seal(shard), line.line.salt, line.line.event)
    ]
    for shard in shards:
        if shard.closed:
            stop = shard.head.size
            told = lost_lines(rows, shard.head.origin, stop)
            start = max([await _withheld(shard, store), *(span.stop for span in told)])
            if start < stop:
                found.append(Regained(shard.head.origin, start, stop))
    return found


async def _withheld(shard: Shard, store: JournalStore) -> int:
    """Out: from which line on every line of the shard is one that was put back."""
    start = shard.head.size
    while part := await store.lines(shard.head.origin, max(0, start - PART), start):
        for line in reversed(part):
            if line.withheld != LOST:
                return start
            start = line.position.index
    return start


async def _epochs(
    files: Files, head: Head, size: int, store: RestoreStore, epochs: EpochStore, kept: CheckpointKeeper
) -> None:
    """Put back the epochs that the shard's output log lacks."""
    origin, there = str(head.origin), await epochs.epochs(str(head.origin))
    if head.index is None or head.index_note is None or head.index.size <= len(there):
        return
    leaves = _leaves(files, f"{origin}/{INDEX}", head.index)
    if leaves[: len(there)] != [epoch.leaf for epoch in there]:
        raise Unreadable(f"{origin}/{INDEX}/checkpoint", "does not go on from what is in the database")
    more = [(_size(leaf, f"{origin}/{INDEX}"), leaf) for leaf in leaves[len(there) :]]
    if more[-1][0] > size:
        return  # they index lines that nobody has any more
    await store.put_back_epochs(origin, more)
    kept.keep(index_origin(origin), head.index_note)


def _leaves(files: Files, place: str, head: Checkpoint) -> list[bytes]:
    """Out: every leaf of a tree, in order, once they make its signed root. Raises: Unreadable."""
    leaves = [leaf for name in tiles_of(head.size, 0) for leaf in read_leaves(files, place, name)]
    if _root(leaves) != head.root:
        raise Unreadable(f"{place}/tile/entries", "do not make the signed root")
    return leaves


def _root(leaves: Sequence[bytes]) -> bytes:
    return tree.append(tree.EMPTY_EDGE, [tree.leaf_hash(leaf) for leaf in leaves]).root


def _size(leaf: bytes, place: str) -> int:
    try:
        return parse_checkpoint(split(OutputLeaf.parse(leaf).log)[0]).size
    except ValueError:
        raise Unreadable(place, "holds what is no epoch") from None
