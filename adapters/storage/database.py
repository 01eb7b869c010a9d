"""The journal's database as a file: made explicitly, opened without making, its faults mapped in one place.

Every transaction of this package is a plain function over a SQLAlchemy `Connection`; only this module knows
that the database is SQLite. Several processes of one machine share the file (WAL, one writer at a time).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from adapters.storage.planted import planted
from adapters.storage.schema import REVISION
from consent.vocabulary import Problem
from gateway.errors import ConfigurationFault, JournalUnavailable

P = ParamSpec("P")
Out = TypeVar("Out")
Connect: TypeAlias = Callable[[Path], sqlite3.Connection]

READERS: Final = 4
BUSY_MS: Final = 10_000
"""How long a process waits for another one's transaction before it gives up."""

ENVIRONMENT: Final = (OperationalError, sqlite3.OperationalError, OSError)
"""Locked, full, broken: what is true for every member of a group."""
_PLANTED: Final = "Somebody changed the tables: find out who, and restore the file from a backup."
_MOST_DAMAGE: Final = 100
"""Damaged places of a file that are named."""
_FOREIGN: Final = (SQLAlchemyError, sqlite3.Error, OSError, UnicodeDecodeError)
"""The last: SQLite tells of a damaged file in words of that file."""


def unavailable(error: Exception) -> JournalUnavailable:
    """In: whatever a database raised. Out: the fault the house knows; the foreign text stays behind."""
    if isinstance(error, JournalUnavailable):
        return JournalUnavailable(error.where)
    cause = getattr(error, "orig", None) or error
    return JournalUnavailable(f"storage ({getattr(cause, 'sqlite_errorname', type(cause).__name__)})")


def create(url: str) -> None:
    """Make the database, mode 0600, with every table. Raises: ConfigurationFault: a file is there."""
    path = _path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise _wrong(path, "there is a file already", "Use it, or name another file.") from None
    except OSError as error:
        raise _wrong(path, f"can't be made ({type(error).__name__})", "Check folder and rights.") from None
    # A crash here leaves an empty file: opening says that it holds no journal, and it can be deleted.
    _migrate(path)


def upgrade(url: str) -> tuple[str, str]:
    """Bring an older database to this version's tables, in one transaction. Out: their version before and now.

    Raises: ConfigurationFault: missing, no journal, or of a newer version; JournalUnavailable.
    """
    path = _existing(url)
    reader = _engine(path, connect_sqlite, "BEGIN", 1)
    try:
        before = _revision(path, reader)
    finally:
        reader.dispose()
    if before > REVISION:
        raise _other_version(path, before)
    _migrate(path)
    return before, REVISION


def _migrate(path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    engine = _engine(path, connect_sqlite, "BEGIN IMMEDIATE", 1)
    try:
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        # A crash before this line leaves the tables as they were: SQLite's DDL is part of the transaction.
    except _FOREIGN as error:
        raise unavailable(error) from None
    finally:
        engine.dispose()


def connect_sqlite(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """Out: a connection to an existing file, durable and shared with other processes."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,  # this package begins its transactions itself: IMMEDIATE for writers
        check_same_thread=False,
        cached_statements=512,
        factory=factory,
    )
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",  # a commit is on the disk when it returns
        "foreign_keys = ON",
        "secure_delete = ON",  # erased is overwritten (LOG.md 8)
        "trusted_schema = OFF",  # nothing that lies in the file calls a function by itself
        "cache_size = -32000",
        "wal_autocheckpoint = 4000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


class Database:
    """An opened database: one engine for the writer, one for readers, and the readers' few threads."""

    def __init__(self, url: str, connect: Connect = connect_sqlite) -> None:
        """Open what `create` made. Raises: ConfigurationFault: what is missing, or of which other version."""
        path = _existing(url)
        self.path = path
        self.writer = _engine(path, connect, "BEGIN IMMEDIATE", 1)
        self.reader = _engine(path, connect, "BEGIN", READERS)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="journal-read")
        try:
            found = _revision(path, self.reader)
            if found != REVISION:
                raise _other_version(path, found)
            if wrong := self.read(planted):
                raise _wrong(path, sorted(wrong)[0], _PLANTED)
        except BaseException:
            self.close()
            raise

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
                return query(connection, *args, **kwargs)
        except _FOREIGN as error:
            raise unavailable(error) from None

    def write(
        self, change: Callable[Concatenate[Connection, P], Out], *args: P.args, **kwargs: P.kwargs
    ) -> Out:
        """Run a writing function in one transaction: all of it, or none. Raises: foreign exceptions."""
        with self.writer.begin() as connection:
            return change(connection, *args, **kwargs)

    def close(self) -> None:
        """Close every connection. Idempotent."""
        self._threads.shutdown()
        self.writer.dispose()
        self.reader.dispose()


def damage(connection: Connection) -> list[str]:
    """Out: what SQLite itself finds wrong with the file: pages, and indexes that are not those of their tables; and
    what was planted."""
    found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_DAMAGE})").scalars().all()
    return [*([] if found == ["ok"] else map(str, found)), *sorted(planted(connection))]


def _revision(path: Path, engine: Engine) -> str:
    """Out: the version of the file's tables. Raises: ConfigurationFault when it holds no journal."""
    try:
        with engine.connect() as connection:
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except _FOREIGN as error:
        cause = getattr(error, "orig", error)
        if isinstance(cause, sqlite3.OperationalError) and "no such table" in str(cause):
            found = None
        elif isinstance(cause, sqlite3.DatabaseError) and not isinstance(cause, sqlite3.OperationalError):
            raise _wrong(path, "is not a SQLite database", "Restore it from a backup.") from None
        else:
            raise unavailable(error) from None
    if found is None:
        raise _wrong(path, "holds no journal", "Delete it if it is empty, and run `einmal init`.")
    return str(found)


def _other_version(path: Path, found: str) -> ConfigurationFault:
    older = "Stop every process of this home, back it up, and run `einmal upgrade`."
    return _wrong(
        path,
        f"has tables of version {found}, this program needs {REVISION}",
        older if found < REVISION else "Run the program version that belongs to it.",
    )


def _engine(path: Path, connect: Connect, begin: str, size: int) -> Engine:
    engine = sa.create_engine(
        "sqlite+pysqlite://",
        creator=lambda: connect(path),
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        hide_parameters=True,  # no exception text carries a value
    )
    statement = sa.text(begin)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement.text)

    return engine


def _path(url: str) -> Path:
    try:
        parsed: URL = make_url(url)
    except ArgumentError:
        parsed = URL.create("unknown")
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        raise ConfigurationFault(
            (
                Problem(
                    "einmal.toml",
                    None,
                    "storage.url",
                    "is no SQLite file",
                    "Write sqlite:///data/einmal.sqlite3",
                ),
            )
        )
    return Path(parsed.database)


def _existing(url: str) -> Path:
    path = _path(url)
    if not path.is_file():
        mend = "Mend storage.url in einmal.toml, or put the file back from the newest backup."
        raise _wrong(path, "is missing", f"{mend} (`einmal init` is for a new home.)")
    return path


def _wrong(path: Path, wrong: str, mend: str) -> ConfigurationFault:
    return ConfigurationFault((Problem(path.name, None, "storage.url", wrong, mend),))
