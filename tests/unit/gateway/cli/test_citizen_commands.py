"""What is proved to a person by command: their export, and the log behind it; nobody's data on the screen."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from datetime import datetime
from hashlib import sha256
from io import StringIO
from pathlib import Path
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from commands import Einmal


def fingerprint(einmal: Einmal, home: Path) -> str:
    return str(einmal("keys", "list", "--json", "--home", home).json["fingerprint"])


# --- the citizen ---
def test_an_export_verifies_with_the_published_fingerprint_only(
    home: Path, person: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """0 with fingerprint or vkey; 1 without, with another's; 2 with what is no key."""
    out = tmp_path / "out.zip"
    assert einmal("citizen", "export", "--out", out, "--subject-file", person, "--home", home).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    known = einmal("keys", "list", "--json", "--home", home).json
    for authority in (known["fingerprint"], known["authority_vkey"]):
        checked = einmal("citizen", "verify", out, "--authority", authority)
        assert checked.code == 0
        assert "What is proved, entry by entry" in checked.out
    unknown = einmal("citizen", "verify", out, "--json")
    assert (unknown.code, unknown.json["outcome"]) == (1, "signer-unknown")
    assert einmal("citizen", "verify", out, "--authority", "0" * 64).code == 1
    assert einmal("citizen", "verify", out, "--authority", "rubbish").code == 2
    told = einmal("citizen", "verify", out, "--authority", known["fingerprint"], "--language", "de").out
    assert "Wahr, und vollständig, wenn das Verzeichnis ehrlich ist." in told


