"""What witnesses and auditors signed, beside the shard it is about (LOG.md 2, 10)."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.schema import COSIGNATURE, SHARD
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import Cosignature, Tree


class SqlCosignatures:
    """CosignatureStore over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def keep_cosignatures(self, found: Sequence[Cosignature]) -> None:
        """Keep them for good; of one key, tree and size the first stays."""
        await self._store.change(_keep, found)

    async def cosignatures(self, origin: str, tree: Tree, size: int | None = None) -> Sequence[Cosignature]:
        """Out: those of one size, or of every size, by size and then vkey."""
        return await self._store.read(_kept, origin, tree, size)


def _keep(connection: Connection, found: Sequence[Cosignature]) -> None:
    for one in found:
        shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == one.origin)).scalar()
        if shard is None:
            raise JournalUnavailable("storage (no such shard)")
        place = {"shard": shard, "log": one.tree.value, "size": one.size, "vkey": one.vkey}
        same = (COSIGNATURE.c[name] == value for name, value in place.items())
        if connection.execute(sa.select(COSIGNATURE.c.size).where(*same)).scalar() is None:
            connection.execute(sa.insert(COSIGNATURE), {**place, "line": one.line})
    # A crash here leaves none of them; who signed them has them still.


def _kept(connection: Connection, origin: str, tree: Tree, size: int | None) -> list[Cosignature]:
    query = (
        sa.select(COSIGNATURE.c.size, COSIGNATURE.c.vkey, COSIGNATURE.c.line)
        .join(SHARD, SHARD.c.id == COSIGNATURE.c.shard)
        .where(SHARD.c.origin == origin, COSIGNATURE.c.log == tree.value)
        .order_by(COSIGNATURE.c.size, COSIGNATURE.c.vkey)
    )
    if size is not None:
        query = query.where(COSIGNATURE.c.size == size)
    return [Cosignature(origin, tree, row.size, row.vkey, row.line) for row in connection.execute(query)]
