"""What is read from the journal's database: plain functions over a `Connection`, each on one state of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage import labelling
from adapters.storage.judging import STILL_ANSWERABLE, GroupState, milliseconds, moment, record_state
from adapters.storage.loading import load_exchanges, read_tile, record_events
from adapters.storage.prepared import Prepared
from adapters.storage.saving import Fold, form_name
from adapters.storage.schema import (
    CHECKPOINT,
    CURRENT_POLICY,
    EXCHANGE,
    LINE,
    POLICY,
    RECORD,
    RECORD_SUBJECT,
    RELEASE,
    SHARD,
    USE,
)
from consent.vocabulary import Held, Record, Request, Subject
from gateway.audit.shard import Origin
from gateway.audit.tree import Nodes, TileDamaged
from gateway.errors import JournalUnavailable
from gateway.ports import ExchangeKey, Head, Known, Line, RecordEvent, Release, Shard, StoredLine
from gateway.stages import Position

_LINES: Final = sa.select(LINE.c.idx, LINE.c.leaf, LINE.c.salt, LINE.c.event, LINE.c.withheld)
_OWN: Final = sa.select(SHARD.c.id).where(SHARD.c.origin == sa.bindparam("b_origin")).scalar_subquery()
_RANGE: Final = Prepared(
    _LINES.where(LINE.c.shard == _OWN)
    .where(LINE.c.idx >= sa.bindparam("b_start"), LINE.c.idx < sa.bindparam("b_stop"))
    .order_by(LINE.c.idx)
)
_LABELLED: Final = Prepared(
    _LINES.where(
        labelling.labelled(LINE, _OWN, labelling.runs(_OWN)), LINE.c.label == sa.bindparam("b_label")
    ).order_by(labelling.place(LINE))
)
_SHARD: Final = Prepared(
    sa.select(SHARD.c.id, SHARD.c.size).where(SHARD.c.origin == sa.bindparam("b_origin"))
)
_USES: Final = Prepared(
    sa.select(sa.func.count()).where(
        USE.c.record == sa.bindparam("b_record"), USE.c.exchange != sa.bindparam("b_exchange")
    )
)
_OF_CASE: Final = Prepared(
    sa.select(RECORD.c.record)
    .where(RECORD.c.recipient == sa.bindparam("b_recipient"), RECORD.c.case_id == sa.bindparam("b_case"))
    .order_by(RECORD.c.record)
)
_OF_NAME: Final = Prepared(
    sa.select(RECORD_SUBJECT.c.record).where(
        RECORD_SUBJECT.c.name == sa.bindparam("b_name"), RECORD_SUBJECT.c.form == sa.bindparam("b_form")
    )
)

_PART: Final = 256
"""Releases that are read at once."""


# --- exchanges ----------------------------------------------------------------------------------------
def recall(connection: Connection, key: ExchangeKey, now: datetime) -> Known | None:
    """Out: what became of a message before, or of another one under its id; None when there was none."""
    state = GroupState(None, {})
    load_exchanges(connection, state, (key,))
    same = state.exchanges.get((key.consumer, key.message_id, key.digest))
    found = same or state.owners.get((key.consumer, key.message_id))
    return found.known(found is same, now, record_state(found, state)) if found else None


def unconfirmed(connection: Connection) -> list[tuple[str, bytes]]:
    """Out: the outbox, oldest first; without what its person has ended since, as in `recall`."""
    answerable = RECORD.c.state.in_([str(state) for state in STILL_ANSWERABLE])
    rows = connection.execute(
        sa.select(EXCHANGE.c.exchange, EXCHANGE.c.reply)
        .outerjoin(RECORD, RECORD.c.record == EXCHANGE.c.record)
        .where(
            sa.text("reply is not null and confirmed is null"),
            sa.or_(EXCHANGE.c.kind != "answered", EXCHANGE.c.record.is_(None), answerable),
        )
        .order_by(EXCHANGE.c.terminal_shard, EXCHANGE.c.terminal_idx)
    )
    return [(row.exchange, row.reply) for row in rows]


def counts(connection: Connection) -> tuple[int, int, int]:
    """Out: exchanges accepted, terminal, in flight."""
    accepted = connection.execute(sa.select(sa.func.count()).select_from(EXCHANGE)).scalar_one()
    in_flight = connection.execute(
        sa.select(sa.func.count()).select_from(EXCHANGE).where(sa.text("kind is null"))
    ).scalar_one()
    return accepted, accepted - in_flight, in_flight


def due(connection: Connection, now: datetime, after: Release | None) -> list[Release]:
    """Out: what settled exchanges kept from their persons until now or earlier, oldest first, in parts."""
    query = (
        sa.select(RELEASE)
        .join(EXCHANGE, EXCHANGE.c.exchange == RELEASE.c.exchange)
        .where(RELEASE.c.due <= milliseconds(now), EXCHANGE.c.kind.is_not(None))
    )
    if after is not None:
        place = sa.tuple_(RELEASE.c.due, RELEASE.c.exchange)
        query = query.where(place > sa.tuple_(milliseconds(after.due), after.exchange))
    rows = connection.execute(query.order_by(RELEASE.c.due, RELEASE.c.exchange).limit(_PART))
    return [Release(row.exchange, moment(row.due), row.retention, row.sealed) for row in rows]


# --- the log ------------------------------------------------------------------------------------------
def shards(connection: Connection) -> list[Shard]:
    """Out: every shard, oldest first within its class. Raises: JournalUnavailable, when one has another class than its
    name: the name is what its keys sign, the column is there to find it by."""
    found = [
        Shard(Head(row.origin, row.size, row.root), _class_of(row), bool(row.closed), row.secrets)
        for row in connection.execute(sa.select(SHARD))
    ]
    return sorted(found, key=_place)


def _place(shard: Shard) -> tuple[str, tuple[int, int, int]]:
    """Out: where a shard stands: its name says so; the row's number says only when it was written."""
    return shard.retention, Origin.parse(shard.head.origin).place


