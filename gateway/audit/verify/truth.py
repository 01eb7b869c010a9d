"""Which hashes a kept tree was grown with, when its columns disagree; and the plain tree over them.

Leaves, level-0 tiles and the head each say what the tree is. The head's root decides between the other two, so that
one wrong byte is found in one place. Written plainly and unlike the writer, which grows the tree incrementally.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.audit import tree
from gateway.audit.verify.columns import TileRow

HASH: Final = tree.HASH_BYTES
WIDTH: Final = tree.TILE_WIDTH
Tiles = Mapping[tuple[int, int], TileRow]


class PlainTree:
    """Every node over a full subtree of the given leaf hashes."""

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

    def tiles(self) -> dict[tuple[int, int], bytes]:
        """Out: every tile there must be."""
        return {
            (level, n): b"".join(row[n * WIDTH : (n + 1) * WIDTH])
            for level, row in enumerate(self.rows[:: tree.TILE_HEIGHT])
            for n in range((len(row) + WIDTH - 1) // WIDTH)
        }

    def _over(self, start: int, size: int) -> bytes:
        height = (size - 1).bit_length()
        if size == 1 << height:
            return self.rows[height][start >> height]
        left = 1 << (height - 1)
        return tree.node_hash(self._over(start, left), self._over(start + left, size - left))


def tiled_size(tiles: Tiles) -> int:
    """Out: how many leaves the level-0 tiles speak of."""
    return max(
        (n * WIDTH + len(tile.hashes) // HASH for (level, n), tile in tiles.items() if level == 0), default=0
    )


def true_size(lines: int, tiled: int, head: int) -> int:
    """Out: the size two of the three agree on, else the number of lines."""
    return head if tiled == head else lines


def true_hashes(
    lines: Sequence[bytes | None], firm: Sequence[bool], tiles: Tiles, size: int, root: bytes
) -> list[bytes]:
    """Out: the leaf hashes the tree was grown with, as far as they can be known.

    In: the hash of each kept leaf (None: no such line), whether its line opens, the tiles, and the head.
    """
    own = [*lines[:size], *[None] * (size - len(lines))]
    tiled = [_tiled(at, tiles) for at in range(size)]
    mixed = [
        mine if mine is not None and (firm[at] or other is None) else other
        for at, (mine, other) in enumerate(zip(own, tiled, strict=True))
    ]
    for candidate in (own, tiled, mixed):
        known = [hash_ for hash_ in candidate if hash_ is not None]
        if len(known) == size and PlainTree(known).root(size) == root:
            return known
    return [mine or other or bytes(HASH) for mine, other in zip(own, tiled, strict=True)]


def _tiled(at: int, tiles: Tiles) -> bytes | None:
    tile = tiles.get((0, at // WIDTH))
    start = at % WIDTH * HASH
    hash_ = tile.hashes[start : start + HASH] if tile is not None else b""
    return hash_ if len(hash_) == HASH else None
