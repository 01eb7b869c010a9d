"""Port `Register` on any database that SQLAlchemy reaches: one table or view, read only.

Bound parameters and reflected identifiers only; reading runs in a bounded pool of threads, each read within its
time. Every foreign exception ends here, and its text with it: it may quote the row or the parameters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, NoSuchTableError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from adapters.registers.sql_engine import Unusable, engine
from adapters.registers.sql_rows import Asked, Rows, asked
from consent.parties import Register
from consent.problems import KeyPath, did_you_mean, dotted
from consent.vocabulary import Found, NotFound, Person, Problem, Subject
from gateway.config.connections import SqlSettings
from gateway.errors import (
    ConfigurationFault,
    Fault,
    RegisterProtocol,
    RegisterTimeout,
    RegisterUnavailable,
)
from gateway.stages import Mandate

__all__ = ["SqlRegister", "SqlSettings"]

Result = TypeVar("Result")

_SQLITE_ERROR: Final = 1
"""SQLite's code for a statement that makes no sense to it, such as a column that is gone."""
_PLANS: Final = 1024


def _nowhere(_path: KeyPath) -> int | None:
    return None


class SqlRegister:
    """One register. Connects when first asked; `check` says beforehand whether what is configured is there."""

    def __init__(
        self,
        register: Register,
        settings: SqlSettings,
        home: Path,
        timeout_seconds: float,
        *,
        readers: int = 4,
        locate: Callable[[KeyPath], int | None] = _nowhere,
    ) -> None:
        """In: relative SQLite paths and `file:` references are relative to `home`; `locate` knows the line of a
        key in the register's file. Raises: ConfigurationFault, when the URL leads nowhere."""
        self._register, self._settings, self._timeout, self._locate = (
            register,
            settings,
            timeout_seconds,
            locate,
        )
        self._evidence = {evidence.type: evidence for evidence in register.evidence}
        self._match = settings.match.columns()
        self._blocked = settings.blocked if isinstance(settings.blocked, str) else None
        try:
            self._engine = engine(settings.url, home, timeout_seconds, readers)
        except Unusable as unusable:
            raise ConfigurationFault(
                (self._problem(("sql", "url"), unusable.wrong, unusable.mend),)
            ) from None
        self._threads = ThreadPoolExecutor(readers, thread_name_prefix=f"register-{register.id}")
        self._table: sa.Table | None = None
        self._rows = lru_cache(maxsize=_PLANS)(self._rows_for)

    @property
    def id(self) -> str:
        return self._register.id

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        permit = mandate.permit
        whom = asked(permit.subject, self._match)
        if whom is None:
            return NotFound("unknown")
        evidence, fields = permit.request.evidence, permit.fields

        def read(connection: sa.Connection) -> Found | NotFound:
            self._reflect(connection)
            rows = self._rows(evidence, fields, whom.form)
            found = self._select(connection, rows, whom)
            if len(found) != 1:
                return NotFound("ambiguous" if found else "unknown")
            return rows.found(found[0])

        return await self._in_time(read)

    async def persons(self, subject: Subject) -> Sequence[Person]:
        whom = asked(subject, self._match)
        if whom is None:
            return ()

        def read(connection: sa.Connection) -> Sequence[Person]:
            self._reflect(connection)
            rows = self._rows(None, frozenset(), whom.form)
            found = self._select(connection, rows, whom)
            return rows.labels(found[0]) if len(found) == 1 else ()

        return await self._in_time(read)

    async def healthy(self) -> bool:
        try:
            await self._in_time(self._reflect)
        except (Fault, RuntimeError):  # the latter once it is closed
            return False
        return True

    def close(self) -> None:
        """Give up what runs, and every connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def check(self) -> tuple[Problem, ...]:
        """Out: every table and column of the register's file that the database does not have. Blocks."""
        try:
            with self._engine.connect() as connection:
                names = self._names(connection)
        except (SQLAlchemyError, OSError):
            wrong, mend = (
                "leads to a database that does not answer",
                "Start it, or mend the URL or its rights.",
            )
            return (self._problem(("sql", "url"), wrong, mend),)
        if names is None:
            mend = "Write the table's or view's name as the database spells it."
            return (self._problem(("sql", "table"), "is not in the database", mend),)
        return tuple(
            self._problem(
                path,
                f"names the column {column!r}, which the table lacks",
                did_you_mean(column, names, "column"),
            )
            for path, column in self._columns()
            if column not in names
        )

    # --- in the reading threads ----------------------------------------------------------------------------
    async def _in_time(self, read: Callable[[sa.Connection], Result]) -> Result:
        running = _Running()
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._reading, read, running)
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            running.stop()
            raise RegisterTimeout(self.id) from None

    def _reading(self, read: Callable[[sa.Connection], Result], running: _Running) -> Result:
        try:
            with self._engine.connect() as connection, running.on(connection):
                return read(connection)
        except Fault:
            raise
        except (PoolTimeout, TimeoutError):
            raise RegisterTimeout(self.id) from None
        except (OperationalError, InterfaceError) as error:
            senseless = getattr(error.orig, "sqlite_errorcode", None) == _SQLITE_ERROR
            raise (RegisterProtocol if senseless else RegisterUnavailable)(self.id) from None
        except DBAPIError as error:
            raise (RegisterUnavailable if error.connection_invalidated else RegisterProtocol)(
                self.id
            ) from None
        except OSError:
            raise RegisterUnavailable(self.id) from None
        except (SQLAlchemyError, ValueError, TypeError, ArithmeticError):
            raise RegisterProtocol(self.id) from None

    def _select(self, connection: sa.Connection, rows: Rows, whom: Asked) -> Sequence[sa.Row[Any]]:
        try:
            parameters = rows.bound(whom)
        except ValueError:
            return ()
        return connection.execute(rows.statement, parameters).fetchall()

    def _rows_for(self, evidence: str | None, fields: frozenset[str], form: str) -> Rows:
        settings, known = self._settings, None
        if evidence is not None and (known := self._evidence.get(evidence)) is None:
            raise RegisterProtocol(self.id)
        if self._table is None:
            raise RegisterProtocol(self.id)
        return Rows(self.id, self._table, settings.key, self._blocked, self._match, form, known, fields)

    def _reflect(self, connection: sa.Connection) -> None:
        """Learn the configured columns' types once, from the database itself."""
        if self._table is not None:
            return
        wanted = {column for _, column in self._columns()}
        try:
            self._table = sa.Table(
                self._settings.table,
                sa.MetaData(),
                autoload_with=connection,
                include_columns=sorted(wanted),
                resolve_fks=False,
            )
        except NoSuchTableError:
            raise RegisterProtocol(f"{self.id}.table") from None

    def _names(self, connection: sa.Connection) -> frozenset[str] | None:
        try:
            return frozenset(
                column["name"] for column in sa.inspect(connection).get_columns(self._settings.table)
            )
        except NoSuchTableError:
            return None

    # --- what is configured --------------------------------------------------------------------------------
    def _columns(self) -> Iterator[tuple[KeyPath, str]]:
        """Out: every column the register's file names, and where."""
        settings = self._settings
        yield ("sql", "key"), settings.key
        if self._blocked is not None:
            yield ("sql", "blocked"), self._blocked
        for part, column in self._match.items():
            yield ("sql", "match", part), column
        for at, evidence in enumerate(self._register.evidence):
            for name, source in evidence.fields.items():
                yield ("evidence", at, "fields", name), source.column
            for nth, person in enumerate(evidence.person):
                yield ("evidence", at, "person", nth, "key"), person.key
                if person.idnr is not None:
                    yield ("evidence", at, "person", nth, "idnr"), person.idnr

    def _problem(self, path: KeyPath, wrong: str, mend: str) -> Problem:
        return Problem(f"registers/{self.id}.toml", self._locate(path), dotted(path), wrong, mend)


class _Running:
    """A read that can be stopped from the event loop, so that a slow register does not keep its thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._interrupt: Callable[[], None] | None = None
        self._stopped = False

    @contextmanager
    def on(self, connection: sa.Connection) -> Iterator[None]:
        """While it reads on this connection. Only SQLite can be interrupted here; others have their own limit."""
        with self._lock:
            if self._stopped:
                raise TimeoutError
            self._interrupt = getattr(connection.connection.driver_connection, "interrupt", None)
        try:
            yield
        finally:
            with self._lock:
                self._interrupt = None

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._interrupt is not None:
                self._interrupt()
