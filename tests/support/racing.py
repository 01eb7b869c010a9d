"""A gateway process that is handed the same deliveries as another one, at the same moment."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final

import town as towns

from gateway.exchange import handle
from gateway.stages import Delivery, Reply

SPAWN: Final = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(
    ["gateway.assembly", "gateway.cli.demo.home"]
)  # the server doesn't know the tests' path


def in_two_processes(root: Path, deliveries: Sequence[Delivery]) -> list[dict[str, bytes]]:
    """Hand all of them to two gateway processes of that home at once. Out: each one's whole replies by message."""
    pipe: Any = SPAWN.Queue()
    start = SPAWN.Barrier(2)
    processes = [SPAWN.Process(target=answers, args=(str(root), deliveries, start, pipe)) for _ in "ab"]
    for process in processes:
        process.start()
    told: list[dict[str, bytes]] = [pipe.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    return told


def answers(root: str, deliveries: Sequence[Delivery], start: Barrier, told: Queue[dict[str, bytes]]) -> None:
    """Answer them all at once. Tells the whole reply of each message."""
    told.put(asyncio.run(_answers(Path(root), deliveries, start)))


async def _answers(root: Path, deliveries: Sequence[Delivery], start: Barrier) -> dict[str, bytes]:
    town = await towns.opened(root)
    await asyncio.to_thread(start.wait, 30)
    results = await asyncio.gather(*(handle(delivery, town.opened.house) for delivery in deliveries))
    await town.opened.close()
    return {
        result.message.correlation_id: repr(result.message).encode() + result.message.body
        for result in results
        if isinstance(result, Reply)
    }
