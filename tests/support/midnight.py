"""Gateway processes around the end of a month: one that works through it, one that dies on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import town as towns
from killable import Stepping, Steps
from letters import asking
from peopled import ORDINARY
from town import IDS, StillClock, Town

from adapters.clock import SystemClock
from gateway.exchange import handle
from gateway.journal.shards import Shards
from gateway.ports import Outbound
from gateway.stages import Reply

EVE: Final = datetime(2026, 11, 30, 23, 59, 59, 900_000, tzinfo=UTC)
"""A tenth of a second before the month ends."""
OUTCOMES: Final = "outcomes.txt"
ROLLING: Final = frozenset({"shards", "close_shard", "keep_checkpoint", "open_shard"})


class RunningClock(StillClock):
    """Runs in real time from a moment."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._since = SystemClock().now()

    def now(self) -> datetime:
        return self.moment + (SystemClock().now() - self._since)


def parking(town: Town) -> Outbound:
    """Out: a question by statute; its lines go to the class of twelve months."""
    asked = town.parking(ORDINARY, case=f"BP-{IDS.new()}")
    return asking(town, asked, "json/1.0", consumer="parkraumbewirtschaftung")


async def chosen(town: Town) -> Outbound:
    """Out: a question by choice; its lines go to the class of 24 months."""
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}")
    await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, "json/1.0")


def works(root: str, seconds: float, lanes: int) -> None:
    """Ask and answer through midnight; write down how every question ended."""
    asyncio.run(_works(Path(root), seconds, lanes))


async def _works(root: Path, seconds: float, lanes: int) -> None:
    town = await towns.opened(root, StillClock(EVE))
    town.clock = clock = RunningClock(EVE)
    clocked: Any = _clocked(town, clock)
    told: list[str] = []

    async def lane(number: int) -> None:
        while clock.now() < EVE + timedelta(seconds=seconds):
            question = parking(town) if number % 2 else await chosen(town)
            try:
                result = await handle(town.delivery(question), clocked)
            except Exception as error:  # noqa: BLE001  whatever it is, the test has to see it
                told.append(f"{type(error).__name__} {error}")
            else:
                told.append(result.message.type if isinstance(result, Reply) else type(result).__name__)

    await asyncio.gather(*(lane(number) for number in range(lanes)))
    await town.opened.close()
    with (root / OUTCOMES).open("a") as outcomes:
        outcomes.writelines(f"{one}\n" for one in told)


def _clocked(town: Town, clock: RunningClock) -> object:
    house = copy(town.opened.house)
    object.__setattr__(house, "clock", clock)
    return house


def rolls(root: str, fatal: int | None) -> None:
    """Answer one question of each class after the month has ended; die at step `fatal` of the roll-over."""
    asyncio.run(_rolls(Path(root), fatal))


async def _rolls(root: Path, fatal: int | None) -> None:
    town = await towns.opened(root, StillClock(EVE + timedelta(seconds=1)))
    stepped: Any = Stepping(town.opened.store, Steps(root, fatal), ROLLING, "store")
    over(town.opened.shards, stepped)
    for question in (parking(town), await chosen(town)):
        result = await handle(town.delivery(question), town.opened.house)
        assert isinstance(result, Reply)
        assert result.message.type == "evidence.answer"
    await town.opened.close()


def wakes(root: str, fatal: int | None) -> None:
    """Keep house once after the month has ended, and nothing else happens; die at step `fatal` of the roll-over."""
    asyncio.run(_wakes(Path(root), fatal))


async def _wakes(root: Path, fatal: int | None) -> None:
    town = await towns.opened(root, StillClock(EVE + timedelta(seconds=1)))
    stepped: Any = Stepping(town.opened.store, Steps(root, fatal), ROLLING, "store")
    over(town.opened.shards, stepped)
    await town.opened.journal.begin_day(town.clock.now())
    await town.opened.close()


def over(shards: Shards, store: Any) -> None:
    """Let the shards see the store through another."""
    vars(shards)["_store"] = store


def months(origins: Sequence[str]) -> list[str]:
    """Out: class and month of each origin."""
    return [origin.split("/", 1)[1] for origin in origins]
