"""A PostgreSQL server for the tests, and databases of their own on it: made as the product makes them, emptied between
tests, gone at the end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import absent
import psycopg
from sqlalchemy.engine import make_url

from adapters.storage.database import create
from adapters.storage.schema import METADATA

SERVER: Final = make_url(
    os.environ.get("EINMAL_TEST_POSTGRES") or "postgresql://postgres@127.0.0.1:5432/postgres"
)
"""Whoever that is may make databases, and read the server's files (a superuser)."""
ABSENT: Final = (
    f"no PostgreSQL at {SERVER.host}:{SERVER.port or 5432}: start one there that takes {SERVER.username}, "
    "or set EINMAL_TEST_POSTGRES to a URL"
)


def listens() -> bool:
    """Out: whether anybody is there."""
    return absent.listens(SERVER.host, SERVER.port or 5432)


def needed() -> None:
    """Without a server: left out; with CI set a failure."""
    if not listens():
        absent.leave_out(ABSENT)


class Databases:
    """Those of one run. A database is somebody's until it is given back."""

    def __init__(self) -> None:
        self._run = f"einmal_test_{secrets.token_hex(4)}"
        self._made: list[str] = []
        self._free: list[str] = []

    def take(self) -> str:
        """Out: the URL of a journal's database with nothing in it."""
        if not self._free:
            url = self.bare()
            create(url)
            self._free.append(url)
        return self._free.pop()

    def bare(self, *options: str) -> str:
        """Out: the URL of a database without tables."""
        name = f"{self._run}_{len(self._made)}"
        with connected() as server:
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {" ".join(options)}')
        self._made.append(name)
        return SERVER.set(database=name).render_as_string(hide_password=False)

    def give_back(self, url: str) -> None:
        """Empty it for the next one."""
        with connected(url) as database:
            for table in reversed(METADATA.sorted_tables):
                database.execute(f'DELETE FROM "{table.name}"')
            database.execute("ALTER SEQUENCE shard_id_seq RESTART")
        self._free.append(url)

    def drop(self) -> None:
        """Nothing is left on the server."""
        with connected() as server:
            for name in self._made:
                server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def connected(url: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the server's administrator, without transactions."""
    place = SERVER if url is None else make_url(url)
    connection = psycopg.connect(
        **place.translate_connect_args(username="user", database="dbname"), autocommit=True
    )
    try:
        yield connection
    finally:
        connection.close()


def on_disk(url: str) -> bytes:
    """Out: the files of every table and index, of what they keep aside, and of what the planner sampled."""
    with connected(url) as database:
        database.execute("CHECKPOINT")
        rows = database.execute(
            "SELECT pg_read_binary_file(pg_relation_filepath(oid)) FROM pg_class WHERE relkind IN ('r', 'i', 't') "
            "AND (relnamespace IN ('public'::regnamespace, 'pg_toast'::regnamespace) OR relname = 'pg_statistic')"
        )
        return b"".join(bytes(content) for (content,) in rows)
