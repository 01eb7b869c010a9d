"""What is left of erased lines in a server's tables (LOG.md 8); and what the server finds damaged."""

from __future__ import annotations

import pytest
from databases import connected, on_disk
from entries import ORIGIN, committed, line
from stores import PostgresqlStores

from adapters.storage.columns import open_columns
from adapters.storage.erasing import SqlRetention
from adapters.storage.store import SqlStore
from gateway.audit.retention import Span

MARKS = tuple(line(f"n{at}", event=b"MARK%d" % at) for at in range(50))
VERSIONS = (
    "SELECT count(*) FROM generate_series(0, pg_relation_size('line') / 8192 - 1) AS page, "
    "heap_page_items(get_raw_page('line', page::int)) WHERE position('MARK7'::bytea IN t_data) > 0"
)


async def erased(stores: PostgresqlStores, store: SqlStore, vacuum: bool) -> None:
    erasing = SqlRetention(store, stores.url)
    assert await erasing.erase(ORIGIN, Span(1, 100), "erased: IDNrG § 9", (), ())
    assert await erasing.settle(vacuum)


async def test_no_version_of_an_erased_line_is_left(stores: PostgresqlStores, store: SqlStore) -> None:
    """Nobody can read it by any means of the server, also without writing the tables anew."""
    await committed(store, "x", lines=MARKS)
    with connected(stores.url) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
        assert database.execute(VERSIONS).fetchone() == (1,)
        await erased(stores, store, vacuum=False)
        assert database.execute(VERSIONS).fetchone() == (0,)
    assert len(await store.lines(ORIGIN, 0, 100)) == 53


async def test_a_transaction_elsewhere_on_the_server_is_not_overlooked(
    stores: PostgresqlStores, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of another database, begun before, makes the server keep old rows: told, and done the next time."""
    monkeypatch.setattr("adapters.storage.tending._PAUSE_SECONDS", 0.001)
    await committed(store, "x", lines=MARKS)
    erasing = SqlRetention(store, stores.url)
    with connected() as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_current_xact_id()")
        assert await erasing.erase(ORIGIN, Span(1, 100), "erased: IDNrG § 9", (), ())
        assert not await erasing.settle(True)
    assert await erasing.settle(True)
    assert b"MARK7" not in on_disk(stores.url)


async def test_the_planner_keeps_no_samples(stores: PostgresqlStores, store: SqlStore) -> None:
    """What is read to plan questions by would outlive what it was read from."""
    await committed(store, "x", lines=MARKS)
    with connected(stores.url) as database:
        database.execute("ANALYZE")
        found = database.execute(
            "SELECT DISTINCT tablename, attname FROM pg_stats JOIN information_schema.columns "
            "ON (table_schema, table_name, column_name) = (schemaname, tablename, attname) "
            "WHERE schemaname = 'public' AND data_type IN ('text', 'bytea')"
        ).fetchall()
    assert found == [("line", "label")]
    await erased(stores, store, vacuum=True)
    assert b"MARK7" not in on_disk(stores.url)


@pytest.fixture
def broken(stores: PostgresqlStores, store: SqlStore) -> str:
    """Out: an index that lacks a row."""
    with connected(stores.url) as database:
        database.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        where = "WHERE indexrelid = 'record_case'::regclass"
        database.execute(f"UPDATE pg_index SET indisready = false, indisvalid = false {where}")
        database.execute("INSERT INTO record VALUES ('r-1', 1, 'given', 'x', 'y')")
        database.execute(f"UPDATE pg_index SET indisready = true, indisvalid = true {where}")
    return "record_case"


def test_an_index_that_is_not_its_tables_is_named(stores: PostgresqlStores, broken: str) -> None:
    """By amcheck, where it is installed; with the code of what it said, and none of its words."""
    with open_columns(stores.url) as columns:
        assert [wrong.text for wrong in columns.damage()] == [f"{broken}: XX001"]
    with connected(stores.url) as database:
        database.execute(f"REINDEX INDEX {broken}")
        database.execute("DROP EXTENSION amcheck")
    with open_columns(stores.url) as columns:
        assert columns.damage() == []
