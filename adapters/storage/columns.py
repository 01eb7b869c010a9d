"""The log's tables as they are stored, for the check that believes none of them (gateway.audit.verify)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from adapters.storage.database import Database, unavailable
from adapters.storage.schema import CHECKPOINT, EXCHANGE, LINE, SHARD, TILE
from gateway.audit.verify.columns import CheckpointRow, LineRow, ShardRow, TerminalRow, TileRow, Wrong

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
    database = Database(url)
    try:
        with database.reader.connect() as connection:
            yield LogColumns(connection)
    except SQLAlchemyError as error:
        raise unavailable(error) from None
    finally:
        database.close()


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
