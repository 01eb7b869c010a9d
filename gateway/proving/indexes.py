"""The shards' indexes: made of the lines, grown from the last one, cached where nobody has to believe the cache.

The lines are those whose leaves have the head's root (`gateway.proving.lines`). Two kinds of trust. What a new epoch
will say is signed for ever: it grows only from an index this process made, or from a cached one that was reckoned
again, row by row, and has the root of a committed epoch. What an epoch there is has said already can be shown out of
the cache as it is: every proof stands under that root or is not shown.
"""

from __future__ import annotations

from functools import partial

from gateway.audit.index import EMPTY_INDEX, Index
from gateway.audit.indexing import Growing, LinesMissing
from gateway.ports import EpochStore, Head, IndexCache
from gateway.ports.tiles import TileStore
from gateway.proving.lines import Aside, labels_of
from gateway.proving.outputs import IndexWrong, OutputLog


class Indexes:
    """In: where the lines' labels and their leaves are, where indexes are cached, who does the reckoning."""

    def __init__(self, store: EpochStore, stored: TileStore, cache: IndexCache, aside: Aside) -> None:
        self._store, self._stored, self._cache, self._aside = store, stored, cache, aside
        self._mine: dict[str, Index] = {}

    async def new(self, log: OutputLog, head: Head) -> Index:
        """Out: the index of the head's lines, to be signed. Raises: IndexWrong, when they are not what is stored."""
        older = await self._believed(log, head.size)
        index = await self._grown(older, head)
        self._mine[log.origin] = index
        return index

    async def kept(self, head: Head, root: bytes) -> Index:
        """Out: the index of an epoch there is; what it shows stands under `root`. Raises: IndexWrong."""
        origin, lines = head.origin, head.size
        for found in (self._mine.get(origin), await self._aside(partial(self._cache.read, origin))):
            if found is not None and (found.lines, found.root) == (lines, root):
                return found
        made = await self.again(head, root)
        found = await self._aside(partial(self._cache.read, origin))  # in place, where memory is free
        return found if found is not None and (found.lines, found.root) == (lines, root) else made

    async def again(self, head: Head, root: bytes) -> Index:
        """Out: the same, made of the lines and cached. Raises: IndexWrong, when they are not what the epoch says."""
        index = await self._grown(EMPTY_INDEX, head)
        if index.root != root:
            raise IndexWrong(head.origin)
        await self.cache(head.origin, index)
        return index

    async def reckoned(self, head: Head, index: Index, root: bytes) -> Index:
        """Out: the index, each of whose rows is known to stand under `root`; else it is made again. Raises:
        IndexWrong."""
        made = await self._aside(partial(_reckoned, index))
        return made if made.root == root else await self.again(head, root)

    async def cache(self, origin: str, index: Index) -> None:
        """Keep it for the next process, unless a later one is kept."""
        found = await self._aside(partial(self._cache.read, origin))
        if found is None or found.lines <= index.lines:
            await self._aside(partial(self._cache.keep, origin, index))

    def keep_only(self, origins: set[str]) -> None:
        """Have no other shards' indexes at hand any more."""
        for origin in self._mine.keys() - origins:
            del self._mine[origin]

    async def _believed(self, log: OutputLog, lines: int) -> Index:
        """Out: an index to grow from: the last one made here, or a cached one of an epoch, reckoned again."""
        mine = self._mine.get(log.origin)
        if mine is not None and mine.lines <= lines:
            return mine
        found = await self._aside(partial(self._cache.read, log.origin))
        if found is not None and found.lines <= lines and found.root == log.index_root(found.lines):
            made = await self._aside(partial(_reckoned, found))
            if made.root == found.root:
                return made
        return EMPTY_INDEX

    async def _grown(self, older: Index, head: Head) -> Index:
        if older.lines == head.size:
            return older
        growing = Growing(older, await labels_of(self._stored, self._aside, head, older.lines))
        after: tuple[bytes, int] | None = None
        try:
            while part := await self._store.labels(head.origin, older.lines, head.size, after):
                await self._aside(partial(growing.add, part))
                after = part[-1]
            return await self._aside(partial(growing.done, head.size))
        except LinesMissing:
            raise IndexWrong(head.origin) from None


def _reckoned(index: Index) -> Index:
    """Out: the index that its rows have, out of any file."""
    return Index.of_rows(index.lines, bytes(index.rows()))
