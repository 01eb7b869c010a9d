"""`einmal keys list` and `einmal keys rotate`: what an operator reads and types, for people and for programs."""

from __future__ import annotations

import json
import os
import shutil
from io import StringIO
from pathlib import Path

import pytest
from commands import Einmal
from rich.console import Console

from gateway.audit.identity import read_step
from gateway.audit.note import encode64, parse_vkey
from gateway.cli import console
from gateway.config.home import load_settings


def listed(einmal: Einmal, home: Path) -> dict[str, object]:
    told = einmal("keys", "list", "--json", "--home", home)
    assert told.code == 0, told.err
    found: dict[str, object] = told.json
    return found


def settled(home: Path) -> None:
    """Let two minutes pass since the master key was switched."""
    for switched in (home / "keys").glob("master[-.]*"):
        os.utime(switched, (0, 0))


def test_a_house_that_never_rotated_lists_what_is_in_use(home: Path, einmal: Einmal) -> None:
    """No former keys, no next one; the shards that are open, with their public keys."""
    told = listed(einmal, home)
    gateway, master = told["gateway"], told["master"]
    assert isinstance(gateway, dict)
    assert isinstance(master, dict)
    assert (told["former"], gateway["next"], gateway["former"], master["former"]) == ([], None, [], [])
    assert master["source"] == "file"
    assert parse_vkey(str(told["authority_vkey"])).fingerprint == told["fingerprint"]
    shards = told["shards"]
    assert isinstance(shards, list)
    assert [parse_vkey(shard["log_vkey"]).name for shard in shards] == [shard["origin"] for shard in shards]


def test_the_fingerprint_alone_is_for_scripts_and_for_a_caller(
    monkeypatch: pytest.MonkeyPatch, home: Path, einmal: Einmal
) -> None:
    """One line for a script; in a terminal the same in groups of four, under the name of the authority. It is the one
    that an export is checked with."""
    whole = str(listed(einmal, home)["fingerprint"])
    assert einmal("keys", "list", "--fingerprint", "--home", home).out == f"{whole}\n"
    facts = einmal("keys", "list", "--fingerprint", "--json", "--home", home).json
    assert facts == {"authority": "musterstadt.example", "fingerprint": whole}
    screen = Console(file=StringIO(), width=80, force_terminal=True, color_system=None, highlight=False)
    monkeypatch.setattr(console, "_out", screen)
    einmal("keys", "list", "--fingerprint", "--home", home)
    assert isinstance(screen.file, StringIO)
    first, told, *groups = screen.file.getvalue().splitlines()
    assert (first, "".join("".join(groups).split())) == (whole, whole)
    assert "musterstadt.example" in told
    assert all(len(group) == 4 for row in groups for group in row.split())


def test_an_auditors_key_comes_with_what_the_town_writes_down(
    home: Path, tmp_path: Path, einmal: Einmal
) -> None:
    """The lines shown, added to einmal.toml as they stand, name the auditor."""
    told = einmal("keys", "new", tmp_path / "a.key", "--kid", "dsb.example/einmal", "--auditor").out
    shown = told[told.index("  [[log.auditor]]") :].splitlines()[:3]
    settings = home / "einmal.toml"
    settings.write_text(settings.read_text("utf-8") + "\n".join(["", *shown, ""]), "utf-8")
    assert einmal("check", "--home", home).code == 0
    named = [auditor.vkey for auditor in load_settings(home).log.auditor]
    assert f'vkey = "{named[-1]}"' in told
    assert named[-1].startswith("dsb.example/einmal+")


def test_every_rotation_is_told_and_listed(home: Path, einmal: Einmal) -> None:
    """Former keys stay in the list, for who has to check what they signed; secrets are nowhere."""
    before = listed(einmal, home)
    announced = einmal("keys", "rotate", "gateway", "--announce", "--home", home)
    assert (announced.code, "goes on signing" in announced.out) == (0, True)
    for what in ("gateway", "identity", "master"):
        told = einmal("keys", "rotate", what, "--home", home)
        assert (told.code, told.err) == (0, "")
    text = einmal("keys", "list", "--home", home).out
    after = listed(einmal, home)
    old, new = before["gateway"], after["gateway"]
    assert isinstance(old, dict)
    assert isinstance(new, dict)
    assert [one["kid"] for one in new["former"]] == [old["kid"]]
    assert new["former"][0]["jwk"] == old["jwk"]
    assert after["former"] == [{"vkey": before["authority_vkey"], "fingerprint": before["fingerprint"]}]
    notes = after["succession"]
    assert isinstance(notes, list)
    assert read_step(notes[0]).old.vkey == before["authority_vkey"]
    for named in (old["kid"], new["kid"], before["authority_vkey"], after["authority_vkey"]):
        assert str(named) in text
    secrets = [(home / "keys" / name).read_text().split()[-1] for name in ("master.key", "identity.key")]
    assert not any(secret in text + json.dumps(after) for secret in secrets)


