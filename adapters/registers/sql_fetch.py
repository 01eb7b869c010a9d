"""How a question is answered: who is meant, whether anything may be told of them, then the permitted fields.

Of somebody who is unknown, ambiguous, or blocked and hidden, the same SELECTs are sent and no value is read: neither
their number nor a value that makes no sense can tell one from the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from adapters.registers.sql_groups import Entries, Roll
from adapters.registers.sql_layout import Tables, members_of, table_of
from adapters.registers.sql_people import once
from adapters.registers.sql_rows import Asked, Fields, Who
from consent.parties import Concerned, EvidenceType, Register
from consent.vocabulary import Found, NotFound, Permit, Person, Value
from gateway.config.connections import SqlSettings
from gateway.errors import RegisterProtocol

_PLANS: Final = 1024
"""How many statements are kept: one for each evidence type, set of fields and form that is asked for."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is read for some fields of an evidence type; None: nothing."""

    fields: Fields | None
    roll: Roll | None
    entries: Entries | None
    tie: str | None
    others: tuple[Concerned, ...]
    """Who else is in the fields, and may be blocked."""


class Selects:
    """The SELECTs of one register, made once each."""

    def __init__(self, register: Register, settings: SqlSettings, tables: Tables) -> None:
        self._register, self._settings, self._tables = register.id, settings, tables
        self._evidence = {evidence.type: evidence for evidence in register.evidence}
        self.who = lru_cache(maxsize=_PLANS)(self._who)
        self.plan = lru_cache(maxsize=_PLANS)(self._plan)
        self.fields = lru_cache(maxsize=_PLANS)(self._fields)

    def evidence(self, name: str) -> EvidenceType:
        """Raises: RegisterProtocol for a type the register doesn't have."""
        if name not in self._evidence:
            raise RegisterProtocol(self._register)
        return self._evidence[name]

    def _who(self, form: str, tie: str | None = None, others: tuple[Concerned, ...] = ()) -> Who:
        return Who(self._register, self._tables[self._settings.table], self._settings, form, tie, others)

    def _fields(self, evidence: str, names: frozenset[str]) -> Fields:
        """Raises: RegisterProtocol, naming a field that the evidence type doesn't have."""
        known = self.evidence(evidence)
        for name in sorted(names - known.fields.keys()):
            raise RegisterProtocol(f"{self._register}.{name}")
        chosen = {name: known.fields[name] for name in names}
        table = self._tables[self._settings.table]
        return Fields(self._register, table, self._settings.key, chosen, known.person)

    def _plan(self, evidence: str, names: frozenset[str]) -> _Plan:
        known = self.evidence(evidence)
        group = known.group
        others = tuple(person for person in known.person if person.blocked and person.fields & names)
        grouped = names.intersection(group.fields) if group is not None else frozenset()
        fields = self._fields(evidence, names - grouped) if names - grouped else None
        members = members_of(group, self._settings) if group is not None else None
        if group is None or (members is None and not grouped):
            return _Plan(fields, None, None, None, others)
        # Whoever is blocked hides the whole evidence type: what is told of a household without its members'
        # names, set beside what is not told with them, would say that one of them is blocked.
        table = self._tables[table_of(group, self._settings)]
        roll = Roll(self._register, table, group.by, members) if members is not None else None
        entries = Entries(self._register, table, group, grouped) if grouped else None
        return _Plan(fields, roll, entries, group.of, others)


def fetch(connection: sa.Connection, selects: Selects, permit: Permit, whom: Asked) -> Found | NotFound:
    """Raises: RegisterProtocol."""
    hides = permit.blocked != "deliver-with-notice"
    plan = selects.plan(permit.request.evidence, permit.fields)
    who = selects.who(whom.form, plan.tie, plan.others)
    rows = find(connection, who, whom)
    row = rows[0] if len(rows) == 1 else None
    hidden = row is not None and hides and who.blocked(row)
    tie = None if row is None or hidden else who.tie(row)
    members = plan.roll.rows(connection, tie) if plan.roll is not None else ()
    if row is None:
        return NotFound("ambiguous" if rows else "unknown")
    if hidden:
        return _nothing(Person(who.identity.quietly(row)))
    blocked = who.blocked_others(row)
    blocked += plan.roll.blocked(members) if plan.roll is not None else ()
    if blocked and hides:
        return _nothing(Person(who.identity.quietly(row)), *blocked)
    subject = who.subject(row)
    values: dict[str, Value] = {}
    persons = [subject]
    if plan.fields is not None:
        read = plan.fields.row(connection, row[who.key])
        values |= plan.fields.values(read)
        persons += plan.fields.others(read, values.keys())
    if plan.entries is not None:
        entries = plan.entries.values(connection, tie)
        values |= entries
        persons += plan.roll.persons(members) if plan.roll is not None and entries else ()
    return Found(MappingProxyType(values), once(persons), bool(blocked) or who.blocked(row))


def find(connection: sa.Connection, who: Who, whom: Asked, *, lock: bool = False) -> Sequence[sa.Row[Any]]:
    """Out: at most two rows that agree with the whole form; `lock` keeps them from others until the end."""
    parameters = who.bound(whom)
    if parameters is None:
        return ()
    statement = who.statement.with_for_update() if lock else who.statement
    return connection.execute(statement, parameters).fetchall()


def _nothing(*persons: Person) -> Found:
    return Found(MappingProxyType({}), once(persons), blocked=True)
