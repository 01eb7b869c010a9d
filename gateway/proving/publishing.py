"""The log put into a folder of tiles (LOG.md 4): only what is new, each file whole, each tree's checkpoint last.

Whoever reads the folder meanwhile, or after a run that was killed, finds under every checkpoint all that it covers.
What was published is a promise: a log that is behind the folder, or another one, is not put into it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.audit import labels, tiles, tree
from gateway.audit.losses import own_losses
from gateway.audit.note import Checkpoint, NoteInvalid, parse_checkpoint, parse_vkey, split
from gateway.audit.shard import Origin
from gateway.audit.tiles import TileName
from gateway.errors import JournalUnavailable
from gateway.journal.shards import OpenShard
from gateway.ports import EpochStore, JournalStore, Keys
from gateway.ports.tiles import Folder, TileStore
from gateway.proving.epochs import Epochs, Indexed
from gateway.proving.witnessing import Witnessing
from gateway.stages import Position

_MOST_NOTE: Final = 65_536


class Contradicted(Exception):
    """The folder holds a checkpoint that this log does not continue: another log's, or from after a backup."""

    def __init__(self, origin: str) -> None:
        super().__init__(f"the folder holds a checkpoint of {origin} that this home's log does not continue")
        self.origin = origin


@dataclass(frozen=True, slots=True)
class Published:
    """What a run did with a shard."""

    origin: str
    lines: int
    epochs: int
    files: int
    """How many were written."""


@dataclass(frozen=True, slots=True)
class _Tree:
    """A tree as it is to lie in the folder: its signed head, and where its parts come from."""

    folder: str
    note: str
    tile: Callable[[TileName], Awaitable[bytes]]
    leaves: Callable[[int, int], Awaitable[Sequence[bytes]]]
    consistency: Callable[[int], Awaitable[Sequence[bytes]]]

    @property
    def checkpoint(self) -> Checkpoint:
        return parse_checkpoint(split(self.note)[0])


