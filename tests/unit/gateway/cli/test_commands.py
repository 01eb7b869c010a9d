"""The command's word: exit codes others script on, problems with their place and mend, nobody's data on the screen."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from commands import Einmal
from rich.console import Console

from gateway.cli import console, main
from gateway.cli.demo.people import anna

SAMPLES = Path(__file__).parents[4] / "xoev_schemas" / "xeinmal_1_0" / "samples"


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: what a demo left. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["einmal", "demo", str(folder)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    return folder


@pytest.fixture
def home(played: Path, tmp_path: Path) -> Path:
    """Out: the demo's home, the test's own."""
    return shutil.copytree(played / "home", tmp_path / "home")


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """Out: a file that names Anna."""
    file = tmp_path / "anna.json"
    file.write_text(json.dumps({"idnr": anna().idnr, "birth_date": anna().birth_date.isoformat()}), "utf-8")
    return file


def fingerprint(einmal: Einmal, home: Path) -> str:
    return str(einmal("keys", "list", "--json", "--home", home).json["fingerprint"])


# --- the demo ---
def test_the_demo_leaves_everything_to_look_at(played: Path) -> None:
    """Home, messages as sent, the export packed and unpacked, the log's heads, the story."""
    assert {entry.name for entry in played.iterdir()} >= {
        "home",
        "messages",
        "anna.zip",
        "anna",
        "log",
        "story.md",
    }
    parts = {entry.stem.rpartition("-")[2] for entry in (played / "messages").iterdir()}
    assert parts == {"request", "reply", "signatures"}
    assert "refused (no-basis)" in (played / "story.md").read_text("utf-8")
    assert "Anna" not in (played / "anna" / "auskunft.html").read_text("utf-8")


def test_a_demo_replaces_an_earlier_one_and_nothing_else(tmp_path: Path, einmal: Einmal) -> None:
    """A folder with anything of somebody's in it is left alone."""
    (tmp_path / "mine").write_text("keep", "utf-8")
    assert einmal("demo", tmp_path).code == 2
    assert (tmp_path / "mine").read_text("utf-8") == "keep"


# --- homes ---
def test_init_makes_a_home_that_check_accepts(tmp_path: Path, einmal: Einmal) -> None:
    """New keys, an empty log, nothing granted; a second time refuses and changes nothing."""
    made = einmal("init", tmp_path / "home", "--name", "probestadt.example", "--json")
    assert made.code == 0
    assert made.json["authority_vkey"].startswith("probestadt.example+")
    assert einmal("check", "--home", tmp_path / "home").code == 0
    before = (tmp_path / "home" / "keys" / "identity.key").read_bytes()
    again = einmal("init", tmp_path / "home")
    assert (again.code, "already" in again.err) == (3, True)
    assert (tmp_path / "home" / "keys" / "identity.key").read_bytes() == before


def test_a_house_goes_by_the_name_of_its_identity_key(home: Path, einmal: Einmal) -> None:
    """Another name in the settings, or another house's key, is told before it begins a second log."""
    settings = home / "einmal.toml"
    settings.write_text(
        settings.read_text("utf-8").replace('name = "musterstadt.example"', 'name = "elsewhere.example"'),
        "utf-8",
    )
    told = einmal("check", "--home", home)
    assert (told.code, "is not musterstadt.example" in told.err) == (1, True)


