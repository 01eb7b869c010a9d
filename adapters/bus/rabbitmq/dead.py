"""The broker's own dead letters: what could not even be kept, and what killed whoever took it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from aiormq.abc import AbstractChannel, DeliveredMessage

from adapters.bus.rabbitmq.faults import bounded

MOST: Final = 10_000
"""How many are dropped in one go; the next run goes on."""
LOOKED_AT: Final = 500
"""How many are looked at in one go."""


async def look(channel: AbstractChannel, queue: str, seconds: float) -> Sequence[DeliveredMessage]:
    """Out: the oldest of them, which stay: they are not acknowledged when the channel ends. Raises: BusUnavailable."""
    found: list[DeliveredMessage] = []
    while len(found) < LOOKED_AT and (one := await _next(channel, queue, seconds)) is not None:
        found.append(one)
    return found


async def forget(
    channel: AbstractChannel,
    queue: str,
    buried_at: Callable[[DeliveredMessage], datetime],
    before: datetime,
    seconds: float,
) -> int:
    """Drop them from the oldest on, up to the first that is younger; that one goes back when the channel ends.

    Out: how many. Raises: BusUnavailable.
    """
    gone = 0
    while gone < MOST and (one := await _next(channel, queue, seconds)) is not None:
        if buried_at(one) > before:
            break
        assert one.delivery_tag is not None
        # A crash here leaves it for the next run.
        await bounded(channel.basic_ack(one.delivery_tag), seconds)
        gone += 1
    return gone


async def _next(channel: AbstractChannel, queue: str, seconds: float) -> DeliveredMessage | None:
    found = await bounded(channel.basic_get(queue), seconds)
    return found if found.delivery_tag is not None else None
