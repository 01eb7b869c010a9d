"""What is decided, found and handed on: permits, refusals, evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from consent.vocabulary.reasons import Check, Facts, ReasonCode
from consent.vocabulary.requests import BasisKind, Request, Subject

Value: TypeAlias = str | tuple[str, ...]
"""One field of evidence. Codes, dates (ISO 8601) and text are all text. A field of a group (the members of a
household) has one text for each entry, empty where the register has none."""


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
    """When the record or one of the powers ends, whichever is first."""
    max_uses: int | None = None
    powers: tuple[tuple[str, int], ...] = ()
    """The powers to act for the person it also stands on, by id and revision."""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A processing the person is not told of before a day (GDPR Art. 23; § 33 BDSG)."""

    norm: str
    until: date
    """The first day, UTC, on which the person may see it."""


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
    exempt: Exemption | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The honest answer is no. A value, never an exception; carries codes only."""

    code: ReasonCode
    facts: Facts = field(default_factory=lambda: MappingProxyType({}))
    findings: tuple[str, ...] = ()
    """Rule ids and paths of the message, e.g. `XOEV-UUID /a/b`; never a value of it."""
    fields: frozenset[str] = frozenset()
    """Names of the fields asked for in excess, for `fields-not-permitted`; those in conflict, for `conflict`."""
    beyond_grant: frozenset[str] = frozenset()
    """Which of the excess the grant does not have; the others are beyond the record."""
    grant: str | None = None
    basis: BasisUsed | None = None
    register: str | None = None
    retention: str | None = None
    policy: str | None = None
    checks: tuple[Check, ...] = ()
    """The checks that failed, as told to the asker."""
    exempt: Exemption | None = None


SUBJECT: Final = re.compile(r"(idnr:[0-9]{11}|(reg|org):[^\s:|]+:[^\x00-\x1f\x7f]+)\Z")
"""The forms a person has in the log (LOG.md 5)."""
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Person:
    """One person whose data a register's answer holds. Raises: ValueError for a form the log doesn't know."""

    subject: str | None = field(repr=False)
    """`idnr:<11 digits>` where the record has one, else `reg:<register>:<its own key>` (LOG.md 5); None for
    somebody whom the register names and can't tell apart from others: their line is sealed."""
    concerned: str = "subject"
    """The person's role in the evidence: `subject`, `mother`, `household-member` …"""

    def __post_init__(self) -> None:
        if self.subject is not None and not SUBJECT.match(self.subject):
            raise ValueError("a person is named in a form of the log")


@dataclass(frozen=True, slots=True)
class Found:
    """A register's answer about exactly one subject. Never printed.

    Raises: ValueError for what can be nobody's evidence: about no person, not text, under no field's name, or a
    group whose fields have different numbers of entries.
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
            texts = value if isinstance(value, tuple) else (value,)
            if not _FIELD.match(name) or not all(isinstance(text, str) for text in texts):
                raise ValueError("an answer is text under fields' names")
        if len({len(value) for value in self.values.values() if isinstance(value, tuple)}) > 1:
            raise ValueError("every field of a group has one text for each entry")


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
    """Nothing leaves or is written, though the register knew the person: `refusal` for the asker, `persons` for
    the journal."""

    refusal: Refusal
    persons: tuple[Person, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Filed:
    """A register wrote what was submitted, in one transaction and once for each exchange."""

    persons: tuple[Person, ...] = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class OnFile:
    """A register had every submitted value already; nothing was written."""

    persons: tuple[Person, ...] = field(repr=False)
    since: datetime | None
    """None: the register does not know since when."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A register has other values in these fields than were submitted, and none of them was named as replaced;
    nothing was written."""

    persons: tuple[Person, ...] = field(repr=False)
    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class Blocked:
    """The person is blocked and the permit hides that; nothing was written."""

    persons: tuple[Person, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission. Built in `consent/receive.py`."""

    permit: Permit | None
    """None: decided before the house was interrupted, and no longer permitted since."""
    register: str
    persons: tuple[Person, ...] = field(repr=False)
    at: datetime
    facts: Facts
    on_file: bool = False
    """Every value was there already."""
    since: datetime | None = None
    told: bool = False
    """The asker may know what is on file: it could ask for it."""
