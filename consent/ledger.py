"""Records of choice and consent: a fold over events that are only ever appended (DOMAIN.md 4).

One event says everything about the record at that step (ISO/IEC TS 27560, names of DPV where they fit), so
that the receipt over it can be checked alone. What a record permits is computed from all of its events: a
withdrawal anywhere among them wins, and a history that does not hold together is not authentic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from typing_extensions import override

from consent import vocabulary
from consent.parties import FieldName, Id
from consent.vocabulary import PERMITTING, Assurance, BasisKind, ProofKind, Record, RecordState

Moment: TypeAlias = Annotated[
    AwareDatetime, PlainSerializer(lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
]
"""RFC 3339, UTC, whole seconds."""
Text: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
]
"""One line, as long as a message's: an event has to fit into its receipt, and its case into a line of the log."""
Digest: TypeAlias = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Sorted: TypeAlias = Annotated[frozenset[FieldName], PlainSerializer(sorted), Field(min_length=1)]


class Part(BaseModel):
    """A part of an event: strict, frozen, and silent about what it was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Named(Part):
    """The person, as the recorder identified them. Never printed."""

    idnr: Annotated[str, Field(pattern=r"^[0-9]{11}$")] | None = None
    birth_date: date
    family_name: Text | None = None
    given_name: Text | None = None
    town: Text | None = None
    postcode: Text | None = None

    @override
    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return []

    def subject(self) -> vocabulary.Subject:
        """Out: the same person in the words of the law."""
        return vocabulary.Subject(**self.model_dump())


class Notice(Part):
    """What the person was shown: its version, the SHA-256 of the exact text, its language (BCP 47)."""

    version: Text
    sha256: Digest
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$")]


class Authentication(Part):
    """How sure it is who decided (Regulation (EU) 910/2014 Art. 8), and the event that shows it."""

    level: Assurance
    event: Text


class Representation(Part):
    """Who acted for the person: the record id of the power or guardianship, and what proves it."""

    record: Text
    proof: ProofKind


class Terms(Part):
    """What somebody decided, as whoever records it says it (ISO/IEC TS 27560)."""

    kind: Literal[BasisKind.CHOICE, BasisKind.CONSENT]
    subject: Named = Field(repr=False)
    controller: Text
    """The authority that answers for the register's processing."""
    recipient: Id
    register_: Annotated[Id, Field(alias="register")]
    evidence: Id
    evidence_version: Text | None = None
    fields: Sorted
    purpose: Id
    procedure: Id
    case: Text
    norm: Text
    notice: Notice
    channel: Literal["online", "counter", "paper", "phone"]
    scan_sha256: Digest | None = None
    """Of the scanned paper, where the channel is paper."""
    authentication: Authentication
    representative: Representation | None = Field(default=None, repr=False)
    not_before: Moment
    not_after: Moment
    max_uses: Annotated[int, Field(ge=1)] | None = None
    recipient_keeps_days: Annotated[int, Field(ge=1)] | None = None
    previous: Text | None = None
    """The record this one follows."""

    @model_validator(mode="after")
    def _whole(self) -> Terms:
        if self.not_after <= self.not_before:
            raise ValueError("a record ends after it begins")
        if not self.subject.subject().forms():
            raise ValueError("the person is not named sufficiently")
        if (self.channel == "paper") != (self.scan_sha256 is not None):
            raise ValueError("paper, and only paper, has the hash of its scan")
        return self


class Stepped(Part):
    """What every event of a record says of itself."""

    v: Literal[1] = 1
    record: Text
    revision: Annotated[int, Field(ge=1)]
    state: RecordState
    time: Moment
    recorded_by: Id
    """Who recorded this event."""

    def body(self) -> bytes:
        """Out: the event as RFC 8785 JSON; absent keys are left out. Equal to RFC 8785 for what it can hold:
        ASCII keys, text, whole numbers, lists."""
        members = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        text = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode()


class Step(Stepped, Terms):
    """One event of a record, version 1. Its JSON in RFC 8785 form is what is signed and kept."""


