"""The command, for every test of it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from commands import Einmal, running

from gateway.cli import main
from gateway.cli.demo.people import anna


@pytest.fixture
def einmal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Einmal:
    """Out: `einmal`, run in this process."""
    return running(monkeypatch, capsys)


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
