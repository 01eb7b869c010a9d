"""The words the law of the house is written in (docs/glossary.md has them in German).

Frozen values only. What can name a person never appears in a `repr`, so no log, trace or
exception can carry it by accident.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

Value: TypeAlias = str
"""One field of evidence. Codes, dates (ISO 8601) and text are all text."""


class BasisKind(StrEnum):
    """On what evidence may leave a register (DOMAIN.md 4)."""

    CHOICE = "choice"
    """The applicant's decision for one procedure and application (§ 5 EGovG)."""
    CONSENT = "consent"
    """GDPR Art. 6(1)(a), 7, 8, 9(2)(a)."""
    STATUTORY = "statutory"
    """GDPR Art. 6(1)(c)/(e) with its norm; nothing to refuse."""


class Check(StrEnum):
    """The checks of DOMAIN.md 3, in their order. Their outcomes are an event's `facts`."""

    AUTHENTIC = "authentic"
    SENDER = "sender"
    MESSAGE = "message"
    GRANT = "grant"
    BASIS_KIND = "basis-kind"
    BASIS_RECORD = "basis-record"
    BASIS_STATE = "basis-state"
    BASIS_PERIOD = "basis-period"
    BASIS_USES = "basis-uses"
    BASIS_MATCH = "basis-match"
    FIELDS = "fields"
    REPRESENTATION = "representation"
    SPECIAL_CATEGORY = "special-category"
    IDNR = "idnr"
    SUBJECT = "subject"
    HOLD = "hold"
    JOURNAL = "journal"
    PREVIEW = "preview"
    BOUNDARY = "boundary"
    ANSWER = "answer"