def test_a_class_gets_new_log_keys(home: Path, einmal: Einmal) -> None:
    """One or all; the shard before is named."""
    told = einmal("keys", "rotate", "log", "--class", "12m", "--json", "--home", home)
    [renewed] = told.json
    assert renewed["origin"] == renewed["former"] + ".2"
    assert len(einmal("keys", "rotate", "log", "--json", "--home", home).json) == 2
    assert einmal("log", "verify", "--home", home).code == 0


def test_the_former_master_goes_when_nobody_can_be_in_the_middle_of_anything(
    home: Path, einmal: Einmal
) -> None:
    """Told each time how far it is; then the next run is a rotation of its own."""
    first = einmal("keys", "rotate", "master", "--json", "--home", home).json
    assert first["sealed_anew"] > 0
    assert len(first["former"]) == 1
    again = einmal("keys", "rotate", "master", "--home", home)
    assert "for a minute more" in again.out
    settled(home)
    assert "deleted" in einmal("keys", "rotate", "master", "--home", home).out
    assert einmal("keys", "rotate", "master", "--json", "--home", home).json["master"] != first["master"]


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("gateway", "--class", "24m"),
        ("log", "--announce"),
        ("log", "--class", "99m"),
        ("gateway", "--days", "3"),
        ("master", "--overlap-days", "3"),
        ("encryption", "--announce"),
    ],
)
def test_what_can_t_be_meant_is_wrong_usage(home: Path, einmal: Einmal, words: tuple[str, ...]) -> None:
    """Exit 2, and nothing is changed."""
    before = listed(einmal, home)
    assert einmal("keys", "rotate", *words, "--home", home).code == 2
    assert listed(einmal, home) == before


def test_somebody_else_s_master_key_is_told_with_its_mend(home: Path, einmal: Einmal) -> None:
    """As ever: restore keys and data from the same backup."""
    master = home / "keys/master.key"
    master.write_text("A" * 43 + "=\n")
    told = einmal("log", "head", "--home", home)
    assert told.code == 3
    assert "another house's" in told.err


# --- keys to encrypt to ----------------------------------------------------------------------------------------
def published(einmal: Einmal, home: Path) -> list[dict[str, str]]:
    told = einmal("keys", "jwks", "--home", home)
    assert told.code == 0, told.err
    found: list[dict[str, str]] = json.loads(told.out)["keys"]
    return found


def test_a_new_house_has_a_key_to_encrypt_to_and_publishes_it(home: Path, einmal: Einmal) -> None:
    """Beside the one that signs; in the list, and as a JWKS that says what each is for."""
    own = listed(einmal, home)["encryption"]
    assert isinstance(own, list)
    (key,) = own
    signs, encrypts = published(einmal, home)
    assert (signs["use"], signs["alg"], encrypts["use"], encrypts["alg"]) == (
        "sig",
        "EdDSA",
        "enc",
        "ECDH-ES",
    )
    assert (encrypts["kid"], encrypts["x"]) == (key["kid"], key["jwk"]["x"])
    assert (encrypts["not_before"], encrypts["not_after"]) == (key["not_before"], key["not_after"])
    assert key["kid"] in einmal("keys", "list", "--home", home).out
    assert json.loads((home / "data/jwks.json").read_text())["keys"] == [signs, encrypts]
    assert (home / "data/jwks.json").stat().st_mode & 0o777 == 0o644


def test_another_key_to_encrypt_to_stands_before_the_former_one(home: Path, einmal: Einmal) -> None:
    """Both are published until the former one's end; then its file is gone, and the log says so."""
    old = published(einmal, home)[1]["kid"]
    told = einmal("keys", "rotate", "encryption", "--overlap-days", "7", "--home", home)
    assert (told.code, f"What is encrypted to {old} is opened for 7 days more." in told.out) == (0, True)
    named = [key["kid"] for key in published(einmal, home) if key["use"] == "enc"]
    assert len(named) == 2
    assert named[1] == old
    assert [key["kid"] for key in json.loads((home / "data/jwks.json").read_text())["keys"]][1:] == named
    at_once = einmal("keys", "rotate", "encryption", "--overlap-days", "0", "--json", "--home", home).json
    assert (at_once["former"], einmal("keys", "rotate", "encryption", "--home", home).code) == (named, 0)
    left = [path.stem for path in (home / "keys/encryption").iterdir()]
    assert at_once["kid"] in left
    assert not set(named) & set(left)
    assert einmal("log", "verify", "--home", home).code == 0
    assert not any(
        json.loads(path.read_text())["d"] in told.out for path in (home / "keys/encryption").iterdir()
    )


