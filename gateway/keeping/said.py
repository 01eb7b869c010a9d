"""What a line says, read once for all who keep the house: it may be erased, and it may be damaged.

Whoever can write the database can change a time or an exchange's id there. A line says what its leaf commits to, or
nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.audit import labels
from gateway.ports.entries import StoredLine


@dataclass(frozen=True, slots=True)
class Said:
    """The little of a line that keeping it needs."""

    kind: str
    time: datetime | None
    """None: of a shard's first line."""
    exchange: str | None


def said(line: StoredLine) -> Said | None:
    """Out: what the line says; None once it is erased, and where it is damaged or does not open its leaf: `log verify`
    names it. Raises nothing for whatever stands there."""
    opened = labels.opened(line.line.leaf, line.line.salt, line.line.event)
    if opened is None:
        return None
    try:
        told = json.loads(opened[1])
        kind, time, exchange = told["kind"], told.get("time"), told.get("exchange")
        moment = datetime.fromisoformat(time) if time is not None else None
        if moment is not None and moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC) if moment is not None else None
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return None
    if not isinstance(kind, str) or not isinstance(exchange, str | None):
        return None
    return Said(kind, moment, exchange)


def unread(line: StoredLine) -> bool:
    """Out: whether the line is not erased and says nothing all the same: it is damaged."""
    return line.line.event is not None and said(line) is None
