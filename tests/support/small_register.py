"""A small register as a real SQLite database. The people are made up and planted."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, Final

import planted
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from adapters.registers.sql import SqlRegister, SqlSettings
from adapters.registers.sql_journal import journal_statement
from consent.parties import Register
from consent.problems import frozen
from consent.vocabulary import Subject

BORN: Final = date.fromisoformat(planted.BIRTH_DATE)

SCHEMA: Final = """
CREATE TABLE person (
  id INTEGER PRIMARY KEY, idnr TEXT, familienname TEXT, vornamen TEXT, geburtsdatum DATE, plz TEXT, ort TEXT,
  "straße" TEXT, geschlecht TEXT, einzug DATETIME, zimmer INTEGER, miete NUMERIC(8, 2), religion TEXT, bild BLOB,
  mutter_id TEXT, mutter_idnr TEXT, mutter_name TEXT, mutter_vornamen TEXT, mutter_geburtsdatum DATE,
  mutter_sperre TEXT,
  vater_id TEXT, vater_name TEXT, sperre TEXT, haushalt TEXT, quelle TEXT, stand TEXT, CHECK (plz <> 'unerlaubt')
);
CREATE TABLE fahrzeug (halter INTEGER, kennzeichen TEXT, zulassung DATE, farbe TEXT);
"""
JOURNAL: Final = "einmal_eingang"

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
        "mutter_vornamen": "Ahne",
        "mutter_geburtsdatum": "1931-02-03",
        "vater_id": "78",
        "vater_name": "Vatermarke",
        "sperre": "0",
        "haushalt": "H1",
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
        "haushalt": "H4",
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
    # two who share the first one's household; the second has a mother whom nothing but her name tells apart
    {
        "id": 6,
        "familienname": planted.FAMILY_NAME,
        "vornamen": "Mitbewohnt",
        "geburtsdatum": "1990-04-05",
        "plz": "99999",
        "ort": planted.TOWN,
        "geschlecht": "m",
        "haushalt": "H1",
    },
    {
        "id": 7,
        "familienname": planted.FAMILY_NAME,
        "vornamen": "Jüngst",
        "geburtsdatum": "2015-06-07",
        "plz": "99999",
        "ort": planted.TOWN,
        "mutter_name": "Namenlosmarke",
        "mutter_vornamen": "Nur",
        "mutter_geburtsdatum": "1985-01-02",
        "haushalt": "H1",
    },
    # shares a household with a blocked person whose row makes no sense
    {
        "id": 8,
        "familienname": "Nachbarmarke",
        "vornamen": "Neben",
        "geburtsdatum": planted.BIRTH_DATE,
        "plz": "99996",
        "ort": planted.TOWN,
        "geschlecht": "w",
        "haushalt": "H4",
        "mutter_id": "80",
        "mutter_name": "Altmarke",
        "mutter_vornamen": "Ur",
        "mutter_geburtsdatum": "1930-01-01",
    },
)
VEHICLES: Final[tuple[dict[str, object], ...]] = (
    {"halter": 1, "kennzeichen": "MU-B 2", "zulassung": "2021-01-01", "farbe": None},
    {"halter": 1, "kennzeichen": "MU-A 1", "zulassung": None, "farbe": None},
    {"halter": 6, "kennzeichen": "MU-C 3", "zulassung": "2022-02-02", "farbe": "grün"},
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
                "postcode": "plz",
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
                {
                    "role": "mother",
                    "key": "mutter_id",
                    "idnr": "mutter_idnr",
                    "blocked": "mutter_sperre",
                    "match": {
                        "birth_date": "mutter_geburtsdatum",
                        "family_name": "mutter_name",
                        "given_name": "mutter_vornamen",
                    },
                    "fields": ["mother_name"],
                },
                {"role": "father", "key": "vater_id", "fields": ["father_name"]},
            ],
            "writable": ["street", "town", "postcode", "sex", "moved_in", "rooms", "mother_name"],
        },
        {
            "type": "household",
            "title": {"de": "Haushalt", "en": "Household"},
            "fields": {"family_name": "familienname", "town": "ort"},
            "group": {
                "by": "haushalt",
                "of": "haushalt",
                "fields": {
                    "member_given_names": "vornamen",
                    "member_birth_date": "geburtsdatum",
                    "member_sex": {
                        "column": "geschlecht",
                        "codes": {"m": "male", "w": "female", "d": "diverse"},
                    },
                },
                "person": {"role": "household-member", "key": "id"},
            },
        },
        {
            "type": "vehicle-keeper",
            "title": {"de": "Fahrzeughalter", "en": "Vehicle keeper"},
            "fields": {"family_name": "familienname"},
            "group": {
                "table": "fahrzeug",
                "by": "halter",
                "of": "id",
                "fields": {"plate": "kennzeichen", "registered": "zulassung", "colour": "farbe"},
            },
        },
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
    "write": {"source": "quelle", "time": "stand", "journal": JOURNAL},
}

BY_IDNR: Final = Subject(idnr=planted.IDNR, birth_date=BORN)
BY_NAME: Final = Subject(family_name=planted.FAMILY_NAME, given_name=planted.GIVEN_NAME, birth_date=BORN)
BY_PLACE: Final = Subject(
    family_name=planted.FAMILY_NAME, town=planted.TOWN, postcode="99999", birth_date=BORN
)
NAMESAKE: Final = Subject(family_name=planted.SECOND_FAMILY_NAME, given_name="Doppelt", birth_date=BORN)
BLOCKED: Final = Subject(family_name="Sperrmarke", given_name="Still", birth_date=BORN)
MUDDLED: Final = Subject(family_name="Unsinnsmarke", given_name="Wirr", birth_date=BORN)
MOTHER: Final = Subject(
    family_name=planted.SECOND_FAMILY_NAME, given_name="Ahne", birth_date=date(1931, 2, 3)
)
"""Stands in nobody's row but her child's; it has her number."""
GRANDMOTHER: Final = Subject(family_name="Altmarke", given_name="Ur", birth_date=date(1930, 1, 1))
"""The same, but the row knows her by key only."""
NEIGHBOUR: Final = Subject(family_name="Nachbarmarke", given_name="Neben", birth_date=BORN)
"""Lives with the blocked person."""
CHILD: Final = Subject(family_name=planted.FAMILY_NAME, given_name="Jüngst", birth_date=date(2015, 6, 7))
NOBODY: Final = Subject(family_name="Niemand", given_name="Nirgends", birth_date=BORN)


_OPEN: Final[list[SqlRegister]] = []


def build(home: Path, extra: str = "") -> None:
    """Write the database into `home`, the adapter's own table with it; `extra` is more SQL."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as database, database:
        database.executescript(SCHEMA)
        database.execute(journal_statement(JOURNAL, sqlite.dialect()))
        for table, rows in (("person", PEOPLE), ("fahrzeug", VEHICLES)):
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                blanks = ", ".join("?" for _ in row)
                database.execute(f"INSERT INTO {table} ({names}) VALUES ({blanks})", tuple(row.values()))
        database.executescript(extra)