def test_an_older_house_gets_its_first_key_by_the_same_command(home: Path, einmal: Einmal) -> None:
    """Until then the list says what is missing."""
    shutil.rmtree(home / "keys/encryption")
    assert "No key to encrypt to" in einmal("keys", "list", "--home", home).out
    assert [key["use"] for key in published(einmal, home)] == ["sig"]
    made = einmal("keys", "rotate", "encryption", "--json", "--home", home).json
    assert made["former"] == []
    assert published(einmal, home)[1]["kid"] == made["kid"]


def test_a_consumer_makes_its_own_pair_to_be_answered_to(tmp_path: Path, einmal: Einmal) -> None:
    """The public line goes into its file in consumers/; the secret is told to nobody."""
    file = tmp_path / "enc.jwk"
    told = einmal("keys", "new", file, "--kid", "bibliothek-enc", "--encryption")
    assert 'crv = "X25519"' in told.out
    assert 'use = "enc"' in told.out
    assert json.loads(file.read_text())["d"] not in told.out


# --- a vault ------------------------------------------------------------------------------------------------------
def vault(home: Path, name: str, key: Path) -> str:
    """Out: a command that prints the key of a file outside the home."""
    kept = home.parent / f"{name}.b64"
    shutil.copy(key, kept)
    return f'["/bin/cat", "{kept}"]'


def settings(home: Path, keys: str) -> None:
    file = home / "einmal.toml"
    text = file.read_text("utf-8")
    begin = text.index("[keys]")
    file.write_text(text[:begin] + f"[keys]\n{keys}\n" + text[text.index("[schemas]", begin) :], "utf-8")


def test_a_house_goes_over_to_a_vault_and_rotates_there(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """The same key from a command; then another one; the home's own folder holds none of them."""
    first = vault(home, "first", home / "keys/master.key")
    settings(home, f"master_command = {first}")
    assert einmal("log", "verify", "--home", home).code == 0
    same = einmal("keys", "rotate", "master", "--home", home)
    assert (same.code, "prints the master key that is in use" in same.err) == (3, True)
    (home / "keys/master.key").unlink()
    assert einmal("log", "verify", "--home", home).code == 0
    second = tmp_path / "second.key"
    second.write_text(encode64(b"\x02" * 32) + "\n")
    settings(home, f"master_command = {vault(home, 'second', second)}")
    assert "another house's" in einmal("log", "head", "--home", home).err
    settings(home, f"master_command = {vault(home, 'second', second)}\nformer_command = {first}")
    assert "Run this again then" in einmal("keys", "rotate", "master", "--home", home).out
    settled(home)
    done = einmal("keys", "rotate", "master", "--home", home)
    assert (done.code, "any more: take keys.former_command out" in done.out) == (0, True)
    settings(home, f"master_command = {vault(home, 'second', second)}")
    assert einmal("log", "verify", "--home", home).code == 0
    assert listed(einmal, home)["master"] == {**_of(done.out), "source": "command", "former": []}
    assert not list((home / "keys").glob("master*.key"))


def _of(told: str) -> dict[str, str]:
    return {"id": told.split("master key ", 1)[1].split(".", 1)[0]}


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [
        ('master = "keys/master.key"', "keys.master"),
        ('master = "file:keys/master.key"\nmaster_command = ["/bin/true"]', "two sources"),
        ('master_command = "vault read"', "keys.master_command"),
        ("command_timeout_seconds = 0", "keys.command_timeout_seconds"),
        ('vault = "x"', "keys.vault"),
    ],
)
def test_a_source_that_is_none_is_located(home: Path, einmal: Einmal, keys: str, wrong: str) -> None:
    """File, line, key, and the mend, before anything is opened."""
    settings(home, keys)
    told = einmal("check", "--home", home)
    assert told.code == 1
    assert wrong in told.err
    assert "einmal.toml:" in told.err
