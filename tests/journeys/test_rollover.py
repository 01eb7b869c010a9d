"""The end of a month under load, by two processes, with clocks that differ, and with a death on the way (LOG.md 5)."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import killable
import midnight
import pytest
import town as towns
from processes import lived
from town import StillClock, Town

from gateway import assembly, serve
from gateway.audit import note
from gateway.exchange import handle
from gateway.journal.guard import Restored
from gateway.ports import Shard
from gateway.stages import Position, Reply

MOST_STEPS = 60
NEXT = ["12m/2026-11", "12m/2026-12", "24m/2026-11", "24m/2026-12"]
SECOND = ["12m/2026-11", "12m/2026-11.2", "24m/2026-11", "24m/2026-11.2"]


async def linked(root: Path, expected: list[str] = NEXT) -> None:
    """Each class has one new shard; it names the closing checkpoint of the one before; the whole log verifies."""
    town = await towns.opened(root, StillClock(midnight.EVE + timedelta(minutes=1)))
    shards = await town.opened.store.shards()
    assert midnight.months([shard.head.origin for shard in shards]) == expected
    assert [shard.closed for shard in shards] == [True, False, True, False]
    for before, after in zip(shards[::2], shards[1::2], strict=True):
        opening = await town.opened.store.line(Position(after.head.origin, 0))
        assert opening is not None
        previous = json.loads(opening.line.event or b"")["previous"]
        assert note.split(previous)[0].split("\n")[:2] == [before.head.origin, str(before.head.size)]
        kept = await town.opened.store.checkpoints(before.head.origin)
        assert (before.head.size, previous) in kept
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(root))


async def test_two_processes_work_through_midnight(founded: Path, tmp_path: Path) -> None:
    """Nobody is turned away, each class has exactly one new shard, and the log of both months verifies."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    assert lived(midnight.works, str(root), 1.0, 8, copies=2) == [0, 0]
    outcomes = Counter((root / midnight.OUTCOMES).read_text().splitlines())
    assert set(outcomes) == {"evidence.answer"}
    await linked(root)


async def test_a_death_at_any_step_of_the_roll_over_is_made_good(founded: Path, tmp_path: Path) -> None:
    """SIGKILL between any two steps, then another process: the same closing head, one successor, a log that holds."""
    for fatal in range(MOST_STEPS):
        root = tmp_path / f"at-{fatal}"
        shutil.copytree(founded, root)
        [code] = lived(midnight.rolls, str(root), fatal)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert lived(midnight.rolls, str(root), None) == [0]
        await linked(root)
        shutil.rmtree(root)
    else:
        pytest.fail("the steps never end")
    names = {step.split(" ", 1)[1] for step in (root / killable.STEPS).read_text().splitlines()}
    assert {f"{when} store.{step}" for when in ("before", "after") for step in midnight.ROLLING} <= names


async def test_an_idle_class_begins_its_month_too(founded: Path, tmp_path: Path) -> None:
    """Nobody asks anything, and two processes keep house after midnight: each class has its new shard, once."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    assert lived(midnight.wakes, str(root), None, copies=2) == [0, 0]
    await linked(root)


async def test_a_death_at_midnight_of_an_idle_house_is_made_good(founded: Path, tmp_path: Path) -> None:
    """SIGKILL between any two steps, then another process: each class has its new shard, once."""
    for fatal in range(MOST_STEPS):
        root = tmp_path / f"at-{fatal}"
        shutil.copytree(founded, root)
        [code] = lived(midnight.wakes, str(root), fatal)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        assert lived(midnight.wakes, str(root), None) == [0]
        await linked(root)
        shutil.rmtree(root)
    else:
        pytest.fail("the steps never end")


async def test_each_day_keeps_a_checkpoint_of_every_open_shard(town: Town) -> None:
    """The head as it is when the day begins; once a day, whatever comes in later (LOG.md 9)."""
    opened = town.opened

    async def kept() -> list[int]:
        return [
            len(await opened.store.checkpoints(shard.head.origin)) for shard in await opened.store.shards()
        ]

    await opened.journal.begin_day(town.clock.now())
    assert await kept() == [1, 1]
    for day in (0, 1):
        await handle(town.delivery(midnight.parking(town)), opened.house)
        town.clock.passes(days=day)
        await opened.journal.begin_day(town.clock.now())
        assert await kept() == [1 + day, 1]  # the idle class has the same head still


async def test_a_serving_house_keeps_house_at_midnight(town: Town) -> None:
    """Not an hour after: its rest ends when the day does."""
    stop, bus = asyncio.Event(), await town.opened.bus()
    tomorrow = pytest.approx(1.1)
    town.clock.moment = midnight.EVE

    async def rest(seconds: float) -> None:
        if seconds == tomorrow:
            stop.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(60):
        await serve.serve(replace(town.opened.service(bus), rest=rest), stop)
    await bus.close()
    assert stop.is_set()


class Growing:
    """The store, to which another one always adds a line while its shards are being listed."""

    def __init__(self, town: Town) -> None:
        self._town, self._store = town, town.opened.store

    async def shards(self) -> Any:
        found = await self._store.shards()
        assert isinstance(
            await handle(self._town.delivery(midnight.parking(self._town)), self._town.opened.house), Reply
        )
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_a_head_that_grows_while_it_is_read_is_not_behind(town: Town) -> None:
    """What others commit and sign between reading the store and reading the kept checkpoint is no restored backup."""
    midnight.over(town.opened.shards, Growing(town))
    await town.opened.shards.load()


class Behind:
    """The store as it was, whatever was signed since."""

    def __init__(self, shards: list[Shard]) -> None:
        self._shards = shards

    async def shards(self) -> list[Shard]:
        return self._shards


async def test_a_head_that_stays_behind_is(town: Town) -> None:
    """A store that is still behind when it is read after the checkpoint was restored from a backup."""
    before = list(await town.opened.store.shards())
    await handle(town.delivery(midnight.parking(town)), town.opened.house)
    midnight.over(town.opened.shards, Behind(before))
    with pytest.raises(Restored):
        await town.opened.shards.load()


async def test_a_clock_that_lags_goes_on_in_its_own_month(founded: Path, tmp_path: Path) -> None:
    """Another machine, a second ahead, closed the month and died: whose clock says November opens its second shard."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    town = await towns.opened(root, StillClock(midnight.EVE))
    for shard in await town.opened.store.shards():
        await town.opened.store.close_shard(shard.head.origin)
    for question in (midnight.parking(town), await midnight.chosen(town)):
        result = await handle(town.delivery(question), town.opened.house)
        assert isinstance(result, Reply)
        assert result.message.type == "evidence.answer"
    await town.opened.close()
    await linked(root, SECOND)
