"""Making and opening the journal's database (LOG.md 9; CONTRACT.md 3)."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.storage import database, sqlite
from adapters.storage.database import Database, create, upgrade
from adapters.storage.schema import METADATA, REVISION
from gateway.errors import ConfigurationFault


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database goes."""
    return tmp_path / "data" / "einmal.sqlite3"


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationFault) as raised:
        Database(url(path))
    return str(raised.value)


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    """Database and write-ahead log are mode 0600."""
    create(url(path))
    opened = Database(url(path))
    with opened.writer.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = version_num"))
        files = list(path.parent.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    opened.close()


def test_creating_never_overwrites(path: Path) -> None:
    """What is there stays, byte for byte."""
    path.parent.mkdir()
    path.write_bytes(b"something else")
    with pytest.raises(ConfigurationFault, match="there is a file already"):
        create(url(path))
    assert path.read_bytes() == b"something else"


def test_opening_never_creates(path: Path) -> None:
    """A missing file is named, and is still missing afterwards."""
    assert "is missing" in refused(path)
    assert not path.exists()


def test_an_empty_file_holds_no_journal(path: Path) -> None:
    """What a crash in the middle of creating leaves is told apart from a journal."""
    path.parent.mkdir()
    path.touch()
    assert "holds no journal" in refused(path)


def test_another_file_is_not_a_database(path: Path) -> None:
    """Rubbish is called by its name."""
    path.parent.mkdir()
    path.write_bytes(b"no database " * 200)
    assert "is not a SQLite database" in refused(path)


def at_version(path: Path, version: str) -> None:
    """Say that the tables are of another version than they are, and for no other."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?, since = ?", (version, version))
    connection.close()


def test_a_newer_version_is_named_and_left_alone(path: Path) -> None:
    """Both versions are told; not even an upgrade touches it."""
    create(url(path))
    at_version(path, "0099")
    before = path.read_bytes()
    told = refused(path)
    assert "0099" in told
    assert REVISION in told
    assert "program version that belongs to it" in told
    with pytest.raises(ConfigurationFault, match="0099"):
        upgrade(url(path))
    assert path.read_bytes() == before


LABELS = "SELECT sql FROM sqlite_master WHERE name = 'line_label'"


def first_tables(path: Path) -> None:
    """Make a database as the first version of the program left it."""
    create(url(path))
    with sqlite3.connect(path) as connection:
        for table in ("release", "epoch", "cosignature", "held", "hold"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE line DROP COLUMN withheld")
        connection.execute("DROP INDEX line_label")
        connection.execute("CREATE INDEX line_label ON line (shard, label, idx)")
        connection.execute("ALTER TABLE alembic_version DROP COLUMN since")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()


def test_an_older_version_is_not_opened_and_says_how_to_upgrade(path: Path) -> None:
    """Opening changes no table; the error names the command that does."""
    first_tables(path)
    assert "einmal upgrade" in refused(path)
    with sqlite3.connect(path) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'release'").fetchall()
    connection.close()


def differences(connection: sa.Connection) -> list[Any]:
    """Out: in what the tables are not those the code uses."""
    # Alembic can't read back the index of labels and says so; it is compared by its words.
    with pytest.warns(Warning, match="expression-based index '?line_label"):
        found = list(compare_metadata(MigrationContext.configure(connection), METADATA))
    with sa.create_engine("sqlite://").begin() as fresh:
        METADATA.create_all(fresh)
        words = [one.exec_driver_sql(LABELS).scalar_one() for one in (fresh, connection)]
    return found if words[0] == words[1] else [*found, words]


def test_an_upgrade_leaves_the_tables_the_code_uses_and_what_was_in_them(path: Path) -> None:
    """Whatever the version before: the same tables as a new database, with the old rows; a second one does nothing."""
    first_tables(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO policy VALUES ('hash', x'00')")
    connection.close()
    assert upgrade(url(path)) == ("0001", REVISION)
    assert upgrade(url(path)) == (REVISION, REVISION)
    opened = Database(url(path))
    with opened.reader.connect() as reading:
        assert differences(reading) == []
        assert reading.execute(sa.text("SELECT hash FROM policy")).scalar() == "hash"
    opened.close()


def test_an_upgrade_makes_no_journal_of_something_else(path: Path) -> None:
    """Neither a missing file nor an empty one becomes a journal by it."""
    with pytest.raises(ConfigurationFault, match="is missing"):
        upgrade(url(path))
    path.parent.mkdir()
    path.touch()
    with pytest.raises(ConfigurationFault, match="holds no journal"):
        upgrade(url(path))
    assert "holds no journal" in refused(path)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "no url",
        "sqlite://",
        "mysql://localhost/x",
        "postgresql://localhost",
        "postgresql+asyncpg://localhost/x",
    ],
)
def test_a_url_that_is_no_database_of_ours_is_refused(wrong: str) -> None:
    """Nothing is guessed from a wrong URL."""
    with pytest.raises(ConfigurationFault, match="is neither a SQLite file nor a PostgreSQL"):
        Database(wrong)


def test_the_migrations_make_exactly_the_tables_the_code_uses(path: Path) -> None:
    """Migrations and schema agree: tables, columns, indexes, constraints."""
    create(url(path))
    opened = Database(url(path))
    with opened.reader.connect() as connection:
        assert differences(connection) == []
    opened.close()


def test_the_newest_migration_is_the_one_the_code_needs() -> None:
    """`REVISION` is the head of the packaged migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_writers_are_durable_and_erased_is_overwritten(path: Path) -> None:
    """The settings crash safety and erasure rest on are on, for every connection."""
    create(url(path))
    opened = Database(url(path))
    for engine in (opened.reader, opened.writer):
        with engine.connect() as connection:
            settings = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
            }
        assert settings == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "secure_delete": 1,
            "busy_timeout": sqlite.BUSY_MS,
        }
    opened.close()


INDEXED = {
    "an exchange": "SELECT 1 FROM exchange WHERE consumer = '' AND message_id = '' AND (secondary = 0 OR digest = '')",
    "the outbox": "SELECT exchange FROM exchange WHERE reply is not null and confirmed is null "
    "ORDER BY terminal_shard, terminal_idx",
    "a case": "SELECT record FROM record WHERE recipient = '' AND case_id = ''",
    "a person": "SELECT record FROM record_subject WHERE name = '' AND form = ''",
    "uses": "SELECT count(*) FROM use WHERE record = '' AND exchange != ''",
    "what is due": "SELECT 1 FROM release JOIN exchange ON exchange.exchange = release.exchange "
    "WHERE release.due <= 1 AND exchange.kind IS NOT NULL ORDER BY release.due, release.exchange LIMIT 256",
    "what waits for its day": "SELECT due FROM release WHERE exchange = ''",
    "what is over": "SELECT 1 FROM exchange WHERE (reply is not null or kept is not null) AND keep_until <= 1",
}


@pytest.mark.parametrize("name", INDEXED)
def test_no_lookup_reads_a_whole_table(path: Path, name: str) -> None:
    """Whatever is looked up on the way of a message is found by an index, without sorting."""
    create(url(path))
    connection = sqlite3.connect(path)
    plan = " / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {INDEXED[name]}"))
    connection.close()
    assert "TEMP B-TREE" not in plan
    assert "SCAN" not in plan or "USING INDEX unconfirmed_reply" in plan
