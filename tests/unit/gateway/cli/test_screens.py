"""What a terminal shows: whole lines of help, pages as wide as it is, and never a traceback."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from commands import SAMPLES, Einmal
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from gateway.cli import app, console
from gateway.cli.roles import LOG, LogCommands


def test_wrong_usage_is_exit_2(einmal: Einmal) -> None:
    """An unknown command and a missing argument."""
    assert einmal("nonsense").code == 2
    assert einmal("citizen", "verify").code == 2


@pytest.mark.parametrize(
    "group", [(), ("consent",), ("citizen",), ("log",), ("keys",), ("grants",), ("schemas",)]
)
def test_every_command_says_in_one_whole_line_what_it_does(group: tuple[str, ...], einmal: Einmal) -> None:
    """Nothing is cut off where eighty columns are all there is."""
    told = einmal(*group, "--help").out.partition("Show this message and exit.")[2].splitlines()
    assert len(told) > 3
    assert [line for line in told if line.endswith("...")] == []
    assert all(len(line) <= 80 for line in told)


def test_einmal_log_says_who_runs_which_of_its_commands(einmal: Einmal) -> None:
    """Each command stands under one role, also a new one; the roles say who they are."""
    told = einmal("log")
    said = told.out + told.err
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    group = command.commands["log"]
    assert isinstance(group, LogCommands)
    assert sorted(name for role in LOG for name in role.commands) == sorted(group.commands)
    for role in LOG:
        below = said.partition(f"{role.who}:\n")[2].partition("\n\n")[0]
        assert [row.split()[0] for row in below.splitlines()] == list(role.commands)
    assert [role.who.split()[0].rstrip(":") for role in LOG] == ["Operator", "Administrator", "Auditor"]


def test_a_grant_with_preview_is_told_what_it_does(einmal: Einmal) -> None:
    """Nobody writes one that refuses everything without having read so."""
    assert "(preview-required)" in einmal("grants", "new", "--help").out


def test_the_check_of_the_log_is_read_in_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, home: Path, einmal: Einmal
) -> None:
    """Shard, what was checked, the verdict; when, with its zone; the same where COLUMNS says so."""
    monkeypatch.setenv("COLUMNS", "80")
    screen = Console(file=StringIO(), force_terminal=True, color_system=None, highlight=False, soft_wrap=True)
    monkeypatch.setattr(console, "_out", screen)
    assert screen.width == 80
    with closing(sqlite3.connect(home / "data" / "einmal.sqlite3")) as database, database:
        gone = "salt = NULL, event = NULL, withheld = 'erased: a norm of which no line of the log speaks'"
        database.execute(f"UPDATE line SET {gone} WHERE idx = 3")
    assert einmal("log", "verify", "--home", home).code == 1
    assert isinstance(screen.file, StringIO)
    rows = screen.file.getvalue().splitlines()
    assert [row for row in rows if len(row) > 80] == []
    assert rows[0] == f"musterstadt.example/12m/{shard_month(home)}"
    assert re.fullmatch(r"  [0-9]+ lines, [01] epochs?, 1 cosignature: [0-9]+ wrong places?", rows[1])
    assert re.fullmatch(r"As they stood on \d{4}-\d\d-\d\d at \d\d:\d\d:\d\d UTC\.", rows[-1])


def shard_month(home: Path) -> str:
    with closing(sqlite3.connect(home / "data" / "einmal.sqlite3")) as database:
        (origin,) = database.execute("SELECT origin FROM shard LIMIT 1").fetchone()
    return str(origin).rpartition("/")[2]


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
