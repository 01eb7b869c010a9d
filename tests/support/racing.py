"""A gateway process that is handed the same deliveries as another one, at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import town as towns

from gateway.exchange import handle
from gateway.stages import Delivery, Reply


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
