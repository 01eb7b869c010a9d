"""Holds, and what they keep of each shard, wrapped (LOG.md 8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.judging import milliseconds, moment
from adapters.storage.schema import HELD, HOLD, SHARD
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import StoredHold


class SqlHolds:
    """HoldStore over the journal's database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def place(self, hold: StoredHold) -> None:
        """Keep a new hold."""
        await self._store.change(_place, hold)

    async def holds(self) -> Sequence[StoredHold]:
        """Out: every hold there ever was, oldest first."""
        return await self._store.read(_holds)

    async def lift(self, hold: str, now: datetime) -> bool:
        """Destroy what it keeps, and for whom and why. Out: False: there is no such hold, or it is over."""
        return await self._store.change(_lift, hold, now)

    async def held(self, hold: str) -> Sequence[tuple[str, bytes]]:
        """Out: origin and wrapped part of each shard it keeps something of."""
        return await self._store.read(_held, hold)

    async def keep(self, hold: str, origin: str, sealed: bytes, before: bytes | None) -> bool:
        """Keep a part in place of the one before. Out: False: another is kept, or the hold is over."""
        return await self._store.change(_keep, hold, origin, sealed, before)


def _day(day: date) -> int:
    return milliseconds(datetime.combine(day, time(), UTC))


def _place(connection: Connection, hold: StoredHold) -> None:
    row = {"hold": hold.hold, "placed": milliseconds(hold.placed), "until": _day(hold.until)}
    connection.execute(sa.insert(HOLD), row | {"sealed": hold.sealed})
    # A crash here leaves no hold; after the commit nothing it speaks of is erased before it has its copy.


def _holds(connection: Connection) -> list[StoredHold]:
    rows = connection.execute(sa.select(HOLD).order_by(HOLD.c.placed, HOLD.c.hold))
    return [
        StoredHold(
            row.hold,
            moment(row.placed),
            moment(row.until).date(),
            row.sealed,
            moment(row.lifted) if row.lifted is not None else None,
        )
        for row in rows
    ]


def _lift(connection: Connection, hold: str, now: datetime) -> bool:
    standing = HOLD.c.hold == hold, HOLD.c.lifted.is_(None)
    over = sa.update(HOLD).where(*standing).values(lifted=milliseconds(now), sealed=None)
    if connection.execute(over).rowcount == 0:
        return False
    connection.execute(sa.delete(HELD).where(HELD.c.hold == hold))
    # A crash here leaves the hold as it was.
    return True


def _held(connection: Connection, hold: str) -> list[tuple[str, bytes]]:
    rows = connection.execute(
        sa.select(SHARD.c.origin, HELD.c.sealed)
        .join(SHARD, SHARD.c.id == HELD.c.shard)
        .where(HELD.c.hold == hold)
        .order_by(SHARD.c.retention, SHARD.c.id)
    )
    return [(row.origin, row.sealed) for row in rows]


def _keep(connection: Connection, hold: str, origin: str, sealed: bytes, before: bytes | None) -> bool:
    stands = sa.select(HOLD.c.hold).where(HOLD.c.hold == hold, HOLD.c.lifted.is_(None))
    if connection.execute(stands).scalar() is None:
        return False
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar()
    if shard is None:
        raise JournalUnavailable("storage (no such shard)")
    place = HELD.c.hold == hold, HELD.c.shard == shard
    if connection.execute(sa.select(HELD.c.sealed).where(*place)).scalar() != before:
        return False
    if before is None:
        connection.execute(sa.insert(HELD), {"hold": hold, "shard": shard, "sealed": sealed})
    else:
        connection.execute(sa.update(HELD).where(*place).values(sealed=sealed))
    # A crash here leaves what was kept before.
    return True
