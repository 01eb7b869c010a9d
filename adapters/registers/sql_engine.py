"""How a register's database is reached: its URL or where that is kept, and an engine that reads.

SQLite files are opened with mode=ro; on PostgreSQL, MariaDB and MySQL every session is made read-only; on anything
else the user that the URL names should be one that can only read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gateway.config.connections import ENV, FILE


class Unusable(Exception):
    """The URL leads nowhere. Carries words of ours only, never the URL."""

    def __init__(self, wrong: str, mend: str) -> None:
        super().__init__(wrong)
        self.wrong, self.mend = wrong, mend


def engine(url: str, home: Path, timeout_seconds: float, readers: int) -> sa.Engine:
    """In: `[sql] url`, and what its relative paths are relative to. Out: an engine not yet connected.

    Raises: Unusable.
    """
    try:
        target = make_url(_resolved(url, home))
        pool: dict[str, Any] = {"pool_size": readers, "max_overflow": 0, "pool_timeout": timeout_seconds}
        if target.get_backend_name() == "sqlite":
            target = _read_only_file(target, home)
            return sa.create_engine(
                target, hide_parameters=True, connect_args={"timeout": timeout_seconds / 2}, **pool
            )
        made = sa.create_engine(target, hide_parameters=True, pool_pre_ping=True, **pool)
    except (NoSuchModuleError, ImportError):
        raise Unusable(
            "names a database whose driver isn't here", "Install the driver beside Einmal."
        ) from None
    except ArgumentError:
        raise Unusable(
            "is no database URL", "Write it as SQLAlchemy does: driver://user@host/name."
        ) from None
    _make_sessions_read_only(made, timeout_seconds)
    return made


def _resolved(url: str, home: Path) -> str:
    if url.startswith(ENV):
        found = os.environ.get(url.removeprefix(ENV))
        if not found:
            raise Unusable(
                "names an environment variable that is not set", "Set it where the gateway starts."
            )
        return found
    if url.startswith(FILE):
        try:
            return (home / url.removeprefix(FILE)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise Unusable("names a file that can't be read", "Put the URL in it, one line.") from None
    return url


def _read_only_file(url: URL, home: Path) -> URL:
    if not url.database or url.database.startswith((":", "file:")):
        raise Unusable("names no SQLite file", 'Write it as "sqlite:///registers/x.sqlite3".')
    path = quote(str((home / url.database).absolute()))
    return URL.create("sqlite", database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _make_sessions_read_only(made: sa.Engine, timeout_seconds: float) -> None:
    statements = {
        "postgresql": (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            f"SET statement_timeout = {int(timeout_seconds * 1000)}",
        ),
        "mysql": ("SET SESSION TRANSACTION READ ONLY",),
        "mariadb": ("SET SESSION TRANSACTION READ ONLY",),
    }.get(made.dialect.name, ())

    @sa.event.listens_for(made, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()
