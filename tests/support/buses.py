"""Implementations of the bus's ports for the contract tests; and messages to send."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

import brokers
from brokers import Proxy, When
from faults import Fault, faulty

from adapters.bus.broker import Broker
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.embedded import EmbeddedBus
from adapters.bus.file import connect_file
from adapters.bus.jobs import Declare
from adapters.bus.names import BODY_BYTES
from adapters.bus.rabbitmq.access import given
from adapters.bus.rabbitmq.consumer import RabbitConsumerBus
from adapters.bus.rabbitmq.house import LEASE_SECONDS, RabbitBus
from adapters.bus.rabbitmq.topology import Topology
from adapters.clock import SystemClock
from gateway.ports import Bus, Clock, ConsumerBus, Outbound
from gateway.stages import Delivery, Outgoing

CONSUMERS: Final = ("kita", "parkausweis", "wohngeldstelle")
LATER: Final = "ordnungsamt"
"""A consumer without a queue, until somebody declares it."""
SECONDS: Final = 10.0
"""How long a broker may take to answer."""
HouseBus: TypeAlias = EmbeddedBus | RabbitBus


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


class Buses(ABC):
    """A bus that was just made: as many openings of it as a test wants."""

    soon: ClassVar[float]
    """Seconds to wait for what must not come."""
    namespace: str
    clock: Clock
    opened: list[Bus | ConsumerBus]

    @property
    @abstractmethod
    def where(self) -> str:
        """Out: what another process opens it by."""

    @abstractmethod
    async def create(self) -> None:
        """Make it, with the consumers' queues and their reply queues."""

    @abstractmethod
    async def house(
        self, places: int = 32, body_bytes: int = BODY_BYTES, *, forgetful: bool = False
    ) -> HouseBus:
        """Open the house's side once more. In: whether it is one that forgets what it has, see `forgotten`."""

    @abstractmethod
    def consumer(self, body_bytes: int = BODY_BYTES) -> ConsumerBus:
        """Open a consumer's side once more."""

    @abstractmethod
    def beside(self, house: HouseBus) -> ConsumerBus:
        """Open a consumer's side as near to that house as can be."""

    @abstractmethod
    async def breaking_house(self, when: When) -> HouseBus:
        """Out: a house whose connection breaks with its first reply: before the bus has it, or after."""

    @abstractmethod
    async def breaking_consumer(self, when: When) -> ConsumerBus:
        """Out: the same for a consumer's first request."""

    @abstractmethod
    async def passes(self, **time: float) -> None:
        """So much time passes, or will have when what it brings is awaited."""

    @abstractmethod
    def user(self, consumer: str) -> str:
        """Out: who that consumer is to the bus."""

    async def forgotten(self) -> None:
        """What a forgetful house has in hand was there for too long, or will have been when it is awaited."""
        await self.passes(minutes=11)

    async def close(self) -> None:
        """Close what was opened."""
        for bus in self.opened:
            await bus.close()

    # --- messages -------------------------------------------------------------------------------------------------
    @property
    def replies(self) -> str:
        """Out: a reply queue that is there."""
        return self.reply_queue("wohngeldstelle")

    def reply_queue(self, consumer: str, name: str = "1") -> str:
        """Out: a consumer's own queue."""
        return f"{self.namespace}.reply.{consumer}.{name}"

    def request(self, name: str, consumer: str = "wohngeldstelle", **changes: Any) -> Outbound:
        """Out: a request whose every part follows from its name."""
        return request(
            name,
            consumer,
            **({"user_id": self.user(consumer), "reply_to": self.reply_queue(consumer)} | changes),
        )

    def reply(self, name: str, **changes: Any) -> Outgoing:
        """Out: a reply to the request of that name."""
        return reply(name, **({"reply_to": self.replies} | changes))

    async def published(self, *names: str, consumer: str = "wohngeldstelle") -> None:
        """Publish a request of each name."""
        bus = self.consumer()
        for name in names:
            await bus.publish(self.request(name, consumer))

    async def names_in(self, bus: HouseBus) -> list[tuple[str, int]]:
        """Out: name and attempt of everything that is ready now: up to a marker, and what comes right behind it."""
        marker = f"marker-{secrets.token_hex(4)}"
        await self.published(marker)
        found: list[tuple[str, int]] = []
        deliveries, seen = bus.deliveries(), False
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(self.soon if seen else 20):
                    delivery = await anext(deliveries)
                if delivery.message_id == f"message-{marker}":
                    seen = True
                elif not delivery.message_id.startswith("message-marker-"):
                    found.append((delivery.message_id.removeprefix("message-"), delivery.attempt))
        assert seen
        return found


