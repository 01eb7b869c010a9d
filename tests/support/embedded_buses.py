"""The embedded bus for the contract tests, with faults on demand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

from brokers import When
from buses import CONSUMERS, Buses, HouseBus
from faults import Fault, faulty

from adapters.bus.broker import Broker
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.embedded import EmbeddedBus
from adapters.bus.file import connect_file
from adapters.bus.jobs import Declare
from adapters.bus.names import BODY_BYTES
from gateway.ports import Bus, ConsumerBus


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
