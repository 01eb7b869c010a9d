"""Journal lines as the tellers read them: their event's parts, and what belongs together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from gateway.views.auskunft import Event, JournalLine, Place

CONSENT: Final = "consent."
"""What the kind of every step of a record or power begins with."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def event(line: JournalLine) -> Event:
    return line.event if line.event is not None else _NOTHING


def kind(line: JournalLine) -> str:
    return str(event(line)["kind"])


def time(line: JournalLine) -> datetime:
    return datetime.fromisoformat(event(line)["time"])


def place(line: JournalLine) -> Place:
    return Place(line.origin, line.index, kind(line), time(line))


def basis(said: Event) -> Mapping[str, Any]:
    return said.get("basis") or _NOTHING


def record(line: JournalLine) -> str | None:
    """Out: the record or power that a step is one of, or an answer stood on."""
    named = basis(event(line)).get("record")
    return None if named is None else str(named)


def is_step(line: JournalLine) -> bool:
    return kind(line).startswith(CONSENT)


def when(line: JournalLine) -> tuple[datetime, str, int]:
    return (time(line), line.origin, line.index)


def exchanges(lines: Iterable[JournalLine]) -> list[tuple[JournalLine, ...]]:
    """Out: the lines of one exchange together, oldest first; a line without exchange alone."""
    groups: dict[tuple[str, ...], list[JournalLine]] = {}
    for line in lines:
        exchange = event(line).get("exchange")
        key = (exchange,) if exchange else (line.origin, str(line.index))
        groups.setdefault(key, []).append(line)
    return [tuple(sorted(group, key=when)) for group in groups.values()]
