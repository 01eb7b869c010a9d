"""The completeness index: which entries each label has, as a tree of its own (LOG.md 6). Pure functions.

Presence is inclusion of a label's leaf; absence is inclusion of the two neighbours it would stand between.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import Any, Final, TypeAlias

import rfc8785

from gateway.audit import tree
from gateway.audit.labels import LABEL_BYTES
from gateway.audit.note import NoteInvalid, decode64, encode64

LEAF_HEADER: Final = b"einmal/index/v1\x00"
ROW_BYTES: Final = LABEL_BYTES + 8 + 32
LEAF_BYTES: Final = len(LEAF_HEADER) + ROW_BYTES
CLOCK_SKEW: Final = timedelta(minutes=1)
"""So far the clocks of a house and of an auditor may differ: an epoch that is further ahead is dated ahead."""
_HASHED: Final = b"\x00" + LEAF_HEADER
_position: Final = Struct(">BQ").pack
"""Of 0 and a position: 00 ‖ u64be, what its leaf hash is taken over."""
_TILE_BYTES: Final = tree.TILE_WIDTH * tree.HASH_BYTES

Flat: TypeAlias = bytes | memoryview
"""Bytes one after the other, at hand or in a file."""


@dataclass(frozen=True, slots=True)
class IndexLeaf:
    """One label: how many entries it has, and the root over their positions."""

    label: bytes
    count: int
    root: bytes

    def to_bytes(self) -> bytes:
        """Out: `einmal/index/v1\\0` ‖ label ‖ u64be(count) ‖ root."""
        return LEAF_HEADER + self.label + self.count.to_bytes(8, "big") + self.root

    @classmethod
    def parse(cls, data: bytes) -> IndexLeaf | None:
        """Out: the leaf, or None when it is none."""
        if len(data) != LEAF_BYTES or not data.startswith(LEAF_HEADER):
            return None
        body = data[len(LEAF_HEADER) :]
        return cls(body[:32], int.from_bytes(body[32:40], "big"), body[40:])


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An index leaf with its place and its path."""

    leaf: bytes
    position: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Presence:
    """A label is in the index here."""

    position: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """A label is not in the index: these stand next to where it would be. None = the end on that side."""

    left: Neighbour | None
    right: Neighbour | None


def sub_root(indexes: Sequence[int]) -> bytes:
    """Out: the RFC 6962 root over the entries' positions as u64be, in order: pairs, an odd one goes up as it is."""
    hashes = [sha256(_position(0, index)).digest() for index in indexes]
    while len(hashes) > 1:
        odd = hashes[-1:] if len(hashes) % 2 else []
        pairs = range(0, len(hashes) - 1, 2)
        hashes = [sha256(b"\x01" + hashes[at] + hashes[at + 1]).digest() for at in pairs] + odd
    return hashes[0] if hashes else tree.EMPTY_ROOT


def row(label: bytes, indexes: Sequence[int]) -> bytes:
    """Out: label ‖ u64be(count) ‖ root. In: the ascending positions of the label's entries in the log."""
    return label + len(indexes).to_bytes(8, "big") + sub_root(indexes)


def index_leaf(label: bytes, indexes: Sequence[int]) -> bytes:
    """Out: the leaf of a label. In: the ascending positions of its entries in the log."""
    return LEAF_HEADER + row(label, indexes)


class IndexDamaged(Exception):
    """What an index would show does not stand under its own root: it is made anew from the lines."""


class Index:
    """The index of a shard's first `lines` lines, as flat bytes: a row for each label, and the tree over them.

    It may be read from a file that nobody vouches for: what it shows stands under `root`, or is not shown.
    """

    __slots__ = ("_levels", "_rows", "lines", "root", "size")

    def __init__(self, lines: int, rows: Flat, levels: Sequence[Flat]) -> None:
        """In: how many lines it is of; a row a label (`IndexLeaf`), sorted; the hashes of each level of tiles, whole
        levels one after the other (LOG.md 4). Raises: IndexDamaged, when these do not belong together."""
        self.lines, self._rows, self._levels = lines, rows, levels
        self.size = len(rows) // ROW_BYTES
        if len(rows) % ROW_BYTES or [len(level) for level in levels] != level_bytes(self.size):
            raise IndexDamaged
        self.root = self._nodes().root()

    @classmethod
    def of_rows(cls, lines: int, rows: Flat, leaf_hashes: Flat | None = None) -> Index:
        """Out: the index of these rows, its tree made from them. In: the rows' leaf hashes where they are known."""
        starts = range(0, len(rows), ROW_BYTES)
        known = leaf_hashes or b"".join([leaf_hash(rows[at : at + ROW_BYTES]) for at in starts])
        return cls(lines, rows, _levels(known))

    @classmethod
    def of(cls, entries: Mapping[bytes, Sequence[int]]) -> Index:
        """In: the ascending positions of each label's entries."""
        rows = [row(label, entries[label]) for label in sorted(entries)]
        return cls.of_rows(sum(map(len, entries.values())), b"".join(rows))

    def find(self, label: bytes) -> Presence | Absence:
        """Out: the proof that the label is in the index, or that it isn't; it stands. Raises: IndexDamaged."""
        at = self.place(label)
        try:
            if at < self.size and self.label(at) == label:
                there = self._neighbour(at)
                if there is not None and _stands(there, self.root, self.size):
                    return Presence(at, there.proof)
            else:
                absence = Absence(self._neighbour(at - 1), self._neighbour(at))
                if verify_absence(label, absence, self.root, self.size):
                    return absence
        except tree.TileDamaged:
            pass
        raise IndexDamaged

    def place(self, label: bytes, start: int = 0) -> int:
        """Out: how many labels from `start` on come before this one, and `start`."""
        return bisect_left(range(self.size), label, start, key=self.label)

    def label(self, at: int) -> bytes:
        """Out: the label at that place."""
        return bytes(self._rows[at * ROW_BYTES : at * ROW_BYTES + LABEL_BYTES])

    def rows(self, start: int = 0, stop: int | None = None) -> Flat:
        """Out: label 32 ‖ u64be count ‖ root 32 of the labels start ≤ place < stop, one after the other."""
        return self._rows[start * ROW_BYTES : (self.size if stop is None else stop) * ROW_BYTES]

    def leaf_hashes(self, start: int, stop: int) -> Flat:
        """Out: the leaf hashes of the same labels."""
        return self._levels[0][start * tree.HASH_BYTES : stop * tree.HASH_BYTES]

    def levels(self) -> Sequence[Flat]:
        """Out: the hashes of each level of tiles."""
        return self._levels

    def _neighbour(self, at: int) -> Neighbour | None:
        if not 0 <= at < self.size:
            return None
        leaf = LEAF_HEADER + bytes(self.rows(at, at + 1))
        return Neighbour(leaf, at, tuple(self._nodes().inclusion(at)))

    def _nodes(self) -> tree.Nodes:
        def read(level: int, n: int, width: int) -> bytes:
            start = n * tree.TILE_WIDTH * tree.HASH_BYTES
            return bytes(self._levels[level][start : start + width * tree.HASH_BYTES])

        return tree.Nodes(read, self.size)


