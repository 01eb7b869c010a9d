"""Connections that break when a test wants them to."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import psycopg
from sqlalchemy.engine import URL

from adapters.storage.postgresql import connect_postgresql


@dataclass
class Fault:
    """Break the n-th changing statement, or a commit before or after it happened. Once."""

    statement: int | None = None
    commit: Literal["before", "after"] | None = None
    fired: bool = False
    statements: int = 0
    error: type[Exception] = sqlite3.OperationalError

    def on_statement(self, text: str) -> None:
        """Count a changing statement, and break it if it is the one."""
        if text.split(None, 1)[0].upper() in {"INSERT", "UPDATE", "DELETE"}:
            self.statements += 1
            if self.statements == self.statement and not self.fired:
                self.fired = True
                raise self.error("disk I/O error")

    def on_commit(self, when: str) -> None:
        """Break the commit if it is to break at this side of it."""
        if self.commit == when and not self.fired and self.statements:
            self.fired = True
            raise self.error("disk I/O error")


def faulty(
    fault: Fault, connect: Callable[[Path, type[sqlite3.Connection]], sqlite3.Connection], path: Path
) -> sqlite3.Connection:
    """Out: a connection of the product whose statements and commits pass through `fault`."""

    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, parameters: Any = (), /) -> Self:
            if sql == "COMMIT":
                fault.on_commit("before")
            fault.on_statement(sql)
            done = super().execute(sql, parameters)
            if sql == "COMMIT":
                fault.on_commit("after")
            return done

        def executemany(self, sql: str, parameters: Any, /) -> Self:
            fault.on_statement(sql)
            return super().executemany(sql, parameters)

    class Faulty(sqlite3.Connection):
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(Cursor)

        def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
            done: sqlite3.Cursor = self.cursor().execute(sql, parameters)
            return done

        def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
            done: sqlite3.Cursor = self.cursor().executemany(sql, parameters)
            return done

        def commit(self) -> None:
            fault.on_commit("before")
            super().commit()
            fault.on_commit("after")

    return connect(path, Faulty)


def faulty_postgresql(fault: Fault, url: URL) -> psycopg.Connection[Any]:
    """Out: a connection of the product whose statements and commits pass through `fault`."""
    fault.error = psycopg.OperationalError

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *given: Any, **named: Any) -> Self:
            fault.on_statement(str(query))
            return super().execute(query, *given, **named)

        def executemany(self, query: Any, *given: Any, **named: Any) -> None:
            fault.on_statement(str(query))
            super().executemany(query, *given, **named)

    class Faulty(psycopg.Connection[Any]):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.cursor_factory = Cursor

        def commit(self) -> None:
            fault.on_commit("before")
            super().commit()
            fault.on_commit("after")

    return connect_postgresql(url, Faulty)
