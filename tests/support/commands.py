"""The command as a test runs it: in this process, with its arguments, its words and its exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from gateway.cli import main

SAMPLES = Path(__file__).parents[2] / "xoev_schemas" / "xeinmal_1_0" / "samples"
"""Messages to show the command."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Einmal(Protocol):
    """Runs `einmal` with these arguments, in this process."""

    def __call__(self, *arguments: object) -> Ended: ...


def running(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Einmal:
    """Out: the command. It never shows a traceback."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["einmal", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ended(int(ended.value.code or 0), said.out, said.err)

    return run
