"""Races: something else happens at a chosen moment of an exchange, or in another gateway process of the same home."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import town as towns
from processes import OWN

from gateway.exchange import handle
from gateway.house import House
from gateway.journal import Journal
from gateway.stages import Delivery, Reply

PORTS: Final = frozenset({"recall", "held_for", "append", "fetch"})
"""What an exchange calls outside: each call has a moment before and one after."""


# --- in this process ------------------------------------------------------------------------------------------
class Meanwhile:
    """Counts the moments of one exchange; at the chosen one something else happens, and is waited for or not."""

    def __init__(self, moment: int, happens: Callable[[], Awaitable[object]], waits: bool) -> None:
        self._moment, self._happens, self._waits = moment, happens, waits
        self.passed: list[str] = []
        self._under_way: asyncio.Future[object] | None = None

    async def step(self, name: str) -> None:
        """A moment passes."""
        if len(self.passed) == self._moment:
            self._under_way = asyncio.ensure_future(self._happens())
            if self._waits:
                await self._under_way
        self.passed.append(name)

    async def over(self) -> None:
        """The exchange has ended: what has not happened yet happens now."""
        if self._under_way is None:
            self._under_way = asyncio.ensure_future(self._happens())
        await self._under_way


class Watched:
    """Any port, each of whose calls is a moment before and a moment after."""

    def __init__(self, port: object, meanwhile: Meanwhile) -> None:
        self._port, self._meanwhile = port, meanwhile

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in PORTS:
            return found

        async def watched(*args: Any, **kwargs: Any) -> Any:
            await self._meanwhile.step(f"before {name}")
            result = await found(*args, **kwargs)
            await self._meanwhile.step(f"after {name}")
            return result

        return watched


def watched(house: House, store: object, meanwhile: Meanwhile) -> House:
    """Out: the same house for one exchange, its store and registers watched."""
    doors: Any = Watched(store, meanwhile)
    registers: Any = {name: Watched(door, meanwhile) for name, door in house.registers.items()}
    return replace(house, journal=_over(house.journal, doors), consents=doors, registers=registers)


def _over(journal: Journal, store: object) -> Journal:
    other = copy(journal)
    vars(other)["_store"] = store
    return other


# --- in two processes -----------------------------------------------------------------------------------------
def in_two_processes(
    root: Path, deliveries: Sequence[Delivery], others: Sequence[Delivery] | None = None
) -> list[dict[str, bytes]]:
    """Hand two gateway processes of that home their deliveries at the same moment, the same ones unless others are
    named. Out: each one's whole replies by message."""
    pipe: Any = OWN.Queue()
    start = OWN.Barrier(2)
    shares = (deliveries, deliveries if others is None else others)
    processes = [OWN.Process(target=_answers, args=(str(root), share, start, pipe)) for share in shares]
    for process in processes:
        process.start()
    told: list[dict[str, bytes]] = [pipe.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    return told


def _answers(
    root: str, deliveries: Sequence[Delivery], start: Barrier, told: Queue[dict[str, bytes]]
) -> None:
    told.put(asyncio.run(_replies(Path(root), deliveries, start)))


async def _replies(root: Path, deliveries: Sequence[Delivery], start: Barrier) -> dict[str, bytes]:
    town = await towns.opened(root)
    await asyncio.to_thread(start.wait, 30)
    results = await asyncio.gather(*(handle(delivery, town.opened.house) for delivery in deliveries))
    await town.opened.close()
    return {
        result.message.correlation_id: repr(result.message).encode() + result.message.body
        for result in results
        if isinstance(result, Reply)
    }
