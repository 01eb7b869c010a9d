"""The command, for every test of it."""

from __future__ import annotations

import pytest
from commands import Einmal, running


@pytest.fixture
def einmal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Einmal:
    """Out: `einmal`, run in this process."""
    return running(monkeypatch, capsys)
