"""What happens to real servers: no delivery without its lines, nothing half, and the house goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import sqlalchemy as sa
from databases import connected
from entries import ORIGIN, committed, entry, fold
from sqlalchemy.engine import Connection, make_url
from stores import PostgresqlStores

from adapters.storage.postgresql import HEAD_LOCK
from adapters.storage.prepared import Prepared
from adapters.storage.schema import SHARD
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable

BY_ORIGIN = Prepared(sa.select(SHARD.c.id).where(SHARD.c.origin == sa.bindparam("b_origin")))


def cut(url: str) -> int:
    """End every connection of the house, as a server that is started anew does. Out: how many there were."""
    with connected(url) as database:
        rows = database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'einmal'"
        ).fetchall()
    return len(rows)


async def refused(store: SqlStore) -> str:
    with pytest.raises(JournalUnavailable) as raised:
        await store.append(entry("refused"))
    return str(raised.value)


async def test_cut_connections_are_made_again(stores: PostgresqlStores, store: SqlStore) -> None:
    """Idle ones, of the writer and of readers: nobody notices."""
    for at in range(3):
        await asyncio.gather(*(store.lines(ORIGIN, 0, 10) for _ in range(8)))
        assert cut(stores.url) > 1
        done = await committed(store, f"after {at}")
        assert (await store.policy()) is not None
        assert len(await store.lines(ORIGIN, 0, 100)) == done.head.size


async def test_a_connection_cut_at_work_leaves_nothing(
    stores: PostgresqlStores, store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Its transaction is told as failed and is gone; the next one works. The same with one that reads, whatever it
    reads by. No library writes the server's words into a log."""
    before = stores.contents()

    def interrupted(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM line")
        cut(stores.url)
        connection.exec_driver_sql("SELECT 1")

    with pytest.raises(JournalUnavailable):
        await store.change(interrupted)
    assert stores.contents() == before
    await committed(store, "after")

    def looks(connection: Connection) -> None:
        cut(stores.url)
        connection.exec_driver_sql("SELECT 1")

    def looks_up(connection: Connection) -> None:
        cut(stores.url)
        BY_ORIGIN.rows(connection, {"b_origin": ORIGIN})

    for reads in (looks, looks_up):
        with pytest.raises(JournalUnavailable):
            await store.read(reads)
    assert caplog.records == []
    assert len(await store.lines(ORIGIN, 0, 100)) == 4


@asynccontextmanager
async def setting(stores: PostgresqlStores, text: str) -> AsyncIterator[None]:
    """Meanwhile the database has that setting, in every connection that is made."""
    name = make_url(stores.url).database
    with connected(stores.url) as database:
        database.execute(f'ALTER DATABASE "{name}" SET {text}')
        cut(stores.url)
        try:
            yield
        finally:
            database.execute(f'ALTER DATABASE "{name}" RESET ALL')
            cut(stores.url)


async def test_a_read_only_server_stops_writing_and_nothing_else(
    stores: PostgresqlStores, store: SqlStore
) -> None:
    """As a replica is: what is there can be read; as soon as it may be written again, it is."""
    async with setting(stores, "default_transaction_read_only = on"):
        assert await refused(store) == "internal at storage (25006)"
        assert len(await store.lines(ORIGIN, 0, 100)) == 3
    await committed(store, "after")


@contextmanager
def failing(url: str, code: str) -> Iterator[None]:
    """Meanwhile every new line fails with that SQLSTATE, and every try is counted."""
    with connected(url) as database:
        database.execute("CREATE SEQUENCE tries")
        database.execute(
            f"""CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                PERFORM nextval('tries'); RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'planted-word';
            END $$"""
        )
        database.execute("CREATE TRIGGER fails BEFORE INSERT ON line EXECUTE FUNCTION fail()")
        try:
            yield
        finally:
            database.execute("DROP FUNCTION fail CASCADE")
            database.execute("DROP SEQUENCE tries")


@pytest.mark.parametrize("code", ["53100", "53200", "58030", "42501", "XX001"])
async def test_what_is_true_for_all_is_tried_once_for_all(
    stores: PostgresqlStores, store: SqlStore, code: str
) -> None:
    """Disk full, no memory, I/O error, forbidden, damaged: a group fails as one, each caller hears its code and no
    word of the server, and nothing is left of it."""
    before = stores.contents()
    with failing(stores.url, code):
        told = await asyncio.gather(*(refused(store) for _ in range(20)))
        assert set(told) == {f"internal at storage ({code})"}
        with connected(stores.url) as database:
            assert database.execute("SELECT last_value < 10 FROM tries").fetchone() == (True,)
        assert stores.contents() == before
    await committed(store, "after")


async def test_a_writer_that_stands_still_is_waited_for_only_so_long(stores: PostgresqlStores) -> None:
    """Another process has the lock and does nothing: told in time, and gone on with when it is free."""
    hasty = make_url(stores.url).update_query_dict({"options": "-c lock_timeout=50"})
    store = SqlStore(hasty, fold)
    with connected(stores.url) as other:
        other.execute("BEGIN")
        other.execute(f"SELECT pg_advisory_xact_lock({HEAD_LOCK})")
        assert await refused(store) == "internal at storage (55P03)"
        other.execute("ROLLBACK")
    assert await store.open_shard(ORIGIN, "24m", b"sealed", entry("opening").lines[0])
    await store.close()


async def test_a_slow_statement_is_ended(stores: PostgresqlStores) -> None:
    """By the server, after the time that the home says."""
    hasty = make_url(stores.url).update_query_dict({"options": "-c statement_timeout=50"})
    store = SqlStore(hasty, fold)
    for run in (store.read, store.change):
        with pytest.raises(JournalUnavailable, match="57014"):
            await run(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(60)").all())
    assert await store.open_shard(ORIGIN, "24m", b"sealed", entry("opening").lines[0])
    await store.close()
