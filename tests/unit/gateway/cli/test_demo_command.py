"""The demo by command: what it leaves to look at, what it leaves alone, and how one goes on from there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from commands import Einmal

from gateway.cli.demo.command import activation


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


def test_the_demo_says_how_a_terminal_finds_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing where it does; else what to type: told from here, whole from elsewhere, quoted where it must be."""
    python = tmp_path / "my project" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "my project")
    assert activation(python, "/usr/bin/einmal") is None
    assert activation(python, None) == f"alias einmal='{python.parent / 'einmal'}'"
    (python.parent / "activate").touch()
    assert activation(python, None) == ". .venv/bin/activate"
    monkeypatch.chdir(tmp_path.parent)
    assert activation(python, None) == f". '{tmp_path.name}/my project/.venv/bin/activate'"
    monkeypatch.chdir("/")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert activation(python, None) == f". '{python.parent / 'activate'}'"


def test_the_end_of_the_demo_shows_it(tmp_path: Path) -> None:
    """As on a machine where nothing is on the PATH but the system's own."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", str(tmp_path / "demo")],
        env={"PATH": "/nowhere", "HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    hint = done.stdout.partition("finds `einmal`, type this once:\n  ")[2].splitlines()[0]
    assert hint == activation(Path(sys.executable), None)
