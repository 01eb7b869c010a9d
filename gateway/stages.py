"""What is handed from room to room. Each type can only be had from the room before it.

    Delivery → Sender → Contents → Request → Permit → Mandate → Evidence → Answer → Enclosed → Receipt → Reply

`Request`, `Permit`, `Refusal`, `Evidence` are words of the law and live in `consent.vocabulary`.
Built in one place only (tests/house/test_constructor_homes.py): `Permit` in consent/decide.py, `Evidence` in
consent/minimise.py, `Contents` and `Enclosed` in gateway/envelope.py, `Mandate` and `Receipt` in gateway/journal/,
`Reply` in gateway/exchange.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from consent.held import AnyStep
from consent.orders import Order
from consent.vocabulary import (
    Evidence,
    Exemption,
    Permit,
    ReasonCode,
    Record,
    Refusal,
    Request,
    Submission,
    Submitted,
    Withheld,
)
from gateway.errors import FaultCode


class ReplyType(StrEnum):
    """The AMQP `type` of a reply (CONTRACT.md 4)."""

    EVIDENCE_ANSWER = "evidence.answer"
    EVIDENCE_REFUSAL = "evidence.refusal"
    EVIDENCE_FAILURE = "evidence.failure"
    SUBMIT_RECEIPT = "submit.receipt"
    SUBMIT_REFUSAL = "submit.refusal"
    SUBMIT_FAILURE = "submit.failure"
    CONSENT_RECEIPT = "consent.receipt"
    CONSENT_REFUSAL = "consent.refusal"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Bytes at the door. Nothing about them is believed yet."""

    tag: str
    """The bus's own handle for ack and redelivery."""
    message_id: str
    routing_key: str
    content_type: str
    body: bytes = field(repr=False)
    jws: str | None = field(repr=False)
    """The detached signature over `body`."""
    user_id: str
    """The bus user, as checked by the bus."""
    reply_to: str
    correlation_id: str | None
    received: datetime
    attempt: int
    """1 for the first delivery; the bus's own count. How often its exchange was tried is the journal's (`Case`)."""
    traceparent: str | None = None
    """Its trace context, as its consumer wrote it (https://www.w3.org/TR/trace-context/)."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who is at the door: the signature over the received bytes holds and names them."""

    consumer: str
    kid: str
    alg: str
    issued: datetime
    deadline: datetime
    digest: str
    """Lower-case hex SHA-256 of the body as received."""
    message_id: str
    reply_to: str


@dataclass(frozen=True, slots=True)
class Unauthentic:
    """Not provably from anyone: quarantined, never answered."""

    refusal: Refusal
    signer: Sender | None = None
    """Whose signature it is, where only the time of its key is over: an exchange under way ends with it."""


@dataclass(frozen=True, slots=True)
class Late:
    """Authentic, but outside its signed times: answered with a failure, no register is asked."""

    sender: Sender
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Contents:
    """What a known sender's delivery holds, opened if it came encrypted: what may be read. Built by the envelope."""

    message_id: str
    routing_key: str
    content_type: str
    """Of the body here, not of the envelope it came in."""
    body: bytes = field(repr=False)
    encrypted: bool
    """Whether it came encrypted."""


@dataclass(frozen=True, slots=True)
class Unopened:
    """Authentic, said to be encrypted, and not to be opened here."""

    refusal: Refusal


Errand: TypeAlias = Request | Submission | Order
"""What somebody at the door wants: evidence, data put on file, or a record kept."""
About: TypeAlias = Literal["evidence", "submit", "consent"]
"""What a conversation is about: the first word of its replies' types (CONTRACT.md 4)."""


def request_of(errand: Errand) -> Request:
    """Out: who wants what, for what and about whom: what every errand says."""
    return errand if isinstance(errand, Request) else errand.request


@dataclass(frozen=True, slots=True)
class Misread:
    """Authentic, but nothing we understand. `language` is the best guess to answer in."""

    refusal: Refusal
    language: str


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange under way: the thread that holds its journal lines together."""

    exchange: str
    attempt: int
    message_id: str
    consumer: str | None
    digest: str
    received: datetime
    correlation_id: str | None = None
    retention: str | None = None
    """The class its first line went to; None while it has none. All lines of an exchange go to one class."""
    secondary: bool = False
    """The message id belongs to other bytes; this exchange exists to say so."""
    exempt_until: date | None = None
    """It was begun under a law that keeps it from its persons until that day."""
    traceparent: str | None = None
    """The trace context that its reply hands on."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a line stands in the log."""

    origin: str
    index: int