def test_the_examples_of_a_new_home_make_a_right_one(played: Path, tmp_path: Path, einmal: Einmal) -> None:
    """Who writes down what its pages show, with keys of their own, has a home that serves."""
    home = tmp_path / "home"
    einmal("init", home)

    def write(folder: str, name: str, change: Callable[[str], str] = str) -> None:
        shown = (home / folder / "README.md").read_text("utf-8").split("```toml\n")[1].split("```")[0]
        (home / folder / f"{name}.toml").write_text(change(shown), "utf-8")

    def keyed(kid: str, **words: str) -> Callable[[str], str]:
        made = einmal("keys", "new", tmp_path / f"{kid}.jwk", "--kid", kid, "--json").json["jwk"]["x"]

        def change(shown: str) -> str:
            for old, new in words.items():
                shown = shown.replace(old, new)
            return shown.replace('x = "…"', f'x = "{made}"')

        return change

    shutil.copy(played / "home" / "registers" / "melderegister.sqlite3", home / "registers")
    write("registers", "melderegister")
    write("consumers", "wohngeldstelle", keyed("wohngeldstelle-2026"))
    write("consumers", "buergerportal", keyed("buergerportal-2026", wohngeldstelle="buergerportal"))
    write("people", "leitung-buergeramt", keyed("leitung-buergeramt"))
    approver = keyed("datenschutz", **{"leitung-buergeramt": "datenschutz", "register-owner": "approver"})
    write("people", "datenschutz", lambda text: re.sub("(?m)^registers .*$", "", approver(text)))
    purposes = home / "purposes.toml"
    purposes.write_text(
        re.sub(r"(?m)^# (?=\[|\w+ = )", "", purposes.read_text("utf-8").replace("#\n", "\n")), "utf-8"
    )
    write("grants", "wohngeld")
    for who in ("leitung-buergeramt", "datenschutz"):
        assert (
            einmal("grants", "sign", home / "grants" / "wohngeld.toml", "--key", tmp_path / f"{who}.jwk").code
            == 0
        )
    told = einmal("check", "--home", home)
    assert (told.code, told.err) == (0, "")


def test_check_names_every_mistake_with_its_place_and_mend(home: Path, einmal: Einmal) -> None:
    """Two mistakes in two files, both told, with line and key."""
    purposes, parking = home / "purposes.toml", home / "consumers" / "parkraumbewirtschaftung.toml"
    purposes.write_text(
        purposes.read_text("utf-8").replace('purpose = "day-care"', 'purpose = "day-car"'), "utf-8"
    )
    parking.write_text(parking.read_text("utf-8").replace("bus_user", "bus_usr"), "utf-8")
    told = einmal("check", "--home", home)
    assert told.code == 1
    assert "purposes.toml:" in told.err
    assert "Did you mean 'day-care'?" in told.err
    assert "consumers/parkraumbewirtschaftung.toml:" in told.err
    found = einmal("check", "--json", "--home", home).json
    assert not found["ok"]
    assert all(problem["line"] for problem in found["problems"] if problem["key"] == "bus_usr")


def test_check_looks_behind_the_files(home: Path, einmal: Einmal) -> None:
    """A language nobody can speak and a column that is not there are mistakes too."""
    register = home / "registers" / "melderegister.toml"
    register.write_text(register.read_text("utf-8").replace('"strasse"', '"gasse"'), "utf-8")
    office = home / "consumers" / "wohngeldstelle.toml"
    office.write_text(office.read_text("utf-8").replace("xeinmal/1.0", "xelsewhere/1.0"), "utf-8")
    told = einmal("check", "--home", home)
    assert told.code == 1
    assert "gasse" in told.err
    assert "xelsewhere/1.0 is not spoken here" in told.err


@pytest.mark.parametrize("command", [("check",), ("log", "head"), ("grants", "list"), ("serve",)])
def test_where_there_is_no_home_it_says_so(command: tuple[str, ...], tmp_path: Path, einmal: Einmal) -> None:
    """Exit 3 (check: 1), the missing file is named."""
    told = einmal(*command, "--home", tmp_path)
    assert told.code == (1 if command == ("check",) else 3)
    assert "einmal.toml (file): is missing. Name the home's folder with --home" in told.err


def test_wrong_usage_is_exit_2(einmal: Einmal) -> None:
    """An unknown command and a missing argument."""
    assert einmal("nonsense").code == 2
    assert einmal("citizen", "verify").code == 2


@pytest.mark.parametrize(
    "group", [(), ("consent",), ("citizen",), ("log",), ("keys",), ("grants",), ("schemas",)]
)
def test_every_command_says_in_one_whole_line_what_it_does(group: tuple[str, ...], einmal: Einmal) -> None:
    """Nothing is cut off where eighty columns are all there is."""
    told = einmal(*group, "--help").out.partition("Commands:")[2].splitlines()
    assert [line for line in told if line.endswith("...") and not line.startswith("  bench ")] == []
    assert all(len(line) <= 80 for line in told)


