"""What judging a group needs, read under the lock with few statements however many entries (LOG.md 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from adapters.storage.judging import ExchangeState, GroupState, RecordStanding, ShardState
from adapters.storage.schema import CURRENT_POLICY, EXCHANGE, RECORD, RECORD_EVENT, SHARD, TILE, USE
from gateway.ports import Entry, ExchangeKey, RecordEvent
from gateway.stages import Position

_HEADS: Final = (
    sa.select(
        SHARD.c.id,
        SHARD.c.origin,
        SHARD.c.size,
        SHARD.c.root,
        SHARD.c.closed,
        sa.select(CURRENT_POLICY.c.hash).scalar_subquery().label("policy"),
    )
    .where(SHARD.c.origin.in_(sa.bindparam("origins", expanding=True)))
    .order_by(SHARD.c.id)
    .with_for_update()
)
_EXCHANGES: Final = sa.select(
    EXCHANGE.c.exchange,
    EXCHANGE.c.consumer,
    EXCHANGE.c.message_id,
    EXCHANGE.c.digest,
    EXCHANGE.c.secondary,
    EXCHANGE.c.retention,
    EXCHANGE.c.attempt,
    EXCHANGE.c.record,
    EXCHANGE.c.kind,
    EXCHANGE.c.terminal_idx,
    EXCHANGE.c.reply,
    EXCHANGE.c.keep_until,
    SHARD.c.origin,
    RECORD.c.state,
).select_from(
    EXCHANGE.outerjoin(SHARD, SHARD.c.id == EXCHANGE.c.terminal_shard).outerjoin(
        RECORD, RECORD.c.record == EXCHANGE.c.record
    )
)
_OWNERS: Final = _EXCHANGES.where(
    sa.text("exchange.secondary = 0"),
    sa.tuple_(EXCHANGE.c.consumer, EXCHANGE.c.message_id).in_(sa.bindparam("ids", expanding=True)),
)
_SECONDARIES: Final = _EXCHANGES.where(
    sa.text("exchange.secondary = 1"),
    sa.tuple_(EXCHANGE.c.consumer, EXCHANGE.c.message_id, EXCHANGE.c.digest).in_(
        sa.bindparam("keys", expanding=True)
    ),
)
_KNOWN: Final = sa.union_all(_OWNERS, _SECONDARIES)
_RECORDS: Final = sa.select(RECORD.c.record, RECORD.c.revision, RECORD.c.state).where(
    RECORD.c.record.in_(sa.bindparam("records", expanding=True))
)
_USES: Final = sa.select(USE.c.record, USE.c.exchange).where(
    USE.c.record.in_(sa.bindparam("records", expanding=True))
)
_EVENTS: Final = (
    sa.select(RECORD_EVENT)
    .where(RECORD_EVENT.c.record == sa.bindparam("b_record"))
    .order_by(RECORD_EVENT.c.revision)
)
_TILE: Final = sa.select(TILE.c.hashes).where(
    TILE.c.shard == sa.bindparam("shard"),
    TILE.c.level == sa.bindparam("level"),
    TILE.c.n == sa.bindparam("n"),
)


def load(connection: Connection, entries: Sequence[Entry]) -> GroupState:
    """Lock the heads, then read everything judging these entries needs."""
    policy = None
    shards: dict[str, ShardState] = {}
    for row in connection.execute(_HEADS, {"origins": sorted({entry.origin for entry in entries})}):
        shards[row.origin] = ShardState(row.id, row.origin, row.size, row.root, not row.closed)
        policy = row.policy
    state = GroupState(policy, shards)
    load_exchanges(connection, state, [entry.exchange for entry in entries if entry.exchange is not None])
    records = {
        entry.standing.record for entry in entries if entry.standing and entry.standing.record is not None
    }
    records.update(event.record for entry in entries for event in entry.records)
    records.update(entry.use.record for entry in entries if entry.use)
    if records:
        for record, revision, standing in connection.execute(_RECORDS, {"records": sorted(records)}):
            state.records[record] = RecordStanding(revision, standing)
    limited = {entry.use.record for entry in entries if entry.use and entry.use.max_uses is not None}
    if limited:
        for record, exchange in connection.execute(_USES, {"records": sorted(limited)}):
            state.uses.setdefault(record, set()).add(exchange)
    return state


def load_exchanges(connection: Connection, state: GroupState, keys: Iterable[ExchangeKey]) -> None:
    """Read what is known under the consumers and message ids of these keys."""
    wanted = {(key.consumer, key.message_id, key.digest) for key in keys}
    if not wanted:
        return
    ids = {(consumer, message_id) for consumer, message_id, _ in wanted}
    for row in connection.execute(_KNOWN, {"ids": sorted(ids), "keys": sorted(wanted)}):
        state.add_exchange(_exchange_of(row))


def _exchange_of(row: Row[*tuple[Any, ...]]) -> ExchangeState:
    terminal = Position(row.origin, row.terminal_idx) if row.kind is not None else None
    return ExchangeState(
        exchange=row.exchange,
        consumer=row.consumer,
        message_id=row.message_id,
        digest=row.digest,
        secondary=bool(row.secondary),
        retention=row.retention,
        attempt=row.attempt,
        record=row.record,
        kind=row.kind,
        terminal=terminal,
        reply=row.reply,
        keep_until=row.keep_until,
        record_state=row.state,
    )


def read_tile(connection: Connection, shard: int, level: int, n: int, width: int) -> bytes:
    """Out: the first `width` hashes of a stored tile; empty when there is none (audit.tree.Reader)."""
    hashes = connection.execute(_TILE, {"shard": shard, "level": level, "n": n}).scalar()
    return hashes[: width * 32] if hashes is not None else b""


def record_events(connection: Connection, record: str) -> list[RecordEvent]:
    """Out: a record's events in order."""
    rows = connection.execute(_EVENTS, {"b_record": record})
    return [RecordEvent(row.record, row.revision, row.state, row.body, row.receipt) for row in rows]
