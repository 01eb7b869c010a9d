"""A rotation that is broken off at any step, or begun twice at once: it goes on from there, and nothing is lost."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import pytest
import rotating
import town as towns
from killable import STEPS
from processes import lived
from rotating import EVERY, GATEWAY, IDENTITY, LATER, LOG, MASTER, SETTLED, Before
from town import StillClock

from gateway.stages import Position

MOST_STEPS = 60
STEPS_OF = {
    GATEWAY: {"os.rename .gateway.next.part", "append", "os.mkdir gateway-former", "os.rename gateway.next"},
    LOG: {"append", "close_shard", "keep_checkpoint", "open_shard"},
    IDENTITY: {
        "os.rename .identity.next.part",
        "os.mkdir succession",
        "os.rename identity.next",
        "open_shard",
    },
    MASTER: {"os.rename .master.next.part", "os.utime master-*.key", "os.rename master.next", "reseal"},
}
"""Steps at which a process must have died."""


def live(*given: object, copies: int = 1) -> list[int | None]:
    return lived(rotating.run, *given, copies=copies)


@pytest.mark.parametrize("what", EVERY)
async def test_a_rotation_broken_off_at_any_step_goes_on_from_there(
    furnished: tuple[Path, Before], tmp_path: Path, what: str
) -> None:
    """SIGKILL at each change of a file and each write; as it was left the house serves, and begun again it ends."""
    template, before = furnished
    died: set[str] = set()
    for fatal in range(MOST_STEPS):
        root = tmp_path / f"at-{fatal}"
        shutil.copytree(template, root)
        [code] = live(str(root), what, fatal)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        step = (root / STEPS).read_text().splitlines()[-1].split(" ", 1)[1]
        died.add(re.sub("-[0-9a-f]{8}", "-*", step))
        await asked_once(root)
        assert live(str(root), what, None) == [0]
        town = await towns.opened(root, StillClock(SETTLED))
        await rotating.still_good(town, before)
        assert ("key.rotated", what) in [line[:2] for line in await rotating.key_lines(town)]
        await town.opened.close()
        assert rotating.leftovers(root) == [], step
        shutil.rmtree(root)
    else:
        pytest.fail("the steps never end")
    assert STEPS_OF[what] <= died


async def asked_once(root: Path) -> None:
    """Between being killed and being begun again: a question is answered."""
    town = await towns.opened(root, StillClock(LATER))
    await rotating.answered(town, rotating.about(town))
    await town.opened.close()


@pytest.mark.parametrize("what", EVERY)
async def test_two_rotations_at_once_do_not_cross(
    furnished: tuple[Path, Before], tmp_path: Path, what: str
) -> None:
    """One at a time changes the keys; the other is told so, or comes after it."""
    template, before = furnished
    root = shutil.copytree(template, tmp_path / "both")
    outcome = tmp_path / "outcome"
    assert live(str(root), what, None, str(outcome), copies=2) == [0, 0]
    ended = outcome.read_text().splitlines()
    assert "rotated" in ended
    assert set(ended) <= {"rotated", "is being changed by another process"}
    town = await towns.opened(root, StillClock(SETTLED))
    await town.opened.rotations().finish(SETTLED)
    await rotating.still_good(town, before)
    opening = [
        await town.opened.store.line(Position(shard.head.origin, 0))
        for shard in await town.opened.store.shards()
        if not shard.closed
    ]
    assert len(opening) == 2
    await town.opened.close()
