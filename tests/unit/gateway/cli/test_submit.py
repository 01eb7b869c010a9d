"""`einmal submit`: one way with `einmal ask`, and never by mistake for it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
import submitting
import town as towns
from commands import Einmal

from adapters.clock import SystemClock
from gateway.cli.demo.people import anna


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """Out: a home in which Anna has decided for one move, and letters of the portal's."""
    root, letters = tmp_path_factory.mktemp("submit") / "home", tmp_path_factory.mktemp("letters")
    return root, asyncio.run(_founded(root, letters))


async def _founded(root: Path, letters: Path) -> dict[str, Path]:
    clock = towns.StillClock(SystemClock().now())
    town = await towns.found(root, clock)
    await submitting.decides(town, anna(), "UM-2026-1")
    files: dict[str, Path] = {}
    for name, language, changed in (
        ("move", "xeinmal/1.0", {}),
        ("again", "json/1.0", {"replaces": {}}),
        ("conflict", "json/1.0", {"replaces": {}, "values": {"town": "Probeberg"}}),
        ("undecided", "xeinmal/1.0", {"case": "UM-2026-2"}),
    ):
        body, kind = town.body(town.moves(anna(), **changed), language)
        files[name] = letters / f"{name}.{'xml' if 'xml' in kind else 'json'}"
        files[name].write_bytes(body)
    question = {
        "purpose": "move",
        "procedure": "wohnsitz-ummeldung",
        "case": "UM-2026-1",
        "fields": ["street"],
    }
    files["question"] = letters / "question.json"
    files["question"].write_text(json.dumps(town.asks(anna(), **question)), "utf-8")
    await town.opened.close()
    return files


def test_a_receipt_is_exit_0_a_refusal_1(founded: tuple[Path, dict[str, Path]], einmal: Einmal) -> None:
    """In words and as JSON; the same file again is the same message and gets the same bytes."""
    home, files = founded
    told = einmal("submit", files["move"], "--as", "buergerportal", "--json", "--home", home)
    assert (told.code, told.json["type"], told.json["content_type"]) == (
        0,
        "submit.receipt",
        "application/xml",
    )
    assert told.json["receipt"].count(".") == 2
    assert submitting.resident(home, anna())["hausnummer"] == "99z"
    again = einmal("submit", files["move"], "--as", "buergerportal", "--json", "--home", home)
    assert again.json["body"] == told.json["body"]
    there = einmal("submit", files["again"], "--as", "buergerportal", "--home", home)
    assert there.code == 0
    assert '"outcome":"already-on-file"' in there.out
    assert "submit.receipt, signed by" in there.out
    for name, code in (("conflict", "conflict"), ("undecided", "no-basis")):
        refused = einmal("submit", files[name], "--as", "buergerportal", "--home", home)
        assert refused.code == 1
        assert "submit.refusal" in refused.out
        assert code in refused.out
    assert submitting.resident(home, anna())["ort"] == "Musterstadt"


def test_each_command_sends_its_own_kind_only(founded: tuple[Path, dict[str, Path]], einmal: Einmal) -> None:
    """Nobody writes into a register who meant to ask; the other command is named."""
    home, files = founded
    before = submitting.content(home)
    wrong = einmal("ask", files["undecided"], "--as", "buergerportal", "--home", home)
    assert (wrong.code, "einmal submit" in wrong.err) == (2, True)
    wrong = einmal("submit", files["question"], "--as", "buergerportal", "--home", home)
    assert (wrong.code, "einmal ask" in wrong.err) == (2, True)
    assert submitting.content(home) == before


def test_what_is_no_submission_is_not_sent(
    founded: tuple[Path, dict[str, Path]], tmp_path: Path, einmal: Einmal
) -> None:
    """Garbage exits 1 without being printed, an unknown consumer 2, a missing file 3."""
    home, files = founded
    file = tmp_path / "r.json"
    file.write_text('{"values": {"street": "Geheimnis"}}', "utf-8")
    told = einmal("submit", file, "--as", "buergerportal", "--home", home)
    assert told.code == 1
    assert "Geheimnis" not in told.out + told.err
    assert einmal("submit", files["move"], "--as", "niemand", "--home", home).code == 2
    assert einmal("submit", tmp_path / "none.xml", "--as", "buergerportal", "--home", home).code == 3
    assert einmal("submit", files["move"], "--as", "buergerportal", "--home", tmp_path).code == 3
