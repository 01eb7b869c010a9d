"""Grants at the command line: written, signed, put in force, replaced, revoked; each says whether it counts."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import pytest
import town as towns
from commands import Einmal, Ended
from mistakes import replaced
from town import StillClock

from gateway import assembly

NOW: Final = assembly.now()
ID: Final = "wohngeld-residence"
YEAR: Final = NOW.year
OPTIONS: Final = (
    *("--consumer", "kitaverwaltung", "--register", "melderegister", "--evidence", "residence"),
    *(
        "--field",
        "town",
        "--field",
        "street",
        "--purpose",
        "housing-benefit",
        "--procedure",
        "wohngeld-antrag",
    ),
    *("--basis", "statutory", "--norm", "WoGG § 23"),
    *("--valid-from", f"{YEAR}-01-01", "--valid-to", f"{YEAR + 1}-12-31"),
)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a closed home whose law is in force. Copy it."""
    root = tmp_path_factory.mktemp("granted") / "home"

    async def found() -> None:
        town = await towns.found(root, StillClock(NOW))
        await town.opened.close()

    asyncio.run(found())
    return root


@pytest.fixture
def home(founded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Out: the test's own copy, in which the commands work."""
    root = copytree(founded, tmp_path / "home")
    monkeypatch.setenv("EINMAL_HOME", str(root))
    return root


def lines(home: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as database:
        rows = database.execute("SELECT event FROM line ORDER BY shard, idx").fetchall()
    return [json.loads(row[0]) for row in rows]


def person(home: Path, name: str) -> Path:
    return home / "keys" / "people" / f"{name}.jwk"


def signs(einmal: Einmal, home: Path, file: str, *people: str) -> Ended:
    """Each of them signs. Out: how the last one's command ended."""
    ended = [
        einmal("grants", "sign", home / "grants" / file, "--key", person(home, name), "--json")
        for name in people
    ]
    assert [one.code for one in ended] == [0] * len(people)
    return ended[-1]


def state(einmal: Einmal, name: str) -> str:
    return str(einmal("grants", "show", name, "--json").json["state"])


# --- new and sign -------------------------------------------------------------------------------------------------
def test_a_grant_counts_from_the_reload_after_two_signatures(home: Path, einmal: Einmal) -> None:
    """Written, signed once, signed twice, reloaded: only the last step gives anybody anything, and says what."""
    made = einmal("grants", "new", "neu", *OPTIONS, "--json").json
    assert (made["grant"], made["signed"]) == ("neu", False)
    once = signs(einmal, home, "neu.toml", "leitung-buergeramt").json
    assert once["missing"] == "lacks the signature of an approver"
    assert einmal("reload").code == 1
    assert einmal("grants", "show", "neu").code == 2
    both = signs(einmal, home, "neu.toml", "datenschutz").json
    assert both["missing"] is None
    assert both["grants"] == [{"id": "neu", "content_hash": made["content_hash"]}]
    assert state(einmal, "neu") == "not in force: `einmal reload` puts it in force"
    switched = einmal("reload", "--json").json
    assert switched["added"] == ["neu"]
    (change,) = switched["fields"]
    assert (change["consumer"], change["gained"], change["lost"]) == (
        "kitaverwaltung",
        ["street", "town"],
        [],
    )
    assert state(einmal, "neu") == "in force"
    assert einmal("grants", "show", "neu", "--json").json["content_hash"] == made["content_hash"]


def test_what_could_not_be_signed_is_not_written(home: Path, einmal: Einmal) -> None:
    """A field nobody has, dates swapped, a rule broken: exit 1, told, and no file."""
    for wrong, told in (
        (("--field", "stret"), "Did you mean 'street'?"),
        (("--valid-to", f"{YEAR - 1}-12-31"), "Swap valid_from and valid_to."),
        (("--exempt", "AO § 32b"), "both norm and days"),
        (("--write", "--default-field", "town"), "no meaning in a grant to submit"),
        (("--predecessor", ID), "is about something else"),
        (("--consumer", "nobody"), "consumer 'nobody' is unknown"),
        (("--norm", ""), "is empty"),
    ):
        ended = einmal("grants", "new", "neu", *OPTIONS, *wrong)
        assert (ended.code, told in ended.err, "Nothing was written." in ended.err) == (1, True, True), (
            ended.err
        )
    assert not (home / "grants/neu.toml").exists()


def test_every_key_of_a_grant_has_its_option(home: Path, einmal: Einmal) -> None:
    """What is said at the command line stands in the file, and is read back."""
    options = re.sub("statutory", "choice", "\0".join(OPTIONS)).split("\0")
    said = einmal(
        *("grants", "new", "neu", *options, "--recorded-by", "buergerportal", "--assurance", "substantial"),
        *("--representation", "guardianship", "--on-behalf-of", "wohngeldstelle", "--default-field", "town"),
        *("--idnr", "--blocked", "deliver-with-notice", "--retention", "12m", "--preview"),
    )
    assert said.code == 0, said.err
    signs(einmal, home, "neu.toml", "leitung-buergeramt", "datenschutz")
    shown = einmal("grants", "show", "neu", "--json").json
    assert shown["assurance"] == "substantial"
    assert shown["representation"] == ["guardianship"]
    assert shown["on_behalf_of"] == "wohngeldstelle"
    assert shown["default_fields"] == ["town"]
    assert (shown["idnr"], shown["preview"], shown["blocked"]) == (True, True, "deliver-with-notice")
    told = einmal("grants", "show", "neu").out
    assert "substantial at least" in told
    assert "guardianship" in told


def test_a_wrong_file_is_not_signed(home: Path, einmal: Einmal) -> None:
    """Its mend would take the signature away again."""
    file = home / "grants/wohngeld.toml"
    before = file.with_suffix(".sig").read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace('"street"', '"stret"'), "utf-8")
    ended = einmal("grants", "sign", file, "--key", person(home, "datenschutz"))
    assert (ended.code, "Nothing was signed" in ended.err) == (1, True)
    assert file.with_suffix(".sig").read_text("utf-8") == before


# --- predecessor ------------------------------------------------------------------------------------------------
def test_a_replaced_grant_says_by_which(home: Path, einmal: Einmal) -> None:
    """While the older one is in force it names its end; the list has both."""
    vollstreckung = einmal("grants", "show", "vollstreckung-residence", "--json").json
    fields = [part for name in vollstreckung["fields"] for part in ("--field", name)]
    made = einmal(
        *("grants", "new", "vollstreckung-neu", "--consumer", "stadtkasse", "--register", "melderegister"),
        *("--evidence", "residence", *fields, "--purpose", "enforcement", "--procedure", "forderungseinzug"),
        *("--basis", "statutory", "--norm", "BMG § 34", "--blocked", "deliver-with-notice"),
        *("--valid-from", f"{YEAR + 1}-07-01", "--valid-to", f"{YEAR + 2}-12-31"),
        *("--predecessor", "vollstreckung-residence"),
    )
    assert made.code == 0, made.err
    signs(einmal, home, "vollstreckung-neu.toml", "leitung-buergeramt", "datenschutz")
    reloaded = einmal("reload")
    assert "Nobody gains or loses a field today." in reloaded.out
    assert state(einmal, "vollstreckung-residence") == (
        f"in force, until {YEAR + 1}-06-30: then vollstreckung-neu"
    )
    assert state(einmal, "vollstreckung-neu") == f"from {YEAR + 1}-07-01"


# --- revoke -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["datenschutz", "leitung-buergeramt"])
def test_one_signature_ends_a_grant_at_once(home: Path, einmal: Einmal, who: str) -> None:
    """In force when the command ends, with its line; a second time changes nothing; the files are in step."""
    before = lines(home)
    told = einmal(
        "grants", "revoke", ID, "--key", person(home, who), "--reason", "Pilot beendet", "--json"
    ).json
    assert (told["in_force"], told["changed"], told["file"]) == (True, True, f"grants/{ID}.revoked")
    after = [line for line in lines(home) if line["kind"] == "policy.loaded"]
    assert (len(lines(home)), after[-1]["digests"]["policy"]) == (len(before) + 1, told["policy"])
    assert state(einmal, ID).startswith("revoked on ")
    assert "Pilot beendet" in einmal("grants", "show", ID).out
    assert einmal("check", "--json").json["in_force"]
    again = einmal(
        "grants", "revoke", ID, "--key", person(home, who), "--reason", "noch einmal", "--json"
    ).json
    assert (again["changed"], again["reason"]) == (False, "Pilot beendet")
    explained = einmal(
        *(
            "explain",
            "--consumer",
            "wohngeldstelle",
            "--register",
            "melderegister",
            "--evidence",
            "residence",
        ),
        *("--purpose", "housing-benefit", "--json"),
    )
    assert (explained.code, explained.json["code"]) == (1, "no-grant")


@pytest.mark.parametrize(
    ("who", "wrong"),
    [
        ("leitung-standesamt", "neither an approver nor melderegister's owner"),
        ("betrieb", "neither an approver nor melderegister's owner"),
    ],
)
def test_who_may_not_revoke_changes_nothing(home: Path, einmal: Einmal, who: str, wrong: str) -> None:
    """Another register's owner, an operator: exit 1, no file, no line."""
    before = lines(home)
    told = einmal("grants", "revoke", ID, "--key", person(home, who), "--reason", "x")
    assert (told.code, wrong in told.err, "Nothing was revoked." in told.err) == (1, True, True)
    assert not (home / f"grants/{ID}.revoked").exists()
    assert lines(home) == before


def test_a_stranger_and_a_grant_nobody_has_are_told(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """A key of nobody's is exit 1, a grant that is not in force and a reason that is none are exit 2."""
    einmal("keys", "new", tmp_path / "x.jwk", "--kid", "somebody")
    key = person(home, "datenschutz")
    assert einmal("grants", "revoke", ID, "--key", tmp_path / "x.jwk", "--reason", "x").code == 1
    assert einmal("grants", "revoke", "nobody", "--key", key, "--reason", "x").code == 2
    assert einmal("grants", "revoke", ID, "--key", key, "--reason", " ").code == 2
    assert einmal("grants", "revoke", ID, "--key", key, "--reason", "x" * 501).code == 2


def test_a_revocation_does_not_wait_for_others_mistakes(home: Path, einmal: Einmal) -> None:
    """A half-written file beside it neither stops it nor counts; `check` goes on telling of it."""
    (home / "consumers/leer.toml").touch()
    told = einmal("grants", "revoke", ID, "--key", person(home, "datenschutz"), "--reason", "x")
    assert (told.code, "grants nothing any more" in told.out) == (0, True)
    checked = einmal("check")
    assert (checked.code, "consumers/leer.toml:1" in checked.err) == (1, True)


def test_a_revocation_that_is_taken_away_is_missed_and_written_again(home: Path, einmal: Einmal) -> None:
    """`check` and `reload` say so; revoking again brings the same bytes back."""
    key = person(home, "datenschutz")
    einmal("grants", "revoke", ID, "--key", key, "--reason", "x")
    file = home / f"grants/{ID}.revoked"
    kept = file.read_bytes()
    file.unlink()
    for command in ("check", "reload"):
        told = einmal(command)
        assert (told.code, f"`einmal grants revoke {ID}` writes it again" in told.err) == (1, True)
    assert einmal("grants", "revoke", ID, "--key", key, "--reason", "y").code == 0
    assert file.read_bytes() == kept
    assert einmal("reload").code == 0


def test_a_revocation_is_written_again_where_its_grant_is_gone_from_the_law(
    home: Path, einmal: Einmal
) -> None:
    """The grant's file may go and its revocation may not: what `check` tells to do about that can be done."""
    key = person(home, "datenschutz")
    einmal("grants", "revoke", ID, "--key", key, "--reason", "x")
    for ending in ("toml", "sig"):
        (home / f"grants/wohngeld.{ending}").unlink()
    assert einmal("reload").code == 0
    file = home / f"grants/{ID}.revoked"
    kept = file.read_bytes()
    file.unlink()
    assert f"`einmal grants revoke {ID}` writes it again" in einmal("check").err
    assert einmal("grants", "revoke", ID, "--key", key, "--reason", "y").code == 0
    assert file.read_bytes() == kept


def test_a_revocation_written_and_not_in_force_is_told(home: Path, einmal: Einmal) -> None:
    """The journal can't be written after the file was: exit 3, in plain words; the same command goes on."""
    key = person(home, "datenschutz")
    with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as database, database:
        taken = "SELECT id, size, zeroblob(32), zeroblob(65), null, null, null FROM shard"
        database.execute(f"INSERT INTO line {taken}")  # where the next line belongs
    told = einmal("grants", "revoke", ID, "--key", key, "--reason", "x")
    assert (told.code, "is written (grants/wohngeld-residence.revoked) and NOT in force" in told.err) == (
        3,
        True,
    )
    assert state(einmal, ID) == "in force; revoked in the files"
    with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as database, database:
        database.execute("DELETE FROM line WHERE leaf = zeroblob(65)")
    assert einmal("grants", "revoke", ID, "--key", key, "--reason", "x").code == 0
    assert state(einmal, ID).startswith("revoked on")


# --- looking ----------------------------------------------------------------------------------------------------
def test_a_list_says_what_counts_whatever_lies_beside_it(home: Path, einmal: Einmal) -> None:
    """The law in force is listed with a draft and a mistake in the files, and says that they don't count."""
    rows = einmal("grants", "list", "--json").json
    assert {row["state"] for row in rows} == {"in force"}
    assert all(re.fullmatch("[0-9a-f]{64}", row["content_hash"]) for row in rows)
    (home / "grants/wohngeld.sig").unlink()
    listed = einmal("grants", "list")
    assert (listed.code, ID in listed.out) == (0, True)
    assert "The files have 1 mistake: see `einmal check`." in listed.out
    assert einmal("grants", "expiring").code == 0
    assert einmal("keys", "list").code == 0


def test_where_nothing_is_granted_the_list_says_so(tmp_path: Path, einmal: Einmal) -> None:
    """Plainly, and how to begin."""
    einmal("init", tmp_path / "new")
    told = einmal("grants", "list", "--home", tmp_path / "new")
    assert (told.code, "There is no grant: nobody may ask for anything." in told.out) == (0, True)
    assert einmal("grants", "list", "--json", "--home", tmp_path / "new").json == []


def test_what_ends_soon_is_listed_by_its_day(home: Path, einmal: Einmal) -> None:
    """Grants, consumers' keys and people's keys, soonest first; nothing is said to end when nothing does."""
    days = 366 * 2
    rows = einmal("grants", "expiring", "--days", days, "--json").json
    assert {row["what"] for row in rows} == {"grant", "consumer's key", "person's key"}
    assert [row["last_day"] for row in rows] == sorted(row["last_day"] for row in rows)
    assert "Nothing ends within 0 days" in einmal("grants", "expiring", "--days", 0).out


def test_check_warns_of_what_ends_soon_and_is_content(home: Path, einmal: Einmal) -> None:
    """A warning is no mistake: exit 0."""
    end = (NOW.date().replace(day=1) if NOW.day < 15 else NOW.date()).isoformat()
    replaced(home, "people/betrieb.toml", "^valid_to = .*?$", f"valid_to = {end}T23:59:59Z")
    told = einmal("check", "--json")
    assert (told.code, told.json["ok"], told.json["in_force"]) == (0, True, False)
    assert [(one["file"], one["key"]) for one in told.json["warnings"]] == [
        ("people/betrieb.toml", "valid_to")
    ]
    assert "They are not in force yet" in einmal("check").out
