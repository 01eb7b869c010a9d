"""Port `Register` on any database that SQLAlchemy reaches: a table or view of people, and what belongs to them.

Bound parameters and reflected identifiers only. Reading and writing are different engines, each with a bounded pool
of threads: what reads can't write. Each piece of work is done within its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from adapters.registers.sql_check import Check
from adapters.registers.sql_elsewhere import Elsewhere
from adapters.registers.sql_engine import Unusable, reading, writing
from adapters.registers.sql_fetch import Selects, fetch, find
from adapters.registers.sql_layout import Tables
from adapters.registers.sql_rows import asked
from adapters.registers.sql_work import Workers
from adapters.registers.sql_write import Desk
from consent.parties import Register
from consent.problems import KeyPath
from consent.vocabulary import (
    Action,
    Blocked,
    Conflict,
    Filed,
    Found,
    NotFound,
    OnFile,
    Person,
    Problem,
    Subject,
)
from gateway.config.connections import SqlSettings
from gateway.errors import ConfigurationFault, Fault, RegisterProtocol
from gateway.stages import Mandate

__all__ = ["SqlRegister", "SqlSettings"]

_WRITERS: Final = 1
"""Submissions to a register are few, and one after the other they can't stand in each other's way."""


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
        key in the register's file. Raises: ConfigurationFault, when a URL leads nowhere."""
        self._register, self._settings = register, settings
        self._match = settings.match.columns()
        self._tables = Tables(register, settings)
        self._selects = Selects(register, settings, self._tables)
        self._elsewhere = Elsewhere(register, settings, self._tables)
        self._check = Check(register, settings, locate)
        write = settings.write
        self._desk = Desk(register.id, settings, write, self._tables, self._selects) if write else None
        path: KeyPath = ("sql", "url")
        try:
            reads = reading(settings.url, home, timeout_seconds, readers)
            self._readers = Workers(register.id, reads, readers, timeout_seconds)
            self._writers: Workers | None = None
            if write is not None:
                path = ("sql", "write", "url") if write.url is not None else path
                writes = writing(write.url or settings.url, home, timeout_seconds, _WRITERS)
                self._writers = Workers(register.id, writes, _WRITERS, timeout_seconds)
        except Unusable as unusable:
            raise ConfigurationFault((self._check.problem(path, unusable.wrong, unusable.mend),)) from None

    @property
    def id(self) -> str:
        return self._register.id

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        permit = mandate.permit
        if permit.request.action is not Action.READ:
            raise RegisterProtocol(self.id)
        whom = asked(permit.subject, self._match)
        if whom is None:
            return NotFound("unknown")

        def read(connection: sa.Connection) -> Found | NotFound:
            self._tables.learn(connection)
            return fetch(connection, self._selects, permit, whom)

        return await self._readers.run(read)

    async def write(
        self, mandate: Mandate, values: Mapping[str, str], replaces: Mapping[str, str]
    ) -> Filed | OnFile | Conflict | Blocked | NotFound:
        desk, writers = self._writing()
        self._must_be_permitted(mandate, values, replaces)
        whom = asked(mandate.permit.subject, self._match)
        if whom is None:
            return NotFound("unknown")
        return await writers.run(lambda connection: desk.write(connection, mandate, whom, values, replaces))

    async def filed(self, exchange: str) -> Filed | None:
        desk, writers = self._writing()
        return await writers.run(lambda connection: desk.filed(connection, exchange))

    async def persons(self, subject: Subject) -> Sequence[Person]:
        whom = asked(subject, self._match)

        def read(connection: sa.Connection) -> Sequence[Person]:
            self._tables.learn(connection)
            own: Sequence[Person] = ()
            if whom is not None:
                who = self._selects.who(whom.form)
                rows = find(connection, who, whom)
                if len(rows) > 1:
                    return ()
                own = [Person(form) for row in rows for form in who.identity.known(row) if form]
            return self._elsewhere.forms(connection, subject, own)

        return await self._readers.run(read)

    async def healthy(self) -> bool:
        try:
            await self._readers.run(self._tables.learn)
        except (Fault, RuntimeError):  # the latter once it is closed
            return False
        return True

    def close(self) -> None:
        """Give up what runs, and every connection."""
        self._readers.close()
        if self._writers is not None:
            self._writers.close()

    def check(self) -> tuple[Problem, ...]:
        """Out: every table and column of the register's file that the database does not have, and whatever keeps
        submissions from being written. Blocks."""
        writing = self._writers.engine if self._writers is not None else None
        return self._check.problems(self._readers.engine, writing)

    def _writing(self) -> tuple[Desk, Workers]:
        """Raises: RegisterProtocol for a register that is only ever read: it can't say what it wrote either."""
        if self._desk is None or self._writers is None:
            raise RegisterProtocol(f"{self.id}.write")
        return self._desk, self._writers

    def _must_be_permitted(
        self, mandate: Mandate, values: Mapping[str, str], replaces: Mapping[str, str]
    ) -> None:
        """Raises: RegisterProtocol for anything that the mandate or the register's file doesn't let be written."""
        permit = mandate.permit
        may = self._selects.evidence(permit.request.evidence).writable & permit.fields
        wanted = permit.request.action is Action.WRITE and values and replaces.keys() <= values.keys()
        if not wanted or not values.keys() <= may:
            raise RegisterProtocol(f"{self.id}.write")
