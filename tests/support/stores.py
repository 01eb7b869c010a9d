"""Implementations of the store's ports for the contract tests, with faults on demand."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Databases, connected, on_disk
from entries import fold
from faults import Fault, faulty, faulty_postgresql

from adapters.storage.database import create
from adapters.storage.dialect import Connect
from adapters.storage.schema import METADATA
from adapters.storage.sqlite import connect_sqlite
from adapters.storage.store import SqlStore


class Stores(ABC):
    """The store on one kind of database: as many openings of one database as a test wants."""

    def __init__(self) -> None:
        self.opened: list[SqlStore] = []
        self.altered = False
        """Whether its tables are other ones than were made."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Out: the database's URL."""

    @abstractmethod
    def create(self) -> None:
        """Make the database."""

    @abstractmethod
    def another(self) -> Stores:
        """Out: another database of the same kind, that was just made."""

    @abstractmethod
    def on_disk(self) -> bytes:
        """Out: all that the database's files hold."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """Meanwhile somebody reads the database as it is now."""

    @abstractmethod
    def _connect(self, fault: Fault) -> Connect:
        """Out: how the driver connects, broken by `fault`."""

    def open(self, fault: Fault | None = None) -> SqlStore:
        """Open the database once more."""
        store = SqlStore(self.url, fold, self._connect(fault) if fault else None)
        self.opened.append(store)
        return store

    @asynccontextmanager
    async def using(self, fault: Fault | None = None) -> AsyncIterator[SqlStore]:
        """An opening that is closed at the end."""
        store = self.open(fault)
        try:
            yield store
        finally:
            await store.close()

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Out: every row of every table."""
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            found = {
                table.name: [
                    tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
                ]
                for table in METADATA.sorted_tables
            }
        engine.dispose()
        return found

    def alter(self, *statements: str) -> None:
        """Change the tables, as another version of the program would."""
        self.altered = True
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    async def close(self) -> None:
        """Close what was opened."""
        for store in self.opened:
            await store.close()


class SqliteStores(Stores):
    """On SQLite."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def create(self) -> None:
        create(self.url)

    def another(self) -> SqliteStores:
        made = SqliteStores(self.path.with_name(f"another {self.path.name}"))
        made.create()
        return made

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.path.parent.iterdir())

    @contextmanager
    def reading(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM line").fetchall()
            yield

    def _connect(self, fault: Fault) -> Connect:
        return partial(faulty, fault, connect_sqlite)


class PostgresqlStores(Stores):
    """On PostgreSQL."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self._databases = databases
        self._taken: list[str] = []
        self._others: list[PostgresqlStores] = []

    @property
    def url(self) -> str:
        return self._taken[0]

    def create(self) -> None:
        self._taken.append(self._databases.take())

    def another(self) -> PostgresqlStores:
        made = PostgresqlStores(self._databases)
        made.create()
        self._others.append(made)
        return made

    def on_disk(self) -> bytes:
        return on_disk(self.url)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with connected(self.url) as reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM policy").fetchall()
            yield

    def _connect(self, fault: Fault) -> Connect:
        return partial(faulty_postgresql, fault)

    async def close(self) -> None:
        await super().close()
        for other in self._others:
            await other.close()
        for url in self._taken:
            if not self.altered:
                self._databases.give_back(url)


def of_kind(kind: str, path: Path, request: pytest.FixtureRequest) -> Stores:
    """Out: stores of one of KINDS, not made yet; of PostgreSQL if there is a server."""
    if kind == "postgresql":
        return PostgresqlStores(request.getfixturevalue("databases"))
    return SqliteStores(path)


KINDS = ("sqlite", "postgresql")
