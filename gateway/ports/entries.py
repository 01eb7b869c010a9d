"""What is written to the journal's store, all of it or nothing, and what the store says to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from consent.vocabulary import RecordState
from gateway.stages import Position


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log: what the tree holds and what opens it (LOG.md 5)."""

    leaf: bytes
    """65 bytes: 01 ‖ label ‖ commit."""
    salt: bytes | None = field(repr=False)
    """32 bytes; None once erased."""
    event: bytes | None = field(repr=False)
    """RFC 8785 JSON; None once erased."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    position: Position
    line: Line
    withheld: str | None = None
    """By which norm it was erased."""


@dataclass(frozen=True, slots=True)
class Head:
    """The committed state of a shard's tree. A size has one root, ever."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Shard:
    """A month of one retention class."""

    head: Head
    retention: str
    closed: bool
    secrets: bytes | None = field(repr=False)
    """Log key, index key, VRF key and seal secret, wrapped by the master key; None once destroyed."""


@dataclass(frozen=True, slots=True)
class ExchangeKey:
    """What makes an exchange the same one again: consumer, message id, bytes."""

    exchange: str
    consumer: str
    """Empty for what is not authentic."""
    message_id: str
    digest: str
    attempt: int
    secondary: bool = False
    """The message id already belongs to other bytes; this exchange only says so."""
    retention: str = ""
    """The class its lines go to."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What must still be so in the transaction that settles (LOG.md 9.3)."""

    policy: str
    record: str | None = None
    revision: int | None = None
    not_after: datetime | None = None
    powers: tuple[tuple[str, int], ...] = ()
    """Powers it also stands on, by id and revision."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a record, reserved once per record and exchange."""

    record: str
    max_uses: int | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """The terminal outcome: the reply kept encrypted until the bus has it, for repeats until `keep_until`."""

    kind: str
    """The terminal line's kind (DOMAIN.md 5)."""
    keeps_use: bool
    """True only for what had its effect, an answer or a submission: all else gives a reserved use back."""
    reply: bytes | None = field(repr=False)
    """Wrapped under the master key with the exchange id as context; None when nothing is ever answered."""
    keep_until: datetime
    kept: bytes | None = field(default=None, repr=False)
    """A quarantined or dead delivery, wrapped, until `keep_until`."""


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """One event of a record of choice or consent, append-only. `body` is the RFC 8785 JSON of the event."""

    record: str
    revision: int
    state: RecordState
    body: bytes = field(repr=False)
    receipt: str = field(repr=False)
    """Compact JWS of the gateway over `body`."""


@dataclass(frozen=True, slots=True)
class Release:
    """What an exempt exchange tells its persons from a day on (DOMAIN.md 5, `exempt`)."""

    exchange: str
    due: datetime
    retention: str
    """The class its lines go to."""
    sealed: bytes = field(repr=False)
    """The same again, whose the lines are and what they say, wrapped under the master key: that is believed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is committed together or not at all."""

    origin: str
    """The shard the lines' labels were made for."""
    lines: tuple[Line, ...]
    now: datetime
    exchange: ExchangeKey | None = None
    standing: Standing | None = None
    use: Use | None = None
    settlement: Settlement | None = None
    records: tuple[RecordEvent, ...] = ()
    policy: tuple[str, bytes] | None = None
    """Hash and archived bytes of a policy that becomes the current one."""
    release: Release | None = None
    """What has to be released one day: kept from the first line of an exempt exchange on, complete with its last."""
    released: str | None = None
    """The exchange whose release these lines are: it is due and goes with them."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The entry is durable; its first line stands at `first`; `head` is the head after its batch."""

    first: Position
    head: Head


@dataclass(frozen=True, slots=True)
class ShardMoved:
    """The shard is closed: make the labels for the class's open one and try again. Nothing was written."""


@dataclass(frozen=True, slots=True)
class StandingMoved:
    """The basis or the policy changed, or the basis ended: decide again. Nothing was written."""


@dataclass(frozen=True, slots=True)
class UsedUp:
    """No use is left. Nothing was written."""


@dataclass(frozen=True, slots=True)
class RecordMoved:
    """Somebody appended to the record, or released the exchange, first; or its release is not due. Nothing was
    written."""


@dataclass(frozen=True, slots=True)
class Known:
    """The exchange was here before. Nothing was written."""

    exchange: str
    attempt: int
    """Attempts so far."""
    settled: bool
    same: bool
    """False: the message id belongs to other bytes."""
    reply: bytes | None = field(repr=False)
    """The wrapped reply, if settled and still kept."""
    terminal: Position | None
    kind: str | None = None
    """The terminal line's kind, if settled."""
    retention: str = ""
    """The class its lines went to."""
    withdrawn: bool = False
    """The answered record was withdrawn since: a repeat gets a refusal instead (LOG.md 9.4)."""
    exempt_until: datetime | None = None
    """When its persons may be told of it, while they may not."""