class Publisher:
    """Writes a house's log into one folder."""

    def __init__(
        self,
        keys: Keys,
        epochs: Epochs,
        store: JournalStore,
        outputs: EpochStore,
        stored: TileStore,
        folder: Folder,
        witnessing: Witnessing,
    ) -> None:
        """In: whose identity is told; where the log is; where it goes; who cosigns it first."""
        self._keys, self._epochs, self._store = keys, epochs, store
        self._outputs, self._stored, self._folder = outputs, stored, folder
        self._witnessing = witnessing
        self._files = 0

    async def publish(self, now: datetime, auditors: bool) -> Sequence[Published]:
        """Bring the folder up to the log of `now`. In: whether auditors' files go into it as well; where they are
        already, they always do. Out: every shard whose keys are there.

        Raises: Contradicted, Unreadable; as `Epochs.make`.
        """
        indexes = await self._witnessing.shown(await self._epochs.make(now))
        self._whose()
        found = [await self._or_lost(indexed, auditors, indexes) for indexed in indexes]
        for shard in await self._store.shards():
            if shard.secrets is None:
                self._destroyed(shard.head.origin)
        return found

    def _whose(self) -> None:
        name = parse_vkey(self._keys.identity_vkey).name
        self._put(f"{name}/{tiles.VKEY}", f"{self._keys.identity_vkey}\n".encode())
        if self._keys.succession:
            self._put(f"{name}/{tiles.SUCCESSION}", tiles.succession(self._keys.succession))
        # A crash between them leaves a key that its predecessors don't vouch for yet: the next run completes it.

    async def _or_lost(self, indexed: Indexed, auditors: bool, all_: Sequence[Indexed]) -> Published:
        """Out: as `_shard`; what a restore has lost stays in the folder as it was."""
        try:
            return await self._shard(indexed, auditors)
        except Contradicted:
            if not await self._restored_after(indexed.shard.origin, [one.shard for one in all_]):
                raise
            return Published(indexed.shard.origin, indexed.head.size, indexed.epoch.number + 1, self._files)

    async def _restored_after(self, origin: str, shards: Sequence[OpenShard]) -> bool:
        """Out: whether the house says in the class's next shard that a restore has lost something before it."""
        names = [shard.head.origin for shard in await self._store.shards()]
        after = names[names.index(origin) + 1 :][:1]
        told = await self._store.line(Position(after[0], 1)) if after else None
        if told is None or Origin.parse(after[0]).retention != Origin.parse(origin).retention:
            return False
        line, own = told.line, [shard for shard in shards if shard.origin == after[0]]
        seal = own[0].keys.seal if own else None
        return own_losses(after[0], line.leaf, line.salt, line.event, seal).restored

    async def _shard(self, indexed: Indexed, auditors: bool) -> Published:
        origin, self._files = indexed.shard.origin, 0
        auditors = auditors or self._folder.has(f"{origin}/{tiles.OPENING}")
        salt, event = await self._opening(origin)
        self._put(f"{origin}/{tiles.KEYS}", json.loads(event)["keys"].encode())
        if auditors:
            self._put(f"{origin}/{tiles.OPENING}", tiles.opening(salt, event), public=False)
        # A crash here or below leaves files that no checkpoint in the folder covers; the next run goes on from them.
        await self._tree(self._log(indexed), auditors)
        output = await self._output_log(indexed)
        if auditors and self._lacks_rows(origin, output):
            rows = bytes(await self._epochs.rows(indexed))
            self._put(f"{origin}/{tiles.LEAVES}", rows, public=False)
        await self._tree(output, auditors)
        return Published(origin, indexed.head.size, indexed.epoch.number + 1, self._files)

    async def _opening(self, origin: str) -> tuple[bytes, bytes]:
        first = await self._store.line(Position(origin, 0))
        if first is None:
            raise JournalUnavailable(f"storage (leaf 0 of {origin} is gone)")
        opened = labels.opened(first.line.leaf, first.line.salt, first.line.event)
        if opened is None:
            raise JournalUnavailable(f"storage (leaf 0 of {origin} does not open)")
        return opened

    # --- the two trees -----------------------------------------------------------------------------------------
    def _log(self, indexed: Indexed) -> _Tree:
        origin, size = indexed.shard.origin, indexed.head.size
        return _Tree(
            origin,
            indexed.checkpoint,
            lambda name: self._stored.tile(origin, *name),
            lambda start, stop: self._stored.leaves(origin, start, stop),
            lambda older: self._store.consistency(origin, older, size),
        )

    async def _output_log(self, indexed: Indexed) -> _Tree:
        origin, size = indexed.shard.origin, indexed.epoch.number + 1
        epochs = (await self._outputs.epochs(origin))[:size]
        grown = tree.append(tree.EMPTY_EDGE, [tree.leaf_hash(epoch.leaf) for epoch in epochs])
        kept = {(tile.level, tile.number): tile.hashes for tile in grown.tiles}

        async def tile(name: TileName) -> bytes:
            return kept[name.level, name.number][: name.length]

        async def leaves(start: int, stop: int) -> Sequence[bytes]:
            return [epoch.leaf for epoch in epochs[start:stop]]

        async def consistency(older: int) -> Sequence[bytes]:
            return tree.consistency(
                lambda level, n, width: kept[level, n][: width * tree.HASH_BYTES], older, size
            )

        return _Tree(f"{origin}/{tiles.INDEX}", indexed.output, tile, leaves, consistency)

    async def _tree(self, new: _Tree, auditors: bool) -> None:
        """Write what of a tree is not there yet, its checkpoint last."""
        checkpoint, before = new.checkpoint, self._before(new)
        if before is not None and not await _continues(before, new):
            raise Contradicted(checkpoint.origin)
        for name in tiles.all_tiles(checkpoint.size):
            if not self._folder.has(f"{new.folder}/{name.path}"):
                self._write(f"{new.folder}/{name.path}", await new.tile(name), public=True)
            if auditors and name.level == 0 and not self._folder.has(f"{new.folder}/{name.bundle}"):
                start = name.number * tree.TILE_WIDTH
                leaves = await new.leaves(start, start + name.width)
                if len(leaves) != name.width:
                    raise JournalUnavailable(f"storage (lines of {new.folder} are gone)")
                self._write(f"{new.folder}/{name.bundle}", tiles.bundle(leaves), public=False)
        self._put(f"{new.folder}/{tiles.CHECKPOINT}", new.note.encode())
        self._tidy(new.folder, before.size if before is not None else 0, checkpoint.size)

    def _lacks_rows(self, origin: str, output: _Tree) -> bool:
        """Out: whether the rows in the folder are not those of this epoch: they are written before its checkpoint."""
        before = self._before(output)
        there = before is not None and before.size == output.checkpoint.size
        return not (there and self._folder.has(f"{origin}/{tiles.LEAVES}"))

    def _before(self, new: _Tree) -> Checkpoint | None:
        """Out: what was published of a tree last."""
        note = self._folder.read(f"{new.folder}/{tiles.CHECKPOINT}", _MOST_NOTE)
        if note is None:
            return None
        try:
            return parse_checkpoint(split(note.decode())[0])
        except (NoteInvalid, UnicodeDecodeError):
            raise Contradicted(new.checkpoint.origin) from None

    def _tidy(self, folder: str, older: int, newer: int) -> None:
        """Take the parts of tiles away that are full now: who still asks for one takes the full tile (C2SP)."""
        for name in tiles.all_tiles(older):
            if not name.full and newer >> tree.TILE_HEIGHT * (name.level + 1) > name.number:
                full = name._replace(width=tree.TILE_WIDTH)
                self._folder.drop(f"{folder}/{tiles.partials(full.path)}")
                self._folder.drop(f"{folder}/{tiles.partials(full.bundle)}")
        # A crash before or in here leaves parts that nobody asks for.

    def _destroyed(self, origin: str) -> None:
        """The leaves of a destroyed shard go from the auditors' files as well (LOG.md 8); what is public stays."""
        for path in (tiles.OPENING, tiles.LEAVES, tiles.ENTRIES, f"{tiles.INDEX}/{tiles.ENTRIES}"):
            self._folder.drop(f"{origin}/{path}")

    def _put(self, path: str, data: bytes, *, public: bool = True) -> None:
        """Write a small file, unless it is there as it should be."""
        if self._folder.read(path, max(_MOST_NOTE, len(data))) != data:
            self._write(path, data, public=public)

    def _write(self, path: str, data: bytes, *, public: bool) -> None:
        self._folder.write(path, data, public)
        self._files += 1


async def _continues(before: Checkpoint, new: _Tree) -> bool:
    """Out: whether the tree is the one that was published, grown or as it was."""
    now = new.checkpoint
    if now.size < before.size:
        return False
    proof = await new.consistency(before.size)
    return tree.verify_consistency(before.size, before.root, now.size, now.root, proof)
