"""What a bus beyond a network says of the way to it (gateway.ports.watch.BusLine)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from buses import CONSUMERS
from pamqp.commands import Connection
from rabbit_buses import RabbitBuses

from adapters.bus.rabbitmq.house import RabbitBus
from gateway.errors import BusUnavailable
from gateway.ports.watch import BusLine

pytestmark = pytest.mark.parametrize("buses", ["rabbitmq"], indirect=True)


async def back(bus: RabbitBus) -> None:
    """It is reached again."""
    while True:
        with suppress(BusUnavailable):
            await bus.reached()
            return


async def test_what_is_there_is_reached(buses: RabbitBuses) -> None:
    """And nothing was lost yet; who takes nothing takes from no queue."""
    bus = await buses.house()
    assert isinstance(bus, BusLine)
    await bus.reached()
    assert (bus.reconnects, bus.taking) == (0, 0)


async def test_who_takes_says_from_how_many_queues(buses: RabbitBuses) -> None:
    """One for each data consumer, until it stops."""
    bus = await buses.house()
    await buses.published("x")
    async for _ in bus.deliveries():
        assert bus.taking == len(CONSUMERS)
        await bus.stop()
    assert bus.taking == 0


async def test_a_connection_that_ends_is_counted_when_it_is_back(buses: RabbitBuses) -> None:
    """Both of them, each time."""
    proxy, url = await buses.proxy()
    bus = await buses.house_at(url)
    proxy.cut()
    async with asyncio.timeout(20):
        while bus.reconnects < 2:
            await back(bus)
    assert bus.reconnects == 2


async def test_a_broker_that_is_away_or_has_an_alarm_is_not_reached(buses: RabbitBuses) -> None:
    """It takes nothing (https://www.rabbitmq.com/docs/alarms), or is not there."""
    proxy, url = await buses.proxy()
    bus = await buses.house_at(url, seconds=1)
    proxy.say(Connection.Blocked("low on disk"))
    with pytest.raises(BusUnavailable):
        await blocked(bus)
    proxy.say(Connection.Unblocked())
    async with asyncio.timeout(20):
        await back(bus)
    await proxy.close()
    with pytest.raises(BusUnavailable):
        await blocked(bus)


async def blocked(bus: RabbitBus) -> None:
    """As soon as it has heard of it."""
    async with asyncio.timeout(20):
        while True:
            await bus.reached()
