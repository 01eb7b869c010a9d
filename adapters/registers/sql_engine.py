"""How a register's database is reached: its URL or where that is kept, and an engine that reads or one that writes.

Read: SQLite files are opened with mode=ro; on PostgreSQL, MariaDB and MySQL every session is made read-only; on
anything else the user that the URL names should be one that can only read. What one answer reads in several SELECTs
it reads from one snapshot.
Written is only where a row can be kept from others until the transaction ends: on SQLite the whole file
(BEGIN IMMEDIATE), elsewhere the row (SELECT … FOR UPDATE).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gateway.config.connections import ENV, database_url
from gateway.config.references import resolved

_LOCKING: Final = ("sqlite", "postgresql", "mysql", "mariadb")


class Unusable(Exception):
    """The URL leads nowhere. Carries words of ours only, never the URL."""

    def __init__(self, wrong: str, mend: str) -> None:
        super().__init__(wrong)
        self.wrong, self.mend = wrong, mend


def reading(url: str, home: Path, timeout_seconds: float, readers: int) -> sa.Engine:
    """In: `[sql] url`, and what its relative paths are relative to. Out: an engine not yet connected, that can't
    write. Raises: Unusable."""
    made = _engine(url, home, timeout_seconds, readers, writes=False)
    limit = f"SET statement_timeout = {int(timeout_seconds * 1000)}"
    read_only = {
        "postgresql": ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", limit),
        "mysql": ("SET SESSION TRANSACTION READ ONLY",),
        "mariadb": ("SET SESSION TRANSACTION READ ONLY",),
    }
    _on_connect(made, read_only.get(made.dialect.name, ()))
    return made


def writing(url: str, home: Path, timeout_seconds: float, writers: int) -> sa.Engine:
    """In: as `reading`. Out: an engine not yet connected, that writes and never creates a database.
    Raises: Unusable."""
    made = _engine(url, home, timeout_seconds, writers, writes=True)
    if made.dialect.name not in _LOCKING:
        raise Unusable(
            "names a database in which rows can't be kept from others while they are written",
            "Write to SQLite, PostgreSQL, MariaDB or MySQL, or remove [sql.write].",
        )
    waiting = f"SET SESSION innodb_lock_wait_timeout = {max(1, int(timeout_seconds / 2))}"
    limits = {
        "postgresql": (f"SET statement_timeout = {int(timeout_seconds * 1000)}",),
        "mysql": (waiting,),
        "mariadb": (waiting,),
    }
    _on_connect(made, limits.get(made.dialect.name, ()))
    return made


def _engine(url: str, home: Path, timeout_seconds: float, size: int, *, writes: bool) -> sa.Engine:
    target = database_url(_resolved(url, home))
    if target is None:
        raise _no_url()
    try:
        pool: dict[str, Any] = {"pool_size": size, "max_overflow": 0, "pool_timeout": timeout_seconds}
        if target.get_backend_name() == "sqlite":
            target = _file(target, home, "rw" if writes else "ro")
            made = sa.create_engine(
                target, hide_parameters=True, connect_args={"timeout": timeout_seconds / 2}, **pool
            )
            _begin_ourselves(made, "BEGIN IMMEDIATE" if writes else "BEGIN")
            return made
        if target.get_backend_name() in _LOCKING:
            pool["isolation_level"] = "READ COMMITTED" if writes else "REPEATABLE READ"
        return sa.create_engine(target, hide_parameters=True, pool_pre_ping=True, **pool)
    except (NoSuchModuleError, ImportError):
        raise Unusable(
            "names a database whose driver isn't here", "Install the driver beside Einmal."
        ) from None
    except ArgumentError:
        raise _no_url() from None


def _no_url() -> Unusable:
    return Unusable("is no database URL", "Write it as SQLAlchemy does: driver://user@host/name.")


def _resolved(url: str, home: Path) -> str:
    found = resolved(url, home)
    if found is not None:
        return found
    if url.startswith(ENV):
        raise Unusable("names an environment variable that is not set", "Set it where the gateway starts.")
    raise Unusable("names a file that can't be read", "Put the URL in it, one line.")


def _file(url: URL, home: Path, mode: str) -> URL:
    if not url.database or url.database.startswith((":", "file:")):
        raise Unusable("names no SQLite file", 'Write it as "sqlite:///registers/x.sqlite3".')
    path = quote(str((home / url.database).absolute()))
    return URL.create("sqlite", database=f"file:{path}", query={"mode": mode, "uri": "true"})


def _begin_ourselves(made: sa.Engine, statement: str) -> None:
    """Python's sqlite3 begins no transaction before a SELECT: two of them would not see the same rows."""

    @sa.event.listens_for(made, "connect")
    def _plain(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(made, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(statement)


def _on_connect(made: sa.Engine, statements: Sequence[str]) -> None:
    if not statements:
        return

    @sa.event.listens_for(made, "connect")
    def _say(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()
