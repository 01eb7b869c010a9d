"""What is decided, found and handed on: permits, refusals, evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from consent.vocabulary.reasons import Check, Facts, ReasonCode
from consent.vocabulary.requests import BasisKind, Request, Subject

Value: TypeAlias = str
"""One field of evidence. Codes, dates (ISO 8601) and text are all text."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A field that was not handed on, and by which rule."""

    field: str
    rule: Literal["grant", "record", "not-asked", "blocked", "idnr"]


@dataclass(frozen=True, slots=True)
class BasisUsed:
    """The basis a permit stands on; what `settled` re-checks in its transaction (LOG.md 9.3)."""

    kind: BasisKind
    norm: str
    record: str | None = None
    revision: int | None = None
    not_after: datetime | None = None
    max_uses: int | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """Built in `consent/decide.py` only: this request may be answered with these fields."""

    request: Request
    grant: str
    register: str
    fields: frozenset[str]
    """What may be handed on."""
    item: str | None
    """The structured item the evidence is delivered as, named by the grant; None = the evidence type's own."""
    subject: Subject
    """Whom the register may be asked for: the request's subject without what the grant does not allow."""
    basis: BasisUsed
    blocked: Literal["hide", "deliver-with-notice"]
    retention: str
    """The retention class all lines of this exchange go to."""
    policy: str
    """SHA-256 of the policy that decided, lower-case hex."""
    facts: Facts
    decided: datetime
    idnr: bool = False
    """Whether the grant lets the register be asked with the IDNr; without it no IDNr leaves either."""
    granted: frozenset[str] = frozenset()
    """All fields of the grant: why a field that was not permitted was removed."""
    recorded: frozenset[str] | None = None
    """All fields of the record of choice or consent, if there is one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The honest answer is no. A value, never an exception; carries codes only."""

    code: ReasonCode
    facts: Facts = field(default_factory=lambda: MappingProxyType({}))
    findings: tuple[str, ...] = ()
    """Rule ids and paths of the message, e.g. `XOEV-UUID /a/b`; never a value of it."""
    fields: frozenset[str] = frozenset()
    """Names of the fields asked for in excess, for `fields-not-permitted`."""
    grant: str | None = None
    basis: BasisUsed | None = None
    register: str | None = None
    retention: str | None = None
    policy: str | None = None
    checks: tuple[Check, ...] = ()
    """The checks that failed, as told to the asker."""


SUBJECT: Final = re.compile(r"(idnr:[0-9]{11}|(reg|org):[^\s:|]+:[^\x00-\x1f\x7f]+)\Z")
"""The forms a person has in the log (LOG.md 5)."""
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Person:
    """One person whose data a register's answer holds. Raises: ValueError for a form the log doesn't know."""

    subject: str = field(repr=False)
    """`idnr:<11 digits>` where the record has one, else `reg:<register>:<its own key>` (LOG.md 5)."""
    concerned: str = "subject"
    """The person's role in the evidence: `subject`, `mother`, `household-member` …"""

    def __post_init__(self) -> None:
        if not SUBJECT.match(self.subject):
            raise ValueError("a person is named in a form of the log")


@dataclass(frozen=True, slots=True)
class Found:
    """A register's answer about exactly one subject. Never printed.

    Raises: ValueError for what can be nobody's evidence: about no person, not text, or under no field's name.
    """

    values: Mapping[str, Value] = field(repr=False)
    persons: tuple[Person, ...] = field(repr=False)
    """The subject first, then everyone else whose data is among `values`."""
    blocked: bool = False
    """An Auskunftssperre or Übermittlungssperre stands (BMG § 51)."""

    def __post_init__(self) -> None:
        if not self.persons:
            raise ValueError("an answer is about someone")
        for name, value in self.values.items():
            if not _FIELD.match(name) or not isinstance(value, str):
                raise ValueError("an answer is text under fields' names")


@dataclass(frozen=True, slots=True)
class NotFound:
    """A register has nobody, or more than one; the asker is told neither which."""

    why: Literal["unknown", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What may leave: the register's values cut to the permit. Built in `consent/minimise.py`."""

    permit: Permit
    values: Mapping[str, Value] = field(repr=False)
    persons: tuple[Person, ...] = field(repr=False)
    removed: tuple[Removed, ...]
    facts: Facts
    notice: Literal["blocked"] | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Nothing leaves, though the register knew the person: `refusal` for the asker, `persons` for the journal."""

    refusal: Refusal
    persons: tuple[Person, ...] = field(repr=False)
