"""What judging a group needs, read under the lock: point lookups, however large the tables (LOG.md 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.judging import ExchangeState, GroupState, RecordStanding, ShardState
from adapters.storage.prepared import Prepared
from adapters.storage.schema import CURRENT_POLICY, EXCHANGE, RECORD, RECORD_EVENT, RELEASE, SHARD, TILE, USE
from consent.vocabulary import RecordState
from gateway.ports import Entry, ExchangeKey, RecordEvent
from gateway.stages import Position

_HEAD: Final = Prepared(
    sa.select(SHARD.c.id, SHARD.c.size, SHARD.c.root, SHARD.c.closed)
    .where(SHARD.c.origin == sa.bindparam("b_origin"))
    .with_for_update()
)
_POLICY: Final = Prepared(sa.select(CURRENT_POLICY.c.hash))
_EXCHANGES: Final = (
    Prepared(  # the exchange of these bytes, and the one the message id belongs to: both by an index
        sa.select(
            EXCHANGE.c.exchange,
            EXCHANGE.c.consumer,
            EXCHANGE.c.message_id,
            EXCHANGE.c.digest,
            EXCHANGE.c.secondary,
            EXCHANGE.c.retention,
            EXCHANGE.c.attempt,
            EXCHANGE.c.record,
            EXCHANGE.c.kind,
            SHARD.c.origin,
            EXCHANGE.c.terminal_idx,
            EXCHANGE.c.terminal_shard,
            EXCHANGE.c.reply,
            EXCHANGE.c.kept,
            EXCHANGE.c.keep_until,
            RECORD.c.state,
            RELEASE.c.due,
        )
        .select_from(
            EXCHANGE.outerjoin(SHARD, SHARD.c.id == EXCHANGE.c.terminal_shard)
            .outerjoin(RECORD, RECORD.c.record == EXCHANGE.c.record)
            .outerjoin(RELEASE, RELEASE.c.exchange == EXCHANGE.c.exchange)
        )
        .where(
            EXCHANGE.c.consumer == sa.bindparam("b_consumer"),
            EXCHANGE.c.message_id == sa.bindparam("b_message_id"),
            sa.or_(sa.text("exchange.secondary = 0"), EXCHANGE.c.digest == sa.bindparam("b_digest")),
        )
    )
)
_RECORD: Final = Prepared(
    sa.select(RECORD.c.record, RECORD.c.revision, RECORD.c.state).where(
        RECORD.c.record == sa.bindparam("b_record")
    )
)
_HOLDERS: Final = Prepared(sa.select(USE.c.exchange).where(USE.c.record == sa.bindparam("b_record")))
_WAITING: Final = Prepared(
    sa.select(RELEASE.c.exchange, RELEASE.c.due)
    .join(EXCHANGE, EXCHANGE.c.exchange == RELEASE.c.exchange)
    .where(RELEASE.c.exchange == sa.bindparam("b_exchange"), EXCHANGE.c.kind.is_not(None))
)
_EVENTS: Final = Prepared(
    sa.select(
        RECORD_EVENT.c.record,
        RECORD_EVENT.c.revision,
        RECORD_EVENT.c.state,
        RECORD_EVENT.c.body,
        RECORD_EVENT.c.receipt,
    )
    .where(RECORD_EVENT.c.record == sa.bindparam("b_record"))
    .order_by(RECORD_EVENT.c.revision)
)
_TILE: Final = Prepared(
    sa.select(TILE.c.hashes).where(
        TILE.c.shard == sa.bindparam("b_shard"),
        TILE.c.level == sa.bindparam("b_level"),
        TILE.c.n == sa.bindparam("b_n"),
    )
)


def load(connection: Connection, entries: Sequence[Entry]) -> GroupState:
    """Lock the heads, then read everything judging these entries needs."""
    shards: dict[str, ShardState] = {}
    for origin in sorted(
        {entry.origin for entry in entries}
    ):  # in one order, so that no two writers wait in a ring
        for shard, size, root, closed in _HEAD.rows(connection, {"b_origin": origin}):
            shards[origin] = ShardState(shard, origin, size, root, not closed)
    policy = _POLICY.rows(connection, {})
    state = GroupState(policy[0][0] if policy else None, shards)
    load_exchanges(connection, state, (entry.exchange for entry in entries if entry.exchange is not None))
    _load_records(connection, state, entries)
    for told in {entry.released for entry in entries if entry.released is not None}:
        state.waiting.update(_WAITING.rows(connection, {"b_exchange": told}))
    return state


def load_exchanges(connection: Connection, state: GroupState, keys: Iterable[ExchangeKey]) -> None:
    """Read what is known under the consumers and message ids of these keys."""
    several = (
        {"b_consumer": consumer, "b_message_id": message_id, "b_digest": digest}
        for consumer, message_id, digest in {(key.consumer, key.message_id, key.digest) for key in keys}
    )
    for rows in _EXCHANGES.each(connection, several):
        for row in rows:
            if (row[1], row[2], row[3]) not in state.exchanges:
                state.add_exchange(_exchange_of(row))


def _load_records(connection: Connection, state: GroupState, entries: Sequence[Entry]) -> None:
    named: set[str] = set()
    limited: set[str] = set()
    for entry in entries:
        named.update(event.record for event in entry.records)
        if entry.standing is not None and entry.standing.record is not None:
            named.add(entry.standing.record)
        if entry.standing is not None:
            named.update(power for power, _ in entry.standing.powers)
        if entry.use is not None:
            named.add(entry.use.record)
            if entry.use.max_uses is not None:
                limited.add(entry.use.record)
    for rows in _RECORD.each(connection, ({"b_record": record} for record in named)):
        for record, revision, latest in rows:
            state.records[record] = RecordStanding(revision, latest)
    holders = _HOLDERS.each(connection, ({"b_record": record} for record in limited))
    for record, rows in zip(limited, holders, strict=True):
        state.uses[record] = {exchange for (exchange,) in rows}


def _exchange_of(row: tuple[Any, ...]) -> ExchangeState:
    (
        exchange, consumer, message_id, digest, secondary, retention, attempt, record, kind,
        origin, idx, shard, reply, kept, keep_until, record_state, due,
    ) = row  # fmt: skip
    return ExchangeState(
        exchange=exchange,
        consumer=consumer,
        message_id=message_id,
        digest=digest,
        secondary=bool(secondary),
        retention=retention,
        attempt=attempt,
        record=record,
        kind=kind,
        terminal=Position(origin, idx) if kind is not None else None,
        terminal_shard=shard,
        reply=reply,
        kept=kept,
        keep_until=keep_until,
        record_state=record_state,
        due=due,
    )


def read_tile(connection: Connection, shard: int, level: int, n: int, width: int) -> bytes:
    """Out: the first `width` hashes of a stored tile; empty when there is none (audit.tree.Reader)."""
    rows = _TILE.rows(connection, {"b_shard": shard, "b_level": level, "b_n": n})
    hashes: bytes = rows[0][0] if rows else b""
    return hashes[: width * 32]


def record_events(connection: Connection, record: str) -> list[RecordEvent]:
    """Out: a record's events in order."""
    return [
        RecordEvent(name, revision, RecordState(state), body, receipt)
        for name, revision, state, body, receipt in _EVENTS.rows(connection, {"b_record": record})
    ]
