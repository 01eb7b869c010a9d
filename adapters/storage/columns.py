"""The log's tables as they are stored, for the check that believes none of them (gateway.audit.verify)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from adapters.storage import labelling
from adapters.storage.cells import Cells
from adapters.storage.database import Database
from adapters.storage.dialect import Url, unavailable
from adapters.storage.schema import (
    CHECKPOINT,
    COSIGNATURE,
    CURRENT_POLICY,
    EPOCH,
    EXCHANGE,
    HELD,
    HOLD,
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
from gateway.audit.verify.erasures import Row
from gateway.audit.verify.stored.columns import (
    CheckpointRow,
    CosignatureRow,
    EpochRow,
    LineRow,
    ShardRow,
    TerminalRow,
    TileRow,
    Wrong,
)
from gateway.audit.verify.stored.holding import HeldRow, HoldRow
from gateway.audit.verify.stored.releases import ReleaseRow
from gateway.audit.verify.stored.tables import Books, ExchangeRow, RecordEventRow, StoredEvent

_MOST_STRAYS: Final = 256
_TIED: Final = (  # every column that ties a row to its shard
    LINE.c.shard,
    TILE.c.shard,
    CHECKPOINT.c.shard,
    EPOCH.c.shard,
    COSIGNATURE.c.shard,
    HELD.c.shard,
    EXCHANGE.c.terminal_shard,
)


@contextmanager
def open_columns(url: Url) -> Iterator[LogColumns]:
    """Read a database's log on one consistent state, while others write. Raises: ConfigurationFault,
    JournalUnavailable."""
    database = Database(url, checks=True)
    try:
        with database.reader.connect() as connection:
            yield LogColumns(Cells(connection, database))
    except (SQLAlchemyError, UnicodeDecodeError) as error:
        raise unavailable(error) from None
    finally:
        database.close()


class LogColumns:
    """Iterators over the columns; nothing is derived, corrected or left out but what is no cell of its column."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._ids: dict[str, int] = {}

    @property
    def wrong(self) -> Sequence[Wrong]:
        """Out: the cells that are not of their column's kind, as far as was read."""
        return self._cells.wrong

    def shards(self) -> list[ShardRow]:
        """Out: every shard, oldest first within its class."""
        columns = [SHARD.c[name] for name in ("origin", "retention", "size", "root", "closed", "id")]
        rows = list(self._cells.rows(columns, (SHARD.c.id,), order=(SHARD.c.retention, SHARD.c.id)))
        self._ids = {row[0]: row[-1] for row in reversed(rows)}
        for row in rows:
            if row[4] not in (0, 1):
                self._cells.wrong.append(Wrong("shard", row[0], "closed", "neither open nor closed"))
        return [ShardRow(row[0], row[1], row[2], row[3], row[4] == 1) for row in rows]

    def secrets(self, origin: str) -> bytes | None:
        """Out: a shard's wrapped secrets; None once destroyed."""
        found = self._cells.rows((SHARD.c.secrets,), (SHARD.c.id,), SHARD.c.id == self._ids[origin])
        return next((row[0] for row in list(found)), None)

    def lines(self, origin: str) -> Iterator[LineRow]:
        """Out: the shard's lines in the order of `idx`."""
        columns = [LINE.c[name] for name in LineRow.__dataclass_fields__]
        return (LineRow(*row) for row in self._of(origin, columns, (LINE.c.idx,)))

    def labels(self, origin: str) -> Iterator[tuple[bytes, int]]:
        """Out: label and index of the shard's lines, by label."""
        order = (LINE.c.label, LINE.c.idx)
        return ((row[0], row[1]) for row in self._of(origin, order, (LINE.c.idx,), order))

    def labelled(self, origin: str, label: bytes) -> Iterator[tuple[int, Row]]:
        """Out: index, and leaf, salt and event, of a label's lines."""
        columns = (LINE.c.idx, LINE.c.leaf, LINE.c.salt, LINE.c.event)
        shard = sa.literal(self._ids[origin])
        mine = labelling.labelled(LINE, shard, labelling.runs(shard)) & (LINE.c.label == label)
        rows = self._cells.rows(columns, (LINE.c.idx,), mine, (labelling.place(LINE),), of=origin)
        return ((row[0], (row[1], row[2], row[3])) for row in rows)

    def tiles(self, origin: str) -> Iterator[TileRow]:
        """Out: the shard's tiles, by level and number."""
        columns = [TILE.c[name] for name in TileRow.__dataclass_fields__]
        return (TileRow(*row) for row in self._of(origin, columns, (TILE.c.level, TILE.c.n)))

    def checkpoints(self, origin: str) -> Iterator[CheckpointRow]:
        """Out: the shard's kept checkpoints."""
        columns = (CHECKPOINT.c.size, CHECKPOINT.c.note)
        return (CheckpointRow(*row) for row in self._of(origin, columns, (CHECKPOINT.c.size,)))

    def epochs(self, origin: str) -> Iterator[EpochRow]:
        """Out: the shard's epochs in their order."""
        columns = [EPOCH.c[name] for name in EpochRow.__dataclass_fields__]
        return (EpochRow(*row) for row in self._of(origin, columns, (EPOCH.c.number,)))

    def cosignatures(self, origin: str) -> Iterator[CosignatureRow]:
        """Out: what witnesses and auditors signed of the shard."""
        names = (COSIGNATURE.c.log, COSIGNATURE.c.size, COSIGNATURE.c.vkey)
        return (CosignatureRow(*row) for row in self._of(origin, (*names, COSIGNATURE.c.line), names))

    def terminals(self, origin: str) -> Iterator[TerminalRow]:
        """Out: where settled exchanges say their terminal line stands in this shard."""
        columns = (EXCHANGE.c.exchange, EXCHANGE.c.terminal_idx, EXCHANGE.c.kind)
        rows = self._cells.rows(
            columns,
            (EXCHANGE.c.exchange,),
            EXCHANGE.c.terminal_shard == self._ids[origin],
            (EXCHANGE.c.terminal_idx, EXCHANGE.c.exchange),
        )
        return (TerminalRow(row[0], -1 if row[1] is None else row[1], row[2] or "") for row in rows)

    def books(self) -> Books:
        """Out: the tables beside the lines."""
        told = SHARD.join(LINE, LINE.c.shard == SHARD.c.id)
        columns = (SHARD.c.origin, SHARD.c.retention, LINE.c.leaf, LINE.c.salt, LINE.c.event)
        key = (LINE.c.shard, LINE.c.idx)
        exchanges = [EXCHANGE.c[name] for name in ExchangeRow.__dataclass_fields__]
        return Books(
            lines=(StoredEvent(*row) for row in self._cells.rows(columns, key, order=key, source=told)),
            exchanges=(ExchangeRow(*row) for row in self._cells.rows(exchanges, (EXCHANGE.c.exchange,))),
            uses=self._all(USE),
            releases=(ReleaseRow(*row) for row in self._all(RELEASE)),
            record_events=(RecordEventRow(*row) for row in self._all(RECORD_EVENT)),
            records=self._all(RECORD),
            record_subjects=self._all(RECORD_SUBJECT),
            policies=self._all(POLICY),
            current=list(self._all(CURRENT_POLICY)),
            holds=(HoldRow(*row) for row in self._all(HOLD)),
            held=(HeldRow(*row) for row in self._held()),
        )

    def _held(self) -> Iterator[tuple[Any, ...]]:
        columns = (HELD.c.hold, SHARD.c.origin, HELD.c.sealed)
        source = HELD.join(SHARD, SHARD.c.id == HELD.c.shard)
        return self._cells.rows(columns, (HELD.c.hold, HELD.c.shard), source=source)

    def damage(self) -> list[Wrong]:
        """Out: what is wrong with the database's file."""
        return self._cells.damage()

    def strays(self) -> list[Wrong]:
        """Out: rows that say they belong to a shard there is not."""
        found: list[Wrong] = []
        for tie in _TIED:
            names = list(tie.table.primary_key.columns)
            lost = tie.not_in(sa.select(SHARD.c.id)) & tie.is_not(None)
            rows = self._cells.rows((tie, *names), names, lost)
            for row, _ in zip(rows, range(_MOST_STRAYS), strict=False):
                rest = (cell for cell, name in zip(row[1:], names, strict=True) if name is not tie)
                key = " ".join(str(part) for part in (row[0], *rest))
                found.append(Wrong(tie.table.name, key, tie.name, "belongs to no shard there is"))
        return found

    def _all(self, table: sa.Table) -> Iterator[tuple[Any, ...]]:
        names = list(table.primary_key.columns)
        return self._cells.rows(list(table.columns), names, order=names)

    def _of(
        self,
        origin: str,
        columns: Sequence[sa.Column[Any]],
        names: Sequence[sa.Column[Any]],
        order: Sequence[sa.Column[Any]] | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        mine = columns[0].table.c.shard == self._ids[origin]
        return self._cells.rows(columns, names, mine, order or names, of=origin)
