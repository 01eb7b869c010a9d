"""Every table and column that a register's file names, and those tables as the database has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from consent.parties import Group, Members, Register
from consent.problems import KeyPath
from gateway.config.connections import SqlSettings
from gateway.errors import RegisterProtocol


class Place(NamedTuple):
    """A column, and which key of the register's file names it."""

    path: KeyPath
    table: str
    column: str


def places(register: Register, settings: SqlSettings) -> Iterator[Place]:
    """Out: every column of the register's own data, in the order of its file."""
    own = settings.table
    yield Place(("sql", "key"), own, settings.key)
    if isinstance(settings.blocked, str):
        yield Place(("sql", "blocked"), own, settings.blocked)
    for part, column in settings.match.columns().items():
        yield Place(("sql", "match", part), own, column)
    if settings.write is not None:
        yield Place(("sql", "write", "source"), own, settings.write.source)
        yield Place(("sql", "write", "time"), own, settings.write.time)
    for at, evidence in enumerate(register.evidence):
        here: KeyPath = ("evidence", at)
        for name, source in evidence.fields.items():
            yield Place((*here, "fields", name), own, source.column)
        if evidence.group is not None:
            yield from _group((*here, "group"), evidence.group, settings)
        for nth, person in enumerate(evidence.person):
            there: KeyPath = (*here, "person", nth)
            yield Place((*there, "key"), own, person.key)
            if person.idnr is not None:
                yield Place((*there, "idnr"), own, person.idnr)
            if person.blocked is not None:
                yield Place((*there, "blocked"), own, person.blocked)
            if person.match is not None:
                for part, column in person.match.model_dump().items():
                    yield Place((*there, "match", part), own, column)


def _group(here: KeyPath, group: Group, settings: SqlSettings) -> Iterator[Place]:
    table = table_of(group, settings)
    yield Place((*here, "by"), table, group.by)
    yield Place((*here, "of"), settings.table, group.of)
    for name, source in group.fields.items():
        yield Place((*here, "fields", name), table, source.column)
    for part in ("key", "idnr", "blocked") if group.person is not None else ():
        column = getattr(group.person, part)
        if column is not None:
            yield Place((*here, "person", part), table, column)


def table_of(group: Group, settings: SqlSettings) -> str:
    """Out: the name of the table its rows are in."""
    return group.table or settings.table


def members_of(group: Group, settings: SqlSettings) -> Members | None:
    """Out: how its rows name people. In the register's own table that goes without saying: a block that the
    register keeps holds for a member too, and nobody has two names there."""
    person = group.person
    if person is None or table_of(group, settings) != settings.table:
        return person
    own = settings.blocked if isinstance(settings.blocked, str) else None
    return person.model_copy(
        update={"idnr": person.idnr or settings.match.idnr, "blocked": person.blocked or own}
    )


class Tables:
    """A register's tables with their columns' types, learned from the database itself when first needed."""

    def __init__(self, register: Register, settings: SqlSettings) -> None:
        self._register, self._own = register.id, settings.table
        self._wanted: dict[str, set[str]] = {}
        for place in places(register, settings):
            self._wanted.setdefault(place.table, set()).add(place.column)
        self._learned: dict[str, sa.Table] = {}

    def learn(self, connection: sa.Connection) -> None:
        """Look up what isn't known yet. Raises: RegisterProtocol when the register's own table isn't there."""
        for name in self._wanted.keys() - self._learned.keys():
            try:
                self._learned[name] = sa.Table(
                    name,
                    sa.MetaData(),
                    autoload_with=connection,
                    include_columns=sorted(self._wanted[name]),
                    resolve_fks=False,
                )
            except NoSuchTableError:
                if name == self._own:
                    raise RegisterProtocol(f"{self._register}.table") from None

    def __getitem__(self, name: str) -> sa.Table:
        """Raises: RegisterProtocol for a table that the database lacks."""
        if name not in self._learned:
            raise RegisterProtocol(f"{self._register}.table")
        return self._learned[name]
