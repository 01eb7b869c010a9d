"""An older home is named as such by every command, and upgraded by one, while nobody serves it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from secrets import token_bytes

import pytest
from commands import Einmal

from adapters.bus import file as bus_file
from adapters.storage.schema import REVISION
from gateway.audit import labels


@pytest.fixture
def older(tmp_path: Path, einmal: Einmal, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Out: a home with the tables of the program's first version, and its lines: no salt was made of a secret."""
    home = tmp_path / "home"
    with monkeypatch.context() as patched:
        patched.setattr(labels, "house_salt", lambda _secret, _event: token_bytes(labels.SALT_BYTES))
        assert einmal("init", home).code == 0
    with closing(sqlite3.connect(home / "data/einmal.sqlite3")) as database, database:
        for table in ("release", "epoch", "cosignature", "held", "hold"):
            database.execute(f"DROP TABLE {table}")
        database.execute("ALTER TABLE line DROP COLUMN withheld")
        database.execute("ALTER TABLE alembic_version DROP COLUMN since")
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    return home


@pytest.mark.parametrize("command", [("log", "head"), ("log", "verify"), ("serve",)])
def test_an_older_home_is_left_as_it_is_and_told_the_mend(
    older: Path, command: tuple[str, ...], einmal: Einmal
) -> None:
    """Nothing upgrades in passing: the error names the command that does."""
    told = einmal(*command, "--home", older)
    assert told.code == 3
    assert "einmal upgrade" in " ".join(told.err.split())
    with closing(sqlite3.connect(older / "data/einmal.sqlite3")) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)


def test_upgrade_makes_it_one_of_this_version(older: Path, einmal: Einmal) -> None:
    """Once; a second time there is nothing to do. Its log is the same and holds, and goes on in newer shards."""
    assert einmal("upgrade", "--json", "--home", older).json == {"before": "0001", "after": REVISION}
    assert einmal("log", "verify", "--home", older).code == 0
    assert einmal("keys", "rotate", "log", "--home", older).code == 0
    assert einmal("log", "verify", "--home", older).code == 0
    again = einmal("upgrade", "--home", older)
    assert again.code == 0
    assert "already" in again.out


def test_a_home_that_is_served_is_not_upgraded(older: Path, einmal: Einmal) -> None:
    """Whoever serves it would write into tables it does not know."""
    serving = bus_file.Ownership(older / "data/bus.sqlite3", "another-process")
    try:
        told = einmal("upgrade", "--home", older)
    finally:
        serving.release()
    assert told.code == 3
    assert "Stop `einmal serve` first" in " ".join(told.err.split())
    assert einmal("upgrade", "--home", older).code == 0
