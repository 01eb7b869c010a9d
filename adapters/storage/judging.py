"""May an entry be written, given what the database held when the lock was taken? Pure: no I/O (LOG.md 9.3).

A group's entries are judged in order, each against what the ones before it changed; one that is turned away
changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from consent.vocabulary import PERMITTING, RecordState
from gateway.ports import (
    Entry,
    ExchangeKey,
    Known,
    Line,
    RecordEvent,
    RecordMoved,
    Release,
    Settlement,
    ShardMoved,
    Standing,
    StandingMoved,
    Use,
    UsedUp,
)
from gateway.stages import Position

TurnedAway: TypeAlias = ShardMoved | StandingMoved | UsedUp | RecordMoved | Known

STILL_ANSWERABLE: Final = PERMITTING | {RecordState.CONSUMED, RecordState.EXPIRED}
"""States of its record in which a reply given earlier may be repeated; anything else, or unknown, may not."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def milliseconds(moment: datetime) -> int:
    """Out: the moment as the database keeps it."""
    return (moment - _EPOCH) // _MILLISECOND


def moment(milliseconds: int) -> datetime:
    """Undo `milliseconds`."""
    return _EPOCH + milliseconds * _MILLISECOND


@dataclass(slots=True)
class ShardState:
    """A shard's head under the lock, and what the group adds to it."""

    id: int
    origin: str
    size: int
    root: bytes
    open: bool
    added: list[Line] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Out: the index the next line gets."""
        return self.size + len(self.added)


@dataclass(slots=True)
class ExchangeState:
    """An exchange as it stands; `stored` and `changed` say what is to be written."""

    exchange: str
    consumer: str
    message_id: str
    digest: str
    secondary: bool
    retention: str
    attempt: int
    record: str | None = None
    kind: str | None = None
    terminal: Position | None = None
    terminal_shard: int | None = None
    reply: bytes | None = field(default=None, repr=False)
    kept: bytes | None = field(default=None, repr=False)
    keep_until: int | None = None
    record_state: str | None = None
    due: int | None = None
    """When what is kept from its persons is released; None: nothing is (any more)."""
    stored: bool = True
    changed: bool = False

    def known(self, same: bool, now: datetime, record_state: str | None) -> Known:
        """Out: what the asker of this exchange may be told; a withdrawn record's reply stays inside."""
        answered_on_record = self.kind == "answered" and self.record is not None
        withdrawn = answered_on_record and record_state not in STILL_ANSWERABLE
        held = same and self.keep_until is not None and milliseconds(now) < self.keep_until
        return Known(
            exchange=self.exchange,
            attempt=self.attempt,
            settled=self.kind is not None,
            same=same,
            reply=self.reply if held and not withdrawn else None,
            terminal=self.terminal,
            kind=self.kind,
            retention=self.retention,
            withdrawn=withdrawn,
            exempt_until=moment(self.due) if self.due is not None else None,
        )


@dataclass(slots=True)
class RecordStanding:
    """How a record stands: its latest revision and state."""

    revision: int
    state: str


@dataclass(slots=True)
class GroupState:
    """Everything a group's judgement depends on, and what it changes."""

    policy: str | None
    shards: dict[str, ShardState]
    exchanges: dict[tuple[str, str, str], ExchangeState] = field(default_factory=dict)
    owners: dict[tuple[str, str], ExchangeState] = field(default_factory=dict)
    """By consumer and message id: the exchange whose bytes the message id belongs to."""
    records: dict[str, RecordStanding] = field(default_factory=dict)
    uses: dict[str, set[str]] = field(default_factory=dict)
    """By record, where its uses are limited: the exchanges that hold one."""
    events: list[RecordEvent] = field(default_factory=list)
    reserved: list[tuple[str, str]] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)
    consumed: list[str] = field(default_factory=list)
    policies: list[tuple[str, bytes]] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)
    """By settled exchange named in the group: when its release is due, while that is still to come."""
    releases: dict[str, Release] = field(default_factory=dict)
    """By exchange: what is kept from its persons from now on."""
    released: list[str] = field(default_factory=list)

    def add_exchange(self, exchange: ExchangeState) -> None:
        """Make an exchange known to the entries that follow."""
        self.exchanges[(exchange.consumer, exchange.message_id, exchange.digest)] = exchange
        if not exchange.secondary:
            self.owners[(exchange.consumer, exchange.message_id)] = exchange


