"""What a person's report says, before it has a page: names of data, never a value of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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


# --- out ---
@dataclass(frozen=True, slots=True)
class Named:
    """A code and its plain words."""

    code: str
    title: Text
    part: Text | None = None


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Asked for or delivered by the register, and not handed over."""

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
    tone: Tone
    title: Text
    sentence: Text
    reasons: tuple[Named, ...]
    consumer: Named | None
    on_behalf_of: Named | None
    register: Named | None
    evidence: Named | None
    purpose: Named | None
    procedure: Named | None
    case: str | None
    basis: Basis | None
    concerned: Named | None
    handed_over: tuple[Named, ...]
    kept_back: tuple[KeptBack, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    month: int
    title: Text
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened to a record of choice or consent."""

    state: Named
    place: Place


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
    recorded_by: Named
    not_before: datetime
    not_after: datetime
    uses: int
    max_uses: int | None
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
    closed: tuple[Closed, ...]

    @property
    def entries(self) -> Iterator[Entry]:
        return (entry for month in self.months for entry in month.entries)

    def count(self, tone: Tone) -> int:
        return sum(entry.tone == tone for entry in self.entries)