def test_in_a_narrow_terminal_no_word_is_broken(
    monkeypatch: pytest.MonkeyPatch, home: Path, played: Path, einmal: Einmal
) -> None:
    """Eighty columns: too wide a table becomes blocks, sentences break between words."""
    screen = Console(file=StringIO(), width=80, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(console, "_out", screen)
    assert einmal("grants", "list", "--home", home).code == 0
    assert einmal("citizen", "verify", played / "anna.zip").code == 1
    assert isinstance(screen.file, StringIO)
    shown = screen.file.getvalue()
    assert "  consumer  parkraumbewirtschaftung\n" in shown
    assert "fit\n    together.\n" in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_a_name_that_can_not_be_leaves_no_half_home(tmp_path: Path, einmal: Einmal) -> None:
    """Exit 2 before anything is written: a second try would be refused by the first one's files."""
    for wrong in (("--name", "Böse Stadt"), ("--title-de", 'Stadt "X"'), ("--title-en", "")):
        assert einmal("init", tmp_path / "home", *wrong).code == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda home, other: shutil.copy(other / "keys" / "master.key", home / "keys"), "same backup"),
        (lambda home, _: _garble(home / "data" / "einmal.sqlite3"), "restore it from a backup"),
    ],
)
def test_what_is_wrong_underneath_is_told_with_a_mend(
    spoil: Callable[[Path, Path], object], told: str, home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """Another house's master key, a damaged database: exit 3, and what an operator can do."""
    einmal("init", tmp_path / "other")
    spoil(home, tmp_path / "other")
    ended = einmal("log", "head", "--home", home)
    assert (ended.code, told in ended.err) == (3, True)


def _garble(file: Path) -> None:
    with file.open("r+b") as database:
        database.seek(20_000)
        database.write(b"\xa5" * 20_000)


def test_a_disk_that_takes_nothing_is_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, einmal: Einmal
) -> None:
    """Read-only or full: exit 3, the file and the system's words, not a mistake of the program."""

    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    monkeypatch.setattr(Path, "mkdir", full)
    ended = einmal("init", tmp_path / "home")
    assert (ended.code, "Read-only file system" in ended.err) == (3, True)
    assert "mistake" not in ended.err


def test_stopped_while_starting_nobody_sees_a_traceback(tmp_path: Path) -> None:
    """Ctrl-C while modules are read."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'gateway.cli': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n",
        "utf-8",
    )
    paths = os.pathsep.join((str(tmp_path), str(SAMPLES.parents[2])))
    command = (sys.executable, "-m", "gateway", "--help")
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


# --- keys and grants ---
def test_a_new_key_is_its_owners_alone_and_never_replaces_one(tmp_path: Path, einmal: Einmal) -> None:
    """0600, the public half on the screen, a second time refused."""
    file = tmp_path / "key.jwk"
    made = einmal("keys", "new", file, "--kid", "somebody")
    assert made.code == 0
    assert json.loads(file.read_text("ascii"))["x"] in made.out
    assert json.loads(file.read_text("ascii"))["d"] not in made.out
    assert file.stat().st_mode & 0o777 == 0o600
    assert einmal("keys", "new", file, "--kid", "somebody").code == 3


def test_a_grant_counts_once_two_people_have_signed_it(home: Path, einmal: Einmal) -> None:
    """Written, refused unsigned, refused with one signature, accepted with two, refused after a change."""
    made = einmal(
        *("grants", "new", "wohngeld-birth", "--consumer", "wohngeldstelle", "--evidence", "birth"),
        *("--register", "personenstandsregister", "--field", "family_name", "--purpose", "housing-benefit"),
        *("--procedure", "wohngeld-antrag", "--basis", "statutory", "--norm", "WoGG § 23"),
        *("--valid-from", "2026-01-01", "--valid-to", "2027-12-31", "--home", home),
    )
    assert made.code == 0
    assert "It is not signed, so it grants nothing yet." in made.out
    file, people = home / "grants" / "wohngeld-birth.toml", home / "keys" / "people"
    assert einmal("check", "--home", home).code == 1
    assert einmal("grants", "sign", file, "--key", people / "leitung-standesamt.jwk").code == 0
    assert "approver" in einmal("check", "--home", home).err
    assert einmal("grants", "sign", file, "--key", people / "datenschutz.jwk").code == 0
    assert einmal("check", "--home", home).code == 0
    assert einmal("grants", "show", "wohngeld-birth", "--json", "--home", home).json["fields"] == [
        "family_name"
    ]
    file.write_text(file.read_text("utf-8").replace("family_name", "birth_date"), "utf-8")
    assert einmal("check", "--home", home).code == 1


def test_signing_twice_takes_nobodys_signature_away(home: Path, einmal: Einmal) -> None:
    """Who has signed this state already changes nothing; a key of nobody's adds nothing."""
    file, people = home / "grants" / "parken.toml", home / "keys" / "people"
    before = file.with_suffix(".sig").read_text("utf-8")
    again = einmal("grants", "sign", file, "--key", people / "datenschutz.jwk")
    assert (again.code, "already" in again.out) == (0, True)
    stranger = einmal("grants", "sign", file, "--key", home / "keys" / "consumers" / "wohngeldstelle.jwk")
    assert (stranger.code, "nobody of that id" in stranger.err) == (2, True)
    assert file.with_suffix(".sig").read_text("utf-8") == before