def level_bytes(size: int) -> list[int]:
    """Out: how many bytes the hashes of each level of tiles take, over so many labels."""
    levels = range(1, (max(size, 1).bit_length() - 1) // tree.TILE_HEIGHT + 1)
    return [(size >> tree.TILE_HEIGHT * level) * tree.HASH_BYTES for level in (0, *levels)]


EMPTY_INDEX: Final = Index(0, b"", (b"",))


def leaf_hash(row_: Flat) -> bytes:
    """Out: the hash of a row's leaf in the index tree."""
    return sha256(_HASHED + row_).digest()


def _levels(hashes: Flat) -> Sequence[Flat]:
    """Out: the leaf hashes, and above them the root of every full tile, level by level."""
    levels: list[Flat] = [hashes]
    while len(levels[-1]) >= _TILE_BYTES:
        below = levels[-1]
        starts = range(0, len(below) - _TILE_BYTES + 1, _TILE_BYTES)
        levels.append(b"".join([_tile_root(below[at : at + _TILE_BYTES]) for at in starts]))
    return levels


def _tile_root(tile: Flat) -> Flat:
    while len(tile) > tree.HASH_BYTES:
        tile = b"".join([sha256(b"\x01" + tile[at : at + 64]).digest() for at in range(0, len(tile), 64)])
    return tile


def output_leaf(epoch: int, index: Index, checkpoint: str, time: str) -> bytes:
    """Out: the leaf of the output log. In: the epoch, counted from 1; the shard's checkpoint (a note); RFC 3339 `Z`,
    no decimals."""
    leaf: dict[str, Any] = {
        "v": 1,
        "epoch": epoch,
        "index_root": encode64(index.root),
        "index_size": index.size,
        "log": checkpoint,
        "time": time,
    }
    return rfc8785.dumps(leaf)


@dataclass(frozen=True, slots=True)
class OutputLeaf:
    """What a leaf of the output log says."""

    epoch: int
    index_root: bytes
    index_size: int
    log: str
    """The shard's checkpoint as its log key signed it."""
    time: datetime

    @classmethod
    def parse(cls, data: bytes) -> OutputLeaf:
        """Undo `output_leaf`. Raises: ValueError, also for any other spelling."""
        try:
            said = json.loads(data)
            root, time = decode64(said["index_root"]), datetime.fromisoformat(said["time"])
            leaf = cls(said["epoch"], root, said["index_size"], said["log"], time)
            exact = rfc8785.dumps({**said, "time": stamp(time)}) == data and len(said) == 6 and said["v"] == 1
        except (KeyError, TypeError, ValueError, NoteInvalid) as wrong:
            raise ValueError("not an output leaf") from wrong
        if not exact:
            raise ValueError("not an output leaf")
        return leaf


def stamp(time: datetime) -> str:
    """Out: RFC 3339 in UTC with `Z`, no decimals."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- checking -----------------------------------------------------------------------------------------------
def verify_presence(label: bytes, indexes: Sequence[int], place: Presence, root: bytes, size: int) -> bool:
    """Out: whether the index of that root and size says the label has exactly these entries."""
    leaf = tree.leaf_hash(index_leaf(label, indexes))
    return tree.verify_inclusion(leaf, place.position, size, place.proof, root)


def verify_absence(label: bytes, absence: Absence, root: bytes, size: int) -> bool:
    """Out: whether the index of that root and size has no such label."""
    left, right = absence.left, absence.right
    if left is None and right is None:
        return size == 0 and root == tree.EMPTY_ROOT
    if left is not None and not (_stands(left, root, size) and _label(left) < label):
        return False
    if right is not None and not (_stands(right, root, size) and label < _label(right)):
        return False
    before = left.position if left is not None else -1
    after = right.position if right is not None else size
    return before + 1 == after


def _stands(neighbour: Neighbour, root: bytes, size: int) -> bool:
    if IndexLeaf.parse(neighbour.leaf) is None:
        return False
    return tree.verify_inclusion(
        tree.leaf_hash(neighbour.leaf), neighbour.position, size, neighbour.proof, root
    )


def _label(neighbour: Neighbour) -> bytes:
    return neighbour.leaf[len(LEAF_HEADER) : len(LEAF_HEADER) + LABEL_BYTES]
