"""Planted people in the town's registers: what the privacy watch has to look for, and what makes registers hard.

They live nowhere else: one ordinary person, a blocked one, two who share everything but their keys, and one
whose row makes no sense.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import planted

from gateway.cli.demo.people import Person, anna

BORN: Final = date.fromisoformat(planted.BIRTH_DATE)


def _person(number: int, family_name: str, given_names: str, idnr: str | None) -> Person:
    return replace(
        anna(),
        number=number,
        idnr=idnr,
        family_name=family_name,
        given_names=given_names,
        birth_date=BORN,
        street=planted.STREET,
        birth_place=planted.TOWN,
        blocked=False,
    )


ORDINARY: Final = _person(9001, planted.FAMILY_NAME, planted.GIVEN_NAME, planted.IDNR)
BLOCKED: Final = replace(
    _person(9002, planted.SECOND_FAMILY_NAME, planted.GIVEN_NAME, planted.SECOND_IDNR), blocked=True
)
TWINS: Final = tuple(
    _person(number, planted.FAMILY_NAME, "Doppelt " + planted.GIVEN_NAME, None) for number in (9003, 9004)
)
MUDDLED: Final = _person(9005, planted.SECOND_FAMILY_NAME, "Wirr " + planted.GIVEN_NAME, None)
NOBODY: Final = _person(9009, planted.SECOND_FAMILY_NAME, "Nie Gesehen", None)
"""In no register."""

PEOPLE: Final = (ORDINARY, BLOCKED, *TWINS, MUDDLED)


def settle(home: Path, people: Sequence[Person] = PEOPLE) -> None:
    """In: a founded home. Writes these people, else the planted ones, into both of its registers."""
    for register, table, key in (
        ("melderegister", "person", "resident_key"),
        ("personenstandsregister", "geburt", "birth_key"),
    ):
        with closing(sqlite3.connect(home / f"registers/{register}.sqlite3")) as database, database:
            database.row_factory = sqlite3.Row
            own = ", ".join(column["name"] for column in database.execute(f"PRAGMA table_info({table})"))
            pattern = dict(database.execute(f"SELECT {own} FROM {table} LIMIT 1").fetchone())
            for person in people:
                row = pattern | _row(person, table) | {"id": getattr(person, key)}
                names, blanks = ", ".join(row), ", ".join(f":{name}" for name in row)
                database.execute(f"INSERT INTO {table} ({names}) VALUES ({blanks})", row)


def _row(person: Person, table: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "idnr": person.idnr,
        "familienname": person.family_name,
        "vornamen": person.given_names,
        "geburtsdatum": person.birth_date.isoformat(),
        "geburtsort": person.birth_place,
        "geschlecht": "Quittengeschlecht" if person is MUDDLED else person.sex,
        "auskunftssperre": int(person.blocked),
    }
    if table == "person":
        return row | {"strasse": person.street, "ort": planted.TOWN, "geburtsname": None}
    parent = {"idnr": planted.SECOND_IDNR, "familienname": planted.SECOND_FAMILY_NAME}
    parents = {f"elternteil1_{name}": value for name, value in parent.items()}
    return row | parents | {"registernummer": f"G {person.number}/{person.birth_date.year}"}