def test_a_grant_is_written_nowhere_else(home: Path, einmal: Einmal) -> None:
    """Its name is one, not a path."""
    told = einmal(
        *("grants", "new", "../evil", "--consumer", "wohngeldstelle", "--evidence", "birth"),
        *("--register", "personenstandsregister", "--field", "family_name", "--purpose", "housing-benefit"),
        *("--procedure", "wohngeld-antrag", "--basis", "statutory", "--norm", "WoGG § 23"),
        *("--valid-from", "2026-01-01", "--valid-to", "2027-12-31", "--home", home),
    )
    assert told.code == 2
    assert not (home / "evil.toml").exists()


def test_nobody_signs_in_another_name(home: Path, einmal: Einmal) -> None:
    """--as must be the key's own."""
    key = home / "keys" / "people" / "datenschutz.jwk"
    told = einmal(
        "grants", "sign", home / "grants" / "parken.toml", "--key", key, "--as", "leitung-buergeramt"
    )
    assert told.code == 2


# --- deciding and asking ---
EXPLAIN = (
    "explain",
    "--consumer",
    "parkraumbewirtschaftung",
    "--register",
    "melderegister",
    "--evidence",
    "residence",
)


def test_explain_says_yes_or_no_and_why(home: Path, einmal: Einmal) -> None:
    """Exit 0 with the grant, exit 1 with the reason, exit 2 for an unknown name."""
    parking = (*EXPLAIN, "--purpose", "resident-parking", "--home", home)
    assert "grant parken-residence" in einmal(*parking).out
    refused = einmal(*parking, "--field", "religion", "--json")
    assert (refused.code, refused.json["code"], refused.json["fields"]) == (
        1,
        "fields-not-permitted",
        ["religion"],
    )
    assert einmal(*EXPLAIN, "--purpose", "no-such", "--home", home).code == 2


def test_ask_prints_the_checked_reply(played: Path, home: Path, einmal: Einmal) -> None:
    """An answer is exit 0, a refusal exit 1; the same message again gets the same bytes."""
    sent = played / "messages"
    question = min(sent.glob("*-parkraumbewirtschaftung-request.json"))
    answer = einmal("ask", question, "--as", "parkraumbewirtschaftung", "--json", "--home", home)
    assert (answer.code, answer.json["type"]) == (0, "evidence.answer")
    reply = question.with_name(question.name.replace("request", "reply"))
    assert answer.json["body"].encode() == reply.read_bytes()
    early = min(sent.glob("*-kitaverwaltung-request.xml"))
    refusal = einmal("ask", early, "--as", "kitaverwaltung", "--home", home)
    assert refusal.code == 1
    assert "no-basis" in refusal.out


def test_ask_sends_nothing_under_a_key_that_is_not_the_consumers(
    played: Path, home: Path, einmal: Einmal
) -> None:
    """Such a request would wait for a reply that never comes."""
    request = sorted((played / "messages").glob("*wohngeldstelle-request.xml"))[0]
    key = home / "keys" / "consumers" / "kitaverwaltung.jwk"
    told = einmal("ask", request, "--as", "wohngeldstelle", "--key", key, "--home", home)
    assert (told.code, "kitaverwaltung-2026" in told.err) == (2, True)