def content(home: Path) -> str:
    """Out: everything in the database, as text."""
    with closing(sqlite3.connect(home / "melderegister.sqlite3")) as database:
        return "\n".join(database.iterdump())


def sql(
    home: Path,
    *,
    timeout_seconds: float = 30,
    readers: int = 2,
    register: Mapping[str, Any] = REGISTER,
    **changes: Any,
) -> SqlRegister:
    """Out: the register, with other keys in its [sql] table or another file altogether."""
    settings = SqlSettings.model_validate(frozen({**SQL, **changes}))
    made = SqlRegister(
        Register.model_validate(frozen(register)), settings, home, timeout_seconds, readers=readers
    )
    _OPEN.append(made)
    return made


def close_all() -> None:
    """Give up every connection that `sql` opened."""
    while _OPEN:
        _OPEN.pop().close()


def statements(register: SqlRegister) -> list[tuple[str, Any]]:
    """Out: a list that fills with the SELECTs that are sent to read, and what is bound in them."""
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _u: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            sent.append((statement, parameters))

    sa.event.listen(register._readers.engine, "before_cursor_execute", note)
    return sent


def columns(statement: str) -> set[str]:
    """Out: the columns that a SELECT reads."""
    chosen = statement.partition("FROM")[0].removeprefix("SELECT ").removeprefix("DISTINCT ")
    return {part.split(".")[1].strip('" \n') for part in chosen.split(",")}
