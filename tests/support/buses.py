"""Implementations of the bus's ports for the contract tests; and messages to send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from faults import Fault, faulty

from adapters.bus.broker import Broker
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.embedded import EmbeddedBus
from adapters.bus.file import connect_file
from adapters.bus.jobs import Declare
from adapters.bus.names import BODY_BYTES
from gateway.ports import Outbound
from gateway.stages import Delivery, Outgoing

NAMESPACE = "einmal"
CONSUMERS = ("kita", "parkausweis", "wohngeldstelle")
REPLIES = "einmal.reply.wohngeldstelle.1"
SOON = 0.01
"""Seconds to wait for what must not come."""


@dataclass
class ManualClock:
    """A clock that stands still until it is moved."""

    moment: datetime = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)

    def now(self) -> datetime:
        """Out: where the hands are."""
        return self.moment

    def move(self, **by: float) -> None:
        """In: what `timedelta` takes."""
        self.moment += timedelta(**by)


@dataclass
class EmbeddedBuses:
    """The embedded bus: as many openings of one file as a test wants."""

    path: Path
    clock: ManualClock = field(default_factory=ManualClock)
    opened: list[EmbeddedBus | EmbeddedConsumerBus] = field(default_factory=list)

    def create(self) -> None:
        """Make the file, and the consumers' queues."""
        EmbeddedBus.create(self.path)

    def house(
        self, places: int = 32, body_bytes: int = BODY_BYTES, fault: Fault | None = None
    ) -> EmbeddedBus:
        """Open the house's side once more."""
        if fault is None:
            bus = EmbeddedBus.open(self.path, NAMESPACE, self.clock, CONSUMERS, places, body_bytes)
        else:
            declare = Declare(NAMESPACE, ())
            broker = Broker(self.path, declare, connect=partial(faulty, fault, connect_file))
            bus = EmbeddedBus(broker, NAMESPACE, self.clock, places, body_bytes)
        self.opened.append(bus)
        return bus

    def consumer(self, body_bytes: int = BODY_BYTES, fault: Fault | None = None) -> EmbeddedConsumerBus:
        """Open a consumer's side once more."""
        if fault is None:
            bus = EmbeddedConsumerBus.open(self.path, NAMESPACE, self.clock, body_bytes)
        else:
            broker = Broker(self.path, connect=partial(faulty, fault, connect_file))
            bus = EmbeddedConsumerBus(broker, NAMESPACE, self.clock, body_bytes)
        self.opened.append(bus)
        return bus

    async def close(self) -> None:
        """Close what was opened."""
        for bus in self.opened:
            await bus.close()


def request(name: str, consumer: str = "wohngeldstelle", **changes: Any) -> Outbound:
    """Out: a request whose every part follows from its name."""
    given: dict[str, Any] = {
        "routing_key": f"{consumer}.evidence.residence",
        "message_id": f"message-{name}",
        "user_id": consumer,
        "reply_to": f"einmal.reply.{consumer}.1",
        "content_type": "application/xml",
        "body": f"<{name}/>".encode(),
        "jws": f"header..signature-{name}",
        "correlation_id": f"correlation-{name}",
    }
    return Outbound(**(given | changes))


def reply(name: str, **changes: Any) -> Outgoing:
    """Out: a reply to the request of that name."""
    given: dict[str, Any] = {
        "reply_to": REPLIES,
        "correlation_id": f"correlation-{name}",
        "message_id": f"reply-{name}",
        "type": "evidence.answer",
        "content_type": "application/xml",
        "body": f"<answer-{name}/>".encode(),
        "headers": {"jws": "a..b", "receipt": "c.d.e"},
    }
    return Outgoing(**(given | changes))


async def take(deliveries: AsyncIterator[Delivery], count: int = 1) -> list[Delivery]:
    """Out: the next deliveries. Raises: TimeoutError when they do not come in a long time."""
    async with asyncio.timeout(20):
        return [await anext(deliveries) for _ in range(count)]


async def published(buses: EmbeddedBuses, *names: str, consumer: str = "wohngeldstelle") -> None:
    """Publish a request of each name."""
    bus = buses.consumer()
    for name in names:
        await bus.publish(request(name, consumer))


async def names_in(bus: EmbeddedBus, buses: EmbeddedBuses) -> list[tuple[str, int]]:
    """Out: name and attempt of everything that is ready now: up to a marker, and what comes right behind it."""
    await published(buses, "marker")
    found: list[tuple[str, int]] = []
    deliveries = bus.deliveries()
    try:
        while True:
            async with asyncio.timeout(SOON if ("marker", 1) in found else 20):
                delivery = await anext(deliveries)
            found.append((delivery.message_id.removeprefix("message-"), delivery.attempt))
    except TimeoutError:
        found.remove(("marker", 1))
        return found


# --- other processes ------------------------------------------------------------------------------------------
def hold_until_killed(path: str, count: int, told: Pipe) -> None:
    """In another process: take deliveries and never let go of them; tell their message ids."""

    async def run() -> None:
        bus = EmbeddedBus.open(Path(path), NAMESPACE, ManualClock(), CONSUMERS)
        deliveries = bus.deliveries()
        told.send([delivery.message_id for delivery in await take(deliveries, count)])
        await asyncio.Event().wait()

    asyncio.run(run())


def publish_until_killed(path: str, told: Pipe) -> None:
    """In another process: publish for ever; tell each message after it is durable."""

    async def run() -> None:
        bus = EmbeddedConsumerBus.open(Path(path), NAMESPACE, ManualClock())
        number = 0
        while True:
            await bus.publish(request(f"n{number}"))
            told.send(f"message-n{number}")
            number += 1

    asyncio.run(run())


def ask_once(path: str, told: Pipe) -> None:
    """In another process: publish one request, wait for its reply, tell its body."""

    async def run() -> None:
        bus = EmbeddedConsumerBus.open(Path(path), NAMESPACE, ManualClock())
        await bus.publish(request("asked"))
        found = await bus.reply(REPLIES, "correlation-asked", 20)
        await bus.close()
        told.send(found.body if found else None)

    asyncio.run(run())