def _class_of(row: sa.Row[Any]) -> str:
    try:
        named = Origin.parse(row.origin).retention
    except ValueError:
        raise JournalUnavailable("storage (a shard's name is none)") from None
    if row.retention != named:
        raise JournalUnavailable(f"storage ({row.origin} has another class than its name)")
    return named


def lines(connection: Connection, origin: str, start: int, stop: int) -> list[StoredLine]:
    """Out: lines start ≤ index < stop, in order."""
    rows = _RANGE.rows(connection, {"b_origin": origin, "b_start": start, "b_stop": stop})
    return [_line_of(origin, row) for row in rows]


def labelled(connection: Connection, origin: str, label: bytes) -> list[StoredLine]:
    """Out: one label's lines in one shard, in order."""
    rows = _LABELLED.rows(connection, {"b_origin": origin, "b_label": label})
    return [_line_of(origin, row) for row in rows]


def _line_of(origin: str, row: tuple[Any, ...]) -> StoredLine:
    idx, leaf, salt, event, withheld = row
    return StoredLine(Position(origin, idx), Line(leaf, salt, event), withheld)


def proofs(connection: Connection, origin: str, indexes: Sequence[int], size: int) -> list[list[bytes]]:
    """Out: inclusion proofs of these lines in the tree of that size, each with the sibling of the leaf first.

    Raises: ValueError when the shard has no such line or was never that large; JournalUnavailable when a tile
    that is needed is damaged.
    """
    found = _SHARD.rows(connection, {"b_origin": origin})
    if not found or any(not 0 <= index < size <= found[0][1] for index in indexes):
        raise ValueError("no such line in a tree of that size")
    shard = found[0][0]
    nodes = Nodes(lambda level, n, width: read_tile(connection, shard, level, n, width), size)
    try:
        return [nodes.inclusion(index) for index in indexes]
    except TileDamaged as damage:
        raise JournalUnavailable(f"storage ({damage})") from None


def consistency(connection: Connection, origin: str, older: int, newer: int) -> list[bytes]:
    """Out: the proof that the tree of `older` leaves begins that of `newer`. Raises: as `proofs`."""
    found = _SHARD.rows(connection, {"b_origin": origin})
    if not found or not 0 <= older <= newer <= found[0][1]:
        raise ValueError("the shard was never that large")
    shard = found[0][0]
    try:
        return Nodes(
            lambda level, n, width: read_tile(connection, shard, level, n, width), newer
        ).consistency(older)
    except TileDamaged as damage:
        raise JournalUnavailable(f"storage ({damage})") from None


def checkpoints(connection: Connection, origin: str) -> list[tuple[int, str]]:
    """Out: size and note of each kept checkpoint, smallest first."""
    rows = connection.execute(
        sa.select(CHECKPOINT.c.size, CHECKPOINT.c.note)
        .join(SHARD, SHARD.c.id == CHECKPOINT.c.shard)
        .where(SHARD.c.origin == origin)
        .order_by(CHECKPOINT.c.size)
    )
    return [(row.size, row.note) for row in rows]


# --- policies -----------------------------------------------------------------------------------------
def policy(connection: Connection) -> tuple[str, bytes] | None:
    """Out: hash and archive of the current policy."""
    row = connection.execute(
        sa.select(POLICY.c.hash, POLICY.c.archive).join(
            CURRENT_POLICY, CURRENT_POLICY.c.hash == POLICY.c.hash
        )
    ).one_or_none()
    return (row.hash, row.archive) if row else None


def archived_policy(connection: Connection, digest: str) -> bytes | None:
    """Out: the archive of that hash."""
    return connection.execute(sa.select(POLICY.c.archive).where(POLICY.c.hash == digest)).scalar()


# --- records ------------------------------------------------------------------------------------------
def held_for(connection: Connection, request: Request, exchange: str, fold: Fold) -> list[Held]:
    """Out: the claimed record, or every record of that recipient and case, `uses` without its own; and the powers
    that these or the request name."""
    if request.basis.record is not None:
        named = [request.basis.record]
    else:
        values = {"b_recipient": request.consumer, "b_case": request.case}
        named = [record for (record,) in _OF_CASE.rows(connection, values)]
    records = _folded(connection, named, exchange, fold)
    under = [request.representative]
    under += [record.representative for record in records if isinstance(record, Record)]
    powers = [name for name in dict.fromkeys(under) if name is not None and name not in named]
    return records + _folded(connection, powers, exchange, fold)


def of_subject(connection: Connection, subject: Subject, fold: Fold) -> list[Held]:
    """Out: every record and power that names the person in one of the subject's forms and contradicts none."""
    found: set[str] = set()
    for form, parts in subject.forms().items():
        values = {"b_name": form_name(parts), "b_form": form}
        found.update(record for (record,) in _OF_NAME.rows(connection, values))
    records = _folded(connection, sorted(found), "", fold)
    return [record for record in records if record.subject.agrees_with(subject)]


def one_record(connection: Connection, record: str, fold: Fold) -> Held | None:
    """Out: the record or power as it stands, with all its uses."""
    return next(iter(_folded(connection, [record], "", fold)), None)


def _folded(connection: Connection, named: Sequence[str], exchange: str, fold: Fold) -> list[Held]:
    records: list[Held] = []
    for name in named:
        events: list[RecordEvent] = record_events(connection, name)
        if events:
            uses = _USES.rows(connection, {"b_record": name, "b_exchange": exchange})[0][0]
            records.append(fold(events, uses))
    return records
