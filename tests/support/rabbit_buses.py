"""RabbitMQ for the contract tests, with connections that break on demand."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

import brokers
from brokers import Proxy, When
from buses import CONSUMERS, LATER, Buses, HouseBus

from adapters.bus.names import BODY_BYTES
from adapters.bus.rabbitmq.access import given
from adapters.bus.rabbitmq.consumer import RabbitConsumerBus
from adapters.bus.rabbitmq.house import LEASE_SECONDS, RabbitBus
from adapters.bus.rabbitmq.topology import Topology
from adapters.clock import SystemClock
from gateway.ports import Bus, ConsumerBus

SECONDS: Final = 10.0
"""How long a broker may take to answer."""


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
