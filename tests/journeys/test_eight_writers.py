"""Eight writers of one log, killed at random: for two minutes in tests/live, here for some seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import agreed
import counted


async def test_writers_that_are_killed_never_sign_two_histories(founded: Path, tmp_path: Path) -> None:
    """Through the end of a month, while epochs are made: every checkpoint ever signed is consistent with every other,
    nothing that was answered is missing, and the whole log verifies."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    found = await agreed.attacked(root, tmp_path / "papers", seconds=6, pause=1)
    counted.tell(str(found))
    assert found.kills
    assert found.answers