TRANSITIONS: Final[MappingProxyType[RecordState | None, frozenset[RecordState]]] = MappingProxyType(
    {
        None: frozenset({RecordState.REQUESTED, RecordState.GIVEN, RecordState.REFUSED}),
        RecordState.REQUESTED: frozenset(
            {RecordState.DEFERRED, RecordState.GIVEN, RecordState.REFUSED, RecordState.EXPIRED}
        ),
        RecordState.DEFERRED: frozenset({RecordState.GIVEN, RecordState.REFUSED, RecordState.EXPIRED}),
        RecordState.GIVEN: frozenset({RecordState.RENEWED, RecordState.EXPIRED, RecordState.CONSUMED}),
        RecordState.RENEWED: frozenset({RecordState.RENEWED, RecordState.EXPIRED, RecordState.CONSUMED}),
        RecordState.EXPIRED: frozenset({RecordState.RENEWED}),
        RecordState.CONSUMED: frozenset({RecordState.RENEWED}),
        RecordState.REFUSED: frozenset(),
        RecordState.WITHDRAWN: frozenset(),
        RecordState.REVOKED: frozenset(),
        RecordState.INVALIDATED: frozenset(),
    }
)
"""What may follow what, beside the endings below. Who refused and thinks again makes a new record."""
ENDINGS: Final = frozenset({RecordState.WITHDRAWN, RecordState.REVOKED, RecordState.INVALIDATED})
"""What may follow everything that has begun and is not itself an ending: as easy to withdraw as to give
(GDPR Art. 7(3)). The strongest first: `fold` takes withdrawal before revocation before invalidation."""
_STRONGEST: Final = (RecordState.WITHDRAWN, RecordState.REVOKED, RecordState.INVALIDATED)
_FOREVER: Final = (
    "record",
    "kind",
    "subject",
    "controller",
    "recipient",
    "register_",
    "evidence",
    "purpose",
    "procedure",
    "case",
)
"""What no later event of a record may change."""


AnyStep = TypeVar("AnyStep", bound=Stepped)


def may_follow(before: RecordState | None, after: RecordState) -> bool:
    """Out: whether a record in state `before` (None: not begun) may go to `after`."""
    if after in ENDINGS:
        return before is not None and before not in ENDINGS
    return after in TRANSITIONS[before]


def read_step(body: bytes) -> Step:
    """In: an event's bytes. Out: the event. Raises: ValueError, without content, unless they are exactly one
    event in RFC 8785 form."""
    return read_as(Step, body)


def read_as(model: type[AnyStep], body: bytes) -> AnyStep:
    """The same for any kind of event."""
    try:
        step = model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        known = first["type"] != "extra_forbidden"
        place = ".".join(map(str, first["loc"])) if known and first["loc"] else "body"
        raise ValueError(f"not an event of a record: {place}: {first['type']}") from None
    if step.body() != body:
        raise ValueError("an event of a record that is not in RFC 8785 form")
    return step


def fold(steps: Sequence[Step], uses: int, authentic: bool) -> Record:
    """In: all events of one record in order, the uses by other exchanges, whether the house's receipt over
    each event verified. Out: the record as it stands. Raises: ValueError when there is no event at all."""
    if not steps:
        raise ValueError("a record without events")
    terms = next((step for step in reversed(steps) if step.state in PERMITTING), steps[-1])
    representative = terms.representative
    return Record(
        id=terms.record,
        kind=terms.kind,
        state=latest(steps),
        revision=len(steps),
        subject=terms.subject.subject(),
        recipient=terms.recipient,
        register=terms.register_,
        evidence=terms.evidence,
        fields=terms.fields,
        purpose=terms.purpose,
        procedure=terms.procedure,
        case=terms.case,
        norm=terms.norm,
        recorded_by=terms.recorded_by,
        not_before=terms.not_before,
        not_after=terms.not_after,
        max_uses=terms.max_uses,
        uses=uses,
        authentic=authentic is True and holds_together(steps, _FOREVER),
        representative=None if representative is None else representative.record,
        assurance=terms.authentication.level,
        previous=terms.previous,
    )


def state_at(record: Record, now: datetime) -> RecordState:
    """Out: its state as people are told it: `expired` and `consumed` are computed, never stored."""
    if record.state not in PERMITTING:
        return record.state
    if now >= record.not_after:
        return RecordState.EXPIRED
    if record.max_uses is not None and record.uses >= record.max_uses:
        return RecordState.CONSUMED
    return record.state


def latest(steps: Sequence[Stepped]) -> RecordState:
    """Out: the state after these events: an ending anywhere among them wins, withdrawal before all."""
    said = {step.state for step in steps}
    return next((ending for ending in _STRONGEST if ending in said), steps[-1].state)


def holds_together(steps: Sequence[Stepped], forever: Sequence[str]) -> bool:
    """Out: whether these events, in this order, can be one record's. In: what no later event may change."""
    before: RecordState | None = None
    for place, step in enumerate(steps, start=1):
        same = all(getattr(step, name) == getattr(steps[0], name) for name in forever)
        if not same or step.revision != place or not may_follow(before, step.state):
            return False
        before = step.state
    return True
