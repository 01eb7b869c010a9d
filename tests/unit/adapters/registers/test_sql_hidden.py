"""Whom the SQL register must not tell of: it reads nothing about them, and asks as it would about nobody."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import planted
import pytest
import sqlalchemy as sa
from killed_register import steps
from register_errands import mandate, submit
from small_register import (
    BLOCKED,
    BY_NAME,
    NAMESAKE,
    NEIGHBOUR,
    NOBODY,
    build,
    close_all,
    columns,
    sql,
    statements,
)

from adapters.registers.sql_people import MOST_ROWS
from consent.vocabulary import Found, Person
from gateway.errors import RegisterProtocol

ODD = """
UPDATE person SET geschlecht = 'Quittengeschlecht', einzug = 'neulich', bild = x'00', ort = CAST(x'ff' AS TEXT),
  idnr = 'keine Nummer', mutter_name = 'x', mutter_idnr = 'keine'
  WHERE familienname = 'Sperrmarke';
"""
"""Nonsense in every column that has a form, of the blocked person, whose number is none either."""


MOTHERS = {"mutter_id", "mutter_idnr", "mutter_sperre"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the register's database."""
    build(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def administered(home: Path, statement: str) -> None:
    """Run statements as the register's own administrator would."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator:
        administrator.executescript(statement)


@pytest.mark.parametrize(
    ("evidence", "fields"),
    [
        ("residence", ("town", "sex", "moved_in", "picture", "mother_name")),
        ("household", ("town", "member_sex", "member_birth_date")),
        ("vehicle-keeper", ("family_name", "plate")),
        ("vehicle-keeper", ("plate",)),
    ],
)
async def test_unknown_ambiguous_and_blocked_are_asked_for_alike(
    home: Path, evidence: str, fields: tuple[str, ...]
) -> None:
    """The same SELECTs, however many, none of which reads a field: only what is bound differs."""
    administered(home, ODD)
    register = sql(home)
    await register.healthy()
    sent = statements(register)
    asked = []
    for subject in (NOBODY, NAMESAKE, BLOCKED):
        await register.fetch(mandate(subject, *fields, evidence=evidence))
        asked.append([statement for statement, _ in sent])
        for statement, _ in sent:
            assert columns(statement) <= {"id", "idnr", "sperre", "haushalt"} | MOTHERS
        sent.clear()
    assert asked[0] == asked[1] == asked[2]
    assert len(asked[0]) == (2 if evidence == "household" else 1)


@pytest.mark.parametrize("field", ["town", "sex", "moved_in", "picture", "mother_name"])
async def test_nonsense_about_a_blocked_person_is_not_seen(home: Path, field: str) -> None:
    """It would tell them from somebody unknown; the line is theirs by key, their number being none."""
    administered(home, ODD)
    found = await sql(home).fetch(mandate(BLOCKED, field))
    assert found == Found({}, (Person("reg:melderegister:4"),), blocked=True)
    with pytest.raises(RegisterProtocol):
        await sql(home).fetch(mandate(BLOCKED, field, blocked="deliver-with-notice"))


async def test_nonsense_about_a_blocked_member_is_not_seen(home: Path) -> None:
    """Nor of anyone else in the household."""
    administered(home, ODD)
    administered(home, "UPDATE person SET geburtsdatum = 'neulich' WHERE haushalt = 'H4' AND id = 4")
    found = await sql(home).fetch(mandate(NEIGHBOUR, "member_birth_date", "member_sex", evidence="household"))
    blocked = Person("reg:melderegister:4", "household-member")
    assert found == Found({}, (Person("reg:melderegister:8"), blocked), blocked=True)


async def test_a_household_with_a_blocked_member_is_told_with_no_field_of_it(home: Path) -> None:
    """Told without the members and not with them, it would say that one of them is blocked."""
    blocked = Person("reg:melderegister:4", "household-member")
    found = await sql(home).fetch(mandate(NEIGHBOUR, "town", evidence="household"))
    assert found == Found({}, (Person("reg:melderegister:8"), blocked), blocked=True)


async def test_a_blocked_mother_hides_what_would_name_her_and_nothing_else(home: Path) -> None:
    """Evidence that would hand on her name is no data, with a line for her; who may know of the block is told of it."""
    administered(home, "UPDATE person SET mutter_sperre = 'ja' WHERE id = 1")
    register, mother = sql(home), Person(f"idnr:{planted.SECOND_IDNR}", "mother")
    child = Person(f"idnr:{planted.IDNR}")
    found = await register.fetch(mandate(BY_NAME, "town", "mother_name"))
    assert found == Found({}, (child, mother), blocked=True)
    assert await register.fetch(mandate(BY_NAME, "town")) == Found({"town": planted.TOWN}, (child,))
    told = await register.fetch(mandate(BY_NAME, "mother_name", blocked="deliver-with-notice"))
    assert told == Found({"mother_name": planted.SECOND_FAMILY_NAME}, (child, mother), blocked=True)


async def test_a_blocked_person_without_a_key_that_is_one_stays_blocked(home: Path) -> None:
    """Their line is sealed then; nothing is raised."""
    administered(home, "CREATE VIEW sicht AS SELECT *, x'00' AS nummer FROM person")
    register = sql(home, table="sicht", key="nummer")
    assert await register.fetch(mandate(BLOCKED, "town")) == Found({}, (Person(None),), blocked=True)


async def test_a_block_set_in_between_is_not_overtaken(home: Path) -> None:
    """What one answer reads in several SELECTs it reads from one snapshot."""
    register = sql(home)
    await register.healthy()
    administered(home, "PRAGMA journal_mode = WAL")
    seen = []

    def block(_c: object, _u: object, statement: str, *_: object) -> None:
        if "ort" in statement:
            administered(home, "UPDATE person SET ort = 'Versteck', sperre = '1' WHERE id = 1")
            seen.append(statement)

    sa.event.listen(register._readers.engine, "before_cursor_execute", block)
    found = await register.fetch(mandate(BY_NAME, "town"))
    assert found == Found({"town": planted.TOWN}, (Person(f"idnr:{planted.IDNR}"),))
    assert len(seen) == 1
    found = await register.fetch(mandate(BY_NAME, "town"))
    assert isinstance(found, Found)
    assert found.blocked


@pytest.mark.parametrize("household", [None, ""])
async def test_nothing_in_common_is_no_group(home: Path, household: str | None) -> None:
    """Everybody without a household is not one household."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as administrator, administrator:
        administrator.execute("UPDATE person SET haushalt = ?", (household,))
    found = await sql(home).fetch(mandate(BY_NAME, "town", "member_given_names", evidence="household"))
    assert found == Found({"town": planted.TOWN}, (Person(f"idnr:{planted.IDNR}"),))


@pytest.mark.parametrize(("more", "fits"), [(MOST_ROWS - 2, True), (MOST_ROWS - 1, False)])
async def test_a_group_has_an_end(home: Path, more: int, fits: bool) -> None:
    """Too many rows belong to nobody: nothing is cut off unseen."""
    rows = f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {more})"
    administered(home, f"{rows} INSERT INTO fahrzeug SELECT 1, 'X ' || n, NULL, NULL FROM n")
    asked = mandate(BY_NAME, "plate", evidence="vehicle-keeper")
    if fits:
        found = await sql(home).fetch(asked)
        assert isinstance(found, Found)
        assert len(found.values["plate"]) == MOST_ROWS
    else:
        with pytest.raises(RegisterProtocol):
            await sql(home).fetch(asked)


async def test_unknown_ambiguous_and_blocked_are_written_to_alike(home: Path) -> None:
    """Not at all, with the same statements, none of which reads a field."""
    administered(home, ODD)
    register = sql(home)
    await register.filed("")
    sent: list[str] = []
    steps(register, sent.append)
    asked = []
    for subject in (NOBODY, NAMESAKE, BLOCKED):
        await submit(register, subject, {"town": "Andersdorf", "sex": "male"})
        asked.append(list(sent))
        sent.clear()
    assert asked[0] == asked[1] == asked[2]
    assert [text.split()[0] for text in asked[0]] == ["BEGIN", "SELECT", "SELECT"]
    assert "geschlecht" not in str(asked)
