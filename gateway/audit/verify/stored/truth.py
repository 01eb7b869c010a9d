"""Which hashes a kept tree was grown with, when its columns disagree; and the plain tree over them.

Leaves, level-0 tiles and the head each say what the tree is. The head's root decides between the other two, so that
one wrong byte is found in one place. Written plainly and unlike the writer, which grows the tree incrementally. Of a
tree that is in order no more is held than the root of each tile: an eighth of a byte a line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

from gateway.audit import tree

HASH: Final = tree.HASH_BYTES
WIDTH: Final = tree.TILE_WIDTH
Hashes: TypeAlias = Sequence[bytes | None]
"""A tile's leaf hashes. None: there is no such leaf."""


class PlainTree:
    """Every node over a full subtree of the given hashes."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.rows: list[Sequence[bytes]] = [hashes]
        while len(self.rows[-1]) > 1:
            below = self.rows[-1]
            pairs = range(0, len(below) - 1, 2)
            self.rows.append([tree.node_hash(below[at], below[at + 1]) for at in pairs])
        self.size = len(hashes)

    def root(self, size: int) -> bytes:
        """Out: the root of the first `size` leaves, by the definition of RFC 6962 2.1."""
        return self._over(0, size) if size else tree.EMPTY_ROOT

    def _over(self, start: int, size: int) -> bytes:
        height = (size - 1).bit_length()
        if size == 1 << height:
            return self.rows[height][start >> height]
        left = 1 << (height - 1)
        return tree.node_hash(self._over(start, left), self._over(start + left, size - left))


class TileTree:
    """A tree that is given tile by tile, of which the tiles' roots are kept, and the roots of the sizes asked for."""

    def __init__(self, wanted: Collection[int]) -> None:
        """In: the sizes whose roots will be asked for; that of the whole tree always can be."""
        self._wanted: dict[int, list[int]] = {}
        for size in wanted:
            self._wanted.setdefault(size // WIDTH, []).append(size % WIDTH)
        self._full: list[bytes] = []
        self._ends: dict[int, bytes] = {}
        self._plain: PlainTree | None = None
        self.size = 0

    def fork(self) -> TileTree:
        """Out: one that is the same so far."""
        other = TileTree(())
        other._wanted, other.size = self._wanted, self.size
        other._full, other._ends = list(self._full), dict(self._ends)
        return other

    def add(self, hashes: Sequence[bytes]) -> None:
        """In: the next tile; after one that is not full there is none."""
        tile = PlainTree(hashes)
        for width in {*self._wanted.get(len(self._full), ()), len(hashes) % WIDTH}:
            if 0 < width <= len(hashes):
                self._ends[self.size + width] = tile.root(width)
        if len(hashes) == WIDTH:
            self._full.append(tile.root(WIDTH))
        self.size += len(hashes)
        self._plain = None

    def root(self, size: int) -> bytes | None:
        """Out: the root of the first `size` leaves; None when there are fewer, or nobody had asked for it."""
        if size == 0:
            return tree.EMPTY_ROOT
        if size > self.size or (size % WIDTH and size not in self._ends):
            return None
        return self._over(0, size)

    def tiles(self) -> dict[tuple[int, int], bytes]:
        """Out: every tile above the lowest level that there must be."""
        rows = self._tops().rows[:: tree.TILE_HEIGHT]
        return {
            (level, n): b"".join(row[n * WIDTH : (n + 1) * WIDTH])
            for level, row in enumerate(rows, 1)
            for n in range((len(row) + WIDTH - 1) // WIDTH)
        }

    def _over(self, start: int, size: int) -> bytes:
        if size < WIDTH:
            return self._ends[start + size]
        height = (size - 1).bit_length()
        if size == 1 << height:
            return self._tops().rows[height - tree.TILE_HEIGHT][start >> height]
        left = 1 << (height - 1)
        return tree.node_hash(self._over(start, left), self._over(start + left, size - left))

    def _tops(self) -> PlainTree:
        if self._plain is None:
            self._plain = PlainTree(self._full)
        return self._plain


Choice: TypeAlias = Callable[[Hashes, Hashes, Sequence[int]], Hashes]
"""In: what a tile's lines and what the kept tile say its hashes are; which lines are as they must be. Out: what they
are then."""


def _any(own: Hashes, kept: Hashes, _firm: Sequence[int]) -> Hashes:
    return [mine or other or bytes(HASH) for mine, other in zip(own, kept, strict=True)]


def _mixed(own: Hashes, kept: Hashes, firm: Sequence[int]) -> Hashes:
    return [
        mine if mine is not None and (sure or other is None) else other
        for mine, other, sure in zip(own, kept, firm, strict=True)
    ]


_CHOICES: Final[Mapping[str, Choice]] = {
    "lines": lambda own, _kept, _firm: own,
    "tiles": lambda _own, kept, _firm: kept,
    "what opens, else tiles": _mixed,
    "what there is": _any,
}
"""Whom to believe, the likeliest first; whoever is believed last is believed whatever the head says."""


class Truth:
    """The trees that lines and tiles could mean, grown side by side; they are one tree until the first difference."""

    def __init__(self, wanted: Collection[int]) -> None:
        """In: the sizes whose roots will be asked for, the head's among them."""
        whole = TileTree(wanted)
        self._trees = dict.fromkeys(_CHOICES, whole)
        self._size = 0

    def add(self, own: Hashes, kept: Hashes, firm: Sequence[int]) -> None:
        """In: the next tile as its lines and as the kept tile say, padded to one length: full unless it is the last."""
        grown: dict[tuple[int, bytes], TileTree] = {}
        parents: dict[int, TileTree] = {}
        for name, parent in list(self._trees.items()):
            hashes = _trimmed(_CHOICES[name](own, kept, firm))
            if hashes is None or parent.size != self._size:  # something is missing here, or was before
                del self._trees[name]
                continue
            key = id(parent), b"".join(hashes)
            if key not in grown:
                grown[key] = parent.fork() if id(parent) in parents else parent
                parents[id(parent)] = parent
            self._trees[name] = grown[key]
        for (_, joined), one in grown.items():
            one.add([joined[at : at + HASH] for at in range(0, len(joined), HASH)])
        self._size += len(own)

    def decide(self, lines: int, tiled: int, head: int, root: bytes) -> tuple[TileTree, int, Choice]:
        """Out: the tree, its true size, and whom it believes where lines and tiles differ.

        In: how many lines and tiled leaves there are; what the head says.
        """
        size = head if head in (lines, tiled) else max(lines, tiled)
        last = list(self._trees.items())[-1]
        found = next((one for one in self._trees.items() if one[1].root(size) == root), last)
        return found[1], size, _CHOICES[found[0]]


def _trimmed(hashes: Hashes) -> list[bytes] | None:
    """Out: the hashes up to the last one there is; None when one is missing before that."""
    known = [hash_ for hash_ in hashes if hash_ is not None]
    end = next((at for at in range(len(hashes), 0, -1) if hashes[at - 1] is not None), 0)
    return known if len(known) == end else None
