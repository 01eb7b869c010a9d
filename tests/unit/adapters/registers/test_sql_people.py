"""Under which forms somebody stands in rows that are not their own: for their own export, and nobody else's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import planted
import pytest
from register_errands import mandate
from small_register import BY_NAME, MOTHER, REGISTER, build, close_all, sql

from adapters.registers.sql_people import MOST_ROWS, once
from consent.vocabulary import Found, Person, Subject
from gateway.errors import RegisterProtocol

NUMBER: Final = f"idnr:{planted.SECOND_IDNR}"
BY_NUMBER: Final = Subject(idnr=planted.SECOND_IDNR, birth_date=MOTHER.birth_date)
BOTH: Final = replace(MOTHER, idnr=planted.SECOND_IDNR)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the register's database."""
    build(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def children(home: Path, *mothers: Mapping[str, str]) -> None:
    """Add children, each of the planted mother's name and date of birth, unless said otherwise."""
    same = {"name": MOTHER.family_name, "vornamen": "Ahne", "geburtsdatum": "1931-02-03"}
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        for mother in mothers:
            row = {f"mutter_{key}": value for key, value in {**same, **mother}.items()}
            names, blanks = ", ".join(row), ", ".join(f":{name}" for name in row)
            administrator.execute(f"INSERT INTO person ({names}) VALUES ({blanks})", row)


def child(home: Path, **mother: str) -> None:
    """Add one."""
    children(home, mother)


async def forms(home: Path, subject: Subject) -> set[str | None]:
    """Out: under which forms the register's lines may stand for them."""
    return {person.subject for person in await sql(home).persons(subject)}


def reg(key: int) -> str:
    return f"reg:melderegister:{key}"


@pytest.mark.parametrize("subject", [MOTHER, BY_NUMBER, BOTH], ids=["by name", "by number", "by both"])
async def test_rows_that_agree_in_number_or_key_are_one_person_s(home: Path, subject: Subject) -> None:
    """A second child whose row has another key beside her number, a third whose row has that key alone."""
    child(home, id="90", idnr=planted.SECOND_IDNR)
    child(home, id="90")
    assert await forms(home, subject) == {NUMBER, reg(77), reg(90)}


async def test_rows_are_tied_to_each_other_however_many_steps_away(home: Path) -> None:
    """From a key to the number beside it, from there to the next key."""
    same = {"name": "Kettenmarke", "vornamen": "Lang", "geburtsdatum": "1955-05-05"}
    number = "03456781294"
    children(
        home, {**same, "id": "97"}, {**same, "id": "97", "idnr": number}, {**same, "id": "98", "idnr": number}
    )
    subject = Subject(None, date(1955, 5, 5), "Kettenmarke", "Lang")
    assert await forms(home, subject) == {f"idnr:{number}", reg(97), reg(98)}


async def test_a_namesake_of_the_same_day_is_somebody_else(home: Path) -> None:
    """Asked by name nobody is told anything; asked by number, what is tied to it."""
    child(home, id="91")
    assert await forms(home, MOTHER) == set()
    assert await forms(home, BY_NUMBER) == await forms(home, BOTH) == {NUMBER, reg(77)}


async def test_another_s_number_is_another_person(home: Path) -> None:
    """Whatever else agrees."""
    child(home, id="92", idnr=planted.IDNR)
    assert await forms(home, BOTH) == {NUMBER, reg(77)}
    assert await forms(home, MOTHER) == set()
    child(home, id="77", idnr=planted.IDNR)
    assert await forms(home, MOTHER) == set()
    assert await forms(home, BOTH) == {NUMBER, reg(77)}


async def test_a_number_nobody_s_row_has_leads_to_the_name_if_that_is_one_person(home: Path) -> None:
    """Who knows their number is also known by name, where the register knows no number."""
    other = Subject(None, date(1985, 1, 2), "Namenlosmarke", "Nur")
    assert await forms(home, other) == set(), "named, and nothing to tell her from others: her line is sealed"
    child(home, id="93", name="Namenlosmarke", vornamen="Nur", geburtsdatum="1985-01-02")
    numbered = replace(other, idnr="03456781294")
    assert reg(93) in await forms(home, other)
    assert reg(93) in await forms(home, numbered)
    child(home, id="94", name="Namenlosmarke", vornamen="Nur", geburtsdatum="1985-01-02")
    assert await forms(home, other) == await forms(home, numbered) == set()


async def test_whoever_has_a_row_of_their_own_is_found_by_what_it_says(home: Path) -> None:
    """By its number in others' rows; a namesake in another's row stays somebody else."""
    child(home, id="95", idnr=planted.IDNR)
    assert await forms(home, BY_NAME) == {f"idnr:{planted.IDNR}", reg(1), reg(95)}
    child(
        home,
        id="96",
        name=planted.FAMILY_NAME,
        vornamen=planted.GIVEN_NAME,
        geburtsdatum=planted.BIRTH_DATE,
    )
    assert await forms(home, BY_NAME) == {f"idnr:{planted.IDNR}", reg(1), reg(95)}


async def test_every_line_s_form_is_found_again(home: Path) -> None:
    """What is written under a person's form when their data is handed on is what their export looks for."""
    found = await sql(home).fetch(mandate(BY_NAME, "mother_name"))
    assert isinstance(found, Found)
    (mother,) = [person.subject for person in found.persons if person.concerned == "mother"]
    for subject in (MOTHER, BY_NUMBER, BOTH):
        assert mother in await forms(home, subject)


@pytest.mark.parametrize(("rows", "fits"), [(MOST_ROWS, True), (MOST_ROWS + 1, False)])
async def test_too_many_rows_are_a_fault_and_not_half_an_export(home: Path, rows: int, fits: bool) -> None:
    """A form left out would be left out unseen."""
    keys = range(1000, 1000 + rows - 1)
    children(home, *({"id": str(key), "idnr": planted.SECOND_IDNR, "name": "x"} for key in keys))
    if fits:
        assert len(await forms(home, BY_NUMBER)) == MOST_ROWS + 1
    else:
        with pytest.raises(RegisterProtocol):
            await forms(home, BY_NUMBER)


async def test_the_person_of_a_member_s_row_is_found_by_number(home: Path) -> None:
    """Members of a group may stand in a table of their own, too."""
    household = {
        **REGISTER["evidence"][1],
        "group": {
            "table": "mitglied",
            "by": "haushalt",
            "of": "haushalt",
            "fields": {"member_given_names": "vornamen"},
            "person": {"role": "household-member", "key": "nr", "idnr": "steuernr", "blocked": "sperre"},
        },
    }
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        administrator.execute("CREATE TABLE mitglied (haushalt, vornamen, nr, steuernr TEXT, sperre)")
        administrator.execute("INSERT INTO mitglied VALUES ('H1', 'Fern', 500, ?, 0)", (planted.SECOND_IDNR,))
    register = sql(home, register={**REGISTER, "evidence": [household]}, write=None)
    assert list(await register.persons(BY_NUMBER)) == [Person(NUMBER), Person(reg(500))]
    found = await register.fetch(mandate(BY_NAME, "member_given_names", evidence="household"))
    assert isinstance(found, Found)
    assert found.persons[1:] == (Person(NUMBER, "household-member"),)


def test_each_person_has_one_line_in_each_role() -> None:
    """The person asked about only their own; those who can't be told apart are as many as they are."""
    subject, mother, unknown = (
        Person("reg:a:1"),
        Person("reg:a:2", "mother"),
        Person(None, "household-member"),
    )
    member, self_again = Person("reg:a:2", "household-member"), Person("reg:a:1", "household-member")
    everyone = (subject, mother, unknown, member, self_again, mother, unknown)
    assert once(everyone) == (subject, mother, unknown, member, unknown)
