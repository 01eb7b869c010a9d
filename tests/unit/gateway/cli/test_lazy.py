"""A citizen's own computer is no house: the check of an export runs without what a house is made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from commands import Einmal
from typer.core import TyperGroup
from typer.main import get_command

from gateway.cli import app
from gateway.cli.lazy import COMMANDS

ELSEWHERE: Final = """import sys
sys.modules |= dict.fromkeys(("fcntl", "grp", "pwd", "resource", "termios"))
from gateway.__main__ import main
main()"""
"""`einmal` where Python has no modules of Unix: importing one fails."""


def elsewhere(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Out: how `einmal` ended there, with its words."""
    words = [sys.executable, "-c", ELSEWHERE, *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("de", "Wahr, und vollständig, wenn das Verzeichnis ehrlich ist."),
        ("en", "True, and complete if the index is honest."),
    ],
)
def test_an_export_is_checked_where_no_house_could_run(
    language: str, told: str, played: Path, einmal: Einmal
) -> None:
    """As PRUEFEN.txt promises: on the citizen's own computer, whichever it is."""
    known = einmal("keys", "list", "--json", "--home", played / "home").json["fingerprint"]
    checked = elsewhere(
        "citizen", "verify", played / "anna.zip", "--authority", known, "--language", language
    )
    assert (checked.returncode, told in checked.stdout, checked.stderr) == (0, True, "")


def test_the_commands_are_listed_where_no_house_could_run() -> None:
    """All of them; one that needs a house is not read for it."""
    told = elsewhere("--help")
    assert (told.returncode, told.stderr) == (0, "")
    listed = told.stdout.partition("Commands:\n")[2].splitlines()
    assert [row.split()[0] for row in listed] == list(COMMANDS)
    assert elsewhere("serve").returncode != 0


def test_each_command_says_of_itself_what_the_list_says_of_it() -> None:
    """The list is written apart from the commands, and agrees with them."""
    command = get_command(app)
    assert isinstance(command, TyperGroup)
    assert {name: one.get_short_help_str(80) for name, one in command.commands.items()} == {
        name: one.says for name, one in COMMANDS.items()
    }
