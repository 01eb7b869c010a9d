"""The tree over a shard's leaves: RFC 6962 hashing, kept as C2SP tlog-tiles (LOG.md 1, 4).

A tile of level L and number N holds up to 256 hashes of 32 bytes, each the root of a full subtree of 256^L
leaves. Writing: `append` grows an `Edge` by a batch and names the tiles that changed. Reading: `Nodes` makes
proofs from tiles. Checking: `verify_inclusion` and `verify_consistency` need neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
EMPTY_ROOT: Final = sha256(b"").digest()
_MOST_ROWS: Final = 4096
"""Full tiles whose inner nodes are remembered: those of a million leaves, 16 kB each."""

Reader: TypeAlias = Callable[[int, int, int], bytes]
"""In: level, number, width. Out: the first `width` hashes of that tile; the one kept may be wider."""


class TileDamaged(Exception):
    """A tile that the tree needs is missing or has the wrong length. Names the tile."""

    def __init__(self, level: int, number: int) -> None:
        super().__init__(f"tile {level}/{number} is missing or has the wrong length")
        self.level = level
        self.number = number


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it is kept: replaces an older one of the same level and number."""

    level: int
    number: int
    hashes: bytes

    @property
    def width(self) -> int:
        """Out: how many hashes it holds, 1 to 256."""
        return len(self.hashes) // HASH_BYTES


@dataclass(frozen=True, slots=True)
class Edge:
    """The right edge of a tree: all that is needed to grow it."""

    size: int
    partial: tuple[bytes, ...]
    """The unfinished tile of each level, level 0 first; empty where the level ends on a tile's border."""
    peaks: tuple[bytes, ...]
    """The roots of the full subtrees the size is made of, largest first."""

    @property
    def root(self) -> bytes:
        """Out: the tree's root."""
        return fold(self.peaks)


