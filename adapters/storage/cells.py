"""Cells as they lie in the database, whatever somebody put into them (gateway.audit.verify).

SQLite keeps a text in a column of bytes, a fraction in one of numbers, and says nothing. Such a cell is named, and
what is read on is nothing in its stead: an empty text, no bytes, minus one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.database import Database
from gateway.audit.verify.stored.columns import Wrong

_BATCH: Final = 256
_RAW: Final = sa.types.NullType()
"""As it is: SQLAlchemy would make bytes of a number, and fail on a text."""
_KINDS: Final = ((sa.LargeBinary, bytes, b""), (sa.Text, str, ""), (sa.Integer, int, -1))
_NAMES: Final = {bytes: "bytes", str: "a text", int: "a number"}
_Cells: TypeAlias = tuple[Any, ...]


class Cells:
    """Reads rows; remembers every cell that is not of its column's kind."""

    def __init__(self, connection: Connection, database: Database) -> None:
        self._connection, self._database = connection, database
        self.wrong: list[Wrong] = []

    def rows(
        self,
        columns: Sequence[sa.Column[Any]],
        key: Sequence[sa.Column[Any]],
        where: sa.ColumnElement[bool] | None = None,
        order: Sequence[sa.ColumnElement[Any]] = (),
        source: sa.FromClause | None = None,
        of: str = "",
    ) -> Iterator[_Cells]:
        """Out: those columns of each row; a row whose name can't be read is named and left out.

        In: which columns name a row of their table, beside `of`, the name of its shard.
        """
        asked = [*columns, *(column for column in key if column not in columns)]
        names = [asked.index(column) for column in key]
        statement = sa.select(
            *(sa.type_coerce(column, _RAW).label(f"c{at}") for at, column in enumerate(asked))
        )
        if source is not None:
            statement = statement.select_from(source)
        if where is not None:
            statement = statement.where(where)
        statement = statement.order_by(*order).execution_options(yield_per=_BATCH)
        kinds = [_kind(column) for column in asked]
        fitting = set(product(*((kind, type(None)) if may else (kind,) for kind, _, may in kinds)))
        # Who reads on only so far leaves no cursor on a server.
        with self._connection.execute(statement) as found:
            for row in found:
                cells = tuple(row)
                if tuple(map(type, cells)) not in fitting:
                    named, cells = self._read(asked, cells, kinds, names, of)
                    if not named:
                        continue
                yield cells[: len(columns)]

    def damage(self) -> list[Wrong]:
        """Out: what is wrong with the file under the cells: nobody reads the same from it twice."""
        kind = self._connection.dialect.name
        return [Wrong("(file)", kind, "page", told) for told in self._database.damage(self._connection)]

    def _read(
        self,
        asked: Sequence[sa.Column[Any]],
        cells: _Cells,
        kinds: Sequence[tuple[type, Any, bool]],
        names: Sequence[int],
        of: str,
    ) -> tuple[bool, _Cells]:
        read: list[Any] = []
        bad: list[int] = []
        for at, (cell, (kind, nothing, may)) in enumerate(zip(cells, kinds, strict=True)):
            fits = type(cell) is kind or (cell is None and may)
            read.append(cell if fits else nothing)
            if not fits:
                bad.append(at)
        parts = ("?" if at in bad else str(cells[at]) for at in names)
        key = " ".join((of, *parts) if of else parts)
        for at in bad:
            text = f"not {_NAMES[kinds[at][0]]}"
            self.wrong.append(Wrong(asked[at].table.name, key, asked[at].name, text))
        return not any(at in bad for at in names), tuple(read)


def _kind(column: sa.Column[Any]) -> tuple[type, Any, bool]:
    """Out: what a column's cells are, what stands for one that isn't, and whether there may be none."""
    found = next((kind, nothing) for known, kind, nothing in _KINDS if isinstance(column.type, known))
    return *found, bool(column.nullable)
