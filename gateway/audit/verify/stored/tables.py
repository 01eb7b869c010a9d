"""The tables beside the lines as they are stored, for the check that holds them against the lines (`books`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gateway.audit.retention import Rule
from gateway.audit.verify.stored import releases
from gateway.audit.verify.stored.holding import HeldRow, HoldRow
from gateway.audit.verify.stored.releases import ReleaseRow


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What a row of table `line` opens to, with its shard's name and class."""

    origin: str
    retention: str
    leaf: bytes
    salt: bytes | None = field(repr=False)
    event: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """A row of table `exchange`, without its times."""

    exchange: str
    consumer: str
    message_id: str
    digest: str
    secondary: int
    retention: str
    attempt: int
    record: str | None
    kind: str | None
    reply: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordEventRow:
    """A row of table `record_event`."""

    record: str
    revision: int
    state: str
    body: bytes = field(repr=False)
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Books:
    """The tables as they are stored. Each iterable is read once."""

    lines: Iterable[StoredEvent]
    """Of every line, shard by shard, in order."""
    exchanges: Iterable[ExchangeRow]
    uses: Iterable[tuple[str, str, str]]
    """Record, exchange, state."""
    releases: Iterable[ReleaseRow]
    record_events: Iterable[RecordEventRow]
    """In the order of record and revision."""
    records: Iterable[tuple[str, int, str, str, str]]
    """Record, revision, state, recipient, case."""
    record_subjects: Iterable[tuple[str, str, str]]
    """Record, form, name."""
    policies: Iterable[tuple[str, bytes]]
    current: Sequence[tuple[int, str]]
    holds: Iterable[HoldRow] = ()
    held: Iterable[HeldRow] = ()
    gone: bool = False
    """Lines of a whole shard were destroyed in their time."""
    house: Rule | None = None
    """How long lines about the house are kept; None: for ever."""
    rules: Sequence[Rule] = ()
    """How long the lines of each class are kept."""


@dataclass(frozen=True, slots=True)
class House:
    """What only the house can do: open what it sealed, know what it signed, and how it writes a name down."""

    reply: Callable[[str, bytes], str | None]
    """In: an exchange and its sealed reply. Out: the digest of the body; None when it can't be opened."""
    release: releases.Opens
    vouched: Callable[[str, bytes, str | None], bool]
    """In: a record event's receipt and body. Out: whether the house signed it."""
    named: Callable[[Sequence[str]], str]
    """In: the parts of a form of a subject. Out: what is looked up."""
    hold: Callable[[HoldRow], bool]
    """Out: whether what is sealed in it was placed under its id, until its day."""
    held: Callable[[HeldRow], bool]
    seal: Callable[[str], bytes | None]
    """Out: a shard's seal secret; None once destroyed."""
