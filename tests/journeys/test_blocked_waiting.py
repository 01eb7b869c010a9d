"""The doorkeeper and the replies that wait for their time: none holds up another, none is lost, none leaves twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from hidden import HIDDEN, SLOT, question
from peopled import BLOCKED, ORDINARY
from town import Town

from gateway.errors import BusUnavailable
from gateway.serve import Service, attend, resend, send_in_time, serve
from gateway.stages import Delivery, Outgoing


@dataclass(slots=True)
class Bus:
    """Port Bus: hands over what it was given, and writes down what it is told."""

    given: list[Delivery] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    broken: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    heard: Callable[[Bus], None] = lambda _: None
    """Is called after each message that was sent."""

    async def deliveries(self) -> AsyncIterator[Delivery]:
        for delivery in self.given:
            yield delivery
        await self.stopped.wait()

    async def send(self, message: Outgoing) -> None:
        self.told.append("send")
        if self.broken:
            raise BusUnavailable("bus")
        self.sent.append(message)
        self.heard(self)

    async def ack(self, delivery: Delivery) -> None:
        self.told.append("ack")

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        self.told.append("postpone")

    async def bury(self, delivery: Delivery) -> None:
        self.told.append("bury")

    async def forget(self, before: datetime) -> int:
        return 0

    async def stop(self) -> None:
        self.told.append("stop")
        self.stopped.set()

    async def close(self) -> None: ...

    async def declare(self, consumers: Iterable[str]) -> None: ...


def waiting(town: Town, bus: Bus, rest: Callable[[float], Awaitable[object]] | None = None) -> Service:
    """Out: the doorkeeper; time passes as it waits."""

    async def passes(seconds: float) -> None:
        town.clock.passes(seconds=seconds)

    return Service(town.opened.house, bus, town.opened.store, 1, 5, 10, rest=rest or passes)


async def test_it_is_acknowledged_first_and_sent_at_its_time(town: Town) -> None:
    """The delivery is done with before the wait; the reply lies in the outbox until the bus has it."""
    start, bus = town.clock.now(), Bus()
    service = waiting(town, bus)
    reply = await attend(town.delivery(await question(town, BLOCKED)), service)
    assert reply is not None
    assert bus.told == ["ack"]
    assert [exchange for exchange, _ in await town.opened.store.unconfirmed()] == [reply.exchange]
    await send_in_time(reply, service)
    assert town.clock.now() == start + SLOT
    assert (bus.told, bus.sent) == (["ack", "send"], [reply.message])
    assert await town.opened.store.unconfirmed() == []


async def test_one_that_waits_holds_up_no_other(town: Town) -> None:
    """With one place only: while three wait for their time, a fourth is answered. Told to stop, the doorkeeper ends
    when the last of them has left."""
    asked = [await question(town, person) for person in (*HIDDEN.values(), ORDINARY)]
    time_has_come = asyncio.Event()

    def heard(bus: Bus) -> None:
        if bus.sent[-1].type == "evidence.answer":
            assert len(bus.sent) == 1, "the three others still wait"
            stop.set()
            time_has_come.set()

    async def rest(seconds: float) -> None:
        """Housekeeping rests for ever; a reply until its time has come, which is after the fourth was answered."""
        await (time_has_come if seconds < 1 else asyncio.Event()).wait()

    stop, bus = asyncio.Event(), Bus([town.delivery(request) for request in asked], heard=heard)
    async with asyncio.timeout(30):
        await serve(waiting(town, bus, rest), stop)
    assert [message.type for message in bus.sent] == ["evidence.answer"] + ["evidence.refusal"] * 3
    assert await town.opened.store.unconfirmed() == []


async def test_a_crash_while_one_waits_loses_nothing(town: Town) -> None:
    """It was acknowledged and never sent: the next start sends the same bytes, at the same time if that lies ahead."""
    start, died = town.clock.now(), Bus()
    reply = await attend(town.delivery(await question(town, BLOCKED)), waiting(town, died))
    assert reply is not None
    assert died.sent == []
    town.clock.passes(milliseconds=100)
    bus = Bus()
    assert await resend(waiting(town, bus)) == {reply.exchange}
    assert bus.sent == [reply.message]
    assert bus.sent[0].not_before == start + SLOT
    assert town.clock.now() == start + SLOT
    assert not await resend(waiting(town, bus))


async def test_what_a_dead_process_left_is_sent_by_another(town: Town) -> None:
    """Nobody starts again: the reply lies in the outbox at two looks, so whoever looks sends it. Once."""
    died, bus = Bus(), Bus()
    reply = await attend(town.delivery(await question(town, BLOCKED)), waiting(town, died))
    assert reply is not None
    service = waiting(town, bus)
    seen = await resend(service, ())
    assert seen == {reply.exchange}
    assert not bus.sent
    seen = await resend(service, seen)
    assert bus.sent == [reply.message]
    assert await resend(service, seen) == frozenset()
    assert len(bus.sent) == 1


async def test_the_doorkeeper_looks_through_the_outbox(town: Town) -> None:
    """As long as it serves; what another left there leaves at the second look."""
    reply = await attend(town.delivery(await question(town, BLOCKED)), waiting(town, Bus()))
    assert reply is not None
    stop = asyncio.Event()
    bus = Bus(heard=lambda _: stop.set())

    async def rest(seconds: float) -> None:
        """Housekeeping rests for ever; between two looks at the outbox time passes at once."""
        await (asyncio.Event().wait() if seconds > 60 else asyncio.sleep(0))

    store: Any = Unlooked(town.opened.store)
    async with asyncio.timeout(30):
        await serve(replace(waiting(town, bus, rest), store=store), stop)
    assert bus.sent == [reply.message]


class Unlooked:
    """Port JournalStore whose outbox seems empty at the first look, as it is when its process still lives."""

    def __init__(self, store: Any) -> None:
        self._store, self._looked = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def unconfirmed(self) -> Any:
        looked, self._looked = self._looked, True
        return await self._store.unconfirmed() if looked else []


async def test_a_bus_that_breaks_while_one_waits_ends_nothing(town: Town) -> None:
    """The reply stays in the outbox, and leaves from there."""
    bus = Bus(broken=True)
    service = waiting(town, bus)
    reply = await attend(town.delivery(await question(town, BLOCKED)), service)
    assert reply is not None
    await send_in_time(reply, service)
    assert [exchange for exchange, _ in await town.opened.store.unconfirmed()] == [reply.exchange]
    bus.broken = False
    await resend(service)
    assert bus.sent == [reply.message]
