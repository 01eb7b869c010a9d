"""What every Bus and every ConsumerBus keeps through faults and killed processes (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import brokers
import pytest
from brokers import Proxy, When
from bus_messages import take
from bus_processes import ask_once, hold_until_killed, publish_until_killed
from buses import CONSUMERS, Buses, HouseBus
from embedded_buses import EmbeddedBuses
from faults import Fault
from killing import told_until_killed
from pamqp.commands import Connection
from processes import OWN
from rabbit_buses import SECONDS, RabbitBuses

from adapters.bus.names import queue_of
from adapters.bus.rabbitmq.access import given
from adapters.bus.rabbitmq.house import RabbitBus
from gateway.errors import BusUnavailable, Undeliverable
from gateway.stages import Delivery, Outgoing


class TestFaults:
    @pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
    async def test_a_publishing_that_breaks(self, buses: Buses, when: When, there: int) -> None:
        """Reported failed: before the bus had it it is not there, after it is; published again it is there again."""
        bus = await buses.breaking_consumer(when)
        with pytest.raises(BusUnavailable):
            await bus.publish(buses.request("x"))
        await bus.publish(buses.request("x"))
        assert await buses.names_in(await buses.house()) == [("x", 1)] * (there + 1)

    @pytest.mark.parametrize(("when", "there"), [("before", 0), ("after", 1)])
    async def test_a_sending_that_breaks(self, buses: Buses, when: When, there: int) -> None:
        """The same for replies: at least once, the same bytes."""
        bus = await buses.breaking_house(when)
        with pytest.raises(BusUnavailable):
            await bus.send(buses.reply("x"))
        await bus.send(buses.reply("x"))
        consumer = buses.consumer()
        for _ in range(there + 1):
            assert await consumer.reply(buses.replies, "correlation-x", 20) == buses.reply("x")
        assert await consumer.reply(buses.replies, "correlation-x", buses.soon) is None

    async def test_the_fault_names_no_content(self, buses: Buses) -> None:
        """What is told of a foreign failure is its kind, nothing else."""
        bus = await buses.breaking_consumer("before")
        with pytest.raises(BusUnavailable, match=r"^internal at bus \([A-Za-z ]+\)$") as raised:
            await bus.publish(buses.request("x"))
        assert raised.value.__cause__ is None


@pytest.mark.parametrize("buses", ["embedded"], indirect=True)
class TestEmbedded:
    @pytest.mark.parametrize("statement", [1, 2])
    @pytest.mark.parametrize("what", ["ack", "postpone", "bury"])
    async def test_a_parting_that_breaks_half_way(
        self, buses: EmbeddedBuses, what: str, statement: int
    ) -> None:
        """The delivery is neither lost nor doubled: when its holder goes it is there, or it is dealt with."""
        await buses.published("x")
        fault = Fault()
        bus = buses.faulty_house(fault)
        (got,) = await take(bus.deliveries())
        fault.statement = fault.statements + statement
        try:
            await parted(bus, what, got, buses)
            failed = False
        except BusUnavailable:
            failed = True
        dead = await (await buses.house()).dead()
        fault.statement = None
        await bus.close()
        ready = await buses.names_in(await buses.house())
        assert len(dead) + len(ready) == (1 if failed or what != "ack" else 0)
        assert failed == (statement == 1 or what == "bury")


@pytest.mark.parametrize("buses", ["rabbitmq"], indirect=True)
class TestRabbit:
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("what", ["postpone", "bury"])
    async def test_a_parting_that_breaks_half_way(self, buses: RabbitBuses, what: str, when: When) -> None:
        """The copy did not get there, or nobody heard that it did, and the connection is gone: it is there, perhaps
        twice, and never lost."""
        await buses.published("x")
        bus = await buses.house_at((await buses.proxy(when, b"message-x"))[1])
        (got,) = await take(bus.deliveries())
        with suppress(BusUnavailable):
            await parted(bus, what, got, buses)
        left = [*await (await buses.house()).dead()]
        await bus.close()
        (again,) = await take((await buses.house()).deliveries())
        assert (again.message_id, again.attempt) == ("message-x", 2)
        assert len(left) == (what == "bury" and when == "after")

    async def test_an_ack_after_a_reconnect_is_no_error(self, buses: RabbitBuses) -> None:
        """The delivery came back with the connection; its old handle does nothing, the new one ends it."""
        await buses.published("x")
        proxy, url = await buses.proxy()
        bus = await buses.house_at(url)
        deliveries = bus.deliveries()
        (old,) = await take(deliveries)
        proxy.cut()
        (new,) = await take(deliveries)
        assert (new.message_id, new.attempt) == ("message-x", 2)
        await bus.ack(old)
        await bus.postpone(old, buses.clock.now())
        await bus.bury(old)
        assert await bus.dead() == []
        await bus.ack(new)
        await bus.close()
        assert await buses.names_in(await buses.house()) == []

    async def test_a_waiting_consumer_waits_on_after_a_reconnect(self, buses: RabbitBuses) -> None:
        """Cut off while it waits, it gets what is sent afterwards."""
        proxy, url = await buses.proxy()
        waiting = asyncio.create_task(buses.consumer_at(url).reply(buses.replies, "correlation-x", 20))
        house = await buses.house()
        await asyncio.sleep(0)
        proxy.cut()
        await house.send(buses.reply("x"))
        assert await waiting == buses.reply("x")

    async def test_an_alarm_of_the_broker_is_an_error_to_the_sender(self, buses: RabbitBuses) -> None:
        """Blocked, nothing is sent and nothing waits for ever; who takes may still ack; after it all is as before."""
        await buses.published("x")
        proxy, url = await buses.proxy()
        bus = await buses.house_at(url, seconds=1)
        (got,) = await take(bus.deliveries())
        await alarmed(proxy, bus, buses)
        await bus.ack(got)
        proxy.say(Connection.Unblocked())
        await bus.send(buses.reply("y"))
        await bus.close()
        assert await buses.names_in(await buses.house()) == []
        assert await buses.consumer().reply(buses.replies, "correlation-y", 20) == buses.reply("y")

    async def test_what_can_not_be_put_off_waits_in_hand(self, buses: RabbitBuses) -> None:
        """Blocked, its copy can't be published: it comes back all the same, not before its time."""
        await buses.published("x")
        proxy, url = await buses.proxy()
        bus = await buses.house_at(url, seconds=1)
        deliveries = bus.deliveries()
        (got,) = await take(deliveries)
        await alarmed(proxy, bus, buses)
        due = buses.clock.now() + timedelta(seconds=2)
        await bus.postpone(got, due)
        (again,) = await take(deliveries)
        assert again.received >= due
        assert (again.message_id, again.attempt) == ("message-x", 2)

    async def test_a_closed_bus_lets_nobody_wait(self, buses: RabbitBuses) -> None:
        """Closed while it publishes to a broker that is not there, it is an error at once."""
        proxy, url = await buses.proxy()
        bus = await buses.house_at(url)
        await proxy.close()
        sending = asyncio.create_task(bus.send(buses.reply("x")))
        await asyncio.sleep(0)
        await bus.close()
        async with asyncio.timeout(SECONDS / 2):
            with pytest.raises(BusUnavailable):
                await sending

    async def test_a_broker_that_is_not_there_is_an_error_at_once(self, buses: RabbitBuses) -> None:
        """To whoever opens the bus: nothing waits for it in silence."""
        proxy, url = await buses.proxy()
        await proxy.close()
        async with asyncio.timeout(SECONDS / 2):
            with pytest.raises(BusUnavailable):
                await buses.house_at(url)

    async def test_another_node_is_tried_when_one_is_gone(self, buses: RabbitBuses) -> None:
        """At the start, and when the one it is with goes."""
        (first, one), (_, two) = await buses.proxy(), await buses.proxy()
        access = replace(given(one, SECONDS), urls=tuple(given(url, SECONDS).urls[0] for url in (one, two)))
        bus = RabbitBus(access, buses.topology, buses.clock, CONSUMERS)
        buses.opened.append(bus)
        await bus.open()
        await first.close()
        with suppress(BusUnavailable):  # the one that noticed it
            await bus.send(buses.reply("y"))
        await bus.send(buses.reply("x"))
        assert await buses.consumer().reply(buses.replies, "correlation-x", 20) == buses.reply("x")

    async def test_a_queue_deleted_under_a_waiting_house_is_made_again(self, buses: RabbitBuses) -> None:
        """Whoever deleted it: the house declares it and takes from it."""
        deliveries = (await buses.house()).deliveries()
        await buses.published("before", consumer="kita")
        assert [one.message_id for one in await take(deliveries)] == ["message-before"]
        coming = asyncio.create_task(take(deliveries))
        async with brokers.connected() as channel:
            await channel.queue_delete(queue_of(buses.namespace, "kita"))
        async with asyncio.timeout(20):
            while not await reached(buses, "after", "kita"):
                pass
        assert [one.message_id for one in await coming] == ["message-after"]


