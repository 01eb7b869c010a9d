"""The demo's five registers: SQLite databases with German columns, as their own administrators would have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

from gateway.cli.demo.lives import SCHOOL_YEAR, attendance, trade, vehicles
from gateway.cli.demo.people import TOWN, Person, people

Row: TypeAlias = Mapping[str, object]

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
    """In: the home's `registers/`. Writes the databases, each as its `schema/*.sql` says. Raises: FileExistsError."""
    everyone = people()
    _write(folder, "melderegister", {"person": map(_resident, everyone)})
    _write(folder, "personenstandsregister", {"geburt": (_OOTS_SAMPLE, *map(_birth, everyone))})
    _write(folder, "gewerberegister", {"gewerbe": _trades(everyone)})
    keepers = [person for person in everyone if vehicles(person)]
    _write(folder, "fahrzeugregister", {"halter": map(_keeper, keepers), "fahrzeug": _vehicles(keepers)})
    _write(folder, "schulverzeichnis", {"schulbesuch": _pupils(everyone)})


def _write(folder: Path, register: str, tables: Mapping[str, Iterable[Row]]) -> None:
    path = folder / f"{register}.sqlite3"
    path.touch(exist_ok=False)
    schema = files(__package__).joinpath("schema", f"{register}.sql").read_text("utf-8")
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(schema)
        for table, rows in tables.items():
            for row in rows:
                names, blanks = ", ".join(row), ", ".join(f":{name}" for name in row)
                database.execute(f"INSERT INTO {table} ({names}) VALUES ({blanks})", row)  # noqa: S608 our own names


def _resident(person: Person) -> Row:
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
        "haushaltsrolle": person.role,
        "auskunftssperre": int(person.blocked),
    }


def _birth(person: Person) -> Row:
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
            f"elternteil{which}_sperre": int(parent.blocked),
        }
    return row


def _trades(everyone: Iterable[Person]) -> Iterator[Row]:
    for person in everyone:
        own = trade(person)
        if own is None:
            continue
        yield {
            "id": f"T{person.number:06d}",
            **_named(person),
            "geschaeftsbezeichnung": own.name,
            "rechtsform": "einzelunternehmen",
            "taetigkeit": own.activity,
            "beginn": own.started.isoformat(),
            **_at_home(person),
            "angemeldet_am": own.started.isoformat(),
            "gewerbenummer": f"GW-{own.started.year}-{person.number:05d}",
            "auskunftssperre": int(person.blocked),
        }


def _keeper(person: Person) -> Row:
    return {
        "id": _keeper_key(person),
        "idnr": person.idnr,
        **_named(person),
        **_at_home(person),
        "auskunftssperre": int(person.blocked),
    }


def _vehicles(keepers: Iterable[Person]) -> Iterator[Row]:
    for person in keepers:
        for vehicle in vehicles(person):
            yield {
                "kennzeichen": vehicle.plate,
                "halter": _keeper_key(person),
                "fin": vehicle.identification,
                "klasse": vehicle.kind,
                "erstzulassung": vehicle.registered.isoformat(),
                "halter_seit": vehicle.kept_since.isoformat(),
            }


def _pupils(everyone: Iterable[Person]) -> Iterator[Row]:
    for person in everyone:
        now = attendance(person)
        if now is None:
            continue
        yield {
            "id": f"S{person.number:06d}",
            **_named(person),
            "schule": now.school,
            "schulort": TOWN,
            "klassenstufe": str(now.level),
            "schuljahr": SCHOOL_YEAR,
            "besucht_seit": now.since.isoformat(),
        }


def _keeper_key(person: Person) -> str:
    return f"F{person.number:06d}"


def _named(person: Person) -> Row:
    return {
        "familienname": person.family_name,
        "vornamen": person.given_names,
        "geburtsdatum": person.birth_date.isoformat(),
    }


def _at_home(person: Person) -> Row:
    return {
        "strasse": person.street,
        "hausnummer": person.house_number,
        "plz": person.postcode,
        "ort": TOWN,
    }
