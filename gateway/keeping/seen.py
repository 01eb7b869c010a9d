"""What a look over the exchanges finds, and how far it came (`gateway.keeping.watch`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.ports.watch import Watched
from gateway.stages import Position


class Gap(StrEnum):
    """How the counts can differ."""

    LOST = "lost"
    """Accepted, not ended, and no longer with the bus."""
    OVERDUE = "overdue"
    """Still under way long after its deadline."""
    NO_ROW = "line-without-row"
    NO_LINE = "row-without-line"
    TWICE = "ended-twice"
    ENDS_DIFFER = "ends-differ"
    """Its line says another end than its row."""
    RESERVED = "use-still-reserved"
    """It has ended, and neither consumed nor gave back its use of a record."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """An exchange for which the counts differ."""

    gap: Gap
    exchange: str
    line: Position | None = None
    row: Watched | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the lines were read, and what was open or wrong then."""

    sizes: Mapping[str, int] = field(default_factory=dict)
    open: Mapping[str, tuple[Position, datetime]] = field(default_factory=dict)
    """By exchange under way: its first line, and that line's time."""
    suspects: Mapping[str, Position | None] = field(default_factory=dict)
    """By exchange that was wrong: the line that said so, if one did. They are looked at each time."""
    after: str = ""
    """The last row that was held against its line."""
    newest: datetime | None = None
    """The newest time in any line that was read."""

    def render(self) -> str:
        """Out: as JSON."""
        return json.dumps(
            {
                "v": 1,
                "sizes": self.sizes,
                "open": {name: [*pair(place), time.isoformat()] for name, (place, time) in self.open.items()},
                "suspects": {name: pair(place) for name, place in self.suspects.items()},
                "after": self.after,
                "newest": self.newest.isoformat() if self.newest else None,
            }
        )

    @classmethod
    def parse(cls, text: str) -> Seen:
        """Undo `render`. Out: nothing seen, where it is none: all is read once more."""
        try:
            said: dict[str, Any] = json.loads(text)
            if said["v"] != 1:
                return cls()
            return cls(
                {str(origin): int(size) for origin, size in said["sizes"].items()},
                {
                    str(name): (Position(origin, int(index)), _moment(time))
                    for name, (origin, index, time) in said["open"].items()
                },
                {str(name): Position(*place) if place else None for name, place in said["suspects"].items()},
                str(said["after"]),
                _moment(said["newest"]) if said["newest"] else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return cls()


@dataclass(frozen=True, slots=True)
class Look:
    """What one look has found."""

    accepted: int
    terminal: int
    in_flight: int
    by_lines: int
    """Exchanges under way as the lines tell it."""
    stuck: tuple[Stuck, ...]
    seen: Seen
    begun: datetime | None = None
    """When the newest month that has a shard begins; None: no shard."""


def _moment(text: str) -> datetime:
    """Out: an aware time. Raises: ValueError, TypeError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment


def pair(place: Position | None) -> list[Any]:
    return [place.origin, place.index] if place is not None else []
