"""The event, version 1: what a line of the log says (LOG.md 5; kinds: DOMAIN.md 5).

Codes and names only, never a value of the evidence. Absent keys are left out. `to_bytes` gives the exact
bytes the leaf commits to (RFC 8785); `gateway.audit.schema` makes `event-v1.schema.json` from these types.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass

from consent.vocabulary import BasisKind, Check, Fact


class EventInvalid(ValueError):
    """Not an event of version 1. Names the fields at fault, never their content."""


class Kind(StrEnum):
    """What a line records. Closed: another kind is another version of the event."""

    ASKED = "asked"
    ANSWERED = "answered"
    REFUSED = "refused"
    NO_DATA = "no-data"
    FAILED = "failed"
    DEAD = "dead"
    EXPIRED = "expired"
    QUARANTINED = "quarantined"
    POSTPONED = "postponed"
    PREVIEW_SHOWN = "preview.shown"
    PREVIEW_USED = "preview.used"
    PREVIEW_DISCARDED = "preview.discarded"
    SUBMITTED = "submitted"
    CHANGED_PUSHED = "changed.pushed"
    NOTIFIED = "notified"
    CONFIRMED = "confirmed"
    CONSENT_REQUESTED = "consent.requested"
    CONSENT_DEFERRED = "consent.deferred"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_REVOKED = "consent.revoked"
    CONSENT_EXPIRED = "consent.expired"
    CONSENT_INVALIDATED = "consent.invalidated"
    CONSENT_CONSUMED = "consent.consumed"
    CONSENT_RENEWED = "consent.renewed"
    OBJECTION = "objection"
    EXEMPT = "exempt"
    RELEASED = "released"
    SHARD_OPENED = "shard.opened"
    POLICY_LOADED = "policy.loaded"
    KEY_CREATED = "key.created"
    KEY_ROTATED = "key.rotated"
    KEY_REVOKED = "key.revoked"
    KEY_DESTROYED = "key.destroyed"
    RETENTION_ERASED = "retention.erased"
    RETENTION_DESTROYED = "retention.destroyed"
    HOLD_PLACED = "hold.placed"
    HOLD_LIFTED = "hold.lifted"
    HOLD_EXPORTED = "hold.exported"
    REPLAYED = "replayed"
    RESTORED = "restored"
    EXPORT_MADE = "export.made"
    READ_BY = "read.by"


class Labelled(StrEnum):
    """Whose label a line carries (DOMAIN.md 5)."""

    PERSON = "person"
    """Always a person's: whom the register resolved, or whose line it is."""
    PERSON_IF_KNOWN = "person-if-known"
    """The person's, if known by a resolved register or, the sender being authentic, by IDNr; else sealed."""
    SEALED = "sealed"
    """Nobody's (yet)."""
    SYSTEM = "system"
    """About the house itself."""


TERMINAL: Final = frozenset(
    {
        Kind.ANSWERED,
        Kind.REFUSED,
        Kind.NO_DATA,
        Kind.FAILED,
        Kind.DEAD,
        Kind.EXPIRED,
        Kind.QUARANTINED,
        Kind.PREVIEW_USED,
        Kind.PREVIEW_DISCARDED,
        Kind.SUBMITTED,
        Kind.CHANGED_PUSHED,
        Kind.EXEMPT,
    }
)
"""The kinds that end an exchange; `exempt` stands for one of the others, until `released` tells it."""


def ends(kind: str, by_message: bool) -> bool:
    """Out: whether a line ends its exchange. A step of a record and a look at somebody's records do where they came
    by message; where they came otherwise there is no exchange to end."""
    asked_for = kind.startswith("consent.") or kind == Kind.READ_BY
    return kind in TERMINAL or (by_message and asked_for)


_IF_KNOWN = {Kind.ASKED, Kind.REFUSED, Kind.NO_DATA, Kind.FAILED, Kind.DEAD, Kind.EXPIRED, Kind.OBJECTION}
_SEALED = {Kind.POSTPONED, Kind.EXEMPT}
_SYSTEM = {Kind.QUARANTINED, Kind.REPLAYED, Kind.RESTORED}
_SYSTEM_FAMILIES = ("shard.", "policy.", "key.", "retention.", "hold.")


def _labelled(kind: Kind) -> Labelled:
    if kind in _SEALED:
        return Labelled.SEALED
    if kind in _SYSTEM or kind.startswith(_SYSTEM_FAMILIES):
        return Labelled.SYSTEM
    if kind in _IF_KNOWN or kind.startswith("consent."):
        return Labelled.PERSON_IF_KNOWN
    return Labelled.PERSON


LABELLED: Final = {kind: _labelled(kind) for kind in Kind}
"""Which label each kind gets."""


ONLY_HOUSE: Final = frozenset(
    {
        Kind.RETENTION_ERASED,
        Kind.RETENTION_DESTROYED,
        Kind.HOLD_PLACED,
        Kind.HOLD_LIFTED,
        Kind.HOLD_EXPORTED,
        Kind.RESTORED,
    }
)
"""The kinds that excuse what is gone, or forbid that it goes: believed only by the salt of a line that the house wrote
(`labels.house_salt`; docs/decisions/0029). No version wrote them with another."""