class Fact(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_NEEDED = "not-needed"


Facts: TypeAlias = Mapping[Check, Fact]


class ReasonCode(StrEnum):
    """Why a message was not answered: the closed list a data consumer can rely on (docs/reasons.md)."""

    # 1 authentic, meant for us, fresh, not replayed
    UNSIGNED = "unsigned"
    SIGNATURE_INVALID = "signature-invalid"
    KEY_UNKNOWN = "key-unknown"
    KEY_NOT_VALID = "key-not-valid"
    NOT_FOR_US = "not-for-us"
    NOT_FRESH = "not-fresh"
    DEADLINE_PASSED = "deadline-passed"
    MESSAGE_ID_MISMATCH = "message-id-mismatch"
    MESSAGE_ID_REUSED = "message-id-reused"
    ALREADY_SETTLED = "already-settled"
    WITHDRAWN_SINCE = "withdrawn-since"
    # 2 sender
    SENDER_MISMATCH = "sender-mismatch"
    REPLY_QUEUE_FOREIGN = "reply-queue-foreign"
    # 3 message
    TOO_LARGE = "too-large"
    CONTENT_TYPE_UNKNOWN = "content-type-unknown"
    MALFORMED = "malformed"
    STANDARD_UNKNOWN = "standard-unknown"
    STANDARD_NOT_AGREED = "standard-not-agreed"
    SCHEMA_INVALID = "schema-invalid"
    RULE_VIOLATED = "rule-violated"
    ROUTING_MISMATCH = "routing-mismatch"
    EVIDENCE_UNKNOWN = "evidence-unknown"
    TEST_MESSAGE = "test-message"
    ENCRYPTION_REQUIRED = "encryption-required"
    NOT_SUPPORTED = "not-supported"
    # 4 grant
    NO_GRANT = "no-grant"
    REGISTER_AMBIGUOUS = "register-ambiguous"
    # 5-10 basis
    BASIS_KIND_NOT_ALLOWED = "basis-kind-not-allowed"
    NO_BASIS = "no-basis"
    RECORDER_NOT_ACCEPTED = "recorder-not-accepted"
    RECORD_NOT_AUTHENTIC = "record-not-authentic"
    BASIS_NOT_GIVEN = "basis-not-given"
    BASIS_WITHDRAWN = "basis-withdrawn"
    BASIS_OUTSIDE_PERIOD = "basis-outside-period"
    BASIS_USED_UP = "basis-used-up"
    BASIS_MISMATCH = "basis-mismatch"
    # 11-14
    FIELDS_NOT_PERMITTED = "fields-not-permitted"
    NOT_REPRESENTED = "not-represented"
    SPECIAL_CATEGORY = "special-category"
    # 15-16
    SUBJECT_INSUFFICIENT = "subject-insufficient"
    IDENTITY_NOT_PERMITTED = "identity-not-permitted"
    NO_DATA = "no-data"
    HELD = "held"
    # 18-20
    PREVIEW_REQUIRED = "preview-required"
    BASIS_CHANGED = "basis-changed"
    ANSWER_INVALID = "answer-invalid"
    # an error while deciding refuses
    UNDECIDABLE = "undecidable"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the request is about, as the asker names the person. Never printed.

    Enough is IDNr + date of birth, or family name + town + postcode + date of birth, or
    family name + given name + date of birth (DOMAIN.md 3, check 15).
    """

    idnr: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    town: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)

    def forms(self) -> Mapping[str, tuple[str, ...]]:
        """Out: every sufficient way this subject is named, by the name of the way. Empty = insufficient."""
        if self.birth_date is None:
            return MappingProxyType({})
        born = self.birth_date.isoformat()
        forms: dict[str, tuple[str, ...]] = {}
        if self.idnr:
            forms["idnr"] = (self.idnr, born)
        if self.family_name and self.given_name:
            forms["name"] = (self.family_name, self.given_name, born)
        if self.family_name and self.town and self.postcode:
            forms["place"] = (self.family_name, self.town, self.postcode, born)
        return MappingProxyType(forms)

    def agrees_with(self, other: Subject) -> bool:
        """Out: whether both name the same person: a common form, and no form in common that differs."""
        mine, theirs = self.forms(), other.forms()
        common = mine.keys() & theirs.keys()
        return bool(common) and all(mine[form] == theirs[form] for form in common)


@dataclass(frozen=True, slots=True)
class BasisClaim:
    """The basis the asker claims. Only our own records and grants decide whether it stands."""

    kind: BasisKind | None = None
    record: str | None = None
    norm: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One question for evidence, read from whatever language it came in."""

    message: str
    """The message id: UUID, unique per consumer."""
    consumer: str
    language: str
    """The language it was asked in and is answered in, as `name/version`: `xeinmal/1.0`."""
    evidence: str
    purpose: str
    procedure: str
    case: str
    """Aktenzeichen / application id."""
    subject: Subject
    basis: BasisClaim = BasisClaim()
    fields: frozenset[str] = frozenset()
    """Empty: the grant's default fields."""
    register: str | None = None
    """None: the register follows from the grants."""
    on_behalf_of: str | None = None
    """The authority the consumer asks for, when it is not its own procedure."""
    representative: str | None = field(default=None, repr=False)
    """The record id of a power of attorney or guardianship, when someone acts for the subject."""
    document: bool = False
    test: bool = False
    context: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    """What the language needs to be answered in: identifiers of its header, echoed and never judged."""


class RecordState(StrEnum):
    """States of a record of choice or consent (DOMAIN.md 4). Only `given` and `renewed` permit."""

    REQUESTED = "requested"
    DEFERRED = "deferred"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    CONSUMED = "consumed"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Record:
    """A record of choice or consent as it stands: the fold over its events (`consent/ledger.py`)."""

    id: str
    kind: BasisKind
    state: RecordState
    revision: int
    """Number of record events so far; uses do not count (LOG.md 9.3)."""
    subject: Subject
    recipient: str
    register: str
    evidence: str
    fields: frozenset[str]
    purpose: str
    procedure: str
    case: str
    norm: str
    recorded_by: str
    not_before: datetime
    not_after: datetime
    max_uses: int | None = None
    """None: as often as needed within the period."""
    uses: int = 0
    """Uses reserved or consumed by other exchanges than the one being decided."""
    authentic: bool = False
    """The house's own receipt over the latest event verified."""
    representative: str | None = field(default=None, repr=False)


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


PERMITTING: Final = frozenset({RecordState.GIVEN, RecordState.RENEWED})
"""The only states a record permits in; anything unknown denies."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a home's files: where it is, what is wrong, how to mend it."""

    file: str
    line: int | None
    key: str
    wrong: str
    mend: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.wrong}. {self.mend}"
