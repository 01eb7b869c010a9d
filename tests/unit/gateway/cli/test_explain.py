"""`einmal explain`: a case asked, submitted, for another authority, for somebody else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest
import town as towns
from commands import Einmal
from town import StillClock

from adapters.clock import SystemClock
from gateway.cli.demo.people import anna

RESIDENCE: Final = ("explain", "--register", "melderegister", "--evidence", "residence")
PARKING: Final = (*RESIDENCE, "--consumer", "parkraumbewirtschaftung", "--purpose", "resident-parking")
PORTAL: Final = (*RESIDENCE, "--consumer", "buergerportal", "--purpose", "move")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a home of today, only looked at."""
    root = tmp_path_factory.mktemp("explain") / "home"

    async def found() -> None:
        town = await towns.found(root, StillClock(SystemClock().now()))
        await town.opened.close()

    asyncio.run(found())
    return root


@pytest.fixture
def person(tmp_path: Path) -> Path:
    file = tmp_path / "anna.json"
    file.write_text(json.dumps({"idnr": anna().idnr, "birth_date": anna().birth_date.isoformat()}), "utf-8")
    return file


def outcomes(said: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {row["check"]: row["outcome"] for row in said["examined"]}


def test_all_checks_are_there(home: Path, einmal: Einmal) -> None:
    """As JSON, with the facts, and the grant that decides."""
    told = einmal(*PARKING, "--json", "--home", home)
    assert (told.code, told.json["grant"]) == (0, "parken-residence")
    assert len(told.json["examined"]) == 20
    assert outcomes(told.json)["basis-record"] == "not-needed"


def test_a_submission_is_held_against_grants_to_submit(home: Path, einmal: Einmal) -> None:
    """With --write; which needs the fields that would be submitted."""
    write = (*PORTAL, "--write", "--field", "street", "--json", "--home", home)
    told = einmal(*write)
    assert (told.code, told.json["code"], told.json["grant"]) == (1, "no-basis", "ummeldung-submit")
    refused = einmal(*PARKING, "--write", "--field", "street", "--home", home)
    assert refused.code == 1
    assert "Nearest: grant parken-residence: only to read." in refused.out
    assert einmal(*PORTAL, "--write", "--home", home).code == 2


def test_a_power_is_looked_for(home: Path, einmal: Einmal) -> None:
    """With --representative; one that is not there is said to be unknown."""
    told = einmal(*PARKING, "--representative", "v-9", "--json", "--home", home)
    assert (told.code, told.json["code"]) == (1, "not-represented")
    row = next(row for row in told.json["examined"] if row["check"] == "representation")
    assert "known" in row["wanted"]["power"]


def test_another_authority_has_to_be_known(home: Path, einmal: Einmal) -> None:
    """With --on-behalf-of: granted for that one, or not at all."""
    told = einmal(*PARKING, "--on-behalf-of", "wohngeldstelle", "--home", home)
    assert told.code == 1
    assert "Nearest: grant parken-residence: only for itself." in told.out
    assert einmal(*PARKING, "--on-behalf-of", "niemand", "--home", home).code == 2


def test_without_a_person_it_says_that_no_record_can_match(home: Path, person: Path, einmal: Einmal) -> None:
    """Named in a file, the person's records count."""
    wohngeld = (*RESIDENCE, "--consumer", "wohngeldstelle", "--purpose", "housing-benefit", "--home", home)
    assert "No person was named" in einmal(*wohngeld).out
    named = einmal(*wohngeld, "--subject-file", person)
    assert named.code == 1
    assert "No person was named" not in named.out
