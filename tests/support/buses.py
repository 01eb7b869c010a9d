"""A bus for the contract tests, of whatever kind: what a test does with it and asks of it."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeAlias

import bus_messages
from brokers import When

from adapters.bus.embedded import EmbeddedBus
from adapters.bus.names import BODY_BYTES
from adapters.bus.rabbitmq.house import RabbitBus
from gateway.ports import Bus, Clock, ConsumerBus, Outbound
from gateway.stages import Outgoing

CONSUMERS: Final = ("kita", "parkausweis", "wohngeldstelle")
LATER: Final = "ordnungsamt"
"""A consumer without a queue, until somebody declares it."""
HouseBus: TypeAlias = EmbeddedBus | RabbitBus


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
        return bus_messages.request(
            name,
            consumer,
            **({"user_id": self.user(consumer), "reply_to": self.reply_queue(consumer)} | changes),
        )

    def reply(self, name: str, **changes: Any) -> Outgoing:
        """Out: a reply to the request of that name."""
        return bus_messages.reply(name, **({"reply_to": self.replies} | changes))

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
