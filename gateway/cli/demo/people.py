"""Five hundred people of Musterstadt, none of whom exists: the same ones every time.

Four numbers are kin and live in one household or several. Identification numbers begin with 0 and are never issued;
nobody's family is called anything but Beispiel, Muster, Probe and the like.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from consent.idnr import check_digit, is_idnr
from gateway.cli.demo.chance import Chance

COUNT: Final = 500
TOWN: Final = "Musterstadt"
NAMESAKES: Final = (249, 497)
"""Two who share name, postcode and date of birth: only their numbers tell them apart."""
POSTCODES: Final = ("00123", "00124", "00125")
"""No German postcode begins with 00."""

Role: TypeAlias = Literal["head", "partner", "child"]
Place: TypeAlias = tuple[int, Role]
"""Which of the four's households somebody lives in, and as what."""

_NAMES: Final = tomllib.loads(files(__package__).joinpath("names.toml").read_text("utf-8"))
_FAMILY: Final[list[str]] = _NAMES["family"]
_FEMALE: Final[list[str]] = _NAMES["female"]
_MALE: Final[list[str]] = _NAMES["male"]
_STREETS: Final[list[str]] = _NAMES["street"]
_ELSEWHERE: Final = (("00987", "Beispielhausen"), ("00876", "Probeberg"), ("00765", "Mustertal"))
_BELIEFS: Final = ("rk", "ev", "", "", "")
_KIN: Final = 4
_FAMILY_OF_FOUR: Final[tuple[Place, ...]] = ((0, "head"), (0, "partner"), (0, "child"), (0, "child"))
_PARENTS_APART: Final[tuple[Place, ...]] = ((0, "head"), (1, "head"), (0, "child"), (0, "child"))
_TWO_COUPLES: Final[tuple[Place, ...]] = ((0, "head"), (0, "partner"), (1, "head"), (1, "partner"))
_ALONE: Final[tuple[Place, ...]] = ((0, "head"), (1, "head"), (2, "head"), (3, "head"))
_ANNAS: Final[tuple[Place, ...]] = ((0, "partner"), (1, "head"), (1, "child"), (0, "child"))
"""Anna and her son still live elsewhere: moving in with the others is how the story begins."""
_SHAPES: Final = (_FAMILY_OF_FOUR, _FAMILY_OF_FOUR, _FAMILY_OF_FOUR, _PARENTS_APART, _TWO_COUPLES, _ALONE)
_GIVEN_SHAPES: Final = MappingProxyType({0: _ANNAS, **{(one - 1) // _KIN: _ALONE for one in NAMESAKES}})


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent as a birth record names one; `idnr` only where the parent has one."""

    key: str = field(repr=False)
    idnr: str | None = field(repr=False)
    family_name: str = field(repr=False)
    given_names: str = field(repr=False)
    blocked: bool = False


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
    role: Role
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
    """Out: all of them; Anna Beispiel first, then her husband, her daughter and her son."""
    told: list[Person] = []
    for number in range(1, COUNT + 1):
        told.append(_person(number, told))
    return tuple(told)


def anna() -> Person:
    """Out: Anna Beispiel, whose story the demo tells."""
    return people()[0]


def _person(number: int, before: Sequence[Person]) -> Person:
    """Out: the person of that number. In: those before, a child's parents among them."""
    chance = Chance(number)
    group, place = divmod(number - 1, _KIN)
    shape = _GIVEN_SHAPES.get(group) or Chance(f"kin {group}").one(_SHAPES, "shape")
    house, role = shape[place]
    home = Chance(f"home {group}/{house}")
    sex = "wm"[place % 2] if role != "child" else chance.one("wmwmwmwmd", "sex")
    married = role != "child" and (house, "partner") in shape
    given = chance.one(_FEMALE if sex == "w" else _MALE, "given")
    if chance.below(6, "second name") == 0:
        given += " " + chance.one(_FEMALE if sex == "w" else _MALE, "second")
    born = _born(chance, role, any(one == "child" for _, one in shape))
    person = Person(
        number=number,
        idnr=None if number % 50 == 7 else idnr(chance),
        family_name=home.one(_FAMILY, "family"),
        given_names=given,
        birth_name=chance.one(_FAMILY, "birth name") if role == "partner" else None,
        birth_date=born,
        birth_place=TOWN if role == "child" else chance.one(_ELSEWHERE, "birth place")[1],
        sex=sex,
        married=married,
        religion=chance.one(_BELIEFS, "religion"),
        role=role,
        street=home.one(_STREETS, "street"),
        house_number=f"{group * _KIN + house + 1}{home.one(('', '', '', 'a', 'b'), 'suffix')}",
        postcode=home.one(POSTCODES, "postcode"),
        moved_in=max(born, date(2015, 1, 1) + timedelta(days=home.below(3650, "moved in"))),
        moved_from=home.one(_ELSEWHERE, "from"),
        blocked=number % 100 == 13,
        parents=_parents(number, role, place, before, chance),
    )
    return _told_apart(person)


def _born(chance: Chance, role: Role, has_children: bool) -> date:
    """Out: a date of birth that goes with the others': children are at least nineteen years younger."""
    if role == "child":
        return date(2009, 7, 1) + timedelta(days=chance.below(5600, "born"))
    if has_children:
        return date(1968, 1, 1) + timedelta(days=chance.below(8000, "born"))
    return date(1940, 1, 1) + timedelta(days=chance.below(23000, "born"))


def _told_apart(person: Person) -> Person:
    """Out: the person, or one of the few who have a part of their own in the story and the tests."""
    match person.number:
        case 1:
            return _named(person, "Anna", "Beispiel", date(1990, 5, 17), "w", birth_name="Probe")
        case 2:
            return replace(_named(person, "Ben", "Beispiel", date(1988, 11, 2), "m"), married=True)
        case 3:
            return _named(person, "Mia", "Beispiel", date(2017, 3, 9), "w")
        case 4:
            tom = _named(person, "Tom", "Beispiel", date(2023, 8, 21), "m")
            return replace(tom, moved_in=tom.birth_date)
        case number if number in NAMESAKES:
            namesake = _named(person, "Max", "Muster-Probe", date(1980, 1, 1), "m")
            return replace(namesake, postcode=POSTCODES[0])
        case _:
            return person


def _named(
    person: Person, given: str, family: str, born: date, sex: str, birth_name: str | None = None
) -> Person:
    return replace(
        person, given_names=given, family_name=family, birth_date=born, sex=sex, birth_name=birth_name
    )


def _parents(
    number: int, role: Role, place: int, before: Sequence[Person], chance: Chance
) -> tuple[Parent, Parent]:
    if role == "child":
        first, second = before[number - place - 1], before[number - place]
        return _as_parent(first), _as_parent(second)
    family = chance.one(_FAMILY, "parents")
    return (
        Parent(f"G{900_000 + 2 * number}", None, family, chance.one(_FEMALE, "mother")),
        Parent(f"G{900_001 + 2 * number}", None, family, chance.one(_MALE, "father")),
    )


def _as_parent(person: Person) -> Parent:
    return Parent(person.birth_key, person.idnr, person.family_name, person.given_names, person.blocked)


def idnr(chance: Chance) -> str:
    """Out: a valid number that is never issued: it begins with 0; one other digit is missing, one occurs twice."""
    missing = 1 + chance.below(9, "missing")
    twice = chance.one([digit for digit in range(10) if digit != missing], "twice")
    rest = [digit for digit in range(1, 10) if digit != missing] + [twice]
    first_ten = "0" + "".join(str(digit) for digit in chance.shuffled(rest, "order"))
    number = f"{first_ten}{check_digit(first_ten)}"
    assert is_idnr(number)
    return number