EMPTY_EDGE: Final = Edge(0, (), ())


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree after a batch: the new edge, its root, and every tile that is new or changed."""

    edge: Edge
    root: bytes
    tiles: tuple[Tile, ...]

    @property
    def size(self) -> int:
        """Out: number of leaves."""
        return self.edge.size


def leaf_hash(data: bytes) -> bytes:
    """Out: SHA-256(00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Out: SHA-256(01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Out: the root over a list of leaf hashes (RFC 6962 2.1)."""
    return append(EMPTY_EDGE, leaf_hashes).root


# --- writing ------------------------------------------------------------------------------------------------
def append(edge: Edge, leaf_hashes: Sequence[bytes]) -> Grown:
    """Grow the tree. Cost: about two hashes a leaf; tiles to keep: one per 256 leaves, one per level.

    In: the edge (`EMPTY_EDGE`, the last `Grown.edge`, or `edge_at`), and the batch's leaf hashes in order.
    """
    size, peaks = edge.size, list(edge.peaks)
    open_tiles = [bytearray(tile) for tile in edge.partial]
    touched: set[int] = set()
    full: list[Tile] = []
    for node in leaf_hashes:
        height = 0
        while True:
            if height % TILE_HEIGHT == 0:
                _put(open_tiles, height // TILE_HEIGHT, size, node, full)
                touched.add(height // TILE_HEIGHT)
            if not (size >> height) & 1:
                break
            node = node_hash(peaks.pop(), node)
            height += 1
        peaks.append(node)
        size += 1
    partial = tuple(bytes(tile) for tile in open_tiles)
    changed = (Tile(n, size >> TILE_HEIGHT * (n + 1), partial[n]) for n in sorted(touched) if partial[n])
    return Grown(Edge(size, partial, tuple(peaks)), fold(peaks), (*full, *changed))


def edge_at(size: int, read: Reader) -> Edge:
    """Out: the edge of a kept tree of that size, from its tiles. Raises: TileDamaged."""
    nodes = Nodes(read, size)
    partial: list[bytes] = []
    for level in range(max(size.bit_length() - 1, 0) // TILE_HEIGHT + 1 if size else 0):
        partial.append(nodes.tile_bytes(level, size >> TILE_HEIGHT * (level + 1)))
    return Edge(size, tuple(partial), tuple(nodes.peaks(0, size)))


def peaks_with(peaks: Sequence[bytes], tiles: int, leaf_hashes: bytes) -> list[bytes]:
    """Out: the peaks of a tree that leaves are added to, at half the cost of `append`: it makes no tiles to keep.

    In: the peaks of a tree of so many whole tiles; the leaf hashes that follow, one after the other.
    """
    found, wide = list(peaks), TILE_WIDTH * HASH_BYTES
    for at in range(0, len(leaf_hashes), wide):
        tile = leaf_hashes[at : at + wide]
        if len(tile) < wide:
            hashes = [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]
            return [*found, *append(EMPTY_EDGE, hashes).edge.peaks]
        node, before = _rows(tile)[-1], tiles
        while before & 1:
            node, before = node_hash(found.pop(), node), before >> 1
        found.append(node)
        tiles += 1
    return found


def fold(peaks: Sequence[bytes]) -> bytes:
    """Out: the root over the roots of full subtrees, largest first."""
    if not peaks:
        return EMPTY_ROOT
    folded = peaks[-1]
    for peak in reversed(peaks[:-1]):
        folded = node_hash(peak, folded)
    return folded


def _put(open_tiles: list[bytearray], level: int, index: int, node: bytes, full: list[Tile]) -> None:
    """Add a node over leaf `index` to its level's open tile; a tile that is full moves to `full`."""
    if level == len(open_tiles):
        open_tiles.append(bytearray())
    tile = open_tiles[level]
    tile += node
    if len(tile) == TILE_WIDTH * HASH_BYTES:
        full.append(Tile(level, index >> TILE_HEIGHT * (level + 1), bytes(tile)))
        tile.clear()


# --- proving ------------------------------------------------------------------------------------------------
class Nodes:
    """Proofs out of the tiles of a tree of `size` leaves. Keeps what it has read: one per batch of proofs.

    Every method raises TileDamaged when a tile it needs is not there.
    """

    def __init__(self, read: Reader, size: int) -> None:
        self._read = read
        self.size = size
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def root(self) -> bytes:
        """Out: the root of the tree."""
        return self._range(0, self.size)

    def inclusion(self, index: int) -> list[bytes]:
        """Out: the path of leaf `index`, its sibling first (RFC 6962 2.1.1)."""
        if not 0 <= index < self.size:
            raise ValueError("no such leaf in a tree of that size")
        path: list[bytes] = []
        start, stop = 0, self.size
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                path.append(self._range(middle, stop))
                stop = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        path.reverse()
        return path

    def consistency(self, older: int) -> list[bytes]:
        """Out: the proof that the tree of `older` leaves is a beginning of this one (RFC 6962 2.1.2)."""
        if not 0 <= older <= self.size:
            raise ValueError("the older tree is larger")
        if older in (0, self.size):
            return []
        path: list[bytes] = []
        start, stop, whole = 0, self.size, True
        while stop != older:
            middle = start + _split(stop - start)
            if older <= middle:
                path.append(self._range(middle, stop))
                stop = middle
            else:
                path.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            path.append(self._range(start, stop))
        path.reverse()
        return path

    def peaks(self, start: int, stop: int) -> list[bytes]:
        """Out: the roots of the full subtrees that make up the leaves `start` to `stop`, largest first."""
        found: list[bytes] = []
        while start < stop:
            height = (stop - start).bit_length() - 1
            found.append(self._node(height, start >> height))
            start += 1 << height
        return found

    def tile_bytes(self, level: int, number: int) -> bytes:
        """Out: the hashes of a tile as far as this tree's size fills it."""
        width = min(TILE_WIDTH, (self.size >> TILE_HEIGHT * level) - number * TILE_WIDTH)
        if width == 0:
            return b""
        hashes = self._read(level, number, width)
        if len(hashes) != width * HASH_BYTES:
            raise TileDamaged(level, number)
        return hashes

    def _range(self, start: int, stop: int) -> bytes:
        return fold(self.peaks(start, stop))

    def _node(self, height: int, index: int) -> bytes:
        """Out: the root of the full subtree over the leaves `index << height` and following."""
        level, above = divmod(height, TILE_HEIGHT)
        number, offset = divmod(index << above, TILE_WIDTH)
        rows = self._tiles.get((level, number))
        if rows is None:
            tile = self.tile_bytes(level, number)
            rows = _full_rows(tile) if len(tile) == TILE_WIDTH * HASH_BYTES else _rows(tile)
            self._tiles[(level, number)] = rows
        at = (offset >> above) * HASH_BYTES
        return rows[above][at : at + HASH_BYTES]


def inclusion(read: Reader, index: int, size: int) -> list[bytes]:
    """Out: the path of leaf `index` in the tree of that size, its sibling first. Raises: TileDamaged."""
    return Nodes(read, size).inclusion(index)


def consistency(read: Reader, older: int, newer: int) -> list[bytes]:
    """Out: the proof that the tree of `older` leaves begins the tree of `newer`. Raises: TileDamaged."""
    return Nodes(read, newer).consistency(older)


def _split(size: int) -> int:
    """Out: the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _rows(tile: bytes) -> Sequence[bytes]:
    """Out: a tile's hashes, and above them every node over a full pair, up to the tile's own root."""
    rows = [tile]
    while len(tile) > HASH_BYTES:
        pairs = range(0, len(tile) - HASH_BYTES, 2 * HASH_BYTES)
        tile = b"".join([sha256(b"\x01" + tile[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
        rows.append(tile)
    return rows


_full_rows: Final = lru_cache(maxsize=_MOST_ROWS)(_rows)
"""A full tile never changes, and its 255 nodes take a quarter of a millisecond."""


# --- checking -----------------------------------------------------------------------------------------------
def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Out: whether the leaf hash stands at `index` under the root `expected` (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or any(len(node) != HASH_BYTES for node in (leaf, *proof)):
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == expected


def verify_consistency(
    older: int, older_root: bytes, newer: int, newer_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Out: whether the tree of `older` leaves is a beginning of the tree of `newer` (RFC 9162 2.1.4.2)."""
    if not 0 <= older <= newer or any(len(node) != HASH_BYTES for node in proof):
        return False
    if older == newer:
        return not proof and older_root == newer_root
    if older == 0:
        return not proof and older_root == EMPTY_ROOT
    path = list(proof) if older & (older - 1) else [older_root, *proof]
    if not path:
        return False
    node, last = older - 1, newer - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == older_root and new == newer_root