def test_an_export_tells_programs_what_it_wrote(
    home: Path, person: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """The file, its digest and its cut-off as JSON; for somebody nobody knows no file, and exit 1."""
    out, stranger = tmp_path / "out.zip", tmp_path / "s.json"
    asked = ("citizen", "export", "--home", home, "--json", "--subject-file")
    told = einmal(*asked, person, "--out", out)
    verdict = einmal("citizen", "verify", out, "--json").json
    assert told.json == {
        "file": str(out),
        "sha256": sha256(out.read_bytes()).hexdigest(),
        "to": verdict["to"],
    }
    named = {"family_name": "Unbekannt", "given_name": "Gibtsnicht", "birth_date": "1900-01-01"}
    stranger.write_text(json.dumps(named), "utf-8")
    unknown = einmal(*asked, stranger, "--out", tmp_path / "none.zip")
    assert (unknown.code, unknown.json) == (1, {"file": None})


def test_an_export_never_overwrites(home: Path, person: Path, tmp_path: Path, einmal: Einmal) -> None:
    """A file that is there stays as it is, and the log tells of no export that nobody got."""
    out = tmp_path / "out.zip"
    out.write_bytes(b"mine")
    before = einmal("log", "head", "--home", home).out
    ended = einmal("citizen", "export", "--out", out, "--subject-file", person, "--home", home)
    assert (ended.code, out.read_bytes()) == (2, b"mine")
    assert einmal("log", "head", "--home", home).out == before


def test_a_page_that_was_touched_fails_the_check(
    played: Path, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """The proof is untouched and true; the page beside it lies, and is named."""
    forged = tmp_path / "forged.zip"
    with ZipFile(played / "anna.zip") as honest, ZipFile(forged, "w") as bundle:
        for name in honest.namelist():
            body = honest.read(name)
            if name == "auskunft.html":
                body = body.replace(b"Wohngeldstelle", "Bücherstelle".encode())
            bundle.writestr(name, body)
    told = einmal("citizen", "verify", forged, "--authority", fingerprint(einmal, home))
    assert told.code == 1
    assert "auskunft.html" in told.out
    (tmp_path / "no.zip").write_bytes(b"no")
    assert einmal("citizen", "verify", tmp_path / "no.zip").code == 1


def test_a_person_nobody_knows_gets_an_honest_no(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """No file is written for somebody no register knows; a number with a wrong check digit is wrong usage."""
    stranger = tmp_path / "s.json"
    named = {"family_name": "Unbekannt", "given_name": "Gibtsnicht", "birth_date": "1900-01-01"}
    stranger.write_text(json.dumps(named), "utf-8")
    told = einmal(
        "citizen", "export", "--out", tmp_path / "o.zip", "--subject-file", stranger, "--home", home
    )
    assert told.code == 1
    assert not (tmp_path / "o.zip").exists()
    stranger.write_text(json.dumps({"idnr": "01234567890", "birth_date": "1900-01-01"}), "utf-8")
    assert (
        einmal(
            "citizen", "export", "--out", tmp_path / "o.zip", "--subject-file", stranger, "--home", home
        ).code
        == 2
    )


@pytest.mark.parametrize(
    "said",
    ['{"birth_date": 7, "family_name": ["Geheim"], "given_name": {}}', "[]", '{"birth_date": "1990-13-01"}'],
)
def test_a_file_that_names_nobody_is_wrong_usage(
    said: str, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """Exit 2; nothing of the file is repeated."""
    (tmp_path / "odd.json").write_text(said, "utf-8")
    told = einmal("consent", "list", "--subject-file", tmp_path / "odd.json", "--home", home)
    assert (told.code, "mistake" in told.err, "Geheim" in told.err) == (2, False, False)


def test_without_an_answer_at_the_prompt_nobody_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, einmal: Einmal
) -> None:
    """In a script nothing answers: exit 2, not the honest no."""
    monkeypatch.setattr(sys, "stdin", StringIO(""))
    told = einmal("consent", "list", "--home", home)
    assert (told.code, "--subject-file" in told.err) == (2, True)


def test_another_authoritys_fingerprint_is_told_apart_from_none(played: Path, einmal: Einmal) -> None:
    """Both exit 1; who named one hears that it is not that one."""
    assert "another key than the one you named" not in einmal("citizen", "verify", played / "anna.zip").out
    told = einmal("citizen", "verify", played / "anna.zip", "--authority", "0" * 64)
    assert (told.code, "another key than the one you named" in told.out) == (1, True)


@pytest.mark.parametrize(
    ("language", "form", "end", "head"),
    [
        (
            "de",
            r"\d\d\.\d\d\.\d{4}, \d\d:\d\d:\d\d",
            "{:%d.%m.%Y, %H:%M:%S} Uhr (deutsche Zeit)",
            "wann (deutsche Zeit)",
        ),
        (
            "en",
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
            "{:%Y-%m-%d %H:%M:%S} (German time)",
            "when (German time)",
        ),
    ],
)
def test_a_check_tells_every_time_in_one_zone_and_one_form(
    language: str, form: str, end: str, head: str, played: Path, einmal: Einmal
) -> None:
    """The sentence and the list say that it is German time, as the pages do."""
    to = datetime.fromisoformat(einmal("citizen", "verify", played / "anna.zip", "--json").json["to"])
    told = einmal("citizen", "verify", played / "anna.zip", "--language", language).out
    before, _, rows = told.partition(head)
    assert end.format(to.astimezone(ZoneInfo("Europe/Berlin"))) in before
    assert [row for row in rows.splitlines()[1:] if not re.match(form, row)] == []
    assert re.findall(form, rows)
    assert "UTC" not in told


def test_what_is_proved_is_told_entry_by_entry(played: Path, einmal: Einmal) -> None:
    """Not line by line: the log has lines that are no entry. In a pipe no row ends in blanks."""
    told = einmal("citizen", "verify", played / "anna.zip", "--language", "de").out
    _, _, rows = told.partition("Was bewiesen ist, Eintrag für Eintrag:\n")
    assert len(rows.splitlines()) > 10
    assert [row for row in told.splitlines() if row != row.rstrip()] == []


# --- the log ---
def test_the_log_is_shown_proved_and_verified(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """Head and proof name the same checkpoint; every line counts."""
    head = einmal("log", "head", "--json", "--home", home).json
    assert set(head) >= {"authority_vkey", "log_vkey", "checkpoint", "size"}
    proved = einmal("log", "prove", 1, "--json", "--out", tmp_path / "p", "--home", home).json
    assert proved["proof"].endswith(head["checkpoint"])
    assert len(list((tmp_path / "p").iterdir())) == 2
    assert einmal("log", "prove", head["size"], "--home", home).code == 2
    told = einmal("log", "verify", "--home", home)
    assert told.code == 0
    assert f"  {head['size']} lines, 1 epoch, 1 cosignature: holds" in told.out


def test_one_flipped_byte_of_the_log_is_named(home: Path, einmal: Einmal) -> None:
    """Table, row and column of what was touched; exit 1."""
    with closing(sqlite3.connect(home / "data" / "einmal.sqlite3")) as database, database:
        (salt,) = database.execute("SELECT salt FROM line WHERE idx = 2 LIMIT 1").fetchone()
        flipped = bytes([salt[0] ^ 1]) + salt[1:]
        database.execute("UPDATE line SET salt = ? WHERE salt = ?", (flipped, salt))
    told = einmal("log", "verify", "--home", home)
    assert told.code == 1
    assert "line [" in told.out
    assert " salt:" in told.out
