"""`einmal consent`: recorded by the law of messages, looked at without whom it is about, ended at once."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import town as towns
from commands import Einmal
from consents import GRANT, decision, named, power
from law_changes import edit, takes_over
from peopled import NOBODY
from town import StillClock, Town

from adapters.clock import SystemClock
from gateway import jws, records
from gateway.cli.demo.people import anna

CLERK: Final = "betrieb"
LAW: Final = """idnr = true
assurance = "substantial"
representation = ["guardianship"]"""


def _now() -> StillClock:
    return StillClock(SystemClock().now())


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a home whose housing benefit lets a clerk record, and guardians act."""
    root = tmp_path_factory.mktemp("consent") / "home"

    async def found() -> None:
        town = await towns.found(root, _now())
        edit(town, GRANT, "idnr = true", LAW)
        edit(town, GRANT, 'recorded_by = ["buergerportal"]', f'recorded_by = ["buergerportal", "{CLERK}"]')
        await takes_over(town)
        await town.opened.close()

    asyncio.run(found())
    return root


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return shutil.copytree(founded, tmp_path / "home")


@pytest.fixture
def town(home: Path) -> Town:
    """Out: who knows the time and what a decision looks like; nothing of it is opened."""

    async def look() -> Town:
        town = await towns.opened(home, _now())
        await town.opened.close()
        return town

    return asyncio.run(look())


@pytest.fixture
def person(tmp_path: Path) -> Path:
    return _file(tmp_path / "anna.json", named(anna()))


def _file(path: Path, said: object) -> Path:
    path.write_text(json.dumps(said), "utf-8")
    return path


def _said(town: Town, **changed: Any) -> dict[str, Any]:
    return decision(town, anna(), **({"channel": "counter", "recorded_by": CLERK} | changed))


@pytest.fixture
def keep(home: Path, tmp_path: Path, einmal: Einmal) -> Callable[[dict[str, Any]], str]:
    """Out: what records a file. It says the new id."""

    def run(said: dict[str, Any]) -> str:
        ended = einmal("consent", "record", _file(tmp_path / "said.json", said), "--json", "--home", home)
        assert ended.code == 0, ended.err
        assert ended.json["state"] == "given"
        return str(ended.json["record"])

    return run


Keep = Callable[[dict[str, Any]], str]