def judge(entry: Entry, state: GroupState) -> Position | TurnedAway:
    """Out: where the entry's first line will stand, with the state moved on; or why it is turned away."""
    shard = state.shards.get(entry.origin)
    if shard is None or not shard.open:
        return ShardMoved()
    exchange = _exchange(entry.exchange, state, entry.now) if entry.exchange is not None else None
    if isinstance(exchange, Known):
        return exchange
    if exchange is not None and exchange.due is not None and entry.settlement and not entry.release:
        # It became exempt in between: its end has to be kept back.
        return exchange.known(True, entry.now, None)
    if not _follows(entry.records, state):
        return RecordMoved()
    if entry.released is not None and not _is_due(entry.released, state, entry.now):
        return RecordMoved()
    if entry.standing is not None and not _stands(entry.standing, state, entry.now):
        return StandingMoved()
    if entry.use is not None:
        if exchange is None or entry.use.record not in state.records:
            return StandingMoved()
        if not _left(entry.use, exchange, state):
            return UsedUp()

    # Nothing turns it away: from here on the state moves.
    first = Position(entry.origin, shard.end)
    shard.added.extend(entry.lines)
    if exchange is not None and entry.exchange is not None:
        _move_exchange(exchange, entry, entry.exchange, shard.id, first, state)
    for event in entry.records:
        state.records[event.record] = RecordStanding(event.revision, event.state)
        state.events.append(event)
    if entry.released is not None:
        del state.waiting[entry.released]
        state.released.append(entry.released)
    if entry.policy is not None:
        state.policies.append(entry.policy)
        state.policy = entry.policy[0]
    return first


def _exchange(key: ExchangeKey, state: GroupState, now: datetime) -> ExchangeState | Known:
    """Out: the exchange to go on with, new or under way; or what is known when it is not this one's turn."""
    found = state.exchanges.get((key.consumer, key.message_id, key.digest))
    if found is not None:
        if found.exchange != key.exchange or found.kind is not None:
            return found.known(True, now, record_state(found, state))
        return found
    owner = state.owners.get((key.consumer, key.message_id))
    if owner is not None and not key.secondary:
        return owner.known(False, now, record_state(owner, state))
    return ExchangeState(
        key.exchange,
        key.consumer,
        key.message_id,
        key.digest,
        key.secondary,
        key.retention,
        key.attempt,
        stored=False,
    )


def record_state(exchange: ExchangeState, state: GroupState) -> str | None:
    """Out: how the exchange's record stands by now."""
    standing = state.records.get(exchange.record) if exchange.record is not None else None
    return standing.state if standing is not None else exchange.record_state


def _follows(events: tuple[RecordEvent, ...], state: GroupState) -> bool:
    """Out: whether each event is the next of its record."""
    ends: dict[str, int] = {}
    for event in events:
        known = state.records.get(event.record)
        last = ends.get(event.record, known.revision if known else 0)
        if event.revision != last + 1:
            return False
        ends[event.record] = event.revision
    return True


def _stands(standing: Standing, state: GroupState, now: datetime) -> bool:
    if standing.policy != state.policy:
        return False
    if standing.not_after is not None and standing.not_after <= now:
        return False
    own = () if standing.record is None else ((standing.record, standing.revision),)
    return all(_unmoved(state.records.get(record), revision) for record, revision in own + standing.powers)


def _unmoved(record: RecordStanding | None, revision: int | None) -> bool:
    return record is not None and record.revision == revision and record.state in PERMITTING


def _is_due(exchange: str, state: GroupState, now: datetime) -> bool:
    """Out: whether what the exchange kept from its persons may be told, and was not told before."""
    due = state.waiting.get(exchange)
    return due is not None and due <= milliseconds(now)


def _left(use: Use, exchange: ExchangeState, state: GroupState) -> bool:
    """Out: whether the exchange has a use of the record, or one is left for it."""
    if use.max_uses is None:
        return True
    holders = state.uses.get(use.record, set())
    return exchange.exchange in holders or len(holders) < use.max_uses


def _move_exchange(
    exchange: ExchangeState, entry: Entry, key: ExchangeKey, shard: int, first: Position, state: GroupState
) -> None:
    state.add_exchange(exchange)
    exchange.changed = True
    exchange.attempt = max(exchange.attempt, key.attempt)
    if entry.use is not None:
        _reserve(entry.use.record, exchange, state)
    if entry.standing is not None and entry.standing.record is not None:
        exchange.record = entry.standing.record
    if entry.release is not None:
        exchange.due = milliseconds(entry.release.due)
        state.releases[exchange.exchange] = entry.release
    if entry.settlement is not None:
        _settle(exchange, entry.settlement, shard, first, state)


def _reserve(record: str, exchange: ExchangeState, state: GroupState) -> None:
    if exchange.record is not None and exchange.record != record:
        _give_back(exchange, state)
    state.reserved.append((record, exchange.exchange))
    state.uses.setdefault(record, set()).add(exchange.exchange)
    exchange.record = record


def _give_back(exchange: ExchangeState, state: GroupState) -> None:
    state.given_back.append(exchange.exchange)
    for holders in state.uses.values():
        holders.discard(exchange.exchange)
    state.reserved = [use for use in state.reserved if use[1] != exchange.exchange]


def _settle(
    exchange: ExchangeState, settlement: Settlement, shard: int, first: Position, state: GroupState
) -> None:
    exchange.kind = settlement.kind
    exchange.terminal, exchange.terminal_shard = first, shard
    exchange.reply, exchange.kept = settlement.reply, settlement.kept
    exchange.keep_until = milliseconds(settlement.keep_until)
    if exchange.record is None:
        return
    if settlement.keeps_use:
        state.consumed.append(exchange.exchange)
    else:
        _give_back(exchange, state)
