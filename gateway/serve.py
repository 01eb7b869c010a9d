"""The doorkeeper: take a delivery, let the house handle it, send the reply, acknowledge. In that order.

What a crash leaves: before `handle` returns, the delivery comes back and the journal says how far it got; after it,
the reply lies encrypted in the outbox and leaves again, the same bytes, with the redelivery or at the next start.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from gateway.errors import BusUnavailable, Fault, JournalUnavailable, Undeliverable
from gateway.exchange import House, handle
from gateway.ports import Bus, JournalStore
from gateway.stages import Delivery, Outgoing, Postponed, Reply, Silent
from gateway.telemetry import logger, told


@dataclass(frozen=True, slots=True)
class Service:
    """A house with its bus, and how much it takes on at once."""

    house: House
    bus: Bus
    store: JournalStore
    concurrency: int
    attempts: int
    keep_days: int
    """How long replies, dead letters and quarantined bodies are kept (DOMAIN.md 5)."""
    pause_seconds: float = 1.0
    """How long a delivery waits when the journal can't be written; twice as long each time."""
    most_pause_seconds: float = 60.0
    housekeeping_seconds: float = 3600.0
    """How often what is past its time is erased."""


async def serve(service: Service, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is in hand."""
    await resend(service)
    places = asyncio.Semaphore(service.concurrency)
    watch = asyncio.create_task(_stop_when(stop, service.bus))
    keeper = asyncio.create_task(_keep_house(service))
    try:
        async with asyncio.TaskGroup() as hands:
            async for delivery in service.bus.deliveries():
                await places.acquire()
                task = hands.create_task(attend(delivery, service))
                task.add_done_callback(lambda _: places.release())
    finally:
        watch.cancel()
        keeper.cancel()


async def _stop_when(stop: asyncio.Event, bus: Bus) -> None:
    await stop.wait()
    await bus.stop()


async def _keep_house(service: Service) -> None:
    while True:
        try:
            await tidy(service)
        except Exception as error:  # noqa: BLE001  what is past its time is erased the next time, whatever it was
            logger().error("housekeeping-failed", **told(error))
        await asyncio.sleep(service.housekeeping_seconds)


async def tidy(service: Service) -> int:
    """Erase what was kept for its days and no longer. Out: of how many exchanges and messages."""
    now = service.house.clock.now()
    erased = await service.store.forget(now)
    return erased + await service.bus.forget(now - timedelta(days=service.keep_days))


async def resend(service: Service) -> int:
    """Send every settled reply the bus may not have got before a crash. Out: how many."""
    waiting = await service.store.unconfirmed()
    for exchange, sealed in waiting:
        try:
            message = service.house.journal.unsealed(exchange, sealed)
        except Fault as fault:  # not as it was sealed: `log verify` names it, and the others still leave
            logger().error("reply-damaged", exchange=exchange, where=fault.where)
            continue
        await _send(exchange, message, service)
    return len(waiting)


async def attend(delivery: Delivery, service: Service) -> None:
    """One delivery from the door to its acknowledgement. Never raises for what a delivery holds."""
    house = service.house
    try:
        result = await handle(delivery, house)
        if isinstance(result, Postponed):
            await service.bus.postpone(delivery, result.not_before)
            return
        if isinstance(result, Reply):
            await _send(result.exchange, result.message, service)
        elif not isinstance(result, Silent):
            raise TypeError(type(result).__name__)
        # A crash here repeats the delivery; the journal knows it and sends the same bytes once more.
        await service.bus.ack(delivery)
    except JournalUnavailable as fault:
        logger().error("journal-unavailable", where=fault.where)
        await _later(delivery, service)
    except BusUnavailable as fault:
        # Unacknowledged: the bus brings it back by itself once it is there again.
        logger().error("bus-unavailable", where=fault.where)
    except Exception as error:  # noqa: BLE001  nothing a message holds may stop the house
        logger().error("unforeseen", attempt=delivery.attempt, **told(error))
        if delivery.attempt < service.attempts:
            await _later(delivery, service)
        else:
            await _bury(delivery, service)


async def _send(exchange: str, message: Outgoing, service: Service) -> None:
    try:
        await service.bus.send(message)
    except Undeliverable:
        # The reply stays in the outbox for as long as replies are kept; asking again fetches it.
        logger().warning("reply-undeliverable", exchange=exchange)
    await service.store.confirmed(exchange, service.house.clock.now())


async def _later(delivery: Delivery, service: Service) -> None:
    """Bring it back, however often: what waits for the journal has no outcome yet, and must have one."""
    wait = min(service.pause_seconds * 2 ** min(delivery.attempt - 1, 16), service.most_pause_seconds)
    try:
        await service.bus.postpone(delivery, service.house.clock.now() + timedelta(seconds=wait))
    except BusUnavailable as fault:
        logger().error("bus-unavailable", where=fault.where)


async def _bury(delivery: Delivery, service: Service) -> None:
    """The house can't deal with it: only the bus's own dead letters are left."""
    try:
        await service.bus.bury(delivery)
    except BusUnavailable as fault:
        logger().error("bus-unavailable", where=fault.where)
