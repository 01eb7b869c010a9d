"""Somebody with the database in their hands changes one byte: the check of the log names the place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import exempting
import pytest
import pytest_asyncio
import town as towns
from letters import asking
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, StillClock, Town

from adapters.storage.schema import METADATA
from consent.vocabulary import Found, NotFound
from gateway import assembly
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.journal.releasing import release_due
from gateway.ports import Outbound, Register
from gateway.stages import Mandate

DATABASE: Final = "data/einmal.sqlite3"
COLUMNS: Final = [(table.name, column.name) for table in METADATA.sorted_tables for column in table.columns]
UNTOLD: Final = {("exchange", "keep_until"), ("exchange", "confirmed"), ("exchange", "kept")}
"""When a reply is forgotten, when the bus confirmed it, and what nothing is kept in yet: no line speaks of them."""
TIES: Final = {"id", "shard", "terminal_shard"}
"""Which shard a row belongs to: a changed one is named where rows are missing or too many."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived_in(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has seen two months, every kind of ending, a withdrawal, a message id used twice, and processings
    kept from their person: told since, still kept back, and under way."""
    root = tmp_path_factory.mktemp("flipped") / "home"
    shutil.copytree(founded, root)
    clock = StillClock()
    town = await towns.opened(root, clock)
    first, _ = await _chosen(town, "WG-first")
    second, record = await _chosen(town, "WG-second")
    for request in (first, second):
        await handle(town.delivery(request), town.opened.house)
    await town.withdraws(record)
    clock.passes(days=15)
    again = asking(town, town.asks(ORDINARY, message_id=first.message_id), "json/1.0")
    unsigned = replace(asking(town, town.asks(ORDINARY), "json/1.0"), jws=None)
    parking = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    for request in (again, unsigned, parking, (await _chosen(town, "WG-december"))[0]):
        await handle(town.delivery(request), town.opened.house)
    await _kept_back(town)
    await town.opened.close()
    return root


async def _kept_back(town: Town) -> None:
    clock, house, store = town.clock, town.opened.house, town.opened.store
    await exempting.parking_is_exempt(town, days=3)
    down, _ = guarded(house, store, _down)
    for at, home in enumerate((house, house, down)):
        record = town.parking(ORDINARY, case=f"BP-kept-{at}")
        await handle(town.delivery(asking(town, record, consumer="parkraumbewirtschaftung")), home)
        if at == 0:
            clock.passes(days=3)
            assert await release_due(town.opened.journal, store, clock.now()) == 1


async def _down(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


async def _chosen(town: Town, case: str) -> tuple[Outbound, str]:
    record = await town.chooses(ORDINARY, case, max_uses=2, record=IDS.new())
    return asking(town, town.asks(ORDINARY, case=case), "json/1.0"), record


@pytest.fixture
def home(lived_in: Path) -> Iterator[Path]:
    """The home, put right again afterwards."""
    files = [lived_in / DATABASE, *sorted((lived_in / assembly.CHECKPOINTS).glob("*.checkpoint"))]
    right = {file: file.read_bytes() for file in files}
    yield lived_in
    for left in lived_in.glob(f"{DATABASE}-*"):
        left.unlink()
    for file, content in right.items():
        file.write_bytes(content)


def named(home: Path) -> set[tuple[str, str]]:
    """Out: every table and column that the check finds wrong."""
    wrong = [wrong for report in assembly.verify_log(home) for wrong in report.wrong]
    return {(found.table, column) for found in wrong for column in found.column.split(", ")}


def flipped(value: Any, how: int) -> Any:
    """Out: the value with one byte changed in its middle."""
    if isinstance(value, int):
        return value ^ (how & 1 or 2)
    changed = bytearray(value if isinstance(value, bytes) else value.encode())
    changed[len(changed) // 2] ^= how
    return bytes(changed)


def change(home: Path, table: str, column: str, how: int) -> bool:
    """Flip a byte of that column in the newest row that has one. Out: False when the database refuses it."""
    with closing(sqlite3.connect(home / DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
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


@pytest.mark.parametrize(("table", "column"), sorted(set(COLUMNS) - UNTOLD))
def test_a_flipped_byte_of_any_column_is_named(home: Path, table: str, column: str) -> None:
    """Whatever bit: a letter that becomes another, or one that ends the text's being text."""
    for how in (1, 0x80):
        assert change(home, table, column, how)
        found = named(home)
        if column in TIES:
            assert found
        else:
            assert (table, column) in found


def test_a_flipped_byte_of_a_kept_checkpoint_is_named(home: Path) -> None:
    """The file outside the database, byte for byte: its name, its size, its root, its signature."""
    for file in sorted((home / assembly.CHECKPOINTS).glob("*.checkpoint"))[:1]:
        right = file.read_bytes()
        for at in range(0, len(right), 5):
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
    with closing(sqlite3.connect(home / DATABASE)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        assert connection.execute(statement).rowcount
        connection.commit()
    table = next(word for word in statement.split() if word in METADATA.tables)
    assert table in {found for found, _ in named(home)}