@dataclass
class EmbeddedBuses(Buses):
    """The embedded bus: openings of one file, with a clock that is moved."""

    path: Path
    namespace: str = "einmal"
    clock: ManualClock = field(default_factory=ManualClock)
    opened: list[Bus | ConsumerBus] = field(default_factory=list)
    soon: ClassVar[float] = 0.01

    @property
    def where(self) -> str:
        return str(self.path)

    async def create(self) -> None:
        EmbeddedBus.create(self.path)
        await self.house()

    async def house(
        self, places: int = 32, body_bytes: int = BODY_BYTES, *, forgetful: bool = False
    ) -> EmbeddedBus:
        bus = EmbeddedBus.open(self.path, self.namespace, self.clock, CONSUMERS, places, body_bytes)
        self.opened.append(bus)
        return bus

    def consumer(self, body_bytes: int = BODY_BYTES) -> EmbeddedConsumerBus:
        bus = EmbeddedConsumerBus.open(self.path, self.namespace, self.clock, body_bytes)
        self.opened.append(bus)
        return bus

    def beside(self, house: HouseBus) -> ConsumerBus:
        assert isinstance(house, EmbeddedBus)
        side = house.consumer_side()
        self.opened.append(side)
        return side

    def faulty_house(self, fault: Fault) -> EmbeddedBus:
        """Open the house's side with a file that breaks."""
        broker = Broker(self.path, Declare(self.namespace, ()), connect=partial(faulty, fault, connect_file))
        bus = EmbeddedBus(broker, self.namespace, self.clock, 32, BODY_BYTES)
        self.opened.append(bus)
        return bus

    def faulty_consumer(self, fault: Fault) -> EmbeddedConsumerBus:
        """Open a consumer's side with a file that breaks."""
        broker = Broker(self.path, connect=partial(faulty, fault, connect_file))
        bus = EmbeddedConsumerBus(broker, self.namespace, self.clock, BODY_BYTES)
        self.opened.append(bus)
        return bus

    async def breaking_house(self, when: When) -> EmbeddedBus:
        return self.faulty_house(Fault(commit=when, statements=-1))

    async def breaking_consumer(self, when: When) -> EmbeddedConsumerBus:
        return self.faulty_consumer(Fault(commit=when))

    async def passes(self, **time: float) -> None:
        self.clock.move(**time)

    def user(self, consumer: str) -> str:
        return consumer


