"""A home made by command: complete, or told what is wrong with its place and mend; exit codes others script on."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import Einmal


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


# --- what a newcomer is told ---
def test_a_house_that_took_the_made_up_name_is_told_so(tmp_path: Path, einmal: Einmal) -> None:
    """The name stays for ever, so nobody gets it unseen; with a name of one's own nothing is said."""
    said = "a made-up town"
    assert said in einmal("init", tmp_path / "trial").out
    assert said not in einmal("init", tmp_path / "own", "--name", "probestadt.example").out


@pytest.mark.parametrize(
    ("name", "likely"),
    [("Stadt Köln", "stadt-koeln.example"), ("Weißstadt.DE", "weissstadt.de"), ("!", None)],
)
def test_a_name_that_is_none_is_told_with_one_that_would_do(
    name: str, likely: str | None, tmp_path: Path, einmal: Einmal
) -> None:
    """Its own words, spelt as a domain; nothing, where there are none."""
    told = einmal("init", tmp_path / "home", "--name", name)
    said = " ".join(told.err.split())
    assert (told.code, "Take the domain of the authority" in said) == (2, True)
    assert (f"for a trial {likely}." in said) if likely else ("for a trial" not in said)
    if likely:
        assert einmal("init", tmp_path / "home", "--name", likely).code == 0


def test_an_empty_lock_file_is_explained_where_it_is_met(
    played: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """In the demo's story and in the README of a new home."""
    assert (played / "log" / ".lock").read_bytes() == b""
    einmal("init", tmp_path / "home")
    for page in (played / "story.md", tmp_path / "home" / "README.md"):
        assert "`.lock`" in page.read_text("utf-8")


def test_a_name_that_can_not_be_leaves_no_half_home(tmp_path: Path, einmal: Einmal) -> None:
    """Exit 2 before anything is written: a second try would be refused by the first one's files."""
    for wrong in (("--name", "Böse Stadt"), ("--title-de", 'Stadt "X"'), ("--title-en", "")):
        assert einmal("init", tmp_path / "home", *wrong).code == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda home, other: shutil.copy(other / "keys" / "master.key", home / "keys"),
            "Restore the right one",
        ),
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
