"""The stored hashes and leaves of a shard's log, for publishing them (LOG.md 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.loading import read_tile
from adapters.storage.prepared import Prepared
from adapters.storage.schema import LINE, SHARD
from adapters.storage.store import SqlStore
from gateway.audit.tree import HASH_BYTES
from gateway.errors import JournalUnavailable

_LEAVES: Final = Prepared(
    sa.select(LINE.c.leaf)
    .join(SHARD, SHARD.c.id == LINE.c.shard)
    .where(
        SHARD.c.origin == sa.bindparam("b_origin"),
        LINE.c.idx >= sa.bindparam("b_start"),
        LINE.c.idx < sa.bindparam("b_stop"),
    )
    .order_by(LINE.c.idx)
)


class SqlTiles:
    """TileStore over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def tile(self, origin: str, level: int, number: int, width: int) -> bytes:
        """Out: the first `width` hashes of a tile."""
        found = await self._store.read(_tile, origin, level, number, width)
        if len(found) != width * HASH_BYTES:
            raise JournalUnavailable(f"storage (tile {level}/{number} is missing or has the wrong length)")
        return found

    async def leaves(self, origin: str, start: int, stop: int) -> Sequence[bytes]:
        """Out: the leaves of lines start ≤ index < stop, in order; fewer where lines are destroyed."""
        return await self._store.read(_leaves, origin, start, stop)


def _tile(connection: Connection, origin: str, level: int, number: int, width: int) -> bytes:
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar()
    return b"" if shard is None else read_tile(connection, shard, level, number, width)


def _leaves(connection: Connection, origin: str, start: int, stop: int) -> list[bytes]:
    rows = _LEAVES.rows(connection, {"b_origin": origin, "b_start": start, "b_stop": stop})
    leaves = [leaf for (leaf,) in rows]
    if not set(map(type, leaves)) <= {bytes}:
        raise JournalUnavailable("storage (a leaf is no bytes)")
    return leaves
