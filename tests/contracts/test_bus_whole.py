"""What every Bus and every ConsumerBus keeps through faults and killed processes (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from buses import (
    REPLIES,
    SOON,
    EmbeddedBuses,
    ask_once,
    hold_until_killed,
    names_in,
    publish_until_killed,
    published,
    reply,
    request,
    take,
)
from faults import Fault
from killing import told_until_killed
from processes import OWN

from gateway.errors import BusUnavailable


class TestFaults:
    @pytest.mark.parametrize(("commit", "there"), [("before", 0), ("after", 1)])
    async def test_a_publishing_that_breaks(self, buses: EmbeddedBuses, commit: str, there: int) -> None:
        """Reported failed: before the commit it is not there, after it it is; published again it is there again."""
        bus = buses.consumer(fault=Fault(commit=commit))  # type: ignore[arg-type]  # one of the two
        with pytest.raises(BusUnavailable):
            await bus.publish(request("x"))
        await bus.publish(request("x"))
        assert await names_in(buses.house(), buses) == [("x", 1)] * (there + 1)

    @pytest.mark.parametrize(("commit", "there"), [("before", 0), ("after", 1)])
    async def test_a_sending_that_breaks(self, buses: EmbeddedBuses, commit: str, there: int) -> None:
        """The same for replies: at least once, the same bytes."""
        bus = buses.house(fault=Fault(commit=commit, statements=-1))  # type: ignore[arg-type]
        with pytest.raises(BusUnavailable):
            await bus.send(reply("x"))
        await bus.send(reply("x"))
        consumer = buses.consumer()
        for _ in range(there + 1):
            assert await consumer.reply(REPLIES, "correlation-x", 20) == reply("x")
        assert await consumer.reply(REPLIES, "correlation-x", SOON) is None

    @pytest.mark.parametrize("statement", [1, 2])
    @pytest.mark.parametrize("what", ["ack", "postpone", "bury"])
    async def test_a_parting_that_breaks_half_way(
        self, buses: EmbeddedBuses, what: str, statement: int
    ) -> None:
        """The delivery is neither lost nor doubled: when its holder goes it is there, or it is dealt with."""
        await published(buses, "x")
        fault = Fault()
        bus = buses.house(fault=fault)
        (got,) = await take(bus.deliveries())
        fault.statement = fault.statements + statement
        partings: dict[str, Callable[[], Awaitable[None]]] = {
            "ack": lambda: bus.ack(got),
            "postpone": lambda: bus.postpone(got, buses.clock.now()),
            "bury": lambda: bus.bury(got),
        }
        try:
            await partings[what]()
            failed = False
        except BusUnavailable:
            failed = True
        dead = await buses.house().dead()
        fault.statement = None
        await bus.close()
        ready = await names_in(buses.house(), buses)
        assert len(dead) + len(ready) == (1 if failed or what != "ack" else 0)
        assert failed == (statement == 1 or what == "bury")

    async def test_the_fault_names_no_content(self, buses: EmbeddedBuses) -> None:
        """What is told of a foreign failure is its kind, nothing else."""
        bus = buses.consumer(fault=Fault(statement=1))
        with pytest.raises(BusUnavailable) as raised:
            await bus.publish(request("x"))
        assert str(raised.value) == "internal at bus (OperationalError)"


class TestProcesses:
    async def test_what_a_killed_process_held_is_there_at_once(self, buses: EmbeddedBuses) -> None:
        """After SIGKILL every delivery it had taken comes to the next one, counted; nothing waits for a lease."""
        names = [f"n{at}" for at in range(6)]
        await published(buses, *names)
        told, tell = OWN.Pipe(duplex=False)
        process = OWN.Process(target=hold_until_killed, args=(str(buses.path), 6, tell))
        process.start()
        held = await asyncio.to_thread(told.recv)
        assert held == [f"message-{name}" for name in names]
        assert await names_in(buses.house(), buses) == []
        process.kill()
        await asyncio.to_thread(process.join)
        got = await take(buses.house().deliveries(), 6)
        assert sorted((one.message_id, one.attempt) for one in got) == [
            (f"message-{name}", 2) for name in names
        ]

    async def test_a_killed_publisher_leaves_what_it_told(self, buses: EmbeddedBuses) -> None:
        """SIGKILL in the middle of publishing: every request that was told durable is there, once, in order."""
        said = await told_until_killed(publish_until_killed, str(buses.path), count=20)
        got = await take(buses.house(places=len(said) * 2).deliveries(), len(said))
        assert [one.message_id for one in got] == said

    async def test_another_process_asks_and_gets_its_reply(self, buses: EmbeddedBuses) -> None:
        """A house that is waiting hears of what another process publishes, and that one of the reply."""
        house = buses.house()
        waiting = asyncio.create_task(take(house.deliveries()))
        told, tell = OWN.Pipe(duplex=False)
        process = OWN.Process(target=ask_once, args=(str(buses.path), tell))
        process.start()
        (got,) = await waiting
        await house.send(replace(reply("asked"), body=b"<answer/>"))
        await house.ack(got)
        assert await asyncio.to_thread(told.recv) == b"<answer/>"
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
