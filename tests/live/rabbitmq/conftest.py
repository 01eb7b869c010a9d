"""A town on a RabbitMQ of this machine, with users of its own there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import brokers
import pytest
import rabbit_town
from _pytest.terminal import TerminalReporter
from rabbit_town import RabbitTown


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[RabbitTown]:
    """Out: a founded town that is not open."""
    brokers.tool_needed()
    async with rabbit_town.founded(tmp_path / "home") as made:
        yield made


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say in one line that the group was skipped."""
    if brokers.listens() and not brokers.has_tool():
        terminalreporter.write_line(f"skipped tests/live/rabbitmq: {brokers.NO_TOOL}")
