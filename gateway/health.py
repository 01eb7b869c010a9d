"""Whether the house is well: one value, green or red, and for each red what it is and what to do. Ids only."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from gateway.audit.record import stamp
from gateway.keeping.seen import Gap, Look, Stuck

_DAMAGED: Final = """\
The database was changed from outside or is damaged. `einmal log verify` names every place; restore it from a backup."""
_GONE: Final = """\
Its consumer or that consumer's key was probably removed while it was put off. `einmal serve` ends it as expired once \
its deadline is over; the office asks again with a new id."""
_STAYS: Final = """\
`einmal serve` ends it as expired, unless a register has written for it or does not say: start that register, or look \
there what was written."""
_COPIED: Final = """\
The database was changed from outside, or a copy of this home is served too. End all but one process, then \
`einmal log verify`."""
_BLIND: Final = "watch"
_HELD: Final = "The person has one use less than they should. `einmal log verify` names the place."
_DOORS: Final = MappingProxyType(
    {
        "storage": (
            "Nothing can be written into the journal: {}",
            "See to its disk, rights or server. Nothing is answered meanwhile, and nothing is lost.",
        ),
        "keys": (
            "The house's own keys can't be used: {}",
            "See that keys/ is there for this user, and what prints the master key. Nothing is answered meanwhile.",
        ),
        "bus": (
            "The bus can't be reached: {}",
            "See to its file, or to the broker and the way to it. Requests wait there.",
        ),
    }
)
"""What is tried, by its name in `Doors`."""
_GAPS: Final = MappingProxyType(
    {
        Gap.LOST: ("was accepted, has not ended, and the bus has no delivery of it any more", _GONE),
        Gap.OVERDUE: ("is under way long after its deadline, and nothing brings it back", _STAYS),
        Gap.NO_ROW: ("is told of by a line, and is in no table", _DAMAGED),
        Gap.NO_LINE: ("is in the tables, and no line tells of it", _DAMAGED),
        Gap.TWICE: ("has ended twice", _COPIED),
        Gap.ENDS_DIFFER: ("has another end in its line than in the tables", _DAMAGED),
        Gap.RESERVED: ("has ended and still holds a use of a record", _HELD),
    }
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine says of itself."""

    free_bytes: int
    """On the disk of the database."""
    least_bytes: int
    """What has to be free."""
    skew: timedelta
    """How far clocks may differ."""
    checkpoint_fault: str | None = None
    """Why the last signed checkpoints can't be kept, if they can't."""


@dataclass(frozen=True, slots=True)
class Doors:
    """What the house can do nothing without, as it was tried just now: why it does not work; None: it does."""

    storage: str | None = None
    keys: str | None = None
    bus: str | None = None


OPEN: Final = Doors()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it should be."""

    kind: str
    text: str
    mend: str
    exchange: str | None = None
    consumer: str | None = None
    message: str | None = None
    """The message's id, where it is one: what an asker wrote instead stays inside."""
    origin: str | None = None
    index: int | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Out: for programs; what is not known is left out."""
        said = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Health:
    """How the house is at a time."""

    time: datetime
    accepted: int | None
    """None, here and below: nobody could count yet."""
    terminal: int | None
    in_flight: int | None
    by_lines: int | None
    """In flight as the lines tell it: counted without the tables."""
    troubles: tuple[Trouble, ...]

    @property
    def green(self) -> bool:
        return not self.troubles

    @property
    def facts(self) -> dict[str, Any]:
        """Out: for programs."""
        return {
            "green": self.green,
            "time": stamp(self.time),
            "accepted": self.accepted,
            "terminal": self.terminal,
            "in_flight": self.in_flight,
            "in_flight_by_lines": self.by_lines,
            "troubles": [trouble.facts for trouble in self.troubles],
        }

    def render(self) -> str:
        """Out: as JSON."""
        return json.dumps(self.facts, ensure_ascii=False, indent=2) + "\n"


def judge(
    look: Look, machine: Machine, now: datetime, late: str | None = None, doors: Doors = OPEN
) -> Health:
    """In: what a look has found, how the machine is, why what is due may not be erased, what was tried. Out: whether
    that is well."""
    troubles = (*_at(doors), *_around(look, machine, now), *_unerased(late), *map(_of, look.stuck))
    return Health(now, look.accepted, look.terminal, look.in_flight, look.by_lines, troubles)


def blind(before: Health | None, where: str, now: datetime, doors: Doors = OPEN) -> Health:
    """In: the last health, where the look failed, what was tried. Out: red: nobody knows how the house is, only how it
    was."""
    text = f"The house can't be looked at: {where}"
    mend = "`einmal log watch` says why. What is told beside this is what the last look saw."
    troubles = (Trouble(_BLIND, text, mend), *_at(doors))
    if before is None:
        return Health(now, None, None, None, None, troubles)
    others = tuple(one for one in before.troubles if one.kind not in (_BLIND, *_DOORS))
    return replace(before, time=now, troubles=(*troubles, *others))


def _at(doors: Doors) -> Sequence[Trouble]:
    found = ((kind, getattr(doors, kind)) for kind in _DOORS)
    return [Trouble(kind, _DOORS[kind][0].format(why), _DOORS[kind][1]) for kind, why in found if why]


def _unerased(late: str | None) -> Sequence[Trouble]:
    if late is None:
        return ()
    text = f"What is past its time is still there, in part or whole: {late}"
    mend = "`einmal serve` erases every day while it runs. `einmal log retention` does it now, or says what to do."
    return (Trouble("retention", text, mend),)


def _around(look: Look, machine: Machine, now: datetime) -> Sequence[Trouble]:
    found: list[Trouble] = []
    if machine.checkpoint_fault is not None:
        text = f"The last signed checkpoints can't be kept: {machine.checkpoint_fault}"
        mend = "See that data/checkpoints may be written by this user. Nothing is answered meanwhile."
        found.append(Trouble("checkpoint", text, mend))
    if machine.free_bytes < machine.least_bytes:
        text = f"The disk of the database has {machine.free_bytes} bytes left"
        mend = (
            "Make room: when it is full, nothing is answered any more (limits.disk_free_bytes is the mark)."
        )
        found.append(Trouble("disk", text, mend))
    newest = look.seen.newest
    if newest is not None and newest - now > machine.skew:
        text = f"The clock has gone back: the newest line is of {stamp(newest)}"
        mend = (
            "Set the clock right (NTP): deadlines and periods are judged by it. If it is right now, this stays until "
            f"{stamp(newest)}."
        )
        found.append(Trouble("clock", text, mend))
    elif look.begun is not None and look.begun - now > machine.skew:
        text = f"The clock was ahead: the log has begun {look.begun:%Y-%m}"
        mend = "Set the clock right (NTP); `einmal log verify` says what it did meanwhile."
        found.append(Trouble("clock", text, mend))
    return found


def _of(stuck: Stuck) -> Trouble:
    text, mend = _GAPS[stuck.gap]
    key = stuck.row.key if stuck.row is not None else None
    return Trouble(
        kind=str(stuck.gap),
        text=f"Exchange {stuck.exchange} {text}",
        mend=mend,
        exchange=stuck.exchange,
        consumer=key.consumer or None if key else None,
        message=_id(key.message_id) if key else None,
        origin=stuck.line.origin if stuck.line else None,
        index=stuck.line.index if stuck.line else None,
    )


def _id(message: str) -> str | None:
    try:
        return str(uuid.UUID(message))
    except ValueError:
        return None
