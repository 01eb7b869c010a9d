"""Port RestoreStore: leaves and epochs put back, and the records that permit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.growing import Edges, save_lines
from adapters.storage.judging import ShardState
from adapters.storage.schema import EPOCH, LINE, RECORD, SHARD
from adapters.storage.store import SqlStore
from consent.vocabulary import PERMITTING
from gateway.errors import JournalUnavailable
from gateway.ports import Head, Line

PART: Final = 256
"""Records that are read at once."""


class SqlRestore:
    """RestoreStore over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def put_back(self, origin: str, size: int, leaves: Sequence[bytes], why: str) -> Head:
        """Close a shard of that size, with these leaves after its last one. Out: its head."""
        return await self._store.change(_put_back, origin, size, leaves, why)

    async def put_back_epochs(self, origin: str, epochs: Sequence[tuple[int, bytes]]) -> None:
        """Add epochs that follow the ones the shard's output log has."""
        await self._store.change(_put_back_epochs, origin, epochs)

    async def permitting(self, after: str) -> Sequence[str]:
        """Out: the next part of the records and powers that permit by their last event."""
        return await self._store.read(_permitting, after)


def _put_back(connection: Connection, origin: str, size: int, leaves: Sequence[bytes], why: str) -> Head:
    row = connection.execute(sa.select(SHARD).where(SHARD.c.origin == origin).with_for_update()).one_or_none()
    if row is None or row.size != size:
        raise JournalUnavailable("storage (the shard has grown)")
    lines = [Line(leaf, None, None) for leaf in leaves]
    grown = save_lines(connection, ShardState(row.id, origin, size, row.root, True, lines), Edges())
    new = sa.update(LINE).where(LINE.c.shard == row.id, LINE.c.idx >= size)
    connection.execute(new.values(withheld=why))
    connection.execute(sa.update(SHARD).where(SHARD.c.id == row.id).values(closed=1))
    # A crash here leaves the shard as it was; after the commit it has all of them, or as many as were there.
    return Head(origin, grown.size, grown.root)


def _put_back_epochs(connection: Connection, origin: str, epochs: Sequence[tuple[int, bytes]]) -> None:
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar_one()
    there = sa.select(sa.func.count()).select_from(EPOCH).where(EPOCH.c.shard == shard)
    first: int = connection.execute(there).scalar_one()
    rows = [
        {"shard": shard, "number": number, "size": size, "leaf": leaf}
        for number, (size, leaf) in enumerate(epochs, first)
    ]
    if rows:
        connection.execute(sa.insert(EPOCH), rows)
        # A crash here leaves none of them: they are put back again.


def _permitting(connection: Connection, after: str) -> list[str]:
    states = [str(state) for state in PERMITTING]
    query = sa.select(RECORD.c.record).where(RECORD.c.record > after, RECORD.c.state.in_(states))
    return list(connection.execute(query.order_by(RECORD.c.record).limit(PART)).scalars())
