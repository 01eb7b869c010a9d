"""The output logs of the shards' indexes, as far as this process has read them (LOG.md 6).

An epoch is committed before its output log is signed at that size; the leaves of a size are the same for ever, so
whoever signs it signs the same. The last signed checkpoint is kept outside the database, as that of the log is: a
store that is behind it was restored from a backup, and would sign a second history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.audit import tree
from gateway.audit.index import OutputLeaf
from gateway.audit.note import Checkpoint, sign
from gateway.audit.shard import index_origin
from gateway.errors import Fault
from gateway.journal.guard import CheckpointKeeper, index_unkept, kept_checkpoint, kept_indexes
from gateway.journal.shards import OpenShard, Shards
from gateway.ports import EpochStore, StoredEpoch


class IndexWrong(Fault):
    """What is stored of an index is not what its epochs say. Where: `index of <origin>`."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"index of {origin}")


@dataclass(slots=True)
class OutputLog:
    """One shard's output log: its leaf hashes, and what its last leaf says."""

    origin: str
    hashes: list[bytes] = field(default_factory=list, repr=False)
    last: tuple[StoredEpoch, OutputLeaf] | None = None
    behind: bool = False
    """Epochs were signed that the store does not have, or may have been."""
    unkept: bool = False
    """What was signed of them is not kept any more."""
    _roots: dict[int, bytes] = field(default_factory=dict, repr=False)
    _before: tree.Edge = tree.EMPTY_EDGE
    _edge: tree.Edge = tree.EMPTY_EDGE

    def grow(self, epochs: Sequence[StoredEpoch]) -> None:
        """In: the epochs that follow. Raises: IndexWrong."""
        for epoch in epochs:
            if epoch.number != len(self.hashes):
                raise IndexWrong(self.origin)
            try:
                said = OutputLeaf.parse(epoch.leaf)
            except ValueError:
                raise IndexWrong(self.origin) from None
            self.hashes.append(tree.leaf_hash(epoch.leaf))
            self.last, self._roots[epoch.size] = (epoch, said), said.index_root
        new = self.hashes[self._edge.size :]
        if new:
            self._before = tree.append(self._edge, new[:-1]).edge
            self._edge = tree.append(self._before, new[-1:]).edge

    def index_root(self, lines: int) -> bytes | None:
        """Out: the root of the index of that many lines, where there is an epoch of them."""
        return self._roots.get(lines)

    def end(self, number: int) -> tuple[bytes, tuple[bytes, ...]]:
        """Out: the root of the output log that ends with that epoch, and the epoch's inclusion in it."""
        before, edge = self._before, self._edge
        if number + 1 != edge.size:
            before = tree.append(tree.EMPTY_EDGE, self.hashes[:number]).edge
            edge = tree.append(before, self.hashes[number : number + 1]).edge
        return edge.root, tuple(reversed(before.peaks))  # the last leaf's siblings are the peaks before it


class OutputLogs:
    """Every shard's output log; only what is new is read again."""

    def __init__(self, store: EpochStore, kept: CheckpointKeeper) -> None:
        self._store, self._kept = store, kept
        self._logs: dict[str, OutputLog] = {}

    async def read(self, origin: str) -> OutputLog:
        """Out: the shard's output log as it is now. Raises: IndexWrong, when it is another than was signed."""
        # First: what is signed was committed before.
        signed = kept_checkpoint(index_origin(origin), self._kept)
        log = self._logs.setdefault(origin, OutputLog(origin))
        found = await self._store.epochs(origin, len(log.hashes))
        # Another export of this process may have read some of them meanwhile.
        log.grow([epoch for epoch in found if epoch.number >= len(log.hashes)])
        log.unkept = log.behind = signed is None and index_unkept(origin, len(log.hashes), self._kept)
        if signed is not None:
            log.behind = signed.size > len(log.hashes)
            if signed.size and not log.behind and log.end(signed.size - 1)[0] != signed.root:
                raise IndexWrong(origin)
        return log

    async def begin(self, shards: Shards, opened: Sequence[OpenShard]) -> None:
        """Keep the checkpoints of the indexes that have no epoch yet, in a house whose version had none."""
        if kept_indexes(self._kept):
            return
        for shard in opened:
            if await self._store.epochs(shard.origin):
                return
        for shard in opened:
            shards.begin_index(shard)
        self._kept.flush()

    def signed(self, origin: str) -> int:
        """Out: how many of the shard's epochs were signed, as it is kept."""
        kept = kept_checkpoint(index_origin(origin), self._kept)
        return kept.size if kept is not None else 0

    def sign(self, shard: OpenShard, log: OutputLog, number: int) -> str:
        """Out: the output log's checkpoint that ends with that committed epoch."""
        root, _ = log.end(number)
        origin = index_origin(shard.origin)
        note = sign(Checkpoint(origin, number + 1, root).text, shard.keys.index)
        self._kept.keep(origin, note)
        return note
