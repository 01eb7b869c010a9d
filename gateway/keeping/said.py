"""What a line says, read once for all who keep the house: it may be erased, and it may be damaged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.ports.entries import StoredLine


@dataclass(frozen=True, slots=True)
class Said:
    """The little of a line that keeping it needs."""

    kind: str
    time: datetime | None
    """None: of a shard's first line."""
    exchange: str | None


def said(line: StoredLine) -> Said | None:
    """Out: what the line says; None once it is erased, and where it is damaged: `log verify` names it. Raises nothing
    for whatever stands there."""
    if line.line.event is None:
        return None
    try:
        told = json.loads(line.line.event)
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
