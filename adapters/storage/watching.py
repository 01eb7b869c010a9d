"""Port WatchStore: the exchanges' rows, a few at a time, by their keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.judging import moment
from adapters.storage.schema import EXCHANGE, RELEASE, SHARD, USE
from adapters.storage.store import SqlStore
from gateway.ports import ExchangeKey
from gateway.ports.watch import Watched
from gateway.stages import Position

PART: Final = 256
"""Rows that are read at once."""

_RESERVED: Final = (
    sa.select(USE.c.exchange).where(USE.c.exchange == EXCHANGE.c.exchange, USE.c.state == "reserved").exists()
)
_ROWS: Final = sa.select(
    EXCHANGE.c.exchange,
    EXCHANGE.c.consumer,
    EXCHANGE.c.message_id,
    EXCHANGE.c.digest,
    EXCHANGE.c.attempt,
    EXCHANGE.c.secondary,
    EXCHANGE.c.retention,
    EXCHANGE.c.kind,
    SHARD.c.origin,
    EXCHANGE.c.terminal_idx,
    _RESERVED.label("reserved"),
    RELEASE.c.due,
).select_from(
    EXCHANGE.outerjoin(SHARD, SHARD.c.id == EXCHANGE.c.terminal_shard).outerjoin(
        RELEASE, RELEASE.c.exchange == EXCHANGE.c.exchange
    )
)


class SqlWatch:
    """WatchStore over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def under_way(self) -> Sequence[Watched]:
        """Out: every exchange that has not ended."""
        return await self._store.read(_under_way)

    async def exchanges(self, names: Collection[str]) -> Mapping[str, Watched]:
        """Out: those of these exchanges that have a row."""
        return await self._store.read(_exchanges, names)

    async def exchanges_after(self, name: str) -> Sequence[Watched]:
        """Out: the next part of all exchanges by name."""
        return await self._store.read(_after, name)


def _under_way(connection: Connection) -> list[Watched]:
    return _read(connection.execute(_ROWS.where(EXCHANGE.c.kind.is_(None))))


def _exchanges(connection: Connection, names: Collection[str]) -> dict[str, Watched]:
    wanted, found = sorted(names), list[Watched]()
    for at in range(0, len(wanted), PART):
        found += _read(connection.execute(_ROWS.where(EXCHANGE.c.exchange.in_(wanted[at : at + PART]))))
    return {one.key.exchange: one for one in found}


def _after(connection: Connection, name: str) -> list[Watched]:
    query = _ROWS.where(EXCHANGE.c.exchange > name).order_by(EXCHANGE.c.exchange).limit(PART)
    return _read(connection.execute(query))


def _read(rows: Iterable[sa.Row[Any]]) -> list[Watched]:
    return [
        Watched(
            key=ExchangeKey(
                row.exchange,
                row.consumer,
                row.message_id,
                row.digest,
                row.attempt,
                bool(row.secondary),
                row.retention,
            ),
            kind=row.kind,
            terminal=Position(row.origin, row.terminal_idx) if row.kind is not None else None,
            reserved=bool(row.reserved),
            exempt_until=moment(row.due) if row.due is not None else None,
        )
        for row in rows
    ]
