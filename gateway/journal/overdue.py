"""The end of an exchange that nobody goes on with: `expired`, without a reply (DOMAIN.md 5).

Its delivery is gone: its consumer, or the consumer's key, was removed while it was put off. Its end is appended as any
other is, so that of two that end it one is turned away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from consent.vocabulary import ReasonCode
from gateway.audit import labels, record
from gateway.audit.record import Asked, Event, EventInvalid, Kind
from gateway.journal import exempt
from gateway.journal.lines import SEALED
from gateway.journal.shards import OpenShard
from gateway.ports import Entry, Ids, Keys, Settlement, StoredLine
from gateway.ports.watch import Watched


@dataclass(frozen=True, slots=True)
class Overdue:
    """An exchange that nobody goes on with."""

    row: Watched
    begun: StoredLine
    """Its first line."""


def event_of(begun: StoredLine) -> Event | None:
    """Out: what the line says; None when it is erased or damaged."""
    opened = labels.opened(begun.line.leaf, begun.line.salt, begun.line.event)
    try:
        said = record.from_bytes(opened[1] if opened is not None else b"")
    except EventInvalid:
        return None
    return said if isinstance(said, Event) else None


def ending(late: Overdue, keys: Keys, ids: Ids, now: datetime) -> Callable[[OpenShard], Entry]:
    """Out: how the exchange ends in a shard: with the words of its first line, and under its label where that is of
    the same shard; else sealed, since nobody but that line knows whose it is. A use it reserved is given back."""
    key, said = late.row.key, event_of(late.begun)
    place = late.begun.position
    told = replace(
        said or Event(kind=Kind.EXPIRED, time=now, exchange=key.exchange, consumer=key.consumer or None),
        kind=Kind.EXPIRED,
        time=now,
        attempt=max(key.attempt, 1),
        reasons=(str(ReasonCode.DEADLINE_PASSED),),
        asked=Asked(origin=place.origin, index=place.index) if said and said.kind is Kind.ASKED else None,
    )
    until = late.row.exempt_until
    release = None
    if until is not None:
        release = exempt.seal(key.exchange, until.date(), key.retention, [(SEALED, told)], keys)
        told = exempt.hidden([(SEALED, told)])[0][1]

    def entry(shard: OpenShard) -> Entry:
        own = late.begun.line.leaf[1:33] if shard.origin == place.origin else shard.sealed(key.exchange)
        return Entry(
            origin=shard.origin,
            lines=(shard.line(own, record.to_bytes(told), ids),),
            now=now,
            exchange=key,
            settlement=Settlement(str(told.kind), keeps_use=False, reply=None, keep_until=now),
            release=release,
        )

    return entry