def test_ask_refuses_what_is_no_request(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """Garbage and unknown endings exit 1, an unknown consumer 2; nothing of the file is printed."""
    file = tmp_path / "r.xml"
    file.write_text("<secret>Geheimnis</secret>", "utf-8")
    told = einmal("ask", file, "--as", "wohngeldstelle", "--home", home)
    assert told.code == 1
    assert "Geheimnis" not in told.out + told.err
    assert einmal("ask", tmp_path / "r.txt", "--as", "wohngeldstelle", "--home", home).code == 1
    assert einmal("ask", file, "--as", "niemand", "--home", home).code == 2


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
        assert "What is proved, line by line" in checked.out
    unknown = einmal("citizen", "verify", out, "--json")
    assert (unknown.code, unknown.json["outcome"]) == (1, "signer-unknown")
    assert einmal("citizen", "verify", out, "--authority", "0" * 64).code == 1
    assert einmal("citizen", "verify", out, "--authority", "rubbish").code == 2
    assert (
        "Wahr."
        in einmal("citizen", "verify", out, "--authority", known["fingerprint"], "--language", "de").out
    )


def test_an_export_tells_programs_what_it_wrote(
    home: Path, person: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """The file and its digest as JSON; for somebody nobody knows no file, and exit 1."""
    out, stranger = tmp_path / "out.zip", tmp_path / "s.json"
    asked = ("citizen", "export", "--home", home, "--json", "--out", out, "--subject-file")
    told = einmal(*asked, person)
    assert told.json == {"file": str(out), "sha256": sha256(out.read_bytes()).hexdigest()}
    named = {"family_name": "Unbekannt", "given_name": "Gibtsnicht", "birth_date": "1900-01-01"}
    stranger.write_text(json.dumps(named), "utf-8")
    unknown = einmal(*asked, stranger)
    assert (unknown.code, unknown.json) == (1, {"file": None})


def test_an_export_never_overwrites(home: Path, person: Path, tmp_path: Path, einmal: Einmal) -> None:
    """A file that is there stays as it is."""
    out = tmp_path / "out.zip"
    out.write_bytes(b"mine")
    assert einmal("citizen", "export", "--out", out, "--subject-file", person, "--home", home).code == 3
    assert out.read_bytes() == b"mine"


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
    assert "not the key you named" not in einmal("citizen", "verify", played / "anna.zip").out
    told = einmal("citizen", "verify", played / "anna.zip", "--authority", "0" * 64)
    assert (told.code, "not the key you named" in told.out) == (1, True)


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
    assert f"{head['size']} lines: holds" in told.out


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


# --- standards ---
def test_an_added_standard_is_told_to_people_and_programs(home: Path, einmal: Einmal) -> None:
    """--json names the set and its files."""
    told = einmal("schemas", "add", SAMPLES.parent, "--json", "--home", home)
    assert told.json["set"]
    assert any(file.endswith(".xsd") for file in told.json["files"])


def test_a_missing_message_hides_no_other_ones_verdict(home: Path, einmal: Einmal) -> None:
    """Every file that is there gets its line; exit 3 for the one that is not."""
    there = SAMPLES / "anfrage.0101.xml"
    told = einmal("schemas", "validate", home / "nowhere.xml", there, "--home", home)
    assert (told.code, told.out.startswith("WARN"), "nowhere.xml" in told.err) == (3, True, True)


def test_messages_are_judged_without_their_values(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """VALID or WARN is exit 0; INVALID and UNKNOWN are 1, with rule and path and no value."""
    sample = SAMPLES / "anfrage.0101.xml"
    assert einmal("schemas", "validate", sample, "--home", home).code == 0
    broken, unknown = tmp_path / "b.xml", tmp_path / "u.xml"
    broken.write_text(sample.read_text("utf-8").replace("0101</", "Geheimnis</"), "utf-8")
    unknown.write_text("<nobody xmlns='urn:knows'/>", "utf-8")
    told = einmal("schemas", "validate", broken, unknown, "--home", home)
    assert told.code == 1
    assert "INVALID xeinmal" in told.out
    assert "UNKNOWN urn:knows" in told.out
    assert "Geheimnis" not in told.out
