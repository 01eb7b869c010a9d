"""Submissions in the town: who decides for them, what the register holds, what the replies say."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from law_changes import edit, takes_over
from letters import asking
from spoken import read_back
from town import IDS, Town

from consent.ledger import Named
from gateway.cli.demo.people import Person
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply

PORTAL: Final = "buergerportal"
REGISTER: Final = "registers/melderegister.sqlite3"
READ_GRANT: Final = "grants/ummeldung-auskunft.toml"
WRITE_GRANT: Final = "grants/ummeldung.toml"
FIELDS: Final = frozenset({"street", "house_number", "postcode", "town", "moved_in"})
LANGUAGES: Final = ("xeinmal/1.0", "json/1.0")
_OWN: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
)


def moved_in(day: str) -> dict[str, str]:
    """Out: the values of a move, complete."""
    return {
        "street": "Neuer Weg",
        "house_number": "7b",
        "postcode": "00999",
        "town": "Musterstadt",
        "moved_in": day,
    }


def on_file(town: Town, person: Person) -> dict[str, str]:
    """Out: what the register holds in the fields of a move, under the fields' names."""
    row = resident(town.root, person)
    columns = {
        "street": "strasse",
        "house_number": "hausnummer",
        "postcode": "plz",
        "town": "ort",
        "moved_in": "einzugsdatum",
    }
    return {name: row[column] for name, column in columns.items()}


def resident(root: Path, person: Person) -> dict[str, Any]:
    """Out: the person's row in the register."""
    with closing(sqlite3.connect(root / REGISTER)) as database:
        database.row_factory = sqlite3.Row
        key = (person.resident_key,)
        return dict(database.execute("SELECT * FROM person WHERE id = ?", key).fetchone())


def content(root: Path) -> str:
    """Out: everything the register's database holds."""
    with closing(sqlite3.connect(root / REGISTER)) as database:
        return "\n".join(database.iterdump())


def entries(root: Path) -> list[dict[str, Any]]:
    """Out: what the register keeps of the exchanges that wrote it."""
    with closing(sqlite3.connect(root / REGISTER)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM einmal_einreichung WHERE fields <> ' '")]


async def decides(town: Town, person: Person, case: str, **terms: Any) -> str:
    """The person decides that the portal may put the move on file. Out: the record's id."""
    told: dict[str, Any] = {
        "recipient": PORTAL,
        "fields": FIELDS,
        "purpose": "move",
        "procedure": "wohnsitz-ummeldung",
        "norm": "BMG § 23a",
    }
    return await town.chooses(person, case, **(told | terms))


async def submits(
    town: Town, person: Person, language: str = "json/1.0", *, chosen: bool = True, **changed: Any
) -> Outbound:
    """Out: a signed submission, for which the person has decided unless told otherwise."""
    record = town.moves(person, **({"case": f"UM-{IDS.new()}"} | changed))
    if chosen:
        await decides(town, person, record["case"])
    return asking(town, record, language, consumer=PORTAL)


def by_name(person: Person) -> dict[str, Any]:
    """In: a person. Out: how a submission and the decision for it name them without a number."""
    return {
        "family_name": person.family_name,
        "given_name": person.given_names,
        "birth_date": person.birth_date.isoformat(),
    }


def named(words: dict[str, Any]) -> Named:
    """Out: the same, as a decision has it."""
    return Named.model_validate_json(json.dumps(words))


async def forbid_reading(town: Town) -> None:
    """From now on the portal may not ask for what it submits."""
    edit(town, READ_GRANT, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await takes_over(town)


async def settle(town: Town, request: Outbound) -> Outgoing:
    """Out: the reply to a message that is dealt with at once."""
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    return result.message


def said(message: Outgoing) -> dict[str, Any]:
    """Out: a reply's record."""
    return read_back(message.content_type, message.body)[1]


def told_alike(message: Outgoing, case: str = "") -> str:
    """Out: a reply without its ids, its times and its application."""
    body = message.body.decode()
    return _OWN.sub("-", body.replace(case, "case") if case else body)


def stamp(moment: datetime) -> str:
    """Out: a time as an event has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
