"""Somebody with the database in their hands changes one byte: the check of the log names the place."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import counted
import lived_in
import pytest

from adapters.storage.schema import METADATA
from gateway import assembly

COLUMNS: Final = [(table.name, column.name) for table in METADATA.sorted_tables for column in table.columns]
UNTOLD: Final = {("exchange", "keep_until"), ("exchange", "confirmed"), ("exchange", "kept")}
"""When a reply is forgotten, when the bus confirmed it, and what nothing is kept in yet: no line speaks of them."""
EMPTY: Final = {("line", "withheld"), ("hold", "lifted")}
"""Nothing was erased or lifted yet: that something is said to be is among the attacks of test_log_battery.py."""
TIES: Final = {"id", "shard", "terminal_shard"}
"""Which shard a row belongs to: a changed one is named where rows are missing or too many."""


def named(home: Path) -> set[tuple[str, str]]:
    """Out: every table and column that the check finds wrong."""
    return lived_in.places(lived_in.wrong(home))


def flipped(value: Any, how: int) -> Any:
    """Out: the value with one byte changed in its middle."""
    if isinstance(value, int):
        return value ^ (how & 1 or 2)
    changed = bytearray(value if isinstance(value, bytes) else value.encode())
    changed[len(changed) // 2] ^= how
    return bytes(changed)


def change(home: Path, table: str, column: str, how: int) -> bool:
    """Flip a byte of that column in the newest row that has one. Out: False when the database refuses it."""
    with lived_in.opened(home) as connection:
        found = connection.execute(
            f'SELECT rowid, "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL ORDER BY rowid DESC'
        ).fetchall()
        kind = "TEXT" if isinstance(found[0][1], str) else "BLOB"
        for row, value in found:
            new = flipped(value, how)
            put = "?" if isinstance(new, int) else f"CAST(? AS {kind})"
            try:
                connection.execute(f'UPDATE "{table}" SET "{column}" = {put} WHERE rowid = ?', (new, row))
                connection.commit()
            except sqlite3.IntegrityError:  # another row has that key: try it on the next
                connection.rollback()
                continue
            return True
    return False


def test_what_nobody_touched_holds(home: Path) -> None:
    """Both months, of both classes, and every table beside the lines."""
    assert named(home) == set()


@pytest.mark.parametrize(("table", "column"), sorted(set(COLUMNS) - UNTOLD - EMPTY))
def test_a_flipped_byte_of_any_column_is_named(home: Path, table: str, column: str) -> None:
    """Whatever bit: a letter that becomes another, or one that ends the text's being text."""
    for how in (1, 0x80):
        assert change(home, table, column, how)
        found = named(home)
        hit = bool(found) if column in TIES else (table, column) in found
        counted.count("log battery", tampered=1, found=hit, missed=not hit)
        assert hit


def test_a_flipped_byte_of_a_kept_checkpoint_is_named(home: Path) -> None:
    """The file outside the database, byte for byte: its name, its size, its root, its signature."""
    for file in lived_in.kept_files(home)[:2]:
        right = file.read_bytes()
        for at in range(0, len(right), 11):
            file.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
            assert any(table == assembly.CHECKPOINTS or column == "size" for table, column in named(home))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM record_event WHERE state = 'withdrawn'",
        "DELETE FROM use WHERE state = 'consumed'",
        "DELETE FROM exchange WHERE kind = 'refused'",
        "UPDATE exchange SET kind = NULL, terminal_shard = NULL, terminal_idx = NULL WHERE kind = 'answered'",
        "DELETE FROM record_subject",
        "DELETE FROM release",
        "DELETE FROM current_policy",
    ],
)
def test_rows_that_are_taken_away_are_missed(home: Path, statement: str) -> None:
    """A withdrawal undone, a use given back, an exchange forgotten: the lines still speak of it."""
    with lived_in.opened(home) as connection:
        assert connection.execute(statement).rowcount
    table = next(word for word in statement.split() if word in METADATA.tables)
    assert table in {found for found, _ in named(home)}
