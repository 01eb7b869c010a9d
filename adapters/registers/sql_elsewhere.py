"""Finds somebody in rows that are not their own: a parent in a child's, a member in a household's.

For a person's own export: lines about them stand under what those rows name them by. By IDNr where they are named
by one; else by name and date of birth, if that can mean only one person. What could be a namesake's is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from adapters.registers.sql_layout import Tables, members_of, table_of
from adapters.registers.sql_people import MOST_ROWS, Columns, Identity
from adapters.registers.sql_text import binder
from consent.parties import Naming, Register
from consent.vocabulary import Person, Subject
from gateway.config.connections import SqlSettings
from gateway.errors import RegisterProtocol

Names: TypeAlias = frozenset[str]
"""What one row names somebody by: a form with IDNr, one with key, or both."""

_IDNR: Final = "idnr:"


class Elsewhere:
    """Every place in a register's file that names somebody else."""

    def __init__(self, register: Register, settings: SqlSettings, tables: Tables) -> None:
        self._register, self._settings, self._tables = register, settings, tables

    def forms(self, connection: sa.Connection, subject: Subject, own: Sequence[Person]) -> tuple[Person, ...]:
        """In: who it is, and the forms of their own row, if they have one. Out: these, then all others they stand
        under. Raises: RegisterProtocol when rows make no sense or are too many."""
        mine = [person.subject for person in own if person.subject is not None]
        numbers = [form for form in mine if form.startswith(_IDNR)]
        number = numbers[0] if numbers else _IDNR + subject.idnr if subject.idnr else None
        found = [
            names
            for identity, select in self._searches(subject, number)
            for names in self._named(connection, identity, select)
        ]
        theirs = _theirs(found, frozenset(mine), number)
        return tuple(Person(form) for form in dict.fromkeys([*mine, *sorted(theirs)]))

    def _searches(self, subject: Subject, number: str | None) -> Iterator[tuple[Identity, sa.Select[Any]]]:
        named = subject.forms().get("name")
        for table, key, idnr, match in self._places():
            columns = Columns(self._register.id, self._tables[table])
            identity = Identity(self._register.id, columns.at(key), columns.at(idnr) if idnr else None)
            if number is not None and idnr is not None:
                yield identity, _where(columns, {idnr: number.removeprefix(_IDNR)})
            if named is not None and match is not None:
                compared = (match.family_name, match.given_name, match.birth_date)
                yield identity, _where(columns, dict(zip(compared, named, strict=True)))

    def _places(self) -> Iterator[tuple[str, str, str | None, Naming | None]]:
        for evidence in self._register.evidence:
            for person in evidence.person:
                yield self._settings.table, person.key, person.idnr, person.match
            members = members_of(evidence.group, self._settings) if evidence.group is not None else None
            if evidence.group is not None and members is not None:
                yield table_of(evidence.group, self._settings), members.key, members.idnr, None

    def _named(
        self, connection: sa.Connection, identity: Identity, select: sa.Select[Any]
    ) -> Iterator[Names]:
        rows = connection.execute(select.limit(MOST_ROWS + 1)).fetchall()
        if len(rows) > MOST_ROWS:
            raise RegisterProtocol(f"{self._register.id}.person")
        for row in rows:
            names = frozenset(form for form in identity.known(row) if form is not None)
            if names:
                yield names


def _where(columns: Columns, compared: Mapping[str, str]) -> sa.Select[Any]:
    """Out: the SELECT of all rows that agree; of none when a value can't be one of its column's."""
    select = sa.select(*columns.chosen).distinct()
    try:
        return select.where(
            *(columns.named(name) == binder(columns.named(name))(value) for name, value in compared.items())
        )
    except (ValueError, LookupError, ArithmeticError):
        return select.where(sa.false())


def _theirs(found: Sequence[Names], own: Names, number: str | None) -> Names:
    """In: what rows name somebody by who is this person or a namesake. Out: what is this person's."""
    rows = [names for names in found if number is None or number in names or not _numbers(names)]
    known = own | {number} if number is not None else own
    theirs = _joined(known, rows)
    if theirs == known and not own and rows:  # by nothing but name and date of birth
        theirs = _joined(rows[0], rows)
        if not all(names <= theirs for names in rows):
            return frozenset()
    return frozenset() if theirs == known or len(_numbers(theirs)) > 1 else theirs


def _joined(start: Names, rows: Sequence[Names]) -> Names:
    """Out: the forms that rows tie to the first ones, however many steps away."""
    joined = start
    for _ in rows:
        more = joined.union(*(names for names in rows if names & joined))
        if more == joined:
            break
        joined = more
    return joined


def _numbers(names: Names) -> Names:
    return frozenset(form for form in names if form.startswith(_IDNR))
