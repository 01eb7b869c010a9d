"""SQLite: a file of this machine. Several processes of it share the file (WAL, one writer at a time)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from adapters.storage.dialect import ENVIRONMENT, FOREIGN, Connect, wrong
from adapters.storage.planted import planted
from gateway.errors import ConfigurationFault

BUSY_MS: Final = 10_000
"""How long a process waits for another one's transaction before it gives up."""

_SETTLE_BUSY_MS: Final = 2_000
"""How long emptying the log waits for a reader; writers wait behind it meanwhile."""
_TRIES: Final = 5
_MOST_DAMAGE: Final = 100
"""Damaged places of a file that are named."""


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


def connect_forgiving(path: Path) -> sqlite3.Connection:
    """Out: a connection that reads damaged text as well: it is a place to be named, not an end of the reading."""
    connection = connect_sqlite(path)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    return connection


class Sqlite:
    """`Dialect` of a SQLite file."""

    foreign = (*FOREIGN, sqlite3.Error)
    environment = (*ENVIRONMENT, sqlite3.OperationalError)

    def __init__(self, path: Path, connect: Connect) -> None:
        self._path, self._connect = path, connect

    @property
    def name(self) -> str:
        return self._path.name

    def make(self) -> None:
        """Make the file, mode 0600, in a folder that is made as well."""
        path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            raise wrong(self.name, "there is a file already", "Use it, or name another file.") from None
        except OSError as error:
            told = f"can't be made ({type(error).__name__})"
            raise wrong(self.name, told, "Check folder and rights.") from None
        # A crash here leaves an empty file: opening says that it holds no journal, and it can be deleted.

    def find(self) -> None:
        if not self._path.is_file():
            mend = "Mend storage.url in einmal.toml, or put the file back from the newest backup."
            raise wrong(self.name, "is missing", f"{mend} (`einmal init` is for a new home.)")

    def writer(self) -> Engine:
        return self._engine("BEGIN IMMEDIATE", 1)

    def reader(self, size: int) -> Engine:
        return self._engine("BEGIN", size)

    def _engine(self, begin: str, size: int) -> Engine:
        engine = sa.create_engine(
            "sqlite+pysqlite://",
            creator=lambda: self._connect(self._path),
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            hide_parameters=True,  # no exception text carries a value
        )

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def explain(self, error: Exception) -> ConfigurationFault | None:
        cause = getattr(error, "orig", error)
        if isinstance(cause, sqlite3.OperationalError) and "no such table" in str(cause):
            mend = "Delete it if it is empty, and run `einmal init`."
            return wrong(self.name, "holds no journal", mend)
        if type(cause) is sqlite3.DatabaseError:
            return wrong(self.name, "is not a SQLite database", "Restore it from a backup.")
        return None

    def before_tables(self, connection: Connection, *, new: bool) -> None:
        """Nothing: the file was made for them."""

    def used_by_others(self, connection: Connection) -> bool:
        """Nobody can be seen: a file doesn't tell who has it open."""
        return False

    def after_tables(self, connection: Connection) -> None:
        """Nothing: the migrations are in SQLite's form."""

    def settle(self, vacuum: bool) -> bool:
        """SQLite overwrites what is deleted (`secure_delete`); what it had moved about before, and the write-ahead
        log, are emptied here. A connection of its own: neither can be done inside a transaction."""
        with closing(connect_sqlite(self._path)) as connection:
            if vacuum:
                connection.execute("VACUUM").close()
                # A crash here leaves the old file or the new one: VACUUM is a transaction.
            connection.execute(f"PRAGMA busy_timeout = {_SETTLE_BUSY_MS}").close()
            for _ in range(_TRIES):
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    return True
            return False

    def planted(self, connection: Connection) -> list[str]:
        return planted(connection)

    def damage(self, connection: Connection) -> list[str]:
        """Pages, and indexes that are not those of their tables."""
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_DAMAGE})").scalars().all()
        return [] if found == ["ok"] else [str(line) for line in found]
