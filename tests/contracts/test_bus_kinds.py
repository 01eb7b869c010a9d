"""What only one kind of bus can keep (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import brokers
import pytest
from aiormq.exceptions import ChannelPreconditionFailed
from bus_messages import asker, take
from buses import LATER
from embedded_buses import EmbeddedBuses
from rabbit_buses import RabbitBuses

from adapters.bus.names import queue_of
from adapters.bus.rabbitmq.topology import DELIVERIES, Arguments
from gateway.errors import BusUnavailable


@pytest.mark.parametrize("buses", ["embedded"], indirect=True)
class TestEmbedded:
    """What only a bus can keep that sees everything in its file."""

    async def test_the_queues_take_turns_exactly(self, buses: EmbeddedBuses) -> None:
        """One of each, in the order of their names."""
        for consumer in ("kita", "parkausweis", "wohngeldstelle"):
            await buses.published("1", "2", consumer=consumer)
        bus = await buses.house(places=1)
        served, deliveries = [], bus.deliveries()
        for _ in range(6):
            (got,) = await take(deliveries)
            served.append(asker(got))
            await bus.ack(got)
        assert served == ["kita", "parkausweis", "wohngeldstelle"] * 2

    async def test_what_was_not_handed_on_is_uncounted(self, buses: EmbeddedBuses) -> None:
        """Taken and given back, it was never tried."""
        await buses.published("x", "y")
        bus = await buses.house()
        deliveries = bus.deliveries()
        await take(deliveries)
        await bus.stop()
        assert [delivery async for delivery in deliveries] == []
        assert await buses.names_in(await buses.house()) == [("y", 1)]

    async def test_a_queue_is_taken_from_whoever_declared_it(self, buses: EmbeddedBuses) -> None:
        """Every process that waits sees it in the file."""
        waiting, other = await buses.house(), await buses.house()
        coming = asyncio.create_task(take(waiting.deliveries()))
        await other.declare([LATER])
        await buses.published("later", consumer=LATER)
        assert [delivery.message_id for delivery in await coming] == ["message-later"]

    async def test_replies_nobody_fetches_are_forgotten_in_time(self, buses: EmbeddedBuses) -> None:
        """Those from before a moment go, younger ones stay."""
        bus = await buses.house()
        await bus.send(buses.reply("x"))
        long_ago = buses.clock.now()
        await buses.passes(days=10)
        await bus.send(buses.reply("y"))
        assert await bus.forget(long_ago) == 1
        assert await buses.consumer().reply(buses.replies, "correlation-x", buses.soon) is None
        assert await buses.consumer().reply(buses.replies, "correlation-y", 20) == buses.reply("y")

    async def test_it_says_which_requests_it_still_has(self, buses: EmbeddedBuses) -> None:
        """Waiting, put off or in somebody's hand; not what was acknowledged, buried, or is another consumer's."""
        await buses.published("waiting", "put off", "in hand", "done", "dead")
        bus = await buses.house()
        got = {one.message_id: one for one in await take(bus.deliveries(), 5)}
        await bus.postpone(got["message-put off"], buses.clock.now() + timedelta(days=1))
        await bus.ack(got["message-done"])
        await bus.bury(got["message-dead"])
        whose = got["message-done"].routing_key.partition(".")[0]
        asked = {(whose, f"message-{name}") for name in ("waiting", "put off", "in hand", "done", "dead")}
        held = await bus.holds({*asked, ("somebody-else", "message-waiting")})
        assert set(held) == {(whose, f"message-{name}") for name in ("waiting", "put off", "in hand")}
        assert list(await bus.holds(())) == []


@pytest.mark.parametrize("buses", ["rabbitmq"], indirect=True)
class TestRabbit:
    """What only a broker does."""

    async def test_what_waits_longer_than_the_longest_level_waits_again(self, buses: RabbitBuses) -> None:
        """Levels of one and two seconds: three seconds are kept, and it is one postponement."""
        await buses.published("x")
        bus = await buses.house()
        (got,) = await take(bus.deliveries())
        due = buses.clock.now() + timedelta(seconds=3)
        await bus.postpone(got, due)
        (again,) = await take(bus.deliveries())
        assert again.received >= due
        assert again == replace(got, tag=again.tag, received=again.received, attempt=2)

    async def test_who_lets_a_request_kill_it_too_often_has_it_among_the_dead(
        self, buses: RabbitBuses
    ) -> None:
        """Handed out a hundred times and never ended: it is the broker's dead letter, which goes in time as well."""
        await buses.published("x")
        queue = queue_of(buses.namespace, "wohngeldstelle")
        async with brokers.connected() as channel:
            for _ in range(DELIVERIES + 1):
                got = await channel.basic_get(queue)
                await channel.basic_nack(got.delivery_tag or 0)
        bus = await buses.house()
        assert await buses.names_in(await buses.house()) == []
        (dead,) = await bus.dead()
        assert (dead.message_id, dead.body) == ("message-x", b"<x/>")
        assert await bus.forget(buses.clock.now() - timedelta(hours=1)) == 0
        assert await bus.forget(buses.clock.now() + timedelta(seconds=1)) == 1

    async def test_a_full_queue_refuses_and_loses_nothing(self, buses: RabbitBuses) -> None:
        """The publisher is told; what is there stays in its order."""
        queue = buses.reply_queue("wohngeldstelle", "full")
        full: Arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
        async with brokers.connected() as channel:
            await channel.queue_declare(queue, durable=True, arguments={**full})
            house = await buses.house()

            async def fill() -> None:
                for number in range(20):  # a quorum queue takes a few more than it should
                    await house.send(buses.reply(str(number), reply_to=queue))

            with pytest.raises(BusUnavailable):
                await fill()
            first = await channel.basic_get(queue)
            assert first.body == b"<answer-0/>"
            await channel.queue_delete(queue)

    async def test_every_argument_is_said(self, buses: RabbitBuses) -> None:
        """Declared with other arguments, each of the queues is refused: they are what the page says."""
        names = [
            buses.topology.dead,
            f"{buses.topology.wait}.1",
            queue_of(buses.namespace, "kita"),
            buses.replies,
        ]
        for name in names:
            with pytest.raises(ChannelPreconditionFailed):
                async with brokers.connected() as channel:
                    await channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