# --- recorded -------------------------------------------------------------------------------------------------
def test_a_receipt_is_written_for_its_owner_alone(
    town: Town, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """It names the person: never on the screen, in a file of mode 0600, and nothing is overwritten for it."""
    file, out = _file(tmp_path / "said.json", _said(town)), tmp_path / "receipt.jws"
    told = einmal("consent", "record", file, "--receipt", out, "--home", home)
    assert told.code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    token = out.read_text("utf-8").strip()
    assert token not in told.out + told.err
    event = json.loads(jws.verify_compact(token, records.RECORD_TYPE, town.gateway.find))
    assert (event["subject"]["idnr"], event["recorded_by"]) == (anna().idnr, CLERK)
    assert event["record"] in told.out
    assert einmal("consent", "record", file, "--receipt", out, "--home", home).code == 2
    again = tmp_path / "again.jws"
    assert einmal("consent", "show", event["record"], "--receipt", again, "--home", home).code == 0
    assert again.read_text("utf-8").splitlines() == [token]


def test_what_a_message_would_be_refused_is_refused_here(
    town: Town, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """Exit 1 with the reason and its words; nothing is recorded."""
    refused: dict[str, dict[str, Any]] = {
        "fields-not-permitted": {"fields": ["town", "religion"]},
        "recorder-not-accepted": {"recorded_by": "kitaverwaltung"},
        "assurance-insufficient": {"authentication": {"level": "low", "event": "test"}},
        "basis-mismatch": {"previous": "no-such"},
        "no-grant": {"recipient": "kitaverwaltung"},
    }
    for code, changed in refused.items():
        file = _file(tmp_path / "said.json", _said(town, **changed))
        told = einmal("consent", "record", file, "--home", home)
        assert (told.code, f"Not recorded: {code}. " in told.err) == (1, True), told.err
        as_json = einmal("consent", "record", file, "--json", "--home", home)
        assert (as_json.code, as_json.json["recorded"], as_json.json["code"]) == (1, False, code)
    subject = _file(tmp_path / "anna.json", named(anna()))
    assert einmal("consent", "list", "--subject-file", subject, "--json", "--home", home).json == []


def test_a_clerk_whose_time_is_over_records_nothing(
    town: Town, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """The grant still names them; their own file says that they were taken off."""

    async def leaves() -> None:
        revoked = f"revoked_at = {town.clock.now() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}\njwk ="
        edit(town, f"people/{CLERK}.toml", "jwk =", revoked)
        await takes_over(town)

    asyncio.run(leaves())
    file = _file(tmp_path / "said.json", _said(town))
    told = einmal("consent", "record", file, "--json", "--home", home)
    assert (told.code, told.json["code"]) == (1, "recorder-not-accepted")


WRONG: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "unknown recorder": ({"recorded_by": "betreib"}, "recorded_by", "Did you mean 'betrieb'?"),
    "no recorder": ({"recorded_by": None}, "recorded_by", "is missing"),
    "unknown purpose": ({"purpose": "housing-benfit"}, "purpose", "Did you mean 'housing-benefit'?"),
    "unknown procedure": ({"procedure": "kita-anmeldung"}, "procedure", "wohngeld-antrag"),
    "unknown register": ({"register": "melderegistr"}, "register", "Did you mean 'melderegister'?"),
    "unknown evidence": ({"evidence": "resident"}, "evidence", "Did you mean 'residence'?"),
    "unknown field": ({"fields": ["town", "stret"]}, "fields", "Did you mean 'street'?"),
    "unknown recipient": ({"recipient": "wohngeld"}, "recipient", "wohngeldstelle"),
    "unknown word": ({"channel": "pigeon"}, "channel", "Allowed: online, counter, paper, phone."),
    "no case": ({"case": None}, "case", "is missing"),
    "no date": ({"not_after": "Geheimnis"}, "not_after", "2026-12-31T23:59:59Z"),
    "no person": ({"subject": {"birth_date": "1980-01-01"}}, "(file)", "not named sufficiently"),
    "half a number": ({"subject": {"idnr": "Geheimnis", "birth_date": "1980-01-01"}}, "subject.idnr", "form"),
    "unknown key": ({"Geheimnis": 1}, "(file)", "holds an unknown key"),
    "an unknown key inside": ({"notice": {"Geheimnis": "x"}}, "notice", "holds an unknown key"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_told_by_key_and_mend(
    town: Town, home: Path, tmp_path: Path, einmal: Einmal, name: str
) -> None:
    """Exit 2; what stands there is never repeated, it could be anybody's name."""
    changed, key, mend = WRONG[name]
    file = _file(tmp_path / "said.json", {k: v for k, v in _said(town, **changed).items() if v is not None})
    told = einmal("consent", "record", file, "--home", home)
    assert told.code == 2
    assert f"{file} {key}: " in told.err
    assert mend in told.err
    assert not any(word in told.err for word in ("Geheimnis", "pigeon", "betreib", str(anna().idnr)))


@pytest.mark.parametrize(
    "said", [b"", b"[]", b"{", b'{"kind": "choice", "kind": "consent"}', b"\xff{}", b'{"state": "given"}']
)
def test_what_is_no_decision_at_all_is_told_so(
    said: bytes, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """Empty, a list, half a file, a key twice, not UTF-8, a key that is the house's: exit 2, the file named."""
    file = tmp_path / "said.json"
    file.write_bytes(said)
    told = einmal("consent", "record", file, "--home", home)
    assert (told.code, "said.json" in told.err.replace("\n", "")) == (2, True)
    assert einmal("consent", "record", tmp_path / "none.json", "--home", home).code in {2, 3}


def test_all_mistakes_of_a_file_are_told_at_once(
    town: Town, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """Three mistakes, three lines."""
    file = _file(tmp_path / "said.json", _said(town, purpose="x", recipient="y", recorded_by="z"))
    told = einmal("consent", "record", file, "--home", home)
    assert all(f"{file} {key}: " in told.err for key in ("purpose", "recipient", "recorded_by"))


# --- looked at and ended --------------------------------------------------------------------------------------
def test_a_record_is_listed_shown_and_withdrawn(
    town: Town, home: Path, person: Path, keep: Keep, einmal: Einmal
) -> None:
    """Every step with when and by whom; a second withdrawal and an unknown id are honest noes."""
    made = keep(_said(town))
    listed = einmal("consent", "list", "--subject-file", person, "--home", home)
    assert made in listed.out
    ended = einmal("consent", "withdraw", made, "--as", "datenschutz", "--json", "--home", home)
    assert ended.json == {"record": made, "state": "withdrawn", "revision": 2}
    shown = einmal("consent", "show", made, "--json", "--home", home).json
    assert (shown["state"], shown["authentic"], shown["assurance"]) == ("withdrawn", True, "substantial")
    steps = [(step["state"], step["recorded_by"], step["channel"]) for step in shown["history"]]
    assert steps == [("given", CLERK, "counter"), ("withdrawn", "datenschutz", None)]
    plain = einmal("consent", "show", made, "--home", home)
    assert "datenschutz" in plain.out
    assert not any(word in plain.out + listed.out for word in (str(anna().idnr), "1990", anna().given_names))
    again = einmal("consent", "withdraw", made, "--home", home)
    assert (again.code, "withdrawn already" in again.err) == (1, True)
    for command in ("withdraw", "show"):
        assert einmal("consent", command, "no-such", "--home", home).code == 1
    assert einmal("consent", "withdraw", keep(_said(town)), "--as", "niemand", "--home", home).code == 2


def test_a_withdrawal_nobody_signs_is_its_recorders(
    town: Town, home: Path, keep: Keep, einmal: Einmal
) -> None:
    """As easy as giving it: the id is enough."""
    made = keep(_said(town, recorded_by="buergerportal"))
    assert einmal("consent", "withdraw", made, "--home", home).code == 0
    shown = einmal("consent", "show", made, "--json", "--home", home).json
    assert shown["history"][1]["recorded_by"] == "buergerportal"


def test_a_renewal_links_both_ways(town: Town, home: Path, keep: Keep, einmal: Einmal) -> None:
    """The new record names the old one, and the old one is shown as continued."""
    old = keep(_said(town))
    new = keep(_said(town, previous=old))
    assert einmal("consent", "show", new, "--json", "--home", home).json["previous"] == old
    assert einmal("consent", "show", old, "--json", "--home", home).json["continued_by"] == [new]


def test_a_power_is_recorded_listed_shown_and_ended(
    town: Town, home: Path, person: Path, keep: Keep, einmal: Einmal
) -> None:
    """Like a decision, without whom it is about and who acts."""
    held = keep(power(town, anna(), representative=named(NOBODY), recorded_by=CLERK))
    under = {"representative": {"record": held, "proof": "guardianship"}}
    made = keep(_said(town, **under))
    shown = einmal("consent", "show", held, "--json", "--home", home).json
    assert (shown["kind"], shown["proof"], shown["state"]) == ("representation", "guardianship", "given")
    assert NOBODY.family_name not in json.dumps(shown)
    rows = einmal("consent", "list", "--subject-file", person, "--json", "--home", home).json
    assert {(row["record"], row["kind"]) for row in rows} == {(held, "representation"), (made, "choice")}
    assert held in einmal("consent", "list", "--subject-file", person, "--home", home).out
    assert einmal("consent", "withdraw", held, "--home", home).code == 0
    assert einmal("consent", "show", held, "--json", "--home", home).json["state"] == "withdrawn"


def test_a_person_is_found_by_every_form_that_is_known(
    town: Town, home: Path, tmp_path: Path, keep: Keep, einmal: Einmal
) -> None:
    """Recorded by name, by number, by both: all are found by both, and by the name as soon as one record ties them."""
    born = anna().birth_date.isoformat()
    name = {"family_name": anna().family_name, "given_name": anna().given_names, "birth_date": born}
    number = named(anna())
    by_name, by_number = keep(_said(town, subject=name)), keep(_said(town, subject=number))

    def found(subject: dict[str, str]) -> set[str]:
        file = _file(tmp_path / "whom.json", subject)
        listed = einmal("consent", "list", "--subject-file", file, "--json", "--home", home)
        return {row["record"] for row in listed.json}

    assert found(name) == {by_name}
    assert found(number) == {by_number}
    assert found(name | number) == {by_name, by_number}
    by_both = keep(_said(town, subject=name | number))
    assert found(name) == {by_name, by_number, by_both}


def test_namesakes_are_kept_apart(town: Town, home: Path, tmp_path: Path, keep: Keep, einmal: Einmal) -> None:
    """A name that fits two numbers lists nobody's: exit 1, and how to ask instead."""
    name = {"family_name": "Beispiel", "given_name": "Gleichnam", "birth_date": "1980-01-01"}
    for idnr in (anna().idnr, NOBODY.idnr or "01234567812"):
        keep(_said(town, subject=name | {"idnr": idnr}))
    file = _file(tmp_path / "whom.json", name)
    told = einmal("consent", "list", "--subject-file", file, "--json", "--home", home)
    assert (told.code, told.out, "identification number" in told.err) == (1, "", True)
