"""The doorkeeper: take a delivery, let the house handle it, send the reply, acknowledge. In that order.

A no that could mean a blocked person waits for its time (DOMAIN.md 3); meanwhile it is in nobody's way.

What a crash leaves: before `handle` returns, the delivery comes back and the journal says how far it got; after it,
the reply lies encrypted in the outbox and leaves again, the same bytes: with the redelivery, at the next start, or when
another process has seen it lie there for too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from gateway.audit.german_time import german_time
from gateway.errors import BusUnavailable, Fault, JournalUnavailable, Undeliverable
from gateway.exchange import handle
from gateway.health import Health
from gateway.house import House
from gateway.journal.releasing import ReleasesDamaged, release_due
from gateway.keeping.retention import Retention
from gateway.ports import Bus, JournalStore, Room
from gateway.proving.witnessing import State, Witnessing
from gateway.stages import Delivery, Outgoing, Postponed, Reply, Silent
from gateway.telemetry import logger, told
from gateway.watching import Watchman, keep_watch, tell_blind


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
    """How often what is past its time is erased, and what the law kept back until its day is told."""
    outbox_seconds: float = 60.0
    """How long a reply lies in the outbox before whoever sees it sends it: its own process must have died."""
    watchman: Watchman | None = None
    """Who looks whether everything accepted has ended or is under way; None: nobody does here."""
    watch_seconds: float = 60.0
    witnessing: Witnessing | None = None
    """Who is asked to cosign the log; None: nobody is here."""
    witness_seconds: float = 300.0
    retention: Retention | None = None
    """Who erases lines when their time is over; None: nobody does here."""
    settle_keys: Callable[[datetime], Awaitable[object]] | None = None
    """What ends a rotation of the master key that others are in the middle of; None: nobody does here."""
    rest: Callable[[float], Awaitable[object]] = asyncio.sleep
    """How it lets time pass, in seconds."""


async def serve(service: Service, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is in hand."""
    await resend(service)
    places = asyncio.Semaphore(service.concurrency)
    watch = asyncio.create_task(_stop_when(stop, service.bus))
    keeping = (
        _keep_house(service),
        _keep_outbox(service),
        _keep_watch(service),
        _keep_witnessed(service),
        _keep_retention(service),
    )
    keepers = [asyncio.create_task(keeper) for keeper in keeping]
    try:
        async with asyncio.TaskGroup() as hands:
            async for delivery in service.bus.deliveries():
                await places.acquire()
                hands.create_task(_in_place(delivery, service, places))
    finally:
        for task in (watch, *keepers):
            task.cancel()


async def _stop_when(stop: asyncio.Event, bus: Bus) -> None:
    await stop.wait()
    await bus.stop()


async def _in_place(delivery: Delivery, service: Service, places: asyncio.Semaphore) -> None:
    """A delivery in one of the places; what waits for its time after that holds none."""
    try:
        waiting = await attend(delivery, service)
    finally:
        places.release()
    if waiting is not None:
        await send_in_time(waiting, service)


async def _keep_house(service: Service) -> None:
    while True:
        try:
            await tidy(service)
        except Exception as error:  # noqa: BLE001  what is past its time is erased the next time, whatever it was
            logger().error("housekeeping-failed", **told(error))
        midnight = _until_midnight(service.house.clock.now())
        await service.rest(min(service.housekeeping_seconds, midnight))


async def _keep_retention(service: Service) -> None:
    """Once a German day; again the same day where a reader was in the way or something failed."""
    done: date | None = None
    while service.retention is not None:
        now = service.house.clock.now()
        today = german_time(now).date()
        try:
            if done != today:
                erased = await service.retention.run(now)
                if erased.lines:
                    logger().info("erased", count=erased.lines)
                done = today if erased.settled else None
        except Fault as fault:
            logger().error("retention-failed", where=fault.where)
        except Exception as error:  # noqa: BLE001  what is due stays due, whatever it was
            logger().error("retention-failed", **told(error))
        await service.rest(service.housekeeping_seconds)


def _until_midnight(now: datetime) -> float:
    """Out: the seconds until the next day has begun (UTC), with which a month may begin."""
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return (tomorrow - now).total_seconds() + 1.0


async def tidy(service: Service) -> int:
    """Begin the day, erase what was kept for its days and no longer, and tell what was kept back until today. Out: how
    much was erased or told."""
    now = service.house.clock.now()
    if service.retention is not None:
        await service.retention.believe(now)  # what is told or erased too early, nothing takes back
    await service.house.journal.begin_day(now)
    done = await _release(service, now)  # first: a bus or a store that can't erase keeps nothing from anybody
    done += await service.store.forget(now)
    done += await service.bus.forget(now - timedelta(days=service.keep_days))
    if service.settle_keys is not None:
        await service.settle_keys(now)
    return done


async def _release(service: Service, now: datetime) -> int:
    try:
        return await release_due(service.house.journal, service.store, now)
    except ReleasesDamaged as damaged:  # `log verify` names them; the others are told
        for exchange in damaged.exchanges:
            logger().error("release-damaged", exchange=exchange)
        return damaged.released


async def _keep_outbox(service: Service) -> None:
    """Send what nobody sends: it lay there at one look, and lies there at the next."""
    seen: frozenset[str] = frozenset()
    while True:
        await service.rest(service.outbox_seconds)
        try:
            seen = await resend(service, seen)
        except Exception as error:  # noqa: BLE001  the next look finds it again, whatever it was
            logger().error("outbox-failed", **told(error))


