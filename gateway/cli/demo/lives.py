"""What the people of Musterstadt do: who has a trade, who keeps vehicles, who goes to which school."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.resources import files
from typing import Any, Final

from gateway.cli.demo.chance import Chance
from gateway.cli.demo.people import Person, anna

_WORK: Final[dict[str, Any]] = tomllib.loads(files(__package__).joinpath("lives.toml").read_text("utf-8"))
_TRADES: Final[list[str]] = _WORK["trade"]
_SCHOOLS: Final[dict[str, list[str]]] = _WORK["school"]
_PLATE_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
SCHOOL_YEAR: Final = "2026/2027"
_FIRST_DAY: Final = date(2026, 8, 31)
_SIX_BY: Final = (6, 30)
"""Month and day by which a child is six to begin school that summer."""


@dataclass(frozen=True, slots=True)
class Trade:
    """A registered trade, run from home or from a shop."""

    name: str = field(repr=False)
    activity: str
    started: date


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle and since when it is kept."""

    plate: str = field(repr=False)
    identification: str = field(repr=False)
    kind: str
    """As the register has it."""
    registered: date
    kept_since: date


@dataclass(frozen=True, slots=True)
class Attendance:
    """A school year at a school."""

    school: str
    level: int
    since: date


def trade(person: Person) -> Trade | None:
    """Out: the trade of about every eighth adult; Anna binds books."""
    chance = Chance(person.number)
    if person == anna():
        return Trade("Buchbinderei Beispiel", "Binden und Ausbessern von Büchern", date(2022, 9, 1))
    if person.role == "child" or chance.below(8, "trade"):
        return None
    activity = chance.one(_TRADES, "activity")
    started = date(2008, 1, 1) + timedelta(days=chance.below(6500, "trade since"))
    return Trade(f"{activity} {person.family_name}", activity, started)


def vehicles(person: Person) -> tuple[Vehicle, ...]:
    """Out: no vehicle, one or two; Anna has one car."""
    chance = Chance(person.number)
    if person == anna():
        return (_vehicle(person, 0, "P", date(2019, 6, 3), 980),)
    if person.role == "child" or (person.role == "partner" and chance.below(2, "no car")):
        return ()
    kinds = chance.one(("P", "P", "P", "PK", "PA", ""), "vehicles")
    return tuple(
        _vehicle(
            person, nth, kind, date(2012, 1, 1) + timedelta(days=chance.below(4700, f"built {nth}")), kept
        )
        for nth, kind in enumerate(kinds)
        for kept in (chance.below(400, f"kept {nth}"),)
    )


def _vehicle(person: Person, nth: int, kind: str, registered: date, kept_after_days: int) -> Vehicle:
    number = 2 * person.number + nth
    letters = _PLATE_LETTERS[number % 23] + _PLATE_LETTERS[number // 23 % 23]
    return Vehicle(
        plate=f"MU-{letters} {100 + number % 900}",
        identification=f"MSTDEM{number:011d}",
        kind=kind,
        registered=registered,
        kept_since=registered + timedelta(days=kept_after_days),
    )


def attendance(person: Person) -> Attendance | None:
    """Out: the school of a child who is old enough: four years of primary school, then another."""
    born = person.birth_date
    began = born.year + 6 + ((born.month, born.day) > _SIX_BY)
    level = _FIRST_DAY.year - began + 1
    if person.role != "child" or not 1 <= level <= 13:
        return None
    kind = "primary" if level <= 4 else "secondary"
    first = 1 if kind == "primary" else 5
    since = date(_FIRST_DAY.year - (level - first), _FIRST_DAY.month, _FIRST_DAY.day)
    return Attendance(Chance(f"{kind} {person.postcode}").one(_SCHOOLS[kind], "school"), level, since)
