"""Making and opening the journal's database on a server: nothing is overwritten, nothing is made by opening."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from databases import Databases, connected
from sqlalchemy.engine import make_url
from stores import PostgresqlStores

from adapters.storage import postgresql
from adapters.storage.database import Database, create, upgrade
from adapters.storage.schema import METADATA
from gateway.errors import ConfigurationFault, JournalUnavailable


def test_a_database_with_tables_is_left_alone(databases: Databases) -> None:
    """Whoever's they are: also a journal's own are not made twice."""
    url = databases.bare()
    with connected(url) as database:
        database.execute("CREATE TABLE somebody (name text)")
    with pytest.raises(ConfigurationFault, match="holds tables already"):
        create(url)
    with connected(url) as database:
        assert database.execute("SELECT relname FROM pg_stat_user_tables").fetchall() == [("somebody",)]


async def test_of_two_that_make_it_at_once_one_does(databases: Databases) -> None:
    """The other finds tables."""
    url = databases.bare()
    made = await asyncio.gather(*(asyncio.to_thread(create, url) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["ConfigurationFault", "NoneType"]
    Database(url).close()


def test_opening_makes_nothing(databases: Databases) -> None:
    """An empty database holds no journal, and is empty afterwards; nor does an upgrade make one of it."""
    url = databases.bare()
    for open_it in (Database, upgrade):
        with pytest.raises(ConfigurationFault, match="holds no journal"):
            open_it(url)
    with connected(url) as database:
        assert database.execute("SELECT relname FROM pg_stat_user_tables").fetchall() == []


def test_texts_are_utf8(databases: Databases) -> None:
    """A database in another encoding would not take every name."""
    with pytest.raises(ConfigurationFault, match="is not in UTF-8"):
        create(databases.bare("ENCODING 'LATIN1' LOCALE 'C'"))


@pytest.mark.parametrize("place", ["127.0.0.1:1/x", "127.0.0.1/einmal_nobody_has_this"])
def test_a_server_that_lets_nobody_in_is_told_without_its_words(place: str) -> None:
    """The place is named; user and password are not."""
    with pytest.raises(JournalUnavailable) as raised:
        Database(f"postgresql://planted-user:planted-word@{place}")
    assert str(raised.value) == f"internal at storage (no connection to postgresql://{place})"
    assert raised.value.__suppress_context__


@pytest.fixture
def stranger(databases: Databases) -> Iterator[str]:
    """Out: an empty database's URL, as somebody who may not make tables in it."""
    url, role = databases.bare(), f"einmal_test_{secrets.token_hex(4)}"
    with connected(url) as database:
        database.execute(f"CREATE ROLE {role}")
        database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        yield make_url(url).update_query_dict({"options": f"-c role={role}"}).render_as_string(False)
        database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_database_of_somebody_else_is_told(stranger: str) -> None:
    """With what is to be done."""
    with pytest.raises(ConfigurationFault, match="Make the user the database's owner"):
        create(stranger)


def test_the_migrations_make_exactly_the_tables_the_code_uses(stores: PostgresqlStores) -> None:
    """As with SQLite: tables, columns, indexes, constraints."""
    opened = Database(stores.url)
    with opened.reader.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    opened.close()


def test_texts_are_compared_by_their_bytes(stores: PostgresqlStores) -> None:
    """In every column, whatever the language of the server: an update of its language files makes no index wrong."""
    with connected(stores.url) as database:
        found = database.execute(
            "SELECT DISTINCT collation_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND data_type = 'text'"
        ).fetchall()
    assert found == [("C",)]


def test_the_settings_that_safety_rests_on_are_on(stores: PostgresqlStores) -> None:
    """A commit is on the disk; a writer sees what others have just committed, waits for nobody for ever, and keeps
    nobody waiting for ever; a reader can't write."""
    opened = Database(stores.url)
    wanted = {
        "synchronous_commit": "on",
        "statement_timeout": f"{postgresql.STATEMENT_MS // 1000}s",
        "lock_timeout": f"{postgresql.LOCK_MS // 1000}s",
        "transaction_isolation": "read committed",
        "idle_in_transaction_session_timeout": f"{postgresql.IDLE_MS // 1000}s",
        "transaction_read_only": "off",
    }
    with opened.writer.begin() as connection:
        assert {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in wanted} == wanted
    wanted = {"transaction_isolation": "repeatable read", "transaction_read_only": "on"}
    with opened.reader.begin() as connection:
        assert {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in wanted} == wanted
        cursor = connection.connection.cursor()
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchall() == [("on",)]
    opened.close()
