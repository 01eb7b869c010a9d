"""Other processes on the same bus: they hold, publish and ask."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection as Pipe

from bus_kinds import at
from bus_messages import take


def hold_until_killed(where: str, count: int, told: Pipe) -> None:
    """In another process: take so many deliveries and never let go of them; tell their message ids."""

    async def run() -> None:
        bus = await at(where).house()
        deliveries = bus.deliveries()
        held = await take(deliveries, count)
        await bus.stop()
        assert [delivery async for delivery in deliveries] == []
        told.send([delivery.message_id for delivery in held])
        await asyncio.Event().wait()

    asyncio.run(run())


def publish_until_killed(where: str, told: Pipe) -> None:
    """In another process: publish for ever; tell each message after it is durable."""

    async def run() -> None:
        buses = at(where)
        bus, number = buses.consumer(), 0
        while True:
            await bus.publish(buses.request(f"n{number}"))
            told.send(f"message-n{number}")
            number += 1

    asyncio.run(run())


def ask_once(where: str, told: Pipe) -> None:
    """In another process: publish one request, wait for its reply, tell its body."""

    async def run() -> None:
        buses = at(where)
        bus = buses.consumer()
        await bus.publish(buses.request("asked"))
        found = await bus.reply(buses.replies, "correlation-asked", 20)
        await bus.close()
        told.send(found.body if found else None)

    asyncio.run(run())
