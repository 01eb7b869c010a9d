"""A tree grown again from its leaves, one by one, in memory that does not grow with it; and its tiles as they fill.

Written plainly and unlike the writer, from RFC 6962 2.1 and C2SP tlog-tiles alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.audit import tree
from gateway.audit.tiles import TileName

WIDTH = tree.TILE_WIDTH


class Edge:
    """The right edge of a tree that grows leaf by leaf."""

    __slots__ = ("_peaks", "size")

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        """The roots of the full subtrees so far, largest first."""

    def add(self, leaf: bytes) -> None:
        """In: the next leaf's hash."""
        bit, node = self.size, leaf
        while bit & 1:
            node = tree.node_hash(self._peaks.pop(), node)
            bit >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Out: the root over all leaves so far."""
        return folded(self._peaks)


class Growing:
    """A tree to which hashes of leaves are added."""

    def __init__(self) -> None:
        self._edge = Edge()
        self._open: list[list[bytes]] = []
        """The hashes of the unfinished tile of each level."""

    @property
    def size(self) -> int:
        """Out: how many leaves were added."""
        return self._edge.size

    def add(self, leaf: bytes) -> list[tuple[TileName, bytes]]:
        """In: the next leaf's hash. Out: the tiles that are full now, with their bytes."""
        self._edge.add(leaf)
        return self._put(leaf)

    def _put(self, node: bytes) -> list[tuple[TileName, bytes]]:
        full: list[tuple[TileName, bytes]] = []
        for level in range(len(self._open) + 1):
            if level == len(self._open):
                self._open.append([])
            hashes = self._open[level]
            hashes.append(node)
            if len(hashes) < WIDTH:
                break
            number = (self.size >> tree.TILE_HEIGHT * (level + 1)) - 1
            full.append((TileName(level, number, WIDTH), b"".join(hashes)))
            node = root(hashes)
            hashes.clear()
        return full

    def unfinished(self) -> Iterator[tuple[TileName, bytes]]:
        """Out: the tiles that are not full."""
        for level, hashes in enumerate(self._open):
            if hashes:
                number = self.size >> tree.TILE_HEIGHT * (level + 1)
                yield TileName(level, number, len(hashes)), b"".join(hashes)

    def root(self) -> bytes:
        """Out: the root over all leaves so far."""
        return self._edge.root()


def folded(peaks: Sequence[bytes]) -> bytes:
    """Out: the root over full subtrees, largest first."""
    if not peaks:
        return tree.EMPTY_ROOT
    node = peaks[-1]
    for peak in reversed(peaks[:-1]):
        node = tree.node_hash(peak, node)
    return node


def root(hashes: Sequence[bytes]) -> bytes:
    """Out: the root over these hashes: row by row, what has no partner goes up as it is (RFC 6962 2.1)."""
    row = list(hashes)
    if not row:
        return tree.EMPTY_ROOT
    while len(row) > 1:
        pairs = [tree.node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = pairs + row[len(row) & ~1 :]
    return row[0]
