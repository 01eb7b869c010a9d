"""The journal's database: made explicitly, opened without making, its faults mapped in one place.

Every transaction of this package is a plain function over a SQLAlchemy `Connection`; what SQLite and PostgreSQL each
want is in a room of its own (`sqlite`, `postgresql`), the driver of the second is loaded where such a URL is given.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from adapters.storage.dialect import Connect, Dialect, Url, unavailable, wrong
from adapters.storage.schema import REVISION
from adapters.storage.sqlite import Sqlite, connect_forgiving, connect_sqlite
from gateway.config.connections import database_url

P = ParamSpec("P")
Out = TypeVar("Out")

READERS: Final = 4
_VERSION: Final = sa.text("SELECT version_num FROM alembic_version")
_SINCE: Final = sa.text("SELECT since FROM alembic_version")
_TOLD: Final = "0004"
"""From this version on the tables say who can use them."""
_POSTGRESQL: Final = ("postgresql", "postgresql+psycopg")
_PLANTED: Final = "Somebody changed the tables: find out who, and restore the database from a backup."


def create(url: Url) -> None:
    """Make every table in a database that has none; of SQLite the file too, mode 0600.

    Raises: ConfigurationFault: something is there; JournalUnavailable.
    """
    dialect = at(url)
    dialect.make()
    _migrate(dialect, None, False)


def upgrade(url: Url, served: bool = False) -> tuple[str, str]:
    """Bring an older database to this version's tables, in one transaction. Out: their version before and now.

    In: whether processes of the version before work with it: then only what leaves them at work is done.
    Raises: ConfigurationFault: missing, no journal, of a newer version, or served; JournalUnavailable.
    """
    dialect = at(url)
    dialect.find()
    reader = dialect.reader(1)
    try:
        before, since = _revision(dialect, reader)
    finally:
        reader.dispose()
    if before > REVISION:
        _see_usable(dialect, before, since)
        return before, before
    _migrate(dialect, before, served)
    return before, REVISION


def settle(url: Url, vacuum: bool) -> bool:
    """Let nothing erased stay in the database's files (`gateway.ports.retention`). Raises: JournalUnavailable."""
    dialect = at(url)
    try:
        return dialect.settle(vacuum)
    except dialect.foreign as error:
        raise unavailable(error) from None


def at(url: Url, connect: Connect | None = None, *, checks: bool = False) -> Dialect:
    """In: where the database is; how its driver connects, else as the product does; whether it is for a check, that
    reads damaged text as well and takes its time. Out: what it is to this package. Raises: ConfigurationFault."""
    parsed = database_url(url) or URL.create("unknown")
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        usual = connect_forgiving if checks else connect_sqlite
        return Sqlite(Path(parsed.database), connect or usual)
    if parsed.drivername in _POSTGRESQL and parsed.database:
        from adapters.storage.postgresql import Postgresql, connect_postgresql

        return Postgresql(parsed, connect or connect_postgresql, checks=checks)
    raise wrong(
        "einmal.toml",
        "is neither a SQLite file nor a PostgreSQL database",
        "Write sqlite:///data/einmal.sqlite3 or postgresql://USER@HOST/DATABASE.",
    )


def _migrate(dialect: Dialect, before: str | None, served: bool) -> None:
    """In: the tables' version, None: there are none yet."""
    from alembic import command
    from alembic.config import Config

    engine = dialect.writer()
    try:
        with engine.begin() as connection:
            dialect.before_tables(connection, new=before is None)
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            dialect.after_tables(connection)
            since = connection.execute(_SINCE).scalar_one()
            if before is not None and before < since and (served or dialect.used_by_others(connection)):
                told = f"is served, and processes of version {before} could not go on with the new tables"
                raise wrong(dialect.name, told, "Stop `einmal serve` first, on every machine.")
        # A crash before this line leaves the tables as they were: DDL is part of the transaction in both kinds.
    except dialect.foreign as error:
        raise dialect.explain(error) or unavailable(error) from None
    finally:
        engine.dispose()


class Database:
    """An opened database: one engine for the writer, one for readers, and the readers' few threads."""

    def __init__(self, url: Url, connect: Connect | None = None, *, checks: bool = False) -> None:
        """Open what `create` made. In: as `at`. Raises: ConfigurationFault: what is missing, or of which other
        version; JournalUnavailable."""
        dialect = self._dialect = at(url, connect, checks=checks)
        dialect.find()
        self.writer = dialect.writer()
        self.reader = dialect.reader(READERS)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal-read")
        try:
            found, since = _revision(dialect, self.reader)
            _see_usable(dialect, found, since)
            # A later version's tables have more in them: what was planted there, its own processes find.
            if found == REVISION and (changed := self.read(dialect.planted)):
                raise wrong(dialect.name, sorted(changed)[0], _PLANTED)
        except BaseException:
            self.close()
            raise

    @property
    def environment(self) -> tuple[type[Exception], ...]:
        """Out: the exceptions of `write` that are true for whatever is written."""
        return self._dialect.environment

    @property
    def threads(self) -> ThreadPoolExecutor:
        """The readers' threads."""
        return self._threads

    def read(
        self, query: Callable[Concatenate[Connection, P], Out], *args: P.args, **kwargs: P.kwargs
    ) -> Out:
        """Run a reading function: one consistent state for every SQLAlchemy statement in it.

        Prepared statements are each on the newest state. Raises: JournalUnavailable.
        """
        try:
            with self.reader.connect() as connection:
                try:
                    return query(connection, *args, **kwargs)
                except self._dialect.environment:
                    connection.invalidate()  # it may be broken: the next reader gets a new one
                    raise
        except self._dialect.foreign as error:
            raise unavailable(error) from None

    def write(
        self, change: Callable[Concatenate[Connection, P], Out], *args: P.args, **kwargs: P.kwargs
    ) -> Out:
        """Run a writing function in one transaction: all of it, or none. Raises: foreign exceptions."""
        with self.writer.begin() as connection:
            return change(connection, *args, **kwargs)

    def damage(self, connection: Connection) -> list[str]:
        """Out: what the database itself finds wrong with its pages and indexes; and what was planted."""
        return [*self._dialect.damage(connection), *sorted(self._dialect.planted(connection))]

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._threads.shutdown()
        self.writer.dispose()
        self.reader.dispose()


def _revision(dialect: Dialect, engine: Engine) -> tuple[str, str]:
    """Out: the version of the database's tables, and from which program version on they can be used.

    Raises: ConfigurationFault when it holds no journal.
    """
    try:
        with engine.connect() as connection:
            found = connection.execute(_VERSION).scalar()
            since = connection.execute(_SINCE).scalar_one() if found is not None and found >= _TOLD else found
    except dialect.foreign as error:
        raise dialect.explain(error) or unavailable(error) from None
    if found is None:
        raise wrong(dialect.name, "holds no journal", "Delete it if it is empty, and run `einmal init`.")
    return str(found), str(since)


def _see_usable(dialect: Dialect, found: str, since: str) -> None:
    """Raises: ConfigurationFault, when this program can't work with tables of that version."""
    if found == REVISION or since <= REVISION < found:
        return
    older = "Stop every process of this home, back it up, and run `einmal upgrade`."
    raise wrong(
        dialect.name,
        f"has tables of version {found}, this program needs {REVISION}",
        older if found < REVISION else "Run the program version that belongs to it.",
    )