# --- values -------------------------------------------------------------------------------------------------
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"


def stamp(moment: datetime) -> str:
    """Out: RFC 3339 in UTC with `Z` and exactly three decimals, cut, not rounded. In: an aware time."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}Z"


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment


Moment: TypeAlias = Annotated[
    datetime,
    AfterValidator(_aware),
    PlainSerializer(stamp, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _MOMENT}),
]
Code: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""A code, id or configured name."""
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Lower-case hex SHA-256 of a body as sent."""
Natural: TypeAlias = Annotated[int, Field(ge=0, le=2**53 - 1)]

_STRICT: Final = ConfigDict(extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Basis:
    """On what the evidence left, or was to leave."""

    kind: BasisKind | None = None
    """None: a power to act for the person, which is no basis by itself."""
    norm: Code | None = None
    record: Code | None = None
    revision: Natural | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class RemovedField:
    """A field that was not handed on, and by which rule."""

    field: Code
    rule: Code


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Digests:
    """Of the bodies as sent, and of the policy that decided."""

    request: Digest | None = None
    reply: Digest | None = None
    policy: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Integrity:
    """The check of the message's signature: algorithm and result."""

    alg: Code
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class SchemaVerdict:
    """What the message's schema and rules said; `rules` are the ids of those that spoke."""

    schema: Literal["valid", "invalid", "unknown"]
    rules: tuple[Code, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Times:
    """When the exchange passed which room."""

    received: Moment | None = None
    decided: Moment | None = None
    asked: Moment | None = None
    answered: Moment | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Asked:
    """Where the exchange's `asked` line stands."""

    origin: Code
    index: Natural


def _not_opening(kind: Kind) -> Kind:
    if kind is Kind.SHARD_OPENED:
        raise ValueError("a shard's opening is an event of its own form")
    return kind


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Event:
    """A line of the log but its first. None = the key is absent."""

    v: Literal[1] = 1
    kind: Annotated[Kind, AfterValidator(_not_opening)]
    time: Moment
    exchange: Code | None = None
    attempt: Annotated[int, Field(ge=1)] | None = None
    message: Code | None = None
    consumer: Code | None = None
    on_behalf_of: Code | None = None
    actor: Code | None = None
    """A pseudonym that stays inside; the citizen sees authority and department."""
    register: Code | None = None
    evidence: Code | None = None
    standard: Code | None = None
    version: Code | None = None
    purpose: Code | None = None
    procedure: Code | None = None
    case: Code | None = None
    basis: Basis | None = None
    grant: Code | None = None
    requested: tuple[Code, ...] | None = None
    released: tuple[Code, ...] | None = None
    removed: tuple[RemovedField, ...] | None = None
    reasons: tuple[Code, ...] | None = None
    facts: dict[Check, Fact] | None = None
    digests: Digests | None = None
    integrity: Integrity | None = None
    verdict: SchemaVerdict | None = None
    times: Times | None = None
    asked: Asked | None = None
    concerned: Code | None = None
    """The person's role in the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ShardOpened:
    """Leaf 0 of a shard (LOG.md 5)."""

    v: Literal[1] = 1
    kind: Literal[Kind.SHARD_OPENED] = Kind.SHARD_OPENED
    classes: Annotated[tuple[Code, ...], Field(min_length=1)]
    keys: str
    """The key statement: a note signed by the authority's identity key."""
    previous: str | None = None
    """The closing checkpoint of the class's previous shard, a signed note."""


# --- bytes --------------------------------------------------------------------------------------------------
ANY_EVENT: Final[TypeAdapter[Event | ShardOpened]] = TypeAdapter(Event | ShardOpened)


def _plain(value: Any) -> Any:
    """Out: what JSON has instead: a time's stamp; a part of an event without its absent keys."""
    if isinstance(value, datetime):
        return stamp(value)
    return {name: said for name in value.__slots__ if (said := getattr(value, name)) is not None}


_CANONICAL: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain
)
"""RFC 8785 for what an event holds: ASCII keys, strings, whole numbers, booleans (a property compares)."""


def to_bytes(event: Event | ShardOpened) -> bytes:
    """Out: the event as RFC 8785 JSON: the bytes the leaf commits to. Raises: EventInvalid."""
    try:
        return _CANONICAL.encode(event).encode()
    except UnicodeEncodeError:
        raise EventInvalid("a text of the event is no Unicode") from None
    except OverflowError:
        raise EventInvalid("a time of the event is before the calendar in UTC") from None


def from_bytes(data: bytes) -> Event | ShardOpened:
    """Undo `to_bytes`. Raises: EventInvalid, also when these aren't exactly an event's bytes."""
    try:
        event = ANY_EVENT.validate_json(data)
    except ValidationError as wrong:
        places = sorted({".".join(str(part) for part in error["loc"][1:2]) for error in wrong.errors()})
        raise EventInvalid(f"not an event of version 1: {', '.join(places)}") from None
    if to_bytes(event) != data:
        raise EventInvalid("not the RFC 8785 form of an event")
    return event
