"""The doors of the house, cut at what the upper floor means (never at SQL, HTTP or a broker's verbs).

Each port has a contract-test class in tests/contracts that runs on every implementation. Adapters map foreign
exceptions to `gateway.errors` at the port, in one place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from consent.policy import Policy
from consent.vocabulary import Found, NotFound, Person, Record, RecordState, Request, Subject
from gateway.jws import SigningKey
from gateway.stages import Delivery, Mandate, Outgoing, Position


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Out: now, aware, in UTC."""
        ...


class Ids(Protocol):
    """The only source of chance (from `secrets`)."""

    def new(self) -> str:
        """Out: a new UUID (RFC 9562 version 4), lower case."""
        ...

    def random(self, size: int) -> bytes:
        """Out: `size` random bytes: salts, keys, nonces."""
        ...


class Policies(Protocol):
    """The policy in force. The journal's store has the last word on which one that is (LOG.md 9.3)."""

    def current(self) -> Policy:
        """Out: the policy as last seen; `settled` finds out when it is not current any more."""
        ...

    async def refresh(self) -> Policy:
        """Load the store's current policy from its archive. Out: it."""
        ...


class Keys(Protocol):
    """The house's own secrets (LOG.md 5, CONTRACT.md 4)."""

    @property
    def identity_vkey(self) -> str:
        """The authority's published identity key as a vkey (LOG.md 2)."""
        ...

    def sign_as_authority(self, text: str) -> str:
        """In: a note's text, ending in LF. Out: the note, signed by the identity key."""
        ...

    @property
    def gateway(self) -> SigningKey:
        """The key that signs replies, receipts and records."""
        ...

    def wrap(self, secret: bytes, context: str) -> bytes:
        """In: bytes to keep, and what they are for (authenticated). Out: sealed under the master key."""
        ...

    def unwrap(self, sealed: bytes, context: str) -> bytes:
        """Undo `wrap`. Raises `gateway.errors.Fault` when bytes or context are not the ones sealed."""
        ...


class Register(Protocol):
    """A data provider's door."""

    @property
    def id(self) -> str: ...

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        """Ask for the mandate's fields of the mandate's subject, and for no other column.

        Raises: RegisterUnavailable, RegisterTimeout (curable), RegisterProtocol.
        """
        ...

    async def persons(self, subject: Subject) -> Sequence[Person]:
        """Out: every form under which this register's lines may stand for `subject` (for a person's own export)."""
        ...

    async def healthy(self) -> bool:
        """Out: whether it answers at all. Never raises."""
        ...


# --- the bus -----------------------------------------------------------------------------------------------
class Bus(Protocol):
    """The house's side of a bus. Nothing is lost: unacknowledged deliveries come back."""

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Out: deliveries as they come, until `stop`. Each is handled, then acked, postponed or abandoned."""
        ...

    async def send(self, message: Outgoing) -> None:
        """Publish; returns when the bus has it durably. Raises: BusUnavailable, Undeliverable."""
        ...

    async def ack(self, delivery: Delivery) -> None:
        """Done with: it will not come back."""
        ...

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        """Bring it back, not before the given time, with its attempt counted."""
        ...

    async def bury(self, delivery: Delivery) -> None:
        """Move it to the bus's own dead letters: the backstop, when the house can't even keep it."""
        ...

    async def forget(self, before: datetime) -> int:
        """Drop replies nobody fetched and dead letters from before. Out: how many."""
        ...

    async def stop(self) -> None:
        """End `deliveries`; what is in hand may still be acked."""
        ...

    async def close(self) -> None: ...


class ConsumerBus(Protocol):
    """A data consumer's side of a bus: publish a request, await its reply."""

    async def publish(self, request: Outbound) -> None:
        """Publish durably. Raises: BusUnavailable."""
        ...

    async def reply(self, queue: str, correlation_id: str, timeout_seconds: float) -> Outgoing | None:
        """Out: the next reply to that request from the consumer's own queue, acked; None when none came in time."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request as its consumer publishes it (CONTRACT.md 4)."""

    routing_key: str
    message_id: str
    user_id: str
    reply_to: str
    content_type: str
    body: bytes = field(repr=False)
    jws: str | None = field(repr=False)
    correlation_id: str | None = None


# --- the journal's store ---------------------------------------------------------------------------------------
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
    """True for `answered` only: every other outcome gives a reserved use back."""
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
    """Somebody appended to the record first. Nothing was written."""


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


class JournalStore(Protocol):
    """Where lines, records, uses, exchanges and the outbox live: one database, one transaction.

    Appends are grouped (≤ 256 lines or ≤ 5 ms) under one head lock; a group member that is turned away
    (any result but Committed) leaves the others untouched. Raises: JournalUnavailable.
    """

    async def append(
        self, entry: Entry
    ) -> Committed | ShardMoved | StandingMoved | UsedUp | RecordMoved | Known: ...

    async def recall(self, consumer: str, message_id: str, digest: str, now: datetime) -> Known | None:
        """Out: what became of this message before, or None."""
        ...

    async def confirmed(self, exchange: str, now: datetime) -> None:
        """The bus has the reply."""
        ...

    async def unconfirmed(self) -> Sequence[tuple[str, bytes]]:
        """Out: exchange id and wrapped reply of every settled exchange whose reply the bus may not have.

        Without evidence whose record was withdrawn since: its delivery comes back and is told so (LOG.md 9.4).
        """
        ...

    async def shards(self) -> Sequence[Shard]:
        """Out: every shard, oldest first within its class."""
        ...

    async def close_shard(self, origin: str) -> Head:
        """No line is added any more. Out: the final head. Idempotent."""
        ...

    async def open_shard(self, origin: str, retention: str, secrets: bytes, opening: Line) -> bool:
        """Open a shard with leaf 0. Out: False when the class has an open shard already (nothing was written)."""
        ...

    async def keep_checkpoint(self, origin: str, size: int, note: str) -> None:
        """Keep a signed checkpoint of a committed head for good (LOG.md 9: closing ones, one a day)."""
        ...

    async def forget(self, now: datetime) -> int:
        """Erase replies and kept deliveries whose time is over (DOMAIN.md 5). Out: of how many exchanges."""
        ...

    async def line(self, position: Position) -> StoredLine | None: ...

    async def lines(self, origin: str, start: int, stop: int) -> Sequence[StoredLine]:
        """Out: lines start ≤ index < stop, in order."""
        ...

    async def labelled(self, origin: str, label: bytes) -> Sequence[StoredLine]:
        """Out: the lines of one label in one shard, in order."""
        ...

    async def inclusion(self, position: Position, size: int) -> Sequence[bytes]:
        """Out: the inclusion proof of the line in the tree of that size, sibling of the leaf first."""
        ...

    async def policy(self) -> tuple[str, bytes] | None:
        """Out: hash and archived bytes of the current policy."""
        ...

    async def archived_policy(self, digest: str) -> bytes | None: ...

    async def counts(self) -> tuple[int, int, int]:
        """Out: exchanges accepted, terminal, in flight."""
        ...

    async def close(self) -> None: ...


class ConsentStore(Protocol):
    """Records of choice and consent as they stand (kept in the journal's database)."""

    async def records_for(self, request: Request, exchange: str) -> Sequence[Record]:
        """Out: the claimed record, or every record of that recipient and case when none is named.

        `uses` counts the uses of other exchanges than `exchange`.
        """
        ...

    async def record(self, record: str) -> Record | None: ...

    async def events(self, record: str) -> Sequence[RecordEvent]: ...

    async def of_subject(self, subject: Subject) -> Sequence[Record]: ...
