"""A home with every mistake at once: each is told with its place and its mend, and nothing of it counts."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import mistakes
import pytest
import town as towns
from commands import Einmal
from mistakes import Mistake


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a closed home whose law is in force. Copy it."""
    root = tmp_path_factory.mktemp("lawful") / "home"

    async def found() -> None:
        town = await towns.found(root)
        await town.opened.close()

    asyncio.run(found())
    return root


@pytest.fixture
def home(founded: Path, tmp_path: Path) -> Path:
    return copytree(founded, tmp_path / "home")


def lines(home: Path) -> int:
    with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as database:
        return int(database.execute("SELECT count(*) FROM line").fetchone()[0])


def told(mistake: Mistake, found: list[dict[str, Any]], home: Path) -> bool:
    """Out: whether one of the problems is this mistake, at its line."""
    return any(
        one["file"] == mistake.file
        and mistake.key in one["key"]
        and mistake.wrong in one["wrong"]
        and mistake.mend in one["mend"]
        and (mistake.line is None or mistake.line in line_of(one, home))
        for one in found
    )


def line_of(problem: dict[str, Any], home: Path) -> str:
    """Out: the text of the line that a problem names."""
    file, number = str(problem["file"]), int(problem["line"])
    text = (home / file).read_bytes().decode("utf-8", "replace")
    return text.split("\n")[number - 1]


def test_every_mistake_is_told_at_once_and_nothing_starts(home: Path, einmal: Einmal) -> None:
    """All of them, each in its place; neither `check` nor `reload` writes a line or changes the law."""
    made, before = mistakes.spoil(home), lines(home)
    checked = einmal("check", "--json", "--home", home)
    assert checked.code == 1
    found = checked.json["problems"]
    assert [mistake for mistake in made if not told(mistake, found, home)] == []
    assert all(one["mend"] for one in found)
    reloaded = einmal("reload", "--home", home)
    assert (reloaded.code, "Nothing was changed" in reloaded.err) == (1, True)
    assert reloaded.err.count("\n") == len(found) + 2
    assert lines(home) == before


def test_a_home_that_never_had_a_law_does_not_start_with_a_wrong_one(tmp_path: Path, einmal: Einmal) -> None:
    """`serve` and `reload` end at once with every mistake, and no line is written."""
    einmal("init", tmp_path / "new")
    before = lines(tmp_path / "new")
    (tmp_path / "new" / "consumers" / "leer.toml").touch()
    for command, code in (("serve", 3), ("reload", 1), ("check", 1)):
        told = einmal(command, "--home", tmp_path / "new")
        assert (told.code, "consumers/leer.toml:1 (file): is empty." in told.err) == (code, True)
    assert lines(tmp_path / "new") == before


def test_a_bus_that_is_not_there_is_told_with_its_line(home: Path, einmal: Einmal) -> None:
    """Its file is gone, is none, or its path is mistyped: a home without it serves nobody. `check` makes none."""
    bus, settings = home / "data/bus.sqlite3", home / "einmal.toml"
    assert einmal("check", "--home", home).code == 0
    bus.rename(home / "aside")
    [missing] = einmal("check", "--json", "--home", home).json["problems"]
    assert (missing["file"], missing["key"], missing["wrong"]) == (
        "einmal.toml",
        "bus.path",
        "leads to no file",
    )
    assert "put the file back from the newest backup" in missing["mend"]
    assert not bus.exists()
    bus.write_bytes(b"no database " * 200)
    [other] = einmal("check", "--json", "--home", home).json["problems"]
    assert (other["file"], other["wrong"]) == ("einmal.toml", "is not a SQLite database")
    (home / "aside").rename(bus)
    raw = settings.read_text("utf-8")
    assert 'path = "data/bus.sqlite3"' in raw
    settings.write_text(raw.replace("data/bus.sqlite3", "data/buss.sqlite3"), "utf-8")
    [mistyped] = einmal("check", "--json", "--home", home).json["problems"]
    assert "buss" in line_of(mistyped, home)
