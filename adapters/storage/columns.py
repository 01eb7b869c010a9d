"""The log's tables as they are stored, for the check that believes none of them (gateway.audit.verify)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from adapters.storage.database import Database, connect_sqlite, unavailable
from adapters.storage.schema import (
    CHECKPOINT,
    CURRENT_POLICY,
    EXCHANGE,
    LINE,
    POLICY,
    RECORD,
    RECORD_EVENT,
    RECORD_SUBJECT,
    RELEASE,
    SHARD,
    TILE,
    USE,
)
from gateway.audit.verify.books import Books, ExchangeRow, RecordEventRow
from gateway.audit.verify.columns import CheckpointRow, LineRow, ShardRow, TerminalRow, TileRow, Wrong
from gateway.audit.verify.releases import ReleaseRow

_BATCH: Final = 256
_TIED: Final = (  # every column that ties a row to its shard, with what else names the row
    (LINE, LINE.c.shard, (LINE.c.idx,)),
    (TILE, TILE.c.shard, (TILE.c.level, TILE.c.n)),
    (CHECKPOINT, CHECKPOINT.c.shard, (CHECKPOINT.c.size,)),
    (EXCHANGE, EXCHANGE.c.terminal_shard, (EXCHANGE.c.exchange,)),
)


@contextmanager
def open_columns(url: str) -> Iterator[LogColumns]:
    """Read a database's log on one consistent state, while others write. Raises: ConfigurationFault,
    JournalUnavailable."""
    database = Database(url, _readable)
    try:
        with database.reader.connect() as connection:
            yield LogColumns(connection)
    except SQLAlchemyError as error:
        raise unavailable(error) from None
    finally:
        database.close()


def _readable(path: Path) -> sqlite3.Connection:
    """Out: a connection that reads damaged text as well: it is a place to be named, not an end of the reading."""
    connection = connect_sqlite(path)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


class LogColumns:
    """Iterators over the columns; nothing is derived, corrected or left out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def shards(self) -> list[ShardRow]:
        """Out: every shard, oldest first within its class."""
        rows = self._connection.execute(sa.select(SHARD).order_by(SHARD.c.retention, SHARD.c.id))
        return [ShardRow(row.origin, row.retention, row.size, row.root, bool(row.closed)) for row in rows]

    def secrets(self, origin: str) -> bytes | None:
        """Out: a shard's wrapped secrets; None once destroyed."""
        return self._connection.execute(sa.select(SHARD.c.secrets).where(SHARD.c.origin == origin)).scalar()

    def lines(self, origin: str) -> Iterator[LineRow]:
        """Out: the shard's lines in the order of `idx`."""
        columns = sa.select(LINE.c.idx, LINE.c.label, LINE.c.leaf, LINE.c.salt, LINE.c.event)
        for row in self._of(columns, LINE.c.shard, origin, LINE.c.idx):
            yield LineRow(*row)

    def tiles(self, origin: str) -> Iterator[TileRow]:
        """Out: the shard's tiles."""
        columns = sa.select(TILE.c.level, TILE.c.n, TILE.c.hashes)
        for row in self._of(columns, TILE.c.shard, origin, TILE.c.level, TILE.c.n):
            yield TileRow(*row)

    def checkpoints(self, origin: str) -> Iterator[CheckpointRow]:
        """Out: the shard's kept checkpoints."""
        columns = sa.select(CHECKPOINT.c.size, CHECKPOINT.c.note)
        for row in self._of(columns, CHECKPOINT.c.shard, origin, CHECKPOINT.c.size):
            yield CheckpointRow(*row)

    def terminals(self, origin: str) -> Iterator[TerminalRow]:
        """Out: where settled exchanges say their terminal line stands in this shard."""
        columns = sa.select(EXCHANGE.c.exchange, EXCHANGE.c.terminal_idx, EXCHANGE.c.kind)
        for row in self._of(columns, EXCHANGE.c.terminal_shard, origin, EXCHANGE.c.terminal_idx):
            yield TerminalRow(*row)

    def books(self) -> Books:
        """Out: the tables beside the lines."""
        told = sa.select(SHARD.c.retention, LINE.c.leaf, LINE.c.salt, LINE.c.event)
        lines = told.join(LINE, LINE.c.shard == SHARD.c.id)
        exchanges = sa.select(*(EXCHANGE.c[name] for name in ExchangeRow.__dataclass_fields__))
        events = sa.select(RECORD_EVENT).order_by(RECORD_EVENT.c.record, RECORD_EVENT.c.revision)
        return Books(
            lines=self._all(lines.order_by(LINE.c.shard, LINE.c.idx)),
            exchanges=(ExchangeRow(*row) for row in self._all(exchanges)),
            uses=self._all(sa.select(USE)),
            releases=(ReleaseRow(*row) for row in self._all(sa.select(RELEASE))),
            record_events=(RecordEventRow(*row) for row in self._all(events)),
            records=self._all(sa.select(RECORD)),
            record_subjects=self._all(sa.select(RECORD_SUBJECT)),
            policies=self._all(sa.select(POLICY)),
            current=list(self._all(sa.select(CURRENT_POLICY))),
        )

    def _all(self, statement: sa.Select[*tuple[Any, ...]]) -> Iterator[Any]:
        for row in self._connection.execute(statement.execution_options(yield_per=_BATCH)):
            yield tuple(row)

    def strays(self) -> list[Wrong]:
        """Out: rows that say they belong to a shard there is not."""
        found: list[Wrong] = []
        known = sa.select(SHARD.c.id)
        for table, shard, names in _TIED:
            stray = sa.select(shard, *names).where(shard.is_not(None), shard.not_in(known)).limit(_BATCH)
            for row in self._connection.execute(stray):
                key = " ".join(str(part) for part in row)
                found.append(Wrong(table.name, key, shard.name, "belongs to no shard there is"))
        return found

    def _of(
        self, columns: sa.Select[*tuple[Any, ...]], shard: sa.Column[Any], origin: str, *order: sa.Column[Any]
    ) -> Iterator[Row[*tuple[Any, ...]]]:
        owner = sa.select(SHARD.c.id).where(SHARD.c.origin == origin).scalar_subquery()
        statement = columns.where(shard == owner).order_by(*order).execution_options(yield_per=_BATCH)
        yield from self._connection.execute(statement)
