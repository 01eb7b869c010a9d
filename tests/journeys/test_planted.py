"""Somebody writes into the database who has no key, and changes or plants what no leaf tells of."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from secrets import token_bytes

import pytest
import sqlalchemy as sa
from indexing import check, epochs_of, tell
from restored import DATABASE
from town import Town, opened

from adapters.storage.epochs import SqlEpochs
from adapters.storage.planted import planted
from gateway import assembly
from gateway.errors import ConfigurationFault
from gateway.proving.outputs import IndexWrong

CLASS = "musterstadt.example/24m/2026-11"
Change = Callable[[sqlite3.Connection, str], None]


def plant(town: Town, change: Change) -> None:
    """Change the database behind the house's back. In: what is done to it, told where the newest line stands."""
    with closing(sqlite3.connect(town.root / DATABASE)) as connection, connection:
        (shard, size) = connection.execute("select id, size from shard where origin = ?", (CLASS,)).fetchone()
        change(connection, f"shard = {shard} and idx = {size - 1}")


def another_label(connection: sqlite3.Connection, where: str) -> None:
    connection.execute(f"update line set label = ? where {where}", (token_bytes(32),))


def another_leaf(connection: sqlite3.Connection, where: str) -> None:
    """Label and leaf agree, and the tree is of another one."""
    label = token_bytes(32)
    leaf = b"\x01" + label + token_bytes(32)
    connection.execute(f"update line set label = ?, leaf = ? where {where}", (label, leaf))


def another_index(connection: sqlite3.Connection, where: str) -> None:
    """The database's own index has the line under another label than its row."""
    (words,) = connection.execute("select sql from sqlite_master where name = 'line_label'").fetchone()
    said = f"(case when {where} then x'{token_bytes(32).hex()}' else label end)"
    connection.execute("drop index line_label")
    connection.execute(words.replace("label, idx", f"{said}, idx"))
    connection.execute("pragma writable_schema = on")
    connection.execute("update sqlite_master set sql = ? where name = 'line_label'", (words,))


@pytest.mark.parametrize("change", [another_label, another_leaf, another_index])
@pytest.mark.parametrize("indexed", [False, True], ids=["from nothing", "grown"])
async def test_no_index_leaves_a_line_out_whose_label_was_changed(
    town: Town, change: Change, indexed: bool
) -> None:
    """It stays an entry of its person, or nothing is signed: the line counts, so no number would be missing."""
    await tell(town, 1, 2)
    if indexed:
        await town.opened.epochs.make(town.clock.now())
    before = await SqlEpochs(town.opened.store).epochs(CLASS)
    await tell(town, 1)
    plant(town, change)
    town.clock.passes(seconds=1)
    for epochs in (town.opened.epochs, epochs_of(town.opened)):
        with pytest.raises(IndexWrong):
            await epochs.make(town.clock.now())
    assert await SqlEpochs(town.opened.store).epochs(CLASS) == before


async def test_no_index_takes_an_older_line_from_its_person(town: Town) -> None:
    """A label that gets a new line is reckoned again with its older ones: those that the index had are all there."""
    await tell(town, 1)
    await town.opened.epochs.make(town.clock.now())
    plant(town, another_label)
    await tell(town, 1)
    town.clock.passes(seconds=1)
    for epochs in (town.opened.epochs, epochs_of(town.opened)):
        with pytest.raises(IndexWrong):
            await epochs.make(town.clock.now())
    assert [one.number for one in await SqlEpochs(town.opened.store).epochs(CLASS)] == [0]


@pytest.mark.parametrize("lines", [254, 255, 256, 511, 600])
async def test_an_index_grows_on_the_border_of_a_tile(town: Town, lines: int) -> None:
    """Whatever size the older one had: what is held against the head begins with whole tiles."""
    await tell(town, *(number % 7 for number in range(lines)))
    await town.opened.epochs.make(town.clock.now())
    await tell(town, *range(4, 9))
    town.clock.passes(seconds=1)
    await check(town, await epochs_of(town.opened).make(town.clock.now()))


TABLES = {
    "trigger 'quiet' is not the program's": "create trigger quiet after insert on record_event begin "
    "update record set state = 'given' where record = new.record; end",
    "view 'line' is not the program's": "alter table line rename to l; create view line as select * from l",
    "view 'more' is not the program's": "create view more as select 1",
    "table 'more' is not the program's": "create table more (a)",
    "index 'one_open_shard' is missing": "drop index one_open_shard",
    "index 'one_body' is another one than the program's": "drop index one_body; "
    "create index one_body on exchange (consumer, message_id) where secondary = 0",
    "table 'tile' is missing": "drop table tile",
    "table 'shard' is another one than the program's": "alter table shard add column more text default 'x'",
}


@pytest.mark.parametrize("told", TABLES)
async def test_no_house_opens_over_tables_that_were_changed(town: Town, told: str) -> None:
    """Opened, checked or watched: what is planted or missing is named, with the mend."""
    await tell(town, 1)
    await town.opened.close()
    with closing(sqlite3.connect(town.root / DATABASE)) as connection:
        connection.executescript(f"pragma legacy_alter_table = on; {TABLES[told]};")
    for look in (lambda: opened(town.root, town.clock), lambda: verified(town)):
        with pytest.raises(ConfigurationFault) as raised:
            await look()
        assert "restore the database from a backup" in str(raised.value)
    assert told in planted_in(town)


async def verified(town: Town) -> None:
    assembly.verify_log(town.root)


def planted_in(town: Town) -> list[str]:
    """Out: what is found in the database, whoever opened it before."""
    engine = sa.create_engine(f"sqlite:///{town.root / DATABASE}")
    with engine.connect() as connection:
        found = planted(connection)
    engine.dispose()
    return found


async def test_tables_that_somebody_counted_are_the_program_s(town: Town) -> None:
    """Who looks after databases has them counted: that changes nothing."""
    await town.opened.close()
    with closing(sqlite3.connect(town.root / DATABASE)) as connection, connection:
        connection.execute("analyze")
    again = await opened(town.root, town.clock)
    await again.opened.close()