@dataclass(frozen=True, slots=True)
class Moved:
    """The basis, the policy or a use changed in between: nothing was written, decide again."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The message is another exchange's by now, or its id another message's: nothing was written, begin again."""


@dataclass(frozen=True, slots=True)
class Mandate:
    """A permit that is already in the journal: the only key to a register. Built by the journal."""

    case: Case
    permit: Permit
    asked: Position
    at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of an exchange when it ends, however early: the words of its terminal line."""

    sender: Sender | Unauthentic | Late
    language: str = ""
    request: Request | None = None
    mandate: Mandate | None = None
    about: About = "evidence"
    exempt: Exemption | None = None
    """The law that keeps what is asked from the person, if there is one."""
    encrypted: bool = False
    """Whether it came encrypted: then nothing is said of it in the clear."""


@dataclass(frozen=True, slots=True)
class Written:
    """Words in the asker's language, validated against its schema."""

    type: ReplyType
    content_type: str
    body: bytes = field(repr=False)
    message_id: str
    not_before: datetime | None = None
    """A no that could mean a blocked person bears the time of the slot it leaves at, and no other (DOMAIN.md 3)."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """Words as they leave: encrypted, or in the clear where they may be. Built by the envelope."""

    type: ReplyType
    content_type: str
    body: bytes = field(repr=False)
    message_id: str
    not_before: datetime | None
    """As of `Written`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Evidence in the asker's words: what is sent if the journal still agrees."""

    evidence: Evidence
    written: Written
    mandate: Mandate


@dataclass(frozen=True, slots=True)
class Filing:
    """A submission that a register has taken, in the sender's words: what is sent once it is journalled."""

    submitted: Submitted
    written: Written


@dataclass(frozen=True, slots=True)
class Recorded:
    """The next event of a record or power, signed by the house: appended with the line that tells of it."""

    step: AnyStep
    receipt: str
    """Compact JWS of the house over `step.body()`."""
    policy: str | None = None
    """The policy it was allowed by; None: allowed by any, as a withdrawal is."""
    powers: tuple[tuple[str, int], ...] = ()
    """The powers it was given under, by id and revision."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A person's records, for a recorder."""

    records: tuple[Record, ...]
    policy: str
    """The policy it may be told by."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Ours or the register's fault, never the asker's."""

    code: FaultCode
    whose: Literal["register", "ours", "configuration"]
    where: str
    exhausted: bool = False
    """A retry could have helped, but none is left: the line says `dead`, not `failed`."""


Outcome: TypeAlias = Answer | Filing | Recorded | Listed | Refusal | Withheld | Failure | Unauthentic
"""How an exchange can end. Exactly one of them is journalled for each exchange."""


def is_no_data(outcome: Outcome) -> bool:
    """Out: whether it may mean a person who is blocked, one there is not, or several: nobody is to tell which."""
    refusal = outcome.refusal if isinstance(outcome, Withheld) else outcome
    return isinstance(refusal, Refusal) and refusal.code is ReasonCode.NO_DATA


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the bus, signed: what leaves, and what is kept encrypted until the bus has confirmed it."""

    reply_to: str
    correlation_id: str
    message_id: str
    type: str
    content_type: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    not_before: datetime | None = field(default=None, compare=False)
    """When it may leave, if not at once; the message is the same whenever it does."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that the journal holds the outcome. Built by the journal."""

    position: Position
    checkpoint: str
    """The signed note whose tree covers the line."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same message again: what it was answered, and where its outcome stands."""

    exchange: str
    message: Outgoing | None
    """None: settled, but the reply is no longer kept or was never one."""
    refusal: Refusal | None
    """Why the kept reply is not sent again."""
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Reply:
    """What the bus may send: nothing without its receipt. Built by the exchange."""

    exchange: str
    message: Outgoing
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Silent:
    """Settled and never answered: quarantined."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Postponed:
    """Not settled: a later attempt may do better. `not_before` is when."""

    not_before: datetime
    receipt: Receipt
