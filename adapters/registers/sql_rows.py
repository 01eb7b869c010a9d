"""From a permit's fields to one SELECT, and from its row to what was found. Touches no connection.

Asked for are the permitted fields' columns and those that say who the row is about: the register's own key, the
IDNr and the block, and of others in the evidence their key and IDNr. Everything else stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from consent.idnr import LENGTH
from consent.parties import Concerned, EvidenceType
from consent.vocabulary import Found, Person, Subject
from gateway.errors import RegisterProtocol

FORMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "idnr": ("idnr", "birth_date"),
        "name": ("family_name", "given_name", "birth_date"),
        "place": ("family_name", "town", "postcode", "birth_date"),
    }
)
"""What each form of a subject compares, in the order of `Subject.forms`; the strongest first."""

_NOT_BLOCKED: Final = frozenset({"", "0", "f", "false", "n", "no", "nein"})

Row: TypeAlias = Sequence[Any]
Read: TypeAlias = Callable[[object], str | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a SELECT is for: the form's name and what it compares, ready to be bound."""

    form: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Other:
    role: str
    key: int
    idnr: int | None
    fields: frozenset[str]


class Rows:
    """What one register's table answers for one evidence type, set of fields and form."""

    def __init__(
        self,
        register: str,
        table: sa.Table,
        key: str,
        blocked: str | None,
        match: Mapping[str, str],
        form: str,
        evidence: EvidenceType | None = None,
        fields: frozenset[str] = frozenset(),
    ) -> None:
        """In: the reflected table and the names in it. Raises: RegisterProtocol for a column that isn't there."""
        self._register, self._table = register, table
        self._columns: list[sa.Column[Any]] = []
        self._key = self._at(key)
        self._idnr = self._at(match["idnr"]) if "idnr" in match else None
        self._blocked = self._at(blocked) if blocked else None
        self._fields, self._others = self._of(evidence, fields) if evidence else ((), ())
        compared = [self._column(match[part]) for part in FORMS[form]]
        self._binds = tuple(_bind(column) for column in compared)
        where = (column == sa.bindparam(f"p{at}") for at, column in enumerate(compared))
        self.statement = sa.select(*self._columns).where(*where).limit(2)

    def bound(self, asked: Asked) -> dict[str, object]:
        """Out: the statement's parameters. Raises: ValueError when a value can't be one of its column's."""
        return {f"p{at}": bind(asked.values[at]) for at, bind in enumerate(self._binds)}

    def found(self, row: Row) -> Found:
        """Raises: RegisterProtocol, naming the field whose value is nonsense and never the value."""
        read = ((name, self._value(name, reader, row[at])) for name, at, reader in self._fields)
        values = {name: value for name, value in read if value}
        subject = self._subject(row, self._key, self._idnr)
        if subject is None:
            raise RegisterProtocol(f"{self._register}.key")
        persons = [Person(subject)]
        for other in self._others:
            label = self._subject(row, other.key, other.idnr) if other.fields & values.keys() else None
            if label is not None:
                persons.append(Person(label, other.role))
        blocked = self._blocked is not None and _is_blocked(row[self._blocked])
        return Found(MappingProxyType(values), tuple(persons), blocked)

    def labels(self, row: Row) -> tuple[Person, ...]:
        """Out: every form under which this register's lines may stand for the row's person."""
        forms = (self._subject(row, self._key, self._idnr), self._subject(row, self._key, None))
        return tuple(Person(form) for form in dict.fromkeys(forms) if form is not None)

    def _of(
        self, evidence: EvidenceType, fields: frozenset[str]
    ) -> tuple[tuple[tuple[str, int, Read], ...], tuple[_Other, ...]]:
        known = []
        for name in sorted(fields):
            if name not in evidence.fields:
                raise RegisterProtocol(f"{self._register}.{name}")
            source = evidence.fields[name]
            known.append((name, self._at(source.column), _reader(source.codes)))
        others = tuple(self._other(person) for person in evidence.person if person.fields & fields)
        return tuple(known), others

    def _other(self, person: Concerned) -> _Other:
        idnr = self._at(person.idnr) if person.idnr else None
        return _Other(person.role, self._at(person.key), idnr, person.fields)

    def _at(self, name: str) -> int:
        column = self._column(name)
        for at, known in enumerate(self._columns):
            if known is column:
                return at
        self._columns.append(column)
        return len(self._columns) - 1

    def _column(self, name: str) -> sa.Column[Any]:
        if name not in self._table.c:
            raise RegisterProtocol(f"{self._register}.{name}")
        return self._table.c[name]

    def _value(self, name: str, reader: Read, value: object) -> str | None:
        try:
            return reader(value)
        except (ValueError, LookupError):
            raise RegisterProtocol(f"{self._register}.{name}") from None

    def _subject(self, row: Row, key: int, idnr: int | None) -> str | None:
        """Out: `idnr:` where the row has one, else `reg:` with the register's own key; None without either."""
        number = self._value("idnr", _text, row[idnr]) if idnr is not None else None
        if number:
            number = number.zfill(LENGTH) if isinstance(row[idnr or 0], int) else number
            if len(number) != LENGTH or not (number.isascii() and number.isdigit()):
                raise RegisterProtocol(f"{self._register}.idnr")
            return f"idnr:{number}"
        own = self._value("key", _text, row[key])
        return f"reg:{self._register}:{own}" if own else None


def asked(subject: Subject, match: Mapping[str, str]) -> Asked | None:
    """Out: the strongest form of the subject that the register can compare, or None."""
    named = subject.forms()
    for form, parts in FORMS.items():
        if form in named and all(part in match for part in parts):
            return Asked(form, named[form])
    return None


def _reader(codes: Mapping[str, str]) -> Read:
    if not codes:
        return _text

    def coded(value: object) -> str | None:
        text = _text(value)
        return codes[text] if text else None

    return coded


def _text(value: object) -> str | None:
    """Out: a value as it is written in evidence: dates ISO 8601, whole numbers plain. Raises: ValueError."""
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case date():
            return value.isoformat()
        case Decimal() if value.is_finite():
            return format(value, "f")
        case _:
            raise ValueError


def _is_blocked(value: object) -> bool:
    """Out: False for what clearly says no; anything else is a block."""
    return str(value).strip().casefold() not in _NOT_BLOCKED if value is not None else False


def _bind(column: sa.Column[Any]) -> Callable[[str], object]:
    """Out: how a text becomes what the column compares with."""
    if isinstance(column.type, sa.DateTime):
        return lambda text: datetime.combine(date.fromisoformat(text), time())
    if isinstance(column.type, sa.Date):
        return date.fromisoformat
    return int if isinstance(column.type, sa.Integer) else str
