"""A cell of any kind in any column: a text where bytes belong, a fraction for a number, nothing at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import counted
import lived_in
import pytest
import sqlalchemy as sa

from adapters.storage.schema import METADATA

COLUMNS: Final = [column for table in METADATA.sorted_tables for column in table.columns]
UNREAD: Final = {"shard.id", "exchange.keep_until", "exchange.confirmed", "exchange.kept"}
"""A shard's number takes nothing but numbers; and what no line speaks of."""
LEAST: Final = -(2**63)


def odd(column: sa.Column[Any]) -> list[Any]:
    """Out: what is no cell of that column, and the least number there is."""
    if isinstance(column.type, sa.LargeBinary):
        return ["\x1b[31mno bytes"]
    return [b"\xff\x00"] if isinstance(column.type, sa.Text) else [1.5, LEAST]


def put(home: Path, column: sa.Column[Any], value: object) -> bool:
    """Put it into the newest row. Out: False when the database refuses it."""
    with lived_in.opened(home) as connection:
        newest = f'SELECT max(rowid) FROM "{column.table.name}"'
        try:
            done = connection.execute(
                f'UPDATE "{column.table.name}" SET "{column.name}" = ? WHERE rowid = ({newest})', (value,)
            )
        except sqlite3.IntegrityError:
            return False
        return done.rowcount == 1


@pytest.mark.parametrize("column", [column for column in COLUMNS if str(column) not in UNREAD], ids=str)
def test_a_cell_that_is_none_of_its_column_is_named(home: Path, column: sa.Column[Any]) -> None:
    """The check says which, goes on with the rest, and shows nothing of what somebody put there."""
    for value in odd(column):
        if not put(home, column, value):
            continue
        wrong = lived_in.wrong(home)
        named = bool(wrong) if value == LEAST else (column.table.name, column.name) in lived_in.places(wrong)
        counted.count("log battery", tampered=1, found=named, missed=not named)
        assert named
        assert not [one.told for one in wrong if "\x1b" in one.told]
