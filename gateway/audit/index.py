"""The completeness index: which entries each label has, as a tree of its own (LOG.md 6). Pure functions.

Presence is inclusion of a label's leaf; absence is inclusion of the two neighbours it would stand between.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import rfc8785

from gateway.audit import tree
from gateway.audit.labels import LABEL_BYTES
from gateway.audit.note import encode64

LEAF_HEADER: Final = b"einmal/index/v1\x00"
LEAF_BYTES: Final = len(LEAF_HEADER) + LABEL_BYTES + 8 + 32


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
    """Out: the RFC 6962 root over the entries' positions as u64be, in order."""
    return tree.root([tree.leaf_hash(index.to_bytes(8, "big")) for index in indexes])


def index_leaf(label: bytes, indexes: Sequence[int]) -> bytes:
    """Out: the leaf of a label. In: the ascending positions of its entries in the log."""
    return IndexLeaf(label, len(indexes), sub_root(indexes)).to_bytes()


class Index:
    """The index of a shard at one size: every label with its entries."""

    def __init__(self, entries: Mapping[bytes, Sequence[int]]) -> None:
        """In: the ascending positions of each label's entries."""
        self._labels = sorted(entries)
        self._leaves = [index_leaf(label, entries[label]) for label in self._labels]
        tiles: dict[tuple[int, int], bytes] = {}
        grown = tree.append(tree.EMPTY_EDGE, [tree.leaf_hash(leaf) for leaf in self._leaves])
        for tile in grown.tiles:
            tiles[tile.level, tile.number] = tile.hashes
        self.root = grown.root
        self.size = grown.size
        self._nodes = tree.Nodes(
            lambda level, n, width: tiles[level, n][: width * tree.HASH_BYTES], grown.size
        )

    def find(self, label: bytes) -> Presence | Absence:
        """Out: the proof that the label is in the index, or that it isn't."""
        at = bisect_left(self._labels, label)
        if at < self.size and self._labels[at] == label:
            return Presence(at, tuple(self._nodes.inclusion(at)))
        return Absence(self._neighbour(at - 1), self._neighbour(at))

    def _neighbour(self, at: int) -> Neighbour | None:
        if not 0 <= at < self.size:
            return None
        return Neighbour(self._leaves[at], at, tuple(self._nodes.inclusion(at)))


def output_leaf(epoch: int, index: Index, checkpoint: str, time: str) -> bytes:
    """Out: the leaf of the output log. In: the shard's checkpoint (a note), RFC 3339 `Z`, no decimals."""
    leaf: dict[str, Any] = {
        "v": 1,
        "epoch": epoch,
        "index_root": encode64(index.root),
        "index_size": index.size,
        "log": checkpoint,
        "time": time,
    }
    return rfc8785.dumps(leaf)


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
