"""What a person's report says, before it has a page: names of data, never a value of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from consent.held import AnyStep
from consent.vocabulary import Held
from gateway.views.words import Text, Tone

Event = Mapping[str, Any]
"""An event, version 1 (LOG.md 5), as parsed from its JSON."""


# --- in ---
@dataclass(frozen=True, slots=True)
class JournalLine:
    """A line under one of the person's labels. `event` is None if erased or withheld; `withheld` says why."""

    origin: str
    index: int
    event: Event | None = field(repr=False)
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A record or power as it stands, and everything that happened to it, oldest first."""

    held: Held = field(repr=False)
    steps: tuple[AnyStep, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Office:
    """A data consumer's or register's name, and its department or the authority that keeps it."""

    title: Text
    part: Text | None = None


@dataclass(frozen=True, slots=True)
class Titles:
    """The policy's plain words, by code. What is missing is shown by its code."""

    authority: Text
    consumers: Mapping[str, Office]
    registers: Mapping[str, Office]
    evidence: Mapping[str, Text]
    purposes: Mapping[str, Text]
    procedures: Mapping[str, Text]
    filing: frozenset[str] = frozenset()
    """Grants to put data into a register, not to take it from there."""
    secrecy: Mapping[str, str] = field(default_factory=dict)
    """Grant → the norm under which the person is not told at once."""
    calendar_year: frozenset[str] = frozenset()
    """Classes that are kept to the end of the year in which their months end (`gateway.audit.retention`)."""


# --- out ---
@dataclass(frozen=True, slots=True)
class Named:
    """A code and its plain words."""

    code: str
    title: Text
    part: Text | None = None


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Asked for or delivered by the register, and not handed over; or sent to the register, and not put there."""

    data: Named
    rule: str
    why: Text


@dataclass(frozen=True, slots=True)
class Basis:
    kind: Named
    told: Text
    """A sentence: what the answer stood on, or, when nothing was handed over, what the authority named."""
    norm: str | None
    record: str | None


@dataclass(frozen=True, slots=True)
class Secrecy:
    """A law kept the entry from the person until that day."""

    until: date
    norm: str | None
    """None: the policy does not know it any more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in the log: what `proof/` proves."""

    origin: str
    index: int
    kind: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange, or one note of the journal about the person."""

    exchange: str | None
    time: datetime
    outcome: str
    """The kind of its last word; of a released line, what it was before the law kept it back."""
    tone: Tone
    title: Text
    sentence: Text
    reasons: tuple[Named, ...]
    filing: bool
    """Data was to be put into the register, not taken from it."""
    consumer: Named | None
    on_behalf_of: Named | None
    register: Named | None
    evidence: Named | None
    purpose: Named | None
    procedure: Named | None
    case: str | None
    basis: Basis | None
    grant: str | None
    of: str | None
    """The record or power it is a step of."""
    concerned: Named | None
    represented: bool
    """Somebody with a power that stood acted for the person."""
    handed_over: tuple[Named, ...]
    """To the authority; where `filing`, to the register."""
    kept_back: tuple[KeptBack, ...]
    covered: tuple[Named, ...]
    """What a step of a record is about, or a request without an end."""
    secrecy: Secrecy | None
    kept_until: date | None
    """The day its lines are due to be erased (LOG.md 8)."""
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    month: int
    title: Text
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a record or power."""

    state: Named
    time: datetime
    recorded_by: Named | None
    """The authority, never the clerk."""
    until: datetime | None
    """Until when it was to hold from this step on."""
    place: Place | None
    """None: no line of the journal tells it under the person's name."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A record of choice or consent as it stands at `Auskunft.to`."""

    id: str
    kind: Named
    state: Named
    valid: bool
    recipient: Named
    register: Named
    evidence: Named
    fields: tuple[Named, ...]
    purpose: Named
    procedure: Named
    case: str
    norm: str
    channel: Named | None
    notice: str | None
    """The version of the text that was shown."""
    recorded_by: Named
    not_before: datetime
    not_after: datetime
    uses: int
    max_uses: int | None
    recipient_keeps_days: int | None
    power: str | None
    """The power under which somebody else decided for the person."""
    previous: str | None
    """The record it follows."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """A power to act for the person as it stands at `Auskunft.to`. Who has it is not told here
    (docs/decisions/0016-who-acts-is-not-named.md)."""

    id: str
    kind: Named
    """What proves it."""
    state: Named
    valid: bool
    procedures: tuple[Named, ...]
    """Empty: it counts in all."""
    norm: str | None
    recorded_by: Named
    not_before: datetime
    not_after: datetime
    ending: Text
    """How it can be ended."""
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """A line that is not shown, and the norm that says why."""

    origin: str
    index: int
    norm: str


@dataclass(frozen=True, slots=True)
class Auskunft:
    """What is told to a person (GDPR Art. 15): everything under the forms named, from … to."""

    edition: str
    """Which words and templates it is told with (`words.edition`)."""
    authority: Text
    forms: tuple[Named, ...]
    start: datetime
    to: datetime
    months: tuple[Month, ...]
    consents: tuple[Consent, ...]
    powers: tuple[Power, ...]
    closed: tuple[Closed, ...]
    lost: tuple[str, ...] = ()
    """Which lines of the log were lost in a restore: whether some were about the person is not known."""

    @property
    def entries(self) -> Iterator[Entry]:
        return (entry for month in self.months for entry in month.entries)

    @property
    def decisions(self) -> tuple[Consent | Power, ...]:
        """Out: everything the house's ledger holds about the person, in the order it is told."""
        return (*self.consents, *self.powers)

    @property
    def steps(self) -> Iterator[tuple[str, Step]]:
        """Out: every step, with the id of what it happened to."""
        return ((kept.id, step) for kept in self.decisions for step in kept.steps)

    def count(self, tone: Tone) -> int:
        return sum(entry.tone == tone for entry in self.entries)
