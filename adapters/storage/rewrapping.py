"""Sealed bytes found and replaced, a few at a time, so that no exchange waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.schema import EXCHANGE, HELD, HOLD, POLICY, RELEASE, SHARD
from adapters.storage.store import SqlStore
from gateway.ports import Place, Sealed

AT_ONCE: Final = 64
"""How many are read, and written in one transaction."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of sealed bytes, and what names its row."""

    sealed: sa.Column[Any]
    name: sa.Column[Any]
    part: sa.Column[Any] | None = None

    @property
    def at(self) -> sa.ColumnElement[int]:
        return self.part if self.part is not None else sa.literal(0)


_COLUMNS: Final[Mapping[Place, _Column]] = {
    Place.SECRETS: _Column(SHARD.c.secrets, SHARD.c.origin),
    Place.REPLY: _Column(EXCHANGE.c.reply, EXCHANGE.c.exchange),
    Place.RELEASE: _Column(RELEASE.c.sealed, RELEASE.c.exchange),
    Place.POLICY: _Column(POLICY.c.archive, POLICY.c.hash),
    Place.HOLD: _Column(HOLD.c.sealed, HOLD.c.hold),
    Place.HELD: _Column(HELD.c.sealed, HELD.c.hold, HELD.c.shard),
}


class SqlSealed:
    """Port `SealedStore` over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def sealed(
        self, place: Place, mark: bytes, after: tuple[str, int] | None = None
    ) -> Sequence[Sealed]:
        """Out: what does not begin with `mark`: the first of it, or what follows on `after`."""
        return await self._store.read(_sealed, place, mark, after)

    async def reseal(self, changes: Sequence[tuple[Sealed, bytes]]) -> int:
        """Put other bytes in place of these, where these still are. Out: how often they were."""
        done = 0
        for start in range(0, len(changes), AT_ONCE):
            done += await self._store.change(_reseal, changes[start : start + AT_ONCE])
        return done


def _sealed(connection: Connection, place: Place, mark: bytes, after: tuple[str, int] | None) -> list[Sealed]:
    column = _COLUMNS[place]
    found = (
        sa.select(column.name, column.at, column.sealed)
        .where(column.sealed.is_not(None), sa.func.substr(column.sealed, 1, len(mark)) != mark)
        .order_by(column.name, column.at)
        .limit(AT_ONCE)
    )
    if after is not None:
        found = found.where(sa.tuple_(column.name, column.at) > sa.tuple_(*map(sa.literal, after)))
    return [Sealed(place, name, part, sealed) for name, part, sealed in connection.execute(found)]


def _reseal(connection: Connection, changes: Sequence[tuple[Sealed, bytes]]) -> int:
    done = 0
    for old, new in changes:
        column = _COLUMNS[old.place]
        there = (column.name == old.name, column.at == old.part, column.sealed == old.bytes)
        changed = sa.update(column.sealed.table).where(*there).values({column.sealed: new})
        done += connection.execute(changed).rowcount
    return done
    # A crash here leaves these as they were: whoever seals anew next finds them.
