"""How a register's rows name people in the log (LOG.md 5): by IDNr where there is one, else by its own key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from adapters.registers.sql_text import text
from consent.idnr import LENGTH
from consent.vocabulary import SUBJECT, Person
from gateway.errors import RegisterProtocol

Row: TypeAlias = Sequence[Any]

MOST_ROWS: Final = 1_000
"""More rows than that belong to nobody's evidence: the answer would be cut or endless, so there is none."""


class Columns:
    """The columns of one SELECT, each once, and where they are in its rows."""

    def __init__(self, register: str, table: sa.Table) -> None:
        self._register, self._table = register, table
        self.chosen: list[sa.Column[Any]] = []

    def at(self, name: str) -> int:
        """Choose a column. Out: its place. Raises: RegisterProtocol for one that isn't there."""
        column = self.named(name)
        for at, known in enumerate(self.chosen):
            if known is column:
                return at
        self.chosen.append(column)
        return len(self.chosen) - 1

    def named(self, name: str) -> sa.Column[Any]:
        """Out: a column to compare with, not to read. Raises: RegisterProtocol for one that isn't there."""
        if name not in self._table.c:
            raise RegisterProtocol(f"{self._register}.{name}")
        return self._table.c[name]


@dataclass(frozen=True, slots=True)
class Identity:
    """Where in a row it stands who somebody is."""

    register: str
    key: int
    idnr: int | None

    def known(self, row: Row) -> tuple[str | None, str | None]:
        """Out: the forms with IDNr and with key, as far as there are any. Raises: RegisterProtocol for nonsense."""
        return self._number(row), self._own(row)

    def form(self, row: Row) -> str | None:
        """Out: under which form a line about this person stands; None: the register can't tell who it is.
        Raises: RegisterProtocol for nonsense."""
        return self._number(row) or self._own(row)

    def quietly(self, row: Row) -> str | None:
        """Out: the same, of somebody about whom nothing may be told, not even that their row makes no sense."""
        for part in (self._number, self._own):
            try:
                found = part(row)
            except RegisterProtocol:
                continue
            if found:
                return found
        return None

    def _number(self, row: Row) -> str | None:
        if self.idnr is None:
            return None
        value = row[self.idnr]
        number = self._text(value, "idnr")
        if not number:
            return None
        number = number.zfill(LENGTH) if isinstance(value, int) else number
        return self._valid(f"idnr:{number}", "idnr")

    def _own(self, row: Row) -> str | None:
        own = self._text(row[self.key], "key")
        return self._valid(keyed(self.register, own), "key") if own else None

    def _text(self, value: object, what: str) -> str | None:
        try:
            return text(value)
        except ValueError:
            raise RegisterProtocol(f"{self.register}.{what}") from None

    def _valid(self, form: str, what: str) -> str:
        if not SUBJECT.match(form):
            raise RegisterProtocol(f"{self.register}.{what}")
        return form


def keyed(register: str, key: str) -> str:
    """Out: the form of somebody whom a register knows by its own key."""
    return f"reg:{register}:{key}"


def once(persons: Iterable[Person]) -> tuple[Person, ...]:
    """Out: the person asked about first and once, the others once in each role; whoever can't be told apart, each."""
    subject, *others = persons
    kept = [subject]
    for person in others:
        if person.subject is None or (person.subject != subject.subject and person not in kept):
            kept.append(person)
    return tuple(kept)
