"""`einmal log witness`, and exports of a house that wants witnesses, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Einmal
from witness import WitnessTown, standing


@pytest.fixture
def town() -> WitnessTown:
    """A witness that takes every log at its first word."""
    return WitnessTown(trusts_anybody=True)


def wanting(home: Path, town: WitnessTown, url: str, quorum: int = 1) -> None:
    """Name the witness in the home's settings."""
    file = home / "einmal.toml"
    text = file.read_text("utf-8").replace("witness_quorum = 0", f"witness_quorum = {quorum}")
    text = text.replace("witness_timeout_seconds = 10", "witness_timeout_seconds = 20")
    named = f'[[log.witness]]\nname = "Nachbarstadt"\nvkey = "{town.signer.cosigner.vkey}"\nurl = "{url}"\n'
    file.write_text(text.replace("[keys]\n", f"{named}\n[keys]\n", 1), "utf-8")
    assert named in file.read_text("utf-8")


def test_every_log_is_cosigned(home: Path, einmal: Einmal, town: WitnessTown) -> None:
    """0 and a row for each; a witness that refuses or is away gives 1 and its reason."""
    with standing(town) as url:
        wanting(home, town, url)
        asked = einmal("log", "witness", "--home", home)
        assert (asked.code, asked.out.count("cosigned")) == (0, 2)
        told = einmal("log", "witness", "--json", "--home", home).json
        assert [(one["witness"], one["state"]) for one in told] == [("Nachbarstadt", "cosigned")] * 2
        assert einmal("log", "verify", "--home", home).code == 0


def test_one_that_is_away_is_told(home: Path, einmal: Einmal, town: WitnessTown) -> None:
    """Exit 1: the honest answer is that nobody cosigned."""
    with standing(town) as url:
        pass
    wanting(home, town, url)
    asked = einmal("log", "witness", "--home", home)
    assert (asked.code, asked.out.count("it can't be reached")) == (1, 2)


def test_nobody_named_is_wrong_usage(home: Path, einmal: Einmal) -> None:
    """A house without witnesses has nobody to ask."""
    asked = einmal("log", "witness", "--home", home)
    assert (asked.code, "name a [[log.witness]]" in asked.err) == (2, True)


def test_an_export_names_who_watched(
    home: Path, person: Path, tmp_path: Path, einmal: Einmal, town: WitnessTown
) -> None:
    """What is handed out was cosigned that moment, and its reader is told by whom; without them nothing leaves."""
    out, later = tmp_path / "out.zip", tmp_path / "later.zip"
    exporting = ("citizen", "export", "--subject-file", person, "--home", home, "--out")
    with standing(town) as url:
        wanting(home, town, url)
        assert einmal(*exporting, out).code == 0
    known = einmal("keys", "list", "--json", "--home", home).json["fingerprint"]
    verifying = ("citizen", "verify", out, "--authority", known, "--witness")
    seen = einmal(*verifying, town.signer.cosigner.vkey)
    assert (seen.code, town.name in seen.out) == (0, True)
    assert town.name not in einmal(*verifying, WitnessTown("x.example/zeuge").signer.cosigner.vkey).out
    refused = einmal(*exporting, later)
    assert refused.code == 3
    assert "Nachbarstadt: it can't be reached" in refused.err
    assert "einmal log witness" in refused.err
    assert not later.exists()
