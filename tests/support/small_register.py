"""A small register as a real SQLite database, and mandates to ask it with. The people are made up and planted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import planted

from adapters.registers.sql import SqlRegister, SqlSettings
from consent.parties import Register
from consent.problems import frozen
from consent.vocabulary import BasisKind, BasisUsed, Permit, Request, Subject
from gateway.stages import Case, Mandate, Position

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
BORN: Final = date.fromisoformat(planted.BIRTH_DATE)

SCHEMA: Final = """
CREATE TABLE person (
  id INTEGER PRIMARY KEY, idnr TEXT, familienname TEXT, vornamen TEXT, geburtsdatum DATE, plz TEXT, ort TEXT,
  "straße" TEXT, geschlecht TEXT, einzug DATETIME, zimmer INTEGER, miete NUMERIC(8, 2), religion TEXT, bild BLOB,
  mutter_id TEXT, mutter_idnr TEXT, mutter_name TEXT, vater_id TEXT, vater_name TEXT, sperre TEXT
);
"""

_NAMESAKE: Final[dict[str, object]] = {
    "familienname": planted.SECOND_FAMILY_NAME,
    "vornamen": "Doppelt",
    "geburtsdatum": planted.BIRTH_DATE,
    "plz": "99999",
    "ort": planted.TOWN,
    "geschlecht": "m",
}
PEOPLE: Final[tuple[dict[str, object], ...]] = (
    {
        "id": 1,
        "idnr": planted.IDNR,
        "familienname": planted.FAMILY_NAME,
        "vornamen": planted.GIVEN_NAME,
        "geburtsdatum": planted.BIRTH_DATE,
        "plz": "99999",
        "ort": planted.TOWN,
        "straße": planted.STREET,
        "geschlecht": "w",
        "einzug": "2020-05-01 00:00:00.000000",
        "zimmer": 3,
        "miete": 512.5,
        "religion": "--",
        "mutter_id": "77",
        "mutter_idnr": planted.SECOND_IDNR,
        "mutter_name": planted.SECOND_FAMILY_NAME,
        "vater_id": "78",
        "vater_name": "Vatermarke",
        "sperre": "0",
    },
    # two namesakes, born on the same day in the same town
    {"id": 2, **_NAMESAKE},
    {"id": 3, **_NAMESAKE},
    # blocked, without an IDNr; the father is known by key and not by name
    {
        "id": 4,
        "familienname": "Sperrmarke",
        "vornamen": "Still",
        "geburtsdatum": planted.BIRTH_DATE,
        "plz": "99998",
        "ort": planted.TOWN,
        "geschlecht": "d",
        "vater_id": "79",
        "sperre": "ja",
    },
    # nonsense in every column that has a form
    {
        "id": 5,
        "familienname": "Unsinnsmarke",
        "vornamen": "Wirr",
        "geburtsdatum": planted.BIRTH_DATE,
        "plz": "99997",
        "ort": planted.TOWN,
        "geschlecht": "Quittengeschlecht",
        "einzug": "neulich, am Montag",
        "bild": b"\x00\x01",
    },
)

REGISTER: Final[dict[str, Any]] = {
    "id": "melderegister",
    "title": {"de": "Melderegister", "en": "Residents' register"},
    "authority": {"de": "Bürgeramt Musterstadt", "en": "Citizens' office of Musterstadt"},
    "adapter": "sql",
    "evidence": [
        {
            "type": "residence",
            "title": {"de": "Meldebescheinigung", "en": "Residence registration"},
            "fields": {
                "family_name": "familienname",
                "given_names": "vornamen",
                "birth_date": "geburtsdatum",
                "street": "straße",
                "town": "ort",
                "sex": {"column": "geschlecht", "codes": {"m": "male", "w": "female", "d": "diverse"}},
                "moved_in": "einzug",
                "rooms": "zimmer",
                "rent": "miete",
                "religion": "religion",
                "picture": "bild",
                "mother_name": "mutter_name",
                "father_name": "vater_name",
            },
            "person": [
                {"role": "mother", "key": "mutter_id", "idnr": "mutter_idnr", "fields": ["mother_name"]},
                {"role": "father", "key": "vater_id", "fields": ["father_name"]},
            ],
        }
    ],
}
SQL: Final[dict[str, Any]] = {
    "url": "sqlite:///melderegister.sqlite3",
    "table": "person",
    "key": "id",
    "blocked": "sperre",
    "match": {
        "idnr": "idnr",
        "birth_date": "geburtsdatum",
        "family_name": "familienname",
        "given_name": "vornamen",
        "town": "ort",
        "postcode": "plz",
    },
}

BY_IDNR: Final = Subject(idnr=planted.IDNR, birth_date=BORN)
BY_NAME: Final = Subject(family_name=planted.FAMILY_NAME, given_name=planted.GIVEN_NAME, birth_date=BORN)
BY_PLACE: Final = Subject(
    family_name=planted.FAMILY_NAME, town=planted.TOWN, postcode="99999", birth_date=BORN
)
NAMESAKE: Final = Subject(family_name=planted.SECOND_FAMILY_NAME, given_name="Doppelt", birth_date=BORN)
BLOCKED: Final = Subject(family_name="Sperrmarke", given_name="Still", birth_date=BORN)
MUDDLED: Final = Subject(family_name="Unsinnsmarke", given_name="Wirr", birth_date=BORN)
NOBODY: Final = Subject(family_name="Niemand", given_name="Nirgends", birth_date=BORN)


_OPEN: Final[list[SqlRegister]] = []


def build(home: Path, extra: str = "") -> None:
    """Write the database into `home`; `extra` is more SQL."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as database, database:
        database.executescript(SCHEMA + extra)
        for row in PEOPLE:
            names = ", ".join(f'"{name}"' for name in row)
            blanks = ", ".join("?" for _ in row)
            database.execute(f"INSERT INTO person ({names}) VALUES ({blanks})", tuple(row.values()))


def sql(home: Path, *, timeout_seconds: float = 30, readers: int = 2, **changes: Any) -> SqlRegister:
    """Out: the register, with other keys in its [sql] table."""
    settings = SqlSettings.model_validate(frozen({**SQL, **changes}))
    register = Register.model_validate(frozen(REGISTER))
    made = SqlRegister(register, settings, home, timeout_seconds, readers=readers)
    _OPEN.append(made)
    return made


def close_all() -> None:
    """Give up every connection that `sql` opened."""
    while _OPEN:
        _OPEN.pop().close()


def mandate(subject: Subject, *fields: str, evidence: str = "residence") -> Mandate:
    """Out: the key to the register for these fields of this person."""
    request = Request(
        message="0b8b2a3e-5a4f-4c1d-9e2b-3f4a5b6c7d8e",
        consumer="wohngeldstelle",
        language="xeinmal/1.0",
        evidence=evidence,
        purpose="housing-benefit",
        procedure="wohngeld-antrag",
        case="WG-1",
        subject=subject,
    )
    permit = Permit(
        request=request,
        grant="wohngeld-residence",
        register="melderegister",
        fields=frozenset(fields),
        item=None,
        subject=subject,
        basis=BasisUsed(BasisKind.STATUTORY, "WoGG § 23"),
        blocked="hide",
        retention="24m",
        policy="0" * 64,
        facts=MappingProxyType({}),
        decided=NOW,
    )
    case = Case("99999999-2222-4333-8444-555555555555", 1, request.message, request.consumer, "0" * 64, NOW)
    return Mandate(case, permit, Position("musterstadt.example/24m/2026-11", 1), NOW)
