"""What a judged group changes besides its lines: policies, records, exchanges, uses.

Every statement is part of the group's one transaction: a crash between two of them leaves neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.judging import GroupState, milliseconds
from adapters.storage.loading import record_events
from adapters.storage.prepared import Prepared
from adapters.storage.schema import (
    CURRENT_POLICY,
    EXCHANGE,
    POLICY,
    RECORD,
    RECORD_EVENT,
    RECORD_SUBJECT,
    RELEASE,
    USE,
)
from consent.vocabulary import Held, Record
from gateway.ports import RecordEvent

_MOVING: Final = (
    "attempt", "record", "kind", "terminal_shard", "terminal_idx", "reply", "kept", "keep_until"
)  # fmt: skip
"""The columns of an exchange that change while it is under way."""

Fold: TypeAlias = Callable[[Sequence[RecordEvent], int], Held]
"""In: a record's events in order, its uses by other exchanges. Out: the record as it stands."""

_ADD_EXCHANGES: Final = Prepared(
    sa.insert(EXCHANGE).values(
        {
            name: sa.bindparam(name)
            for name in ("exchange", "consumer", "message_id", "digest", "secondary", "retention", *_MOVING)
        }
    )
)
_MOVE_EXCHANGE: Final = Prepared(
    sa.update(EXCHANGE)
    .where(EXCHANGE.c.exchange == sa.bindparam("b_exchange"))
    .values({name: sa.bindparam(name) for name in _MOVING})
)
_HOLDS: Final = Prepared(
    sa.select(USE.c.state).where(
        USE.c.record == sa.bindparam("b_record"), USE.c.exchange == sa.bindparam("b_exchange")
    )
)
_ADD_USES: Final = Prepared(sa.insert(USE))
_CONSUME: Final = Prepared(
    sa.update(USE).where(USE.c.exchange == sa.bindparam("b_exchange")).values(state=sa.bindparam("b_state"))
)
_ADD_RELEASES: Final = Prepared(sa.insert(RELEASE))
_DROP_RELEASES: Final = Prepared(sa.delete(RELEASE).where(RELEASE.c.exchange == sa.bindparam("b_exchange")))
_GIVE_BACK: Final = Prepared(sa.delete(USE).where(USE.c.exchange == sa.bindparam("b_exchange")))


def save(connection: Connection, state: GroupState, fold: Fold) -> None:
    """Write what the group changed; exchanges before the uses that refer to them."""
    _save_policies(connection, state)
    _save_records(connection, state, fold)
    _save_exchanges(connection, state)
    _save_uses(connection, state)
    _save_releases(connection, state)


def _save_releases(connection: Connection, state: GroupState) -> None:
    """An exchange's release replaces what its earlier lines kept; a told one is gone."""
    rows = [
        {
            "exchange": kept.exchange,
            "due": milliseconds(kept.due),
            "retention": kept.retention,
            "sealed": kept.sealed,
        }
        for kept in state.releases.values()
    ]
    gone = [{"b_exchange": exchange} for exchange in (*state.releases, *state.released)]
    _DROP_RELEASES.run(connection, gone)
    _ADD_RELEASES.run(connection, rows)


def _save_policies(connection: Connection, state: GroupState) -> None:
    for digest, archive in state.policies:
        kept = sa.update(POLICY).where(POLICY.c.hash == digest).values(archive=archive)
        if connection.execute(kept).rowcount == 0:
            connection.execute(sa.insert(POLICY), {"hash": digest, "archive": archive})
        if connection.execute(sa.update(CURRENT_POLICY).values(hash=digest)).rowcount == 0:
            connection.execute(sa.insert(CURRENT_POLICY), {"one": 1, "hash": digest})


def _save_records(connection: Connection, state: GroupState, fold: Fold) -> None:
    """Append the events, and keep how the record stands and is found in step with them."""
    for event in state.events:
        before = record_events(connection, event.record)
        record = fold((*before, event), 0)
        row = {
            "record": event.record,
            "revision": event.revision,
            "state": event.state,
            "recipient": record.recipient if isinstance(record, Record) else "",
            "case_id": record.case if isinstance(record, Record) else "",
        }
        if before:
            connection.execute(sa.update(RECORD).where(RECORD.c.record == event.record), row)
            connection.execute(sa.delete(RECORD_SUBJECT).where(RECORD_SUBJECT.c.record == event.record))
        else:
            connection.execute(sa.insert(RECORD), row)
        forms = [
            {"record": event.record, "form": form, "name": form_name(parts)}
            for form, parts in record.subject.forms().items()
        ]
        if forms:
            connection.execute(sa.insert(RECORD_SUBJECT), forms)
        connection.execute(
            sa.insert(RECORD_EVENT),
            {
                "record": event.record,
                "revision": event.revision,
                "state": event.state,
                "body": event.body,
                "receipt": event.receipt,
            },
        )


def form_name(parts: Sequence[str]) -> str:
    """Out: a way of naming a person as one text to look up."""
    return "\x1f".join(parts)


def _save_exchanges(connection: Connection, state: GroupState) -> None:
    new: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for exchange in state.exchanges.values():
        if not exchange.changed:
            continue
        row: dict[str, object] = {
            "attempt": exchange.attempt,
            "record": exchange.record,
            "kind": exchange.kind,
            "terminal_shard": exchange.terminal_shard,
            "terminal_idx": exchange.terminal.index if exchange.terminal else None,
            "reply": exchange.reply,
            "kept": exchange.kept,
            "keep_until": exchange.keep_until,
        }
        if exchange.stored:
            moved.append(row | {"b_exchange": exchange.exchange})
        else:
            new.append(
                row
                | {
                    "exchange": exchange.exchange,
                    "consumer": exchange.consumer,
                    "message_id": exchange.message_id,
                    "digest": exchange.digest,
                    "secondary": int(exchange.secondary),
                    "retention": exchange.retention,
                }
            )
    _ADD_EXCHANGES.run(connection, new)
    _MOVE_EXCHANGE.run(connection, moved)


def _save_uses(connection: Connection, state: GroupState) -> None:
    _GIVE_BACK.run(connection, [{"b_exchange": exchange} for exchange in state.given_back])
    wanted = list(dict.fromkeys(state.reserved))
    held = _HOLDS.each(
        connection, ({"b_record": record, "b_exchange": exchange} for record, exchange in wanted)
    )
    _ADD_USES.run(
        connection,
        [
            {"record": record, "exchange": exchange, "state": "reserved"}
            for (record, exchange), found in zip(wanted, held, strict=True)
            if not found
        ],
    )
    _CONSUME.run(connection, [{"b_exchange": exchange, "b_state": "consumed"} for exchange in state.consumed])
