"""The demo's two registers: SQLite databases with German columns, as a register's own administrator would have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from gateway.cli.demo.people import TOWN, Person, people

_RESIDENCE: Final = """
CREATE TABLE person (
  id TEXT PRIMARY KEY, idnr TEXT UNIQUE, familienname TEXT NOT NULL, vornamen TEXT NOT NULL, geburtsname TEXT,
  geburtsdatum TEXT NOT NULL, geburtsort TEXT NOT NULL, geschlecht TEXT NOT NULL, staatsangehoerigkeit TEXT NOT NULL,
  familienstand TEXT NOT NULL, religion TEXT, strasse TEXT NOT NULL, hausnummer TEXT NOT NULL, plz TEXT NOT NULL,
  ort TEXT NOT NULL, einzugsdatum TEXT NOT NULL, fruehere_plz TEXT, frueherer_ort TEXT,
  auskunftssperre INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX person_name ON person (familienname, geburtsdatum);
"""
_BIRTH: Final = """
CREATE TABLE geburt (
  id TEXT PRIMARY KEY, idnr TEXT UNIQUE, familienname TEXT NOT NULL, vornamen TEXT NOT NULL,
  geburtsdatum TEXT NOT NULL, geburtsort TEXT NOT NULL, geschlecht TEXT NOT NULL, standesamt TEXT NOT NULL,
  registernummer TEXT NOT NULL UNIQUE, ausgestellt_am TEXT NOT NULL,
  elternteil1_id TEXT, elternteil1_idnr TEXT, elternteil1_familienname TEXT, elternteil1_vornamen TEXT,
  elternteil2_id TEXT, elternteil2_idnr TEXT, elternteil2_familienname TEXT, elternteil2_vornamen TEXT,
  auskunftssperre INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX geburt_name ON geburt (familienname, geburtsdatum);
"""
_OOTS_SAMPLE: Final = {
    "id": "G000000",
    "idnr": None,
    "familienname": "Smith",
    "vornamen": "John",
    "geburtsdatum": "1970-03-01",
    "geburtsort": "Hamburg",
    "geschlecht": "m",
    "standesamt": "Standesamt Musterstadt",
    "registernummer": "G 0/1970",
    "ausgestellt_am": "2000-05-23",
    "elternteil1_id": "G900000",
    "elternteil1_idnr": None,
    "elternteil1_familienname": "Smith",
    "elternteil1_vornamen": "Ana",
    "elternteil2_id": "G900001",
    "elternteil2_idnr": None,
    "elternteil2_familienname": "Smith",
    "elternteil2_vornamen": "Jim",
    "auskunftssperre": 0,
}
"""The person of the official sample request of the EU's once-only system (OOTS-EDM 1.0)."""


def create(folder: Path) -> None:
    """In: the home's `registers/`. Writes both databases. Raises: FileExistsError."""
    _write(folder / "melderegister.sqlite3", _RESIDENCE, "person", map(_resident, people()))
    _write(
        folder / "personenstandsregister.sqlite3", _BIRTH, "geburt", (_OOTS_SAMPLE, *map(_birth, people()))
    )


def _write(path: Path, schema: str, table: str, rows: Iterable[Mapping[str, object]]) -> None:
    path.touch(exist_ok=False)
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(schema)
        for row in rows:
            names, blanks = ", ".join(row), ", ".join(f":{name}" for name in row)
            database.execute(f"INSERT INTO {table} ({names}) VALUES ({blanks})", row)  # noqa: S608 our own names


def _resident(person: Person) -> Mapping[str, object]:
    return {
        "id": person.resident_key,
        "idnr": person.idnr,
        "familienname": person.family_name,
        "vornamen": person.given_names,
        "geburtsname": person.birth_name,
        "geburtsdatum": person.birth_date.isoformat(),
        "geburtsort": person.birth_place,
        "geschlecht": person.sex,
        "staatsangehoerigkeit": "deutsch",
        "familienstand": "verheiratet" if person.married else "ledig",
        "religion": person.religion or None,
        "strasse": person.street,
        "hausnummer": person.house_number,
        "plz": person.postcode,
        "ort": TOWN,
        "einzugsdatum": person.moved_in.isoformat(),
        "fruehere_plz": person.moved_from[0],
        "frueherer_ort": person.moved_from[1],
        "auskunftssperre": int(person.blocked),
    }


def _birth(person: Person) -> Mapping[str, object]:
    row: dict[str, object] = {
        "id": person.birth_key,
        "idnr": person.idnr,
        "familienname": person.birth_name or person.family_name,
        "vornamen": person.given_names,
        "geburtsdatum": person.birth_date.isoformat(),
        "geburtsort": person.birth_place,
        "geschlecht": person.sex,
        "standesamt": f"Standesamt {person.birth_place}",
        "registernummer": f"G {person.number}/{person.birth_date.year}",
        "ausgestellt_am": "2026-01-15",
        "auskunftssperre": int(person.blocked),
    }
    for which, parent in enumerate(person.parents, 1):
        row |= {
            f"elternteil{which}_id": parent.key,
            f"elternteil{which}_idnr": parent.idnr,
            f"elternteil{which}_familienname": parent.family_name,
            f"elternteil{which}_vornamen": parent.given_names,
        }
    return row
