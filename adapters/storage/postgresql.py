"""PostgreSQL: a server that the processes of several machines share (docs/decisions/0031-postgresql.md).

Every writing transaction takes one lock of the database first: writers are as alone as with SQLite, whatever they touch
(LOG.md 9.2). It is taken before the first snapshot, and the server frees it when the transaction ends or its process
dies. The lock is the house's word among its own processes: who writes into the tables by hand is outside of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any, Final, TypeAlias

import psycopg
import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege, LockNotAvailable, UndefinedTable
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import InterfaceError, InternalError, ProgrammingError
from sqlalchemy.pool import QueuePool

from adapters.storage import anytext, tending
from adapters.storage.dialect import ENVIRONMENT, FOREIGN, Connect, wrong
from gateway.errors import ConfigurationFault, JournalUnavailable

Driver: TypeAlias = psycopg.Connection[Any]

HEAD_LOCK: Final = 0x65696E6D616C
"""The lock of all writers of one database: the bytes of "einmal" as a number."""
STATEMENT_MS: Final = 10_000
"""How long one statement of the house may take."""
LOCK_MS: Final = 10_000
"""How long a writer waits for the others."""
IDLE_MS: Final = 10_000
"""How long a writer that stands still keeps the others waiting, before the server ends its transaction."""
CONNECT_SECONDS: Final = 5
SILENCE_MS: Final = 20_000
"""How long what was sent may stay unacknowledged before the connection counts as cut (TCP, between machines)."""

_SETTINGS: Final = {
    "synchronous_commit": "on",  # a commit is on the disk when it returns, and before anybody else can see it
    "statement_timeout": str(STATEMENT_MS),
    "lock_timeout": str(LOCK_MS),
}
_UNLIMITED: Final = {"statement_timeout": "0"}
"""For what takes as long as the tables are large, while nobody waits for it."""
_READER: Final = {"default_transaction_read_only": "on"}
_WRITES: Final = (
    # READ COMMITTED: each statement sees what was committed when it begins. A snapshot for the whole transaction would
    # be taken while it still waits for the lock, and judge by what was so before the others had written.
    "BEGIN ISOLATION LEVEL READ COMMITTED; "
    f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}; "
    f"SELECT pg_advisory_xact_lock({HEAD_LOCK})"
)
_READS: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Unreached(JournalUnavailable):
    """No connection could be made: true for whatever was to be written."""


def connect_postgresql(url: URL, factory: type[Driver] = psycopg.Connection) -> Driver:
    """Out: a connection that begins no transaction by itself. Raises: Unreached."""
    said = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    usual: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": tending.APPLICATION,
        "client_encoding": "utf8",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": SILENCE_MS,
    }
    place = url.translate_connect_args(username="user", database="dbname")
    try:
        connection = factory.connect(**(usual | place | said), autocommit=True)
    except psycopg.OperationalError:  # its text is the server's, in the server's language
        raise Unreached(f"storage (no connection to {_name(url)})") from None
    anytext.take(connection)
    return connection


class Postgresql:
    """`Dialect` of a database of a PostgreSQL server."""

    foreign = (*FOREIGN, psycopg.Error)
    environment = (
        *(*ENVIRONMENT, InternalError, InterfaceError, ProgrammingError, Unreached),
        *(psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError, psycopg.ProgrammingError),
    )
    """All but what a value can bring about: a table that is read-only or forbidden is told as one of these, too."""

    def __init__(self, url: URL, connect: Connect, *, checks: bool) -> None:
        self._url, self._connect, self._checks = url, connect, checks

    @property
    def name(self) -> str:
        return _name(self._url)

    def make(self) -> None:
        """Nothing: who administers the server makes the database."""

    def find(self) -> None:
        """Nothing: a server that can't be reached says so when it is asked."""

    def writer(self) -> Engine:
        return self._engine(_WRITES, 1, {})

    def reader(self, size: int) -> Engine:
        return self._engine(_READS, size, _READER | (_UNLIMITED if self._checks else {}))

    def _engine(self, begin: str, size: int, ours: Mapping[str, str]) -> Engine:
        url = _with(self._url, ours)
        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: self._connect(url),
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,  # a server that was started anew costs nobody an error
            hide_parameters=True,  # no exception text carries a value
            use_native_hstore=False,
        )

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def explain(self, error: Exception) -> ConfigurationFault | None:
        cause = getattr(error, "orig", error)
        if isinstance(cause, UndefinedTable):
            mend = "Run `einmal init` for a new home, or restore the database from a backup."
            return wrong(self.name, "holds no journal", mend)
        if isinstance(cause, InsufficientPrivilege):
            told = "is not this user's: it may not make, read or change tables there"
            return wrong(self.name, told, "Make the user the database's owner.")
        return None

    def before_tables(self, connection: Connection, *, new: bool) -> None:
        """Raises: ConfigurationFault, when the server or the database is not fit for a journal."""
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        unfit = tending.unfit(connection, new=new)
        if unfit is not None:
            raise wrong(self.name, *unfit)

    def used_by_others(self, connection: Connection) -> bool:
        return tending.used_by_others(connection)

    def after_tables(self, connection: Connection) -> None:
        tending.shape(connection)

    def settle(self, vacuum: bool) -> bool:
        with closing(self._connect(_with(self._url, _UNLIMITED))) as connection:
            try:
                return tending.settle(connection, vacuum)
            except LockNotAvailable:
                return False

    def planted(self, connection: Connection) -> list[str]:
        """Nothing can be told: who may change a server's tables may change what it says of them."""
        return []

    def damage(self, connection: Connection) -> list[str]:
        return tending.damage(connection)


def _name(url: URL) -> str:
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{host if isinstance(host, str) else ','.join(host)}{port}/{url.database}"


def _with(url: URL, last: Mapping[str, str]) -> URL:
    """Out: the URL with settings of the session: the usual ones, those it says itself, and then these."""
    said = url.query.get("options", ())
    own = (said,) if isinstance(said, str) else said
    return url.update_query_dict({"options": " ".join((*_options(_SETTINGS), *own, *_options(last)))})


def _options(settings: Mapping[str, str]) -> Iterator[str]:
    return (f"-c {name}={value}" for name, value in settings.items())
