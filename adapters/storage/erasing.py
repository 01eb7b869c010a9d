"""Erasing to the day, a few lines at a time, so that appends go on between (LOG.md 8).

What is left of it in the database's files goes when that is settled, each kind in its own way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage import database
from adapters.storage.dialect import Url
from adapters.storage.queries import shards
from adapters.storage.schema import (
    EXCHANGE,
    HOLD,
    LINE,
    RECORD,
    RECORD_EVENT,
    RECORD_SUBJECT,
    RELEASE,
    SHARD,
    USE,
)
from adapters.storage.store import SqlStore
from consent.vocabulary import RecordState
from gateway.audit.retention import Span
from gateway.ports import Line, RecordEvent, Shard, StoredLine
from gateway.stages import Position

ERASED: Final = "erased"
"""The kind of an exchange of which only is known that it used a decision."""
_STATES: Final = frozenset(RecordState)
_PART: Final = 512


class SqlRetention:
    """RetentionStore over the journal's database."""

    def __init__(self, store: SqlStore, url: Url) -> None:
        self._store, self._url = store, url

    async def unerased(self, origin: str, start: int) -> Sequence[StoredLine]:
        """Out: the next lines that can be opened, but for leaf 0."""
        return await self._store.read(_unerased, origin, start)

    async def erase(
        self, origin: str, span: Span, withheld: str, exchanges: Collection[str], holds: Collection[str]
    ) -> bool:
        """Erase the lines and what is known of these exchanges. Out: False: other holds stand."""
        return await self._store.change(_erase, origin, span, withheld, exchanges, frozenset(holds))

    async def destroy(self, origin: str, holds: Collection[str]) -> bool:
        """Destroy the keys of a shard that is over. Out: False: it is not, or other holds stand."""
        return await self._store.change(_destroy, origin, frozenset(holds))

    async def clear(self, origin: str, most: int) -> bool:
        """Delete lines of a shard without keys. Out: whether more are left."""
        if not await self._store.read(_deletable, origin, 1):
            return False
        return await self._store.change(_clear, origin, most)

    async def over(
        self, over: Callable[[RecordEvent], bool], after: str
    ) -> tuple[Sequence[RecordEvent], str | None]:
        """Out: of the next records the last events of those that are over, and after which to go on."""
        return await self._store.read(_over, over, after)

    async def forget_record(self, record: str, revision: int) -> bool:
        """Delete a record with all that hangs on it. Out: False: an exchange that used it is still kept, or it has gone
        on since."""
        return await self._store.change(_forget_record, record, revision)

    async def settle(self, vacuum: bool) -> bool:
        """Let nothing erased stay in the database's files. Out: False: somebody was reading."""
        return await asyncio.to_thread(database.settle, self._url, vacuum)


# --- lines -----------------------------------------------------------------------------------------------------------
def _shard(connection: Connection, origin: str) -> int | None:
    found: int | None = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar()
    return found


def _unerased(connection: Connection, origin: str, start: int) -> list[StoredLine]:
    rows = connection.execute(
        sa.select(LINE.c.idx, LINE.c.leaf, LINE.c.salt, LINE.c.event)
        .where(LINE.c.shard == _shard(connection, origin), LINE.c.idx >= max(start, 1))
        .where(LINE.c.event.is_not(None))
        .order_by(LINE.c.idx)
        .limit(_PART)
    )
    return [StoredLine(Position(origin, idx), Line(leaf, salt, event)) for idx, leaf, salt, event in rows]


def _erase(
    connection: Connection,
    origin: str,
    span: Span,
    withheld: str,
    exchanges: Collection[str],
    holds: frozenset[str],
) -> bool:
    if _standing(connection) != holds:
        return False
    due = (
        LINE.c.shard == _shard(connection, origin),
        LINE.c.idx >= max(span.start, 1),
        LINE.c.idx < span.stop,
        LINE.c.event.is_not(None),
    )
    connection.execute(sa.update(LINE).where(*due).values(salt=None, event=None, withheld=withheld))
    _forget_exchanges(connection, exchanges)
    # A crash here leaves all of it: whoever comes next finds the same lines due.
    return True


def _forget_exchanges(connection: Connection, exchanges: Collection[str]) -> None:
    """What no line speaks of any more is not known any more; a use of a decision stays counted, by a bare row."""
    last = LINE.c.shard == EXCHANGE.c.terminal_shard, LINE.c.idx == EXCHANGE.c.terminal_idx
    over = (
        sa.select(EXCHANGE.c.exchange, sa.exists().where(USE.c.exchange == EXCHANGE.c.exchange).label("used"))
        .select_from(EXCHANGE.outerjoin(LINE, sa.and_(*last)))
        .where(EXCHANGE.c.exchange.in_(list(exchanges)), EXCHANGE.c.kind.is_not(None))
        .where(EXCHANGE.c.kind != ERASED, LINE.c.event.is_(None))
        .where(~sa.exists().where(RELEASE.c.exchange == EXCHANGE.c.exchange))
    )
    rows = connection.execute(over).all()
    for exchange in (row.exchange for row in rows if row.used):
        bare = {"consumer": "", "message_id": exchange, "digest": "", "secondary": 0, "retention": ""}
        bare |= {"attempt": 0, "kind": ERASED, "terminal_idx": 0}
        emptied = dict.fromkeys(
            ("record", "terminal_shard", "reply", "kept", "keep_until", "confirmed"), sa.null()
        )
        connection.execute(
            sa.update(EXCHANGE).where(EXCHANGE.c.exchange == exchange).values(**bare, **emptied)
        )
    gone = [row.exchange for row in rows if not row.used]
    connection.execute(sa.delete(EXCHANGE).where(EXCHANGE.c.exchange.in_(gone)))


