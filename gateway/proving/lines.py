"""The labels of a log's lines as its head has them: an index grows from these, not from what a store tells of labels.

A row's label stands beside its leaf, and in the database's own index: who writes there without a key can have either
say something else. Leaves whose hashes have the head's root are the ones that were written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

from gateway.audit import tree
from gateway.audit.labels import LABEL_BYTES, LEAF_BYTES
from gateway.ports import Head
from gateway.ports.tiles import TileStore
from gateway.proving.outputs import IndexWrong

Out = TypeVar("Out")
_PART: Final = 80 * tree.TILE_WIDTH
"""Leaves that are read at once: whole tiles."""


class Aside(Protocol):
    """Does a task that takes its time where nothing waits for it, in a thread."""

    async def __call__(self, task: Callable[[], Out], /) -> Out: ...


async def labels_of(store: TileStore, aside: Aside, head: Head, start: int) -> bytes:
    """Out: the labels of the head's lines from `start` on, in their order, one after the other. Raises: IndexWrong,
    when the leaves are not those of the head; JournalUnavailable."""
    first = start - start % tree.TILE_WIDTH
    try:
        peaks = list((await _edge(store, head.origin, first)).peaks)
    except tree.TileDamaged:
        raise IndexWrong(head.origin) from None
    labels = bytearray()
    for at in range(first, head.size, _PART):
        leaves = await store.leaves(head.origin, at, min(at + _PART, head.size))
        if {len(leaf) for leaf in leaves} != {LEAF_BYTES}:
            raise IndexWrong(head.origin)
        peaks = await aside(partial(_with, peaks, at, leaves))
        labels += b"".join([leaf[1 : 1 + LABEL_BYTES] for leaf in leaves[max(start - at, 0) :]])
    if tree.fold(peaks) != head.root:
        raise IndexWrong(head.origin)
    return bytes(labels)


async def _edge(store: TileStore, origin: str, size: int) -> tree.Edge:
    """Out: the edge of the tree of so many lines, whole tiles of them: of each level the tile that is not full."""
    tiles: dict[tuple[int, int], bytes] = {}
    level = 1
    while size >> tree.TILE_HEIGHT * level:
        number, width = divmod(size >> tree.TILE_HEIGHT * level, tree.TILE_WIDTH)
        if width:
            tiles[level, number] = await store.tile(origin, level, number, width)
        level += 1
    return tree.edge_at(size, lambda level, number, width: tiles.get((level, number), b""))


def _with(peaks: Sequence[bytes], start: int, leaves: Sequence[bytes]) -> list[bytes]:
    hashes = b"".join([tree.leaf_hash(leaf) for leaf in leaves])
    return tree.peaks_with(peaks, start // tree.TILE_WIDTH, hashes)