async def reached(buses: Buses, name: str, consumer: str) -> bool:
    """Out: whether there was a queue for it."""
    try:
        await buses.published(name, consumer=consumer)
    except Undeliverable:
        return False
    return True


async def alarmed(proxy: Proxy, bus: HouseBus, buses: Buses) -> None:
    """The broker has an alarm, and the house has heard of it: nothing is sent any more."""
    proxy.say(Connection.Blocked("low on disk"))
    sending = asyncio.create_task(send_for_ever(bus, buses.reply("x")))
    async with asyncio.timeout(20):
        with pytest.raises(BusUnavailable, match="no answer in time"):
            await sending


async def send_for_ever(bus: HouseBus, message: Outgoing) -> None:
    """Until it can't be sent."""
    while True:
        await bus.send(message)


async def parted(bus: HouseBus, what: str, delivery: Delivery, buses: Buses) -> None:
    """Part with a delivery, one way or another."""
    if what == "ack":
        await bus.ack(delivery)
    elif what == "postpone":
        await bus.postpone(delivery, buses.clock.now())
    else:
        await bus.bury(delivery)


class TestProcesses:
    async def test_what_a_killed_process_held_is_there_at_once(self, buses: Buses) -> None:
        """After SIGKILL every delivery it had taken comes to the next one, counted; nothing waits for a lease."""
        names = [f"n{at}" for at in range(6)]
        await buses.published(*names)
        told, tell = OWN.Pipe(duplex=False)
        process = OWN.Process(target=hold_until_killed, args=(buses.where, 6, tell))
        process.start()
        held = await asyncio.to_thread(told.recv)
        assert held == [f"message-{name}" for name in names]
        assert await buses.names_in(await buses.house()) == []
        process.kill()
        await asyncio.to_thread(process.join)
        got = await take((await buses.house()).deliveries(), 6)
        assert sorted((one.message_id, one.attempt) for one in got) == [
            (f"message-{name}", 2) for name in names
        ]

    async def test_a_killed_publisher_leaves_what_it_told(self, buses: Buses) -> None:
        """SIGKILL in the middle of publishing: every request that was told durable is there, once, in order."""
        said = await told_until_killed(publish_until_killed, buses.where, count=20)
        got = await take((await buses.house(places=len(said) * 2)).deliveries(), len(said))
        assert [one.message_id for one in got] == said

    async def test_another_process_asks_and_gets_its_reply(self, buses: Buses) -> None:
        """A house that is waiting hears of what another process publishes, and that one of the reply."""
        house = await buses.house()
        waiting = asyncio.create_task(take(house.deliveries()))
        told, tell = OWN.Pipe(duplex=False)
        process = OWN.Process(target=ask_once, args=(buses.where, tell))
        process.start()
        (got,) = await waiting
        await house.send(replace(buses.reply("asked"), body=b"<answer/>"))
        await house.ack(got)
        assert await asyncio.to_thread(told.recv) == b"<answer/>"
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
