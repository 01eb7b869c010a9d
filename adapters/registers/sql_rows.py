"""The SELECTs on a register's own table, and what their rows say. Touches no connection.

First who is meant: the register's own key, IDNr and block, nothing else. Then, if that person may be told of, the
permitted fields of the one row, and of others in it their key and IDNr. Everything else stays where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from adapters.registers.sql_people import Columns, Identity, Row
from adapters.registers.sql_text import Read, binder, is_blocked, reader
from consent.parties import Column, Concerned
from consent.vocabulary import FORMS, Person, Subject
from gateway.config.connections import SqlSettings
from gateway.errors import RegisterProtocol

KEY: Final = "key"
"""The register's own key, as a form: nobody outside can ask by it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a SELECT is for: the form's name and what it compares, ready to be bound."""

    form: str
    values: tuple[str, ...]


def asked(subject: Subject, match: Mapping[str, str]) -> Asked | None:
    """Out: the strongest form of the subject that the register can compare, or None."""
    named = subject.forms()
    for form, parts in FORMS.items():
        if form in named and all(part in match for part in parts):
            return Asked(form, named[form])
    return None


class Who:
    """Finds a person by one form of theirs, and reads nothing but who they are."""

    def __init__(
        self,
        register: str,
        table: sa.Table,
        settings: SqlSettings,
        form: str,
        tie: str | None = None,
        others: Collection[Concerned] = (),
    ) -> None:
        """In: the table; one of FORMS or KEY; the column that ties a group to the person, if one is asked for; who
        else is in the fields asked for and may be blocked. Raises: RegisterProtocol for a column that isn't there."""
        columns, match = Columns(register, table), settings.match.columns() | {KEY: settings.key}
        self.key = columns.at(match[KEY])
        self.identity = Identity(register, self.key, columns.at(match["idnr"]) if "idnr" in match else None)
        self._blocked = columns.at(settings.blocked) if isinstance(settings.blocked, str) else None
        self._tie = columns.at(tie) if tie is not None else None
        self._others = tuple(
            (other.role, _identity(columns, register, other), columns.at(other.blocked))
            for other in others
            if other.blocked is not None
        )
        compared = [columns.named(match[part]) for part in FORMS.get(form, (KEY,))]
        self._binds = tuple(binder(column) for column in compared)
        where = (column == sa.bindparam(f"p{at}") for at, column in enumerate(compared))
        self.statement = sa.select(*columns.chosen).where(*where).limit(2)

    def bound(self, whom: Asked) -> dict[str, object] | None:
        """Out: the statement's parameters; None when a value can't be one of its column's."""
        try:
            return {f"p{at}": bind(whom.values[at]) for at, bind in enumerate(self._binds)}
        except (ValueError, LookupError, ArithmeticError):
            return None

    def subject(self, row: Row) -> Person:
        """Raises: RegisterProtocol when it can't tell who it is about."""
        form = self.identity.form(row)
        if form is None:
            raise RegisterProtocol(f"{self.identity.register}.key")
        return Person(form)

    def blocked(self, row: Row) -> bool:
        """Out: whether a block stands."""
        return self._blocked is not None and is_blocked(row[self._blocked])

    def blocked_others(self, row: Row) -> tuple[Person, ...]:
        """Out: who else in the row is blocked."""
        return tuple(
            Person(identity.quietly(row), role) for role, identity, at in self._others if is_blocked(row[at])
        )

    def tie(self, row: Row) -> object:
        """Out: what the rows of the person's group have in common with theirs; None: nothing."""
        return row[self._tie] if self._tie is not None and row[self._tie] != "" else None


@dataclass(frozen=True, slots=True)
class _Other:
    role: str
    identity: Identity
    fields: frozenset[str]


class Fields:
    """Reads fields of one row that is known by its key, and who else is in them."""

    def __init__(
        self,
        register: str,
        table: sa.Table,
        key: str,
        fields: Mapping[str, Column],
        others: Collection[Concerned],
    ) -> None:
        """Raises: RegisterProtocol for a column that isn't there."""
        columns = Columns(register, table)
        self._register = register
        own = columns.named(key)
        columns.at(key)
        self._fields = tuple(
            (name, columns.at(source.column), reader(source.codes)) for name, source in sorted(fields.items())
        )
        self._others = tuple(
            _Other(other.role, _identity(columns, register, other), other.fields)
            for other in others
            if other.fields & fields.keys()
        )
        self._statement = sa.select(*columns.chosen).where(own == sa.bindparam("key")).limit(2)

    def row(self, connection: sa.Connection, key: object) -> sa.Row[Any]:
        """Out: the row. Raises: RegisterProtocol when the key is none: nobody has it, or several."""
        rows = connection.execute(self._statement, {"key": key}).fetchall()
        if len(rows) != 1:
            raise RegisterProtocol(f"{self._register}.key")
        return rows[0]

    def values(self, row: Row) -> dict[str, str]:
        """Out: the fields that have a value. Raises: RegisterProtocol, naming the field whose value is nonsense
        and never the value."""
        read = ((name, value_of(self._register, name, reads, row[at])) for name, at, reads in self._fields)
        return {name: value for name, value in read if value}

    def others(self, row: Row, told: Collection[str]) -> tuple[Person, ...]:
        """In: the fields handed on. Out: everyone else who is in them; without a form, who can't be told apart."""
        return tuple(
            Person(other.identity.form(row), other.role)
            for other in self._others
            if not other.fields.isdisjoint(told)
        )


def value_of(register: str, name: str, reads: Read, value: object) -> str | None:
    """Out: a column's value as evidence. Raises: RegisterProtocol, naming the field."""
    try:
        return reads(value)
    except (ValueError, LookupError):
        raise RegisterProtocol(f"{register}.{name}") from None


def _identity(columns: Columns, register: str, other: Concerned) -> Identity:
    return Identity(register, columns.at(other.key), columns.at(other.idnr) if other.idnr else None)
