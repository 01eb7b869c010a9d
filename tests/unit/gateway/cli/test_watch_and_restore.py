"""`einmal log watch`, `einmal log restored` and `einmal backup` as an operator sees them."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from commands import Einmal

from gateway import assembly


def stuck(home: Path) -> None:
    """An exchange that no line tells of."""
    with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as connection, connection:
        connection.execute(
            "insert into exchange (exchange, consumer, message_id, digest, secondary, retention, attempt)"
            " values ('6f0f7c52-0000-4000-8000-000000000001', 'wohngeldstelle',"
            " '6f0f7c52-0000-4000-8000-000000000002', 'd', 0, '24m', 1)"
        )


def test_a_house_that_is_well_says_so(home: Path, einmal: Einmal) -> None:
    """With the counts, and in health.json as well."""
    told = einmal("log", "watch", "--home", home)
    assert told.code == 0
    assert "The house is well." in told.out
    found = einmal("log", "watch", "--json", "--home", home).json
    assert found["green"] is True
    assert found["accepted"] == found["terminal"] + found["in_flight"]
    assert found["in_flight"] == found["in_flight_by_lines"]
    assert json.loads((home / "data/health.json").read_text("utf-8"))["green"] is True


def test_what_is_stuck_is_named_with_its_mend(home: Path, einmal: Einmal) -> None:
    """By ids; exit 1."""
    stuck(home)
    told = einmal("log", "watch", "--home", home)
    assert told.code == 1
    for words in (
        "6f0f7c52-0000-4000-8000-000000000001",
        "message 6f0f7c52-",
        "of wohngeldstelle",
        "log verify",
    ):
        assert words in told.out
    assert einmal("log", "watch", "--json", "--home", home).json["troubles"][0]["kind"] == "row-without-line"


@pytest.mark.parametrize("command", ["watch", "tiles"])
def test_a_full_disk_is_named_with_its_mend(
    command: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, einmal: Einmal
) -> None:
    """Which file did not fit, and what to do; nothing half-written stays."""
    full = home / "data" if command == "watch" else tmp_path / "tiles"
    fsync = os.fsync

    def synced(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_file() and full in path.parents and path.suffix == ".new":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    told = einmal("log", command, *([full] if command == "tiles" else []), "--home", home)
    assert told.code == 3
    assert told.err.startswith(f"{full}/")
    assert told.err.endswith(": No space left on device. Make room there.\n")
    assert not list(full.rglob("*.new"))


def test_a_backup_that_failed_leaves_no_folder(home: Path, tmp_path: Path, einmal: Einmal) -> None:
    """Neither one that is empty nor one with half of it: what is there is a backup."""
    (home / "data/bus.sqlite3").write_bytes(b"no database " * 500)
    assert einmal("backup", tmp_path / "backup", "--home", home).code == 3
    assert not (tmp_path / "backup").exists()
    (tmp_path / "mine").mkdir()
    assert einmal("backup", tmp_path / "mine", "--home", home).code == 3
    assert (tmp_path / "mine").is_dir()


def test_a_backup_is_put_back_step_by_step(home: Path, person: Path, tmp_path: Path, einmal: Einmal) -> None:
    """Backed up, gone on, put back: refused with the next step; shown; done; served again, and shown in the check."""
    told = einmal("backup", tmp_path / "backup", "--home", home)
    assert told.code == 0
    files = {file.name: file for file in (tmp_path / "backup").iterdir()}
    assert files.keys() == {"einmal.sqlite3", "bus.sqlite3"}
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o600}
    assert einmal("backup", tmp_path / "backup", "--home", home).code == 3, "never overwrites"
    export = ("citizen", "export", "--subject-file", person, "--home", home, "--out")
    assert einmal(*export, tmp_path / "a.zip").code == 0
    shutil.copy(files["einmal.sqlite3"], home / "data/einmal.sqlite3")
    refused = einmal(*export, tmp_path / "b.zip")
    assert refused.code == 3
    assert "einmal log restored" in refused.err
    shown = einmal("log", "restored", "--home", home)
    assert shown.code == 1
    assert "lost, all after" in shown.out
    assert einmal("log", "restored", "--tiles", tmp_path, "--home", home).code == 2
    assert einmal("log", "restored", "--reason", "two\nlines", "--home", home).code == 2
    done = einmal("log", "restored", "--reason", "disk failed", "--home", home)
    assert done.code == 0
    assert "The house may be served again." in done.out
    checked = einmal("log", "verify", "--home", home)
    assert checked.code == 0
    assert "lines lost in a restore: musterstadt.example/24m/" in checked.out
    assert any(report["lost"] for report in einmal("log", "verify", "--json", "--home", home).json)
    again = einmal(*export, tmp_path / "b.zip")
    assert again.code == 0
    verified = einmal("citizen", "verify", tmp_path / "b.zip")
    assert "lost in a restore" in verified.out
    assert einmal("log", "restored", "--json", "--home", home).json == {"done": False, "lost": []}


def test_a_restore_that_has_ended_is_not_done_again_unasked(home: Path, einmal: Einmal) -> None:
    """Nothing is missing since, so no shard is opened; who restored once more says so."""

    def shards() -> int:
        with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as connection:
            return int(connection.execute("select count(*) from shard").fetchone()[0])

    again = ("log", "restored", "--reason", "disk failed", "--home", home)
    assert "The house may be served again." in einmal(*again).out
    before = shards()
    told = einmal(*again)
    assert (told.code, shards()) == (0, before)
    assert "Nothing was done: nothing is missing, and the last restore has come to its end." in told.out
    assert einmal(*again, "--json").json == {"done": False, "lost": []}
    assert einmal("log", "restored", "--again", "--home", home).code == 2
    assert "The log goes on in" in einmal(*again, "--again").out
    assert shards() == before + 2


def test_an_index_dated_ahead_of_the_operators_clock_is_named(home: Path, einmal: Einmal) -> None:
    """The clock was three hours ahead when it was made."""
    assert einmal("log", "verify", "--home", home).code == 0

    async def ahead() -> None:
        opened = await assembly.open_house(home)
        await opened.epochs.make(assembly.now() + timedelta(hours=3))
        await opened.close()

    asyncio.run(ahead())
    told = einmal("log", "verify", "--home", home)
    assert (told.code, "dated ahead of now" in " ".join(told.out.split())) == (1, True)
