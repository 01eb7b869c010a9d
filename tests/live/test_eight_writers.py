"""Eight writers of one log, killed at random for two minutes, on both sides of a month's end."""

from __future__ import annotations

from pathlib import Path

import agreed
import counted
import peopled
import pytest
import town as towns

pytestmark = pytest.mark.minutes


async def test_two_minutes_of_killing_leave_one_history(tmp_path: Path) -> None:
    """Never two inconsistent checkpoints, nothing acknowledged is missing, and `einmal log verify` holds."""
    root = tmp_path / "home"
    town = await towns.found(root)
    await town.opened.close()
    peopled.settle(root)
    found = await agreed.attacked(root, tmp_path / "papers", seconds=120, pause=2)
    counted.tell(str(found))
    assert found.kills > 30
    assert found.epochs > 2
