"""Several rows that belong to one person's evidence: the members of a household, a keeper's vehicles.

Who the rows are about is read first, as with the person: a block on one of them hides the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from adapters.registers.sql_people import MOST_ROWS, Columns, Identity, Row
from adapters.registers.sql_rows import value_of
from adapters.registers.sql_text import is_blocked, reader
from consent.parties import Group, Members
from consent.vocabulary import Person
from gateway.errors import RegisterProtocol

_TIE: Final = "tie"


class Roll:
    """Reads whom the rows of a group are about, and nothing else."""

    def __init__(self, register: str, table: sa.Table, by: str, members: Members) -> None:
        """Raises: RegisterProtocol for a column that isn't there."""
        columns = Columns(register, table)
        key = columns.at(members.key)
        self._identity = Identity(register, key, columns.at(members.idnr) if members.idnr else None)
        self._blocked = columns.at(members.blocked) if members.blocked else None
        self._role = members.role
        self._tied = _Tied(register, columns, by, (columns.named(members.key),))

    def rows(self, connection: sa.Connection, tie: object) -> Sequence[Row]:
        """In: what ties the rows to the person; None: to nobody."""
        return self._tied.rows(connection, tie)

    def persons(self, rows: Sequence[Row]) -> tuple[Person, ...]:
        """Out: who is in them. Raises: RegisterProtocol for an IDNr or a key that is none."""
        return tuple(Person(self._identity.form(row), self._role) for row in rows)

    def blocked(self, rows: Sequence[Row]) -> tuple[Person, ...]:
        """Out: on whom of them a block stands."""
        at = self._blocked
        hidden = [row for row in rows if is_blocked(row[at])] if at is not None else []
        return tuple(Person(self._identity.quietly(row), self._role) for row in hidden)


class Entries:
    """Reads some fields of a group's rows, ordered by the members' keys, then by what the rows say."""

    def __init__(self, register: str, table: sa.Table, group: Group, names: frozenset[str]) -> None:
        """Raises: RegisterProtocol for a column that isn't there."""
        columns = Columns(register, table)
        self._register = register
        self._fields = tuple(
            (name, columns.at(group.fields[name].column), reader(group.fields[name].codes))
            for name in sorted(names)
        )
        first = (columns.named(group.person.key),) if group.person is not None else ()
        self._tied = _Tied(register, columns, group.by, (*first, *columns.chosen))

    def values(self, connection: sa.Connection, tie: object) -> dict[str, tuple[str, ...]]:
        """Out: one text for each entry, empty for no value; a field that none of them has is left out.
        Raises: RegisterProtocol, naming the field whose value is nonsense."""
        rows = self._tied.rows(connection, tie)
        read = {
            name: tuple(value_of(self._register, name, reads, row[at]) or "" for row in rows)
            for name, at, reads in self._fields
        }
        return {name: texts for name, texts in read.items() if any(texts)}


class _Tied:
    """The rows that have something in common with the person's row."""

    def __init__(
        self, register: str, columns: Columns, by: str, order: Sequence[sa.ColumnElement[Any]]
    ) -> None:
        self._register = register
        tied = columns.named(by) == sa.bindparam(_TIE)
        self._statement = sa.select(*columns.chosen).where(tied).order_by(*order).limit(MOST_ROWS + 1)

    def rows(self, connection: sa.Connection, tie: object) -> Sequence[Row]:
        """Raises: RegisterProtocol when there are too many."""
        rows = connection.execute(self._statement, {_TIE: tie}).fetchall()
        if len(rows) > MOST_ROWS:
            raise RegisterProtocol(f"{self._register}.group")
        return rows