@dataclass
class RabbitBuses(Buses):
    """RabbitMQ: a namespace of its own, gone at the end. Time passes by itself."""

    namespace: str = field(default_factory=lambda: f"test-{secrets.token_hex(6)}")
    clock: SystemClock = field(default_factory=SystemClock)
    opened: list[Bus | ConsumerBus] = field(default_factory=list)
    proxies: list[Proxy] = field(default_factory=list)
    url: str = str(brokers.SERVER)
    soon: ClassVar[float] = 0.3
    levels: ClassVar[tuple[int, ...]] = (1, 2)

    @property
    def where(self) -> str:
        return f"{self.url}#{self.namespace}"

    @property
    def topology(self) -> Topology:
        return Topology(self.namespace, self.levels)

    async def create(self) -> None:
        await self.house()
        asking = self.consumer()
        for queue in self._queues():
            await asking.reply(queue, "", 0)

    async def house(
        self, places: int = 32, body_bytes: int = BODY_BYTES, *, forgetful: bool = False
    ) -> RabbitBus:
        return await self.house_at(self.url, places, body_bytes, 0.4 if forgetful else LEASE_SECONDS)

    async def house_at(
        self,
        url: str,
        places: int = 32,
        body_bytes: int = BODY_BYTES,
        lease_seconds: float = LEASE_SECONDS,
        seconds: float = SECONDS,
    ) -> RabbitBus:
        """Open the house's side once more, the broker being at that URL."""
        bus = RabbitBus(
            given(url, seconds),
            self.topology,
            self.clock,
            CONSUMERS,
            places=places,
            body_bytes=body_bytes,
            lease_seconds=lease_seconds,
        )
        self.opened.append(bus)
        return await bus.open()

    def consumer(self, body_bytes: int = BODY_BYTES) -> RabbitConsumerBus:
        return self.consumer_at(self.url, body_bytes)

    def consumer_at(self, url: str, body_bytes: int = BODY_BYTES) -> RabbitConsumerBus:
        """Open a consumer's side once more, the broker being at that URL."""
        bus = RabbitConsumerBus(given(url, SECONDS), self.namespace, body_bytes)
        self.opened.append(bus)
        return bus

    def beside(self, house: HouseBus) -> ConsumerBus:
        return self.consumer()

    async def proxy(self, when: When | None = None, marker: bytes = b"") -> tuple[Proxy, str]:
        """Out: a way to the broker that can be cut off, and the broker's URL by that way."""
        made = Proxy(when, marker)
        self.proxies.append(made)
        return made, await made.start()

    async def breaking_house(self, when: When) -> RabbitBus:
        return await self.house_at((await self.proxy(when, b"reply-x"))[1])

    async def breaking_consumer(self, when: When) -> RabbitConsumerBus:
        return self.consumer_at((await self.proxy(when, b"message-x"))[1])

    async def passes(self, **time: float) -> None:
        await asyncio.sleep(0.002)  # the clock shows another moment

    def user(self, consumer: str) -> str:
        return str(brokers.SERVER.user)

    async def close(self) -> None:
        await super().close()
        for proxy in self.proxies:
            await proxy.close()
        queues = [*self._queues(), self.reply_queue("nobody")]
        await brokers.clear(self.namespace, (*CONSUMERS, LATER), queues)

    def _queues(self) -> Sequence[str]:
        names = [self.reply_queue(consumer) for consumer in (*CONSUMERS, LATER)]
        return [*names, self.reply_queue("wohngeldstelle", "2")]


KINDS: Final = ("embedded", "rabbitmq")


def of_kind(kind: str, folder: Path) -> Buses:
    """Out: a bus of that kind, to be created."""
    if kind == "embedded":
        return EmbeddedBuses(folder / "bus.sqlite3")
    brokers.needed()
    return RabbitBuses()


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
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return Outbound(**(given | changes))


def reply(name: str, **changes: Any) -> Outgoing:
    """Out: a reply to the request of that name."""
    given: dict[str, Any] = {
        "reply_to": "einmal.reply.wohngeldstelle.1",
        "correlation_id": f"correlation-{name}",
        "message_id": f"reply-{name}",
        "type": "evidence.answer",
        "content_type": "application/xml",
        "body": f"<answer-{name}/>".encode(),
        "headers": {"jws": "a..b", "receipt": "c.d.e"},
    }
    return Outgoing(**(given | changes))


def asker(delivery: Delivery) -> str:
    """Out: in whose queue it was."""
    return delivery.routing_key.partition(".")[0]


async def take(deliveries: AsyncIterator[Delivery], count: int = 1) -> list[Delivery]:
    """Out: the next deliveries. Raises: TimeoutError when they do not come in a long time."""
    async with asyncio.timeout(20):
        return [await anext(deliveries) for _ in range(count)]


# --- other processes ------------------------------------------------------------------------------------------
def _at(where: str) -> Buses:
    if not where.startswith("amqp"):
        return EmbeddedBuses(Path(where))
    url, _, namespace = where.rpartition("#")
    return RabbitBuses(namespace, url=url)


def hold_until_killed(where: str, count: int, told: Pipe) -> None:
    """In another process: take so many deliveries and never let go of them; tell their message ids."""

    async def run() -> None:
        bus = await _at(where).house()
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
        buses = _at(where)
        bus, number = buses.consumer(), 0
        while True:
            await bus.publish(buses.request(f"n{number}"))
            told.send(f"message-n{number}")
            number += 1

    asyncio.run(run())


def ask_once(where: str, told: Pipe) -> None:
    """In another process: publish one request, wait for its reply, tell its body."""

    async def run() -> None:
        buses = _at(where)
        bus = buses.consumer()
        await bus.publish(buses.request("asked"))
        found = await bus.reply(buses.replies, "correlation-asked", 20)
        await bus.close()
        told.send(found.body if found else None)

    asyncio.run(run())
