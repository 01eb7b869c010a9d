"""How exchanges ended: their rows, each with its terminal line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.schema import EXCHANGE, LINE, SHARD
from adapters.storage.store import SqlStore
from gateway.ports import Ended, Line, StoredLine
from gateway.stages import Position

_PART: Final = 512
_ENDED: Final = (
    sa.select(
        EXCHANGE.c.exchange,
        EXCHANGE.c.consumer,
        EXCHANGE.c.message_id,
        EXCHANGE.c.digest,
        SHARD.c.origin,
        LINE.c.idx,
        LINE.c.leaf,
        LINE.c.salt,
        LINE.c.event,
        LINE.c.withheld,
    )
    .select_from(EXCHANGE)
    .outerjoin(
        LINE, sa.and_(LINE.c.shard == EXCHANGE.c.terminal_shard, LINE.c.idx == EXCHANGE.c.terminal_idx)
    )
    .outerjoin(SHARD, SHARD.c.id == LINE.c.shard)
    .where(EXCHANGE.c.kind.is_not(None))
)


class SqlExchanges:
    """ExchangeStore over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def ended(self, exchanges: Sequence[str]) -> Sequence[Ended]:
        """Out: those of these exchanges that ended, in any order."""
        return await self._store.read(_ended, exchanges)

    async def ended_of(self, consumer: str, after: tuple[str, str] | None = None) -> Sequence[Ended]:
        """Out: the first, or next, of a consumer's ended exchanges."""
        return await self._store.read(_ended_of, consumer, after)


def _ended(connection: Connection, exchanges: Sequence[str]) -> list[Ended]:
    found: list[Ended] = []
    for start in range(0, len(exchanges), _PART):
        part = list(exchanges[start : start + _PART])
        found += _read(connection, _ENDED.where(EXCHANGE.c.exchange.in_(part)))
    return found


def _ended_of(connection: Connection, consumer: str, after: tuple[str, str] | None) -> list[Ended]:
    query = _ENDED.where(EXCHANGE.c.consumer == consumer)
    if after is not None:
        query = query.where(sa.tuple_(EXCHANGE.c.message_id, EXCHANGE.c.digest) > sa.tuple_(*after))
    return _read(connection, query.order_by(EXCHANGE.c.message_id, EXCHANGE.c.digest).limit(_PART))


def _read(connection: Connection, query: sa.Select[tuple[object, ...]]) -> list[Ended]:
    return [
        Ended(
            row.exchange,
            row.consumer,
            (row.message_id, row.digest),
            None
            if row.origin is None
            else StoredLine(Position(row.origin, row.idx), Line(row.leaf, row.salt, row.event), row.withheld),
        )
        for row in connection.execute(query)
    ]
