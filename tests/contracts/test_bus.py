"""What every Bus does (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bus_messages import asker, take
from buses import LATER, Buses

from gateway.errors import BusUnavailable, Undeliverable
from gateway.stages import Delivery


class TestBus:
    async def test_a_request_arrives_as_it_was_published(self, buses: Buses) -> None:
        """Every part, byte for byte; the first delivery is attempt 1, received now."""
        await buses.published("x")
        before = buses.clock.now()
        (got,) = await take((await buses.house()).deliveries())
        asked = buses.request("x")
        assert before <= got.received <= buses.clock.now()
        assert got == Delivery(
            got.tag,
            asked.message_id,
            asked.routing_key,
            asked.content_type,
            asked.body,
            asked.jws,
            asked.user_id,
            asked.reply_to,
            asked.correlation_id,
            got.received,
            1,
            asked.traceparent,
        )

    async def test_what_is_missing_stays_missing(self, buses: Buses) -> None:
        """No signature, no correlation id and no trace context arrive as none; any bytes are a body."""
        nothing: dict[str, Any] = {"jws": None, "correlation_id": None, "traceparent": None}
        await buses.consumer().publish(buses.request("x", body=bytes(range(256)), **nothing))
        (got,) = await take((await buses.house()).deliveries())
        assert {name: getattr(got, name) for name in nothing} == nothing
        assert got.body == bytes(range(256))

    async def test_requests_of_a_consumer_come_in_their_order(self, buses: Buses) -> None:
        """First in, first out within a queue."""
        await buses.published(*(f"n{at}" for at in range(50)))
        got = await take((await buses.house(places=60)).deliveries(), 50)
        assert [delivery.message_id for delivery in got] == [f"message-n{at}" for at in range(50)]

    async def test_a_queue_declared_meanwhile_is_taken_from(self, buses: Buses) -> None:
        """By whoever waits already and declares it; declared again it loses nothing; a closed bus declares none."""
        waiting, other = await buses.house(), await buses.house()
        coming = asyncio.create_task(take(waiting.deliveries()))
        with pytest.raises(Undeliverable):
            await buses.published("early", consumer=LATER)
        await other.declare([LATER])
        await buses.published("later", consumer=LATER)
        await waiting.declare([LATER])
        assert [delivery.message_id for delivery in await coming] == ["message-later"]
        await other.close()
        await other.declare([LATER])

    async def test_an_acked_delivery_never_comes_back(self, buses: Buses) -> None:
        """Not to this opening, nor to a later one."""
        await buses.published("x", "y")
        bus = await buses.house()
        for delivery in await take(bus.deliveries(), 2):
            await bus.ack(delivery)
        await bus.close()
        assert await buses.names_in(await buses.house()) == []

    async def test_an_unacked_delivery_comes_back_when_its_holder_goes(self, buses: Buses) -> None:
        """Closing lets go: the next one gets it at once, with its attempt counted."""
        await buses.published("x")
        for attempt in (1, 2, 3):
            bus = await buses.house()
            (got,) = await take(bus.deliveries())
            assert got.attempt == attempt
            await bus.close()

    async def test_a_live_holder_keeps_what_it_has(self, buses: Buses) -> None:
        """Another process does not get it, however often it looks."""
        await buses.published("x")
        first, second = await buses.house(), await buses.house()
        (got,) = await take(first.deliveries())
        assert await buses.names_in(second) == []
        await first.ack(got)

    async def test_what_one_holds_too_long_comes_back_all_the_same(self, buses: Buses) -> None:
        """A delivery that a live process forgot is not lost; its late ack takes nothing from the new holder."""
        await buses.published("x")
        first, second = await buses.house(forgetful=True), await buses.house()
        (forgotten,) = await take(first.deliveries())
        await buses.forgotten()
        (again,) = await take(second.deliveries())
        assert (again.message_id, again.attempt) == ("message-x", 2)
        await first.ack(forgotten)
        await second.close()
        (still,) = await take((await buses.house()).deliveries())
        assert still.attempt == 3

    async def test_a_postponed_delivery_comes_back_at_its_time(self, buses: Buses) -> None:
        """Not before, and then with its attempt counted, whole and from the same sender."""
        await buses.published("x")
        bus = await buses.house()
        (got,) = await take(bus.deliveries())
        due = buses.clock.now() + timedelta(seconds=1)
        await bus.postpone(got, due)
        assert await buses.names_in(await buses.house()) == []
        await buses.passes(seconds=1)
        (again,) = await take((await buses.house()).deliveries())
        assert again.received >= due
        assert again == replace(got, tag=again.tag, received=again.received, attempt=2)

    async def test_every_postponement_is_counted(self, buses: Buses) -> None:
        """The third time is attempt 3."""
        await buses.published("x")
        bus = await buses.house()
        for attempt in (1, 2, 3):
            (got,) = await take(bus.deliveries())
            assert got.attempt == attempt
            await bus.postpone(got, buses.clock.now() + timedelta(seconds=1))
            await buses.passes(seconds=1)

    async def test_a_postponed_delivery_wakes_who_waits_for_it(self, buses: Buses) -> None:
        """A waiting house gets it without anything else happening."""
        await buses.published("x")
        bus = await buses.house()
        deliveries = bus.deliveries()
        (got,) = await take(deliveries)
        waiting = asyncio.create_task(take(deliveries))
        await bus.postpone(got, buses.clock.now())
        (again,) = await waiting
        assert again.attempt == 2

    async def test_a_buried_delivery_lies_among_the_dead(self, buses: Buses) -> None:
        """It does not come back, and is not lost; nor is whose it was."""
        await buses.published("x")
        bus = await buses.house()
        (got,) = await take(bus.deliveries())
        await bus.bury(got)
        (dead,) = await bus.dead()
        assert dead == replace(got, tag=dead.tag, received=dead.received)
        assert await buses.names_in(await buses.house()) == []

    async def test_nobody_stands_in_anothers_way(self, buses: Buses) -> None:
        """The queues take turns: with room for eight, a hundred of one consumer keep no other's waiting."""
        await buses.published(*(f"n{at}" for at in range(100)), consumer="kita")
        await buses.published("p", consumer="parkausweis")
        await buses.published("w")
        got = await take((await buses.house(places=8)).deliveries(), 8)
        assert {asker(delivery) for delivery in got} == {"wohngeldstelle", "kita", "parkausweis"}

    async def test_the_turn_goes_on_where_it_was(self, buses: Buses) -> None:
        """With room for one at a time, none is far ahead of another, however long their queues are."""
        consumers = ("kita", "parkausweis", "wohngeldstelle")
        for consumer in consumers:
            await buses.published(*map(str, range(20)), consumer=consumer)
        bus = await buses.house(places=1)
        served = Counter[str]()
        deliveries = bus.deliveries()
        for _ in range(30):
            (got,) = await take(deliveries)
            served[asker(got)] += 1
            await bus.ack(got)
        assert min(served[consumer] for consumer in consumers) >= 5

    async def test_one_consumer_never_fills_every_place(self, buses: Buses) -> None:
        """While one consumer's requests are all in hand unanswered, another's still find a place."""
        await buses.published(*(f"n{at}" for at in range(100)))
        bus = await buses.house(places=8)
        deliveries = bus.deliveries()
        held = await take(deliveries, 6)
        await buses.published("k", consumer="kita")
        (next_one,) = await take(deliveries)
        assert {asker(delivery) for delivery in held} == {"wohngeldstelle"}
        assert asker(next_one) == "kita"

    async def test_no_more_in_hand_than_places(self, buses: Buses) -> None:
        """A full house takes nothing; an ack makes room for exactly one."""
        await buses.published(*(f"n{at}" for at in range(10)), consumer="kita")
        bus = await buses.house(places=4)
        deliveries = bus.deliveries()
        held = await take(deliveries, 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(buses.soon):
                await anext(deliveries)
        await bus.ack(held[0])
        assert [one.message_id for one in await take(bus.deliveries())] == ["message-n3"]

    async def test_stop_ends_the_deliveries(self, buses: Buses) -> None:
        """Waiting or not; what is in hand may still be acked, what was not handed on is there for others."""
        await buses.published("x", "y", "z")
        bus = await buses.house()
        deliveries = bus.deliveries()
        (got,) = await take(deliveries)
        await bus.stop()
        assert [delivery async for delivery in deliveries] == []
        await bus.ack(got)
        assert [name for name, _ in await buses.names_in(await buses.house())] == ["y", "z"]

    async def test_stop_wakes_a_waiting_house(self, buses: Buses) -> None:
        """Nothing to do and told to stop: it ends."""
        bus = await buses.house()

        async def drain() -> list[Delivery]:
            return [delivery async for delivery in bus.deliveries()]

        waiting = asyncio.create_task(drain())
        await asyncio.sleep(0)
        await bus.stop()
        async with asyncio.timeout(20):
            assert await waiting == []

    @pytest.mark.parametrize(
        "queue",
        [
            "{}.reply.nobody.1",
            "{}.reply.wohngeldstelle",
            "{}.reply.wohngeldstelle.",
            "{}.reply..1",
            "other.reply.wohngeldstelle.1",
            "{}.in.wohngeldstelle",
            "",
        ],
    )
    async def test_a_reply_to_no_queue_is_an_error_to_the_sender(self, buses: Buses, queue: str) -> None:
        """Nothing is dropped in silence."""
        with pytest.raises(Undeliverable):
            await (await buses.house()).send(buses.reply("x", reply_to=queue.format(buses.namespace)))

    async def test_one_undeliverable_leaves_the_others(self, buses: Buses) -> None:
        """What is sent at the same time arrives."""
        bus = await buses.house()
        results = await asyncio.gather(
            bus.send(buses.reply("x")),
            bus.send(buses.reply("y", reply_to=buses.reply_queue("nobody"))),
            bus.send(buses.reply("z")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), Undeliverable, type(None)]
        consumer = buses.consumer()
        assert await consumer.reply(buses.replies, "correlation-x", 20) == buses.reply("x")
        assert await consumer.reply(buses.replies, "correlation-z", 20) == buses.reply("z")

    async def test_a_body_has_a_limit(self, buses: Buses) -> None:
        """A byte too many is told to whoever sends it, in both directions."""
        with pytest.raises(Undeliverable):
            await buses.consumer(body_bytes=10).publish(buses.request("x", body=b"x" * 11))
        await buses.consumer(body_bytes=10).publish(buses.request("x", body=b"x" * 10))
        with pytest.raises(Undeliverable):
            await (await buses.house(body_bytes=10)).send(buses.reply("x", body=b"x" * 11))

    async def test_dead_letters_are_forgotten_in_time(self, buses: Buses) -> None:
        """Those from before a moment go; younger ones and requests stay."""
        await buses.published("x", "y", "z")
        bus = await buses.house()
        first, second, _ = await take(bus.deliveries(), 3)
        await bus.bury(first)
        long_ago = buses.clock.now()
        await buses.passes(days=10)
        await bus.bury(second)
        assert await bus.forget(long_ago) == 1
        assert [one.message_id for one in await bus.dead()] == ["message-y"]
        assert await bus.forget(long_ago) == 0
        await bus.close()
        assert await buses.names_in(await buses.house()) == [("z", 2)]

    async def test_closing_twice_is_nothing(self, buses: Buses) -> None:
        """And after it nothing is accepted."""
        bus = await buses.house()
        await bus.close()
        await bus.close()
        with pytest.raises(BusUnavailable):
            await bus.send(buses.reply("x"))