def _standing(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(sa.select(HOLD.c.hold).where(HOLD.c.lifted.is_(None))).scalars())


# --- shards ----------------------------------------------------------------------------------------------------------
def _destroy(connection: Connection, origin: str, holds: frozenset[str]) -> bool:
    shard = connection.execute(sa.select(SHARD).where(SHARD.c.origin == origin)).one_or_none()
    if shard is None or _standing(connection) != holds:
        return False
    opens = sa.exists().where(LINE.c.shard == shard.id, LINE.c.idx > 0, LINE.c.event.is_not(None))
    if not shard.closed or _next(connection, origin) is None or connection.execute(sa.select(opens)).scalar():
        return False
    connection.execute(sa.update(SHARD).where(SHARD.c.id == shard.id).values(secrets=None))
    # A crash here leaves the keys: whoever comes next finds the shard over.
    return True


def _next(connection: Connection, origin: str) -> Shard | None:
    """Out: the shard that follows in the class."""
    return next((after for one, after in pairwise(shards(connection)) if _follow(origin, one, after)), None)


def _follow(origin: str, one: Shard, after: Shard) -> bool:
    return one.head.origin == origin and one.retention == after.retention


def _deletable(connection: Connection, origin: str, most: int) -> list[int]:
    """Out: lines to be deleted. Leaf 0 opens what the next shard's first line names: it goes with that one's keys."""
    shard = connection.execute(sa.select(SHARD.c.id, SHARD.c.secrets).where(SHARD.c.origin == origin)).first()
    if shard is None or shard.secrets is not None:
        return []
    following = _next(connection, origin)
    first = 0 if following is not None and following.secrets is None else 1
    lines = sa.select(LINE.c.idx).where(LINE.c.shard == shard.id, LINE.c.idx >= first)
    return list(connection.execute(lines.order_by(LINE.c.idx).limit(most)).scalars())


def _clear(connection: Connection, origin: str, most: int) -> bool:
    found = _deletable(connection, origin, most)
    if found:
        shard = _shard(connection, origin)
        connection.execute(
            sa.delete(LINE).where(LINE.c.shard == shard, LINE.c.idx >= found[0], LINE.c.idx <= found[-1])
        )
    # A crash here leaves them: nobody can tie them to a person any more, and the next run deletes them.
    return len(found) == most


# --- records ---------------------------------------------------------------------------------------------------------
def _over(
    connection: Connection, over: Callable[[RecordEvent], bool], after: str
) -> tuple[list[RecordEvent], str | None]:
    last = RECORD_EVENT.c.record == RECORD.c.record, RECORD_EVENT.c.revision == RECORD.c.revision
    rows = connection.execute(
        sa.select(RECORD_EVENT)
        .join(RECORD, sa.and_(*last))
        .where(RECORD.c.record > after)
        .order_by(RECORD.c.record)
        .limit(_PART)
    ).all()
    events = [
        RecordEvent(row.record, row.revision, RecordState(row.state), row.body, row.receipt)
        for row in rows
        if row.state in _STATES  # `log verify` names another
    ]
    found = [event for event in events if over(event)]
    return found, rows[-1].record if len(rows) == _PART else None


def _forget_record(connection: Connection, record: str, revision: int) -> bool:
    stands = RECORD.c.record == record, RECORD.c.revision == revision
    if connection.execute(sa.select(RECORD.c.record).where(*stands)).first() is None:
        return False
    used = sa.select(USE.c.exchange).where(USE.c.record == record)
    kept = sa.exists().where(EXCHANGE.c.exchange.in_(used), EXCHANGE.c.kind.is_distinct_from(ERASED))
    if connection.execute(sa.select(kept)).scalar():
        return False
    exchanges = list(connection.execute(used).scalars())
    connection.execute(sa.delete(USE).where(USE.c.record == record))
    elsewhere = sa.exists().where(USE.c.exchange == EXCHANGE.c.exchange)
    connection.execute(sa.delete(EXCHANGE).where(EXCHANGE.c.exchange.in_(exchanges), ~elsewhere))
    for table in (RECORD_SUBJECT, RECORD_EVENT):
        connection.execute(sa.delete(table).where(table.c.record == record))
    return connection.execute(sa.delete(RECORD).where(RECORD.c.record == record)).rowcount == 1
    # A crash here leaves all of it for the next run.
