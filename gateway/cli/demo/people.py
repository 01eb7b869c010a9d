"""Five hundred people of Musterstadt, none of whom exists: the same ones every time.

Everything is derived from SHA-256 of a counter. Identification numbers begin with 0 and are never issued; nobody's
family is called anything but Beispiel, Muster, Probe and the like.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, TypeVar

from consent.idnr import check_digit, is_idnr

COUNT: Final = 500
TOWN: Final = "Musterstadt"
NAMESAKES: Final = (249, 497)
"""Two who share name, postcode and date of birth: only their numbers tell them apart."""
POSTCODES: Final = ("00123", "00124", "00125")
"""No German postcode begins with 00."""

_NAMES: Final = tomllib.loads(files(__package__).joinpath("names.toml").read_text("utf-8"))
_FAMILY: Final[list[str]] = _NAMES["family"]
_FEMALE: Final[list[str]] = _NAMES["female"]
_MALE: Final[list[str]] = _NAMES["male"]
_STREETS: Final[list[str]] = _NAMES["street"]
_ELSEWHERE: Final = (("00987", "Beispielhausen"), ("00876", "Probeberg"), ("00765", "Mustertal"))
_BELIEFS: Final = ("rk", "ev", "", "", "")
_HOUSEHOLD: Final = 4
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent as a birth record names one; `idnr` only where the parent has one."""

    key: str = field(repr=False)
    idnr: str | None = field(repr=False)
    family_name: str = field(repr=False)
    given_names: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who does not exist. Never printed all the same: the demo is held to the house's habits."""

    number: int
    idnr: str | None = field(repr=False)
    family_name: str = field(repr=False)
    given_names: str = field(repr=False)
    birth_name: str | None = field(repr=False)
    birth_date: date = field(repr=False)
    birth_place: str = field(repr=False)
    sex: str = field(repr=False)
    married: bool = field(repr=False)
    religion: str = field(repr=False)
    street: str = field(repr=False)
    house_number: str = field(repr=False)
    postcode: str = field(repr=False)
    moved_in: date = field(repr=False)
    moved_from: tuple[str, str] = field(repr=False)
    blocked: bool
    parents: tuple[Parent, Parent] = field(repr=False)

    @property
    def resident_key(self) -> str:
        """The Melderegister's own key of the person."""
        return f"M{self.number:06d}"

    @property
    def birth_key(self) -> str:
        """The Personenstandsregister's own key of the person."""
        return f"G{self.number:06d}"


@cache
def people() -> tuple[Person, ...]:
    """Out: all of them; Anna Beispiel first."""
    told: list[Person] = []
    for number in range(1, COUNT + 1):
        told.append(_person(number, told))
    return tuple(told)


def anna() -> Person:
    """Out: Anna Beispiel, whose story the demo tells."""
    return people()[0]


class _Chance:
    """Draws for one person: SHA-256 of what they are for."""

    def __init__(self, number: int) -> None:
        self._number = number

    def below(self, limit: int, purpose: str) -> int:
        digest = sha256(f"einmal/demo/v1|{self._number}|{purpose}".encode()).digest()
        return int.from_bytes(digest[:8]) % limit

    def one(self, items: Sequence[_Item], purpose: str) -> _Item:
        return items[self.below(len(items), purpose)]

    def shuffled(self, items: Sequence[_Item], purpose: str) -> list[_Item]:
        rest, drawn = list(items), []
        while rest:
            drawn.append(rest.pop(self.below(len(rest), f"{purpose}/{len(rest)}")))
        return drawn


def _person(number: int, before: Sequence[Person]) -> Person:
    """Out: the person of that number. Four numbers are a household: two adults, two children of theirs."""
    chance = _Chance(number)
    place = (number - 1) % _HOUSEHOLD
    home = _Chance(-((number - 1) // _HOUSEHOLD) - 1)
    child = place >= 2
    sex = "wm"[place] if place < 2 else chance.one("wmwmwmwmd", "sex")
    family_name = "Beispiel" if number <= _HOUSEHOLD else home.one(_FAMILY, "family")
    given = chance.one(_FEMALE if sex == "w" else _MALE, "given")
    if chance.below(6, "second name") == 0:
        given += " " + chance.one(_FEMALE if sex == "w" else _MALE, "second")
    born = date(2010 if child else 1960, 1, 1) + timedelta(
        days=chance.below(5000 if child else 14000, "born")
    )
    postcode = home.one(POSTCODES, "postcode")
    person = Person(
        number=number,
        idnr=None if number % 50 == 7 else idnr(chance),
        family_name=family_name,
        given_names=given,
        birth_name=chance.one(_FAMILY, "birth name") if place == 0 else None,
        birth_date=born,
        birth_place=TOWN if child else chance.one(_ELSEWHERE, "birth place")[1],
        sex=sex,
        married=not child,
        religion=chance.one(_BELIEFS, "religion"),
        street=home.one(_STREETS, "street"),
        house_number=f"{1 + home.below(99, 'house')}{home.one(('', '', '', 'a', 'b'), 'suffix')}",
        postcode=postcode,
        moved_in=date(2015, 1, 1) + timedelta(days=home.below(3650, "moved in")),
        moved_from=home.one(_ELSEWHERE, "from"),
        blocked=number % 100 == 13,
        parents=_parents(number, child, place, before, chance),
    )
    return _told_apart(person)


def _told_apart(person: Person) -> Person:
    """The few who have a part of their own in the story and the tests."""
    if person.number == 1:
        return replace(person, given_names="Anna", birth_date=date(1990, 5, 17))
    if person.number in NAMESAKES:
        return replace(
            person,
            family_name="Muster-Probe",
            given_names="Max",
            birth_name=None,
            birth_date=date(1980, 1, 1),
            sex="m",
            postcode=POSTCODES[0],
        )
    return person


def _parents(
    number: int, child: bool, place: int, before: Sequence[Person], chance: _Chance
) -> tuple[Parent, Parent]:
    if child:
        first, second = before[number - place - 1], before[number - place]
        return _as_parent(first), _as_parent(second)
    family = chance.one(_FAMILY, "parents")
    return (
        Parent(f"G{900_000 + 2 * number}", None, family, chance.one(_FEMALE, "mother")),
        Parent(f"G{900_001 + 2 * number}", None, family, chance.one(_MALE, "father")),
    )


def _as_parent(person: Person) -> Parent:
    return Parent(person.birth_key, person.idnr, person.family_name, person.given_names)


def idnr(chance: _Chance) -> str:
    """Out: a valid number that is never issued: it begins with 0; one other digit is missing, one occurs twice."""
    missing = 1 + chance.below(9, "missing")
    twice = chance.one([digit for digit in range(10) if digit != missing], "twice")
    rest = [digit for digit in range(1, 10) if digit != missing] + [twice]
    first_ten = "0" + "".join(str(digit) for digit in chance.shuffled(rest, "order"))
    number = f"{first_ten}{check_digit(first_ten)}"
    assert is_idnr(number)
    return number