async def _keep_watch(service: Service) -> None:
    health: Health | None = None
    while service.watchman is not None:
        try:
            health = await keep_watch(service.watchman, health)
        except Exception as error:  # noqa: BLE001  the next look finds it again, whatever it was
            logger().error("watch-failed", **told(error))
            health = await tell_blind(service.watchman, health, error)
        await service.rest(service.watch_seconds)


async def _keep_witnessed(service: Service) -> None:
    """Have the log cosigned, and say it once where somebody does not."""
    said: frozenset[tuple[str, str, str, str]] = frozenset()
    while service.witnessing is not None and service.witnessing.asks:
        try:
            asked = await service.witnessing.ask()
            without = [one for one in asked if one.state in (State.UNAVAILABLE, State.REFUSED)]
            missing = {one.witness for one in without}
            service.house.measures.witnessed({one.witness: one.witness not in missing for one in asked})
            now = frozenset((str(one.state), one.origin, one.witness, one.said) for one in without)
            for state, origin, witness, why in sorted(now - said):
                logger().warning("not-witnessed", kind=state, origin=origin, where=f"{witness} ({why})")
            said = now
        except Exception as error:  # noqa: BLE001  witnesses stop nothing; they are asked again, whatever it was
            logger().error("witnessing-failed", **told(error))
        await service.rest(service.witness_seconds)


async def resend(service: Service, exchanges: Container[str] | None = None) -> frozenset[str]:
    """Send the settled replies that the bus may not have got: of all exchanges or of these. Out: all that had one."""
    waiting = await service.store.unconfirmed()
    service.house.measures.outbox(len(waiting))
    for exchange, sealed in waiting:
        if exchanges is not None and exchange not in exchanges:
            continue
        try:
            message = service.house.journal.unsealed(exchange, sealed)
        except Fault as fault:  # not as it was sealed: `log verify` names it, and the others still leave
            logger().error("reply-damaged", exchange=exchange, where=fault.where)
            continue
        await _send(exchange, message, service)
    return frozenset(exchange for exchange, _ in waiting)


async def attend(delivery: Delivery, service: Service) -> Reply | None:
    """One delivery from the door to its acknowledgement. Out: the reply that `send_in_time` is to send.

    Never raises for what a delivery holds.
    """
    with service.house.measures.exchange(delivery.traceparent) as traceparent:
        return await _attend(replace(delivery, traceparent=traceparent), service)


async def _attend(delivery: Delivery, service: Service) -> Reply | None:
    house = service.house
    try:
        result = await handle(delivery, house)
        if isinstance(result, Postponed):
            await service.bus.postpone(delivery, result.not_before)
            return None
        if isinstance(result, Reply):
            if _wait(result.message, service) > 0:
                await service.bus.ack(delivery)
                # A crash from here on leaves the reply in the outbox: whoever starts or looks next sends it.
                return result
            await _send(result.exchange, result.message, service)
        elif not isinstance(result, Silent):
            raise TypeError(type(result).__name__)
        # A crash here repeats the delivery; the journal knows it and sends the same bytes once more.
        await service.bus.ack(delivery)
    except JournalUnavailable as fault:
        logger().error("journal-unavailable", where=fault.where)
        await _later(delivery, service)
    except BusUnavailable as fault:
        # Settled, and its reply in the outbox. A bus knows only that this process lives and has it in hand: unless it
        # is put off, it is there until the process ends or its lease is over, and takes a place from others.
        logger().error("bus-unavailable", where=fault.where)
        await _later(delivery, service)
    except Exception as error:  # noqa: BLE001  nothing a message holds may stop the house
        logger().error("unforeseen", attempt=delivery.attempt, **told(error))
        if delivery.attempt < service.attempts:
            await _later(delivery, service)
        else:
            await _bury(delivery, service)
    return None


async def send_in_time(reply: Reply, service: Service) -> None:
    """Send a reply at its time. Never raises: what fails stays in the outbox, and leaves from there."""
    try:
        await _send(reply.exchange, reply.message, service)
    except Fault as fault:
        logger().error("reply-delayed", exchange=reply.exchange, where=fault.where)
    except Exception as error:  # noqa: BLE001  whatever it was, the other replies leave
        logger().error("reply-delayed", exchange=reply.exchange, **told(error))


async def _send(exchange: str, message: Outgoing, service: Service) -> None:
    """The one way out, and not before the message's time."""
    if (seconds := _wait(message, service)) > 0:
        await service.rest(seconds)
    try:
        with service.house.measures.room(Room.SEND):
            await service.bus.send(message)
    except Undeliverable:
        # The reply stays in the outbox for as long as replies are kept; asking again fetches it.
        logger().warning("reply-undeliverable", exchange=exchange)
    await service.store.confirmed(exchange, service.house.clock.now())


def _wait(message: Outgoing, service: Service) -> float:
    """Out: for how many seconds the message has to wait: a slot at most, whatever a clock was set to since."""
    house = service.house
    left = message.not_before - house.clock.now() if message.not_before is not None else timedelta()
    return min(left, house.slot).total_seconds()


async def _later(delivery: Delivery, service: Service) -> None:
    """Bring it back, however often: what waits for the journal or for the bus has no end yet, and must have one."""
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
