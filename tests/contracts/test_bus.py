"""What every Bus does (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from buses import REPLIES, SOON, EmbeddedBuses, names_in, published, reply, request, take

from gateway.errors import BusUnavailable, Undeliverable
from gateway.stages import Delivery


class TestBus:
    async def test_a_request_arrives_as_it_was_published(self, buses: EmbeddedBuses) -> None:
        """Every part, byte for byte; the first delivery is attempt 1, received now."""
        await published(buses, "x")
        (got,) = await take(buses.house().deliveries())
        asked = request("x")
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
            buses.clock.now(),
            1,
        )

    async def test_what_is_missing_stays_missing(self, buses: EmbeddedBuses) -> None:
        """No signature and no correlation id arrive as none; any bytes are a body."""
        await buses.consumer().publish(request("x", jws=None, correlation_id=None, body=bytes(range(256))))
        (got,) = await take(buses.house().deliveries())
        assert (got.jws, got.correlation_id, got.body) == (None, None, bytes(range(256)))

    async def test_requests_of_a_consumer_come_in_their_order(self, buses: EmbeddedBuses) -> None:
        """First in, first out within a queue."""
        await published(buses, *(f"n{at}" for at in range(50)))
        got = await take(buses.house(places=60).deliveries(), 50)
        assert [delivery.message_id for delivery in got] == [f"message-n{at}" for at in range(50)]

    async def test_a_queue_declared_meanwhile_is_taken_from(self, buses: EmbeddedBuses) -> None:
        """By every process that waits already; declaring it again takes nothing away; a closed bus declares none."""
        waiting, other = buses.house(), buses.house()
        coming = asyncio.create_task(take(waiting.deliveries()))
        with pytest.raises(Undeliverable):
            await published(buses, "early", consumer="ordnungsamt")
        await other.declare(["ordnungsamt"])
        await published(buses, "later", consumer="ordnungsamt")
        await other.declare(["ordnungsamt"])
        assert [delivery.message_id for delivery in await coming] == ["message-later"]
        await other.close()
        await other.declare(["ordnungsamt"])

    async def test_an_acked_delivery_never_comes_back(self, buses: EmbeddedBuses) -> None:
        """Not to this opening, nor to a later one."""
        await published(buses, "x", "y")
        bus = buses.house()
        for delivery in await take(bus.deliveries(), 2):
            await bus.ack(delivery)
        await bus.close()
        assert await names_in(buses.house(), buses) == []

    async def test_an_unacked_delivery_comes_back_when_its_holder_goes(self, buses: EmbeddedBuses) -> None:
        """Closing lets go: the next one gets it at once, with its attempt counted."""
        await published(buses, "x")
        for attempt in (1, 2, 3):
            bus = buses.house()
            (got,) = await take(bus.deliveries())
            assert got.attempt == attempt
            await bus.close()

    async def test_a_live_holder_keeps_what_it_has(self, buses: EmbeddedBuses) -> None:
        """Another process does not get it, however often it looks."""
        await published(buses, "x")
        first, second = buses.house(), buses.house()
        (got,) = await take(first.deliveries())
        assert await names_in(second, buses) == []
        await first.ack(got)

    async def test_what_one_holds_too_long_comes_back_all_the_same(self, buses: EmbeddedBuses) -> None:
        """A delivery that a live process forgot is not lost; its late ack takes nothing from the new holder."""
        await published(buses, "x")
        first, second = buses.house(), buses.house()
        (forgotten,) = await take(first.deliveries())
        buses.clock.move(minutes=11)
        (again,) = await take(second.deliveries())
        assert (again.message_id, again.attempt) == ("message-x", 2)
        await first.ack(forgotten)
        await second.close()
        (still,) = await take(buses.house().deliveries())
        assert still.attempt == 3

    async def test_a_postponed_delivery_comes_back_at_its_time(self, buses: EmbeddedBuses) -> None:
        """Not before, and then with its attempt counted."""
        await published(buses, "x")
        bus = buses.house()
        (got,) = await take(bus.deliveries())
        await bus.postpone(got, buses.clock.now() + timedelta(seconds=30))
        buses.clock.move(seconds=29)
        assert await names_in(buses.house(), buses) == []
        buses.clock.move(seconds=1)
        (again,) = await take(buses.house().deliveries())
        assert (again.message_id, again.attempt, again.body) == ("message-x", 2, got.body)

    async def test_a_postponed_delivery_wakes_who_waits_for_it(self, buses: EmbeddedBuses) -> None:
        """A waiting house gets it without anything else happening."""
        await published(buses, "x")
        bus = buses.house()
        deliveries = bus.deliveries()
        (got,) = await take(deliveries)
        waiting = asyncio.create_task(take(deliveries))
        await bus.postpone(got, buses.clock.now())
        (again,) = await waiting
        assert again.attempt == 2

    async def test_a_buried_delivery_lies_among_the_dead(self, buses: EmbeddedBuses) -> None:
        """It does not come back, and is not lost."""
        await published(buses, "x")
        bus = buses.house()
        (got,) = await take(bus.deliveries())
        await bus.bury(got)
        assert list(await bus.dead()) == [got]
        assert await names_in(buses.house(), buses) == []

    async def test_nobody_stands_in_anothers_way(self, buses: EmbeddedBuses) -> None:
        """The queues take turns: a late single request does not wait behind a hundred of another consumer."""
        await published(buses, *(f"n{at}" for at in range(100)), consumer="kita")
        await published(buses, "p", consumer="parkausweis")
        await published(buses, "w")
        got = await take(buses.house(places=8).deliveries(), 3)
        assert {delivery.user_id for delivery in got} == {"wohngeldstelle", "kita", "parkausweis"}

    async def test_the_turn_goes_on_where_it_was(self, buses: EmbeddedBuses) -> None:
        """With room for one at a time, the queues still take turns."""
        for consumer in ("kita", "parkausweis", "wohngeldstelle"):
            await published(buses, "1", "2", consumer=consumer)
        bus = buses.house(places=1)
        served = []
        deliveries = bus.deliveries()
        for _ in range(6):
            (got,) = await take(deliveries)
            served.append(got.user_id)
            await bus.ack(got)
        assert served == ["kita", "parkausweis", "wohngeldstelle"] * 2

    async def test_one_consumer_never_fills_every_place(self, buses: EmbeddedBuses) -> None:
        """While one consumer's requests are all in hand unanswered, another's still find a place."""
        await published(buses, *(f"n{at}" for at in range(100)))
        bus = buses.house(places=8)
        deliveries = bus.deliveries()
        held = await take(deliveries, 6)
        await published(buses, "k", consumer="kita")
        (next_one,) = await take(deliveries)
        assert {delivery.user_id for delivery in held} == {"wohngeldstelle"}
        assert next_one.user_id == "kita"

    async def test_no_more_in_hand_than_places(self, buses: EmbeddedBuses) -> None:
        """A full house takes nothing; an ack makes room for exactly one."""
        await published(buses, *(f"n{at}" for at in range(10)), consumer="kita")
        bus = buses.house(places=4)
        deliveries = bus.deliveries()
        held = await take(deliveries, 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SOON):
                await anext(deliveries)
        await bus.ack(held[0])
        assert [one.message_id for one in await take(bus.deliveries())] == ["message-n3"]

    async def test_stop_ends_the_deliveries(self, buses: EmbeddedBuses) -> None:
        """Waiting or not; what is in hand may still be acked, what was not handed on is uncounted."""
        await published(buses, "x", "y", "z")
        bus = buses.house()
        deliveries = bus.deliveries()
        (got,) = await take(deliveries)
        await bus.stop()
        assert [delivery async for delivery in deliveries] == []
        await bus.ack(got)
        await bus.close()
        assert await names_in(buses.house(), buses) == [("y", 1), ("z", 1)]

    async def test_stop_wakes_a_waiting_house(self, buses: EmbeddedBuses) -> None:
        """Nothing to do and told to stop: it ends."""
        bus = buses.house()

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
            "einmal.reply.nobody.1",
            "einmal.reply.wohngeldstelle",
            "einmal.reply.wohngeldstelle.",
            "einmal.reply..1",
            "other.reply.wohngeldstelle.1",
            "einmal.in.wohngeldstelle",
            "",
        ],
    )
    async def test_a_reply_to_no_queue_is_an_error_to_the_sender(
        self, buses: EmbeddedBuses, queue: str
    ) -> None:
        """Nothing is dropped in silence."""
        with pytest.raises(Undeliverable):
            await buses.house().send(reply("x", reply_to=queue))

    async def test_one_undeliverable_leaves_the_others(self, buses: EmbeddedBuses) -> None:
        """What is sent at the same time arrives."""
        bus = buses.house()
        results = await asyncio.gather(
            bus.send(reply("x")),
            bus.send(reply("y", reply_to="einmal.reply.nobody.1")),
            bus.send(reply("z")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), Undeliverable, type(None)]
        consumer = buses.consumer()
        assert await consumer.reply(REPLIES, "correlation-x", 20) == reply("x")
        assert await consumer.reply(REPLIES, "correlation-z", 20) == reply("z")

    async def test_a_body_has_a_limit(self, buses: EmbeddedBuses) -> None:
        """A byte too many is told to whoever sends it, in both directions."""
        with pytest.raises(Undeliverable):
            await buses.consumer(body_bytes=10).publish(request("x", body=b"x" * 11))
        await buses.consumer(body_bytes=10).publish(request("x", body=b"x" * 10))
        with pytest.raises(Undeliverable):
            await buses.house(body_bytes=10).send(reply("x", body=b"x" * 11))

    async def test_what_nobody_fetches_is_forgotten_in_time(self, buses: EmbeddedBuses) -> None:
        """Replies and dead letters from before a moment go; younger ones and requests stay."""
        await published(buses, "x", "y")
        bus = buses.house()
        first, _ = await take(bus.deliveries(), 2)
        await bus.send(reply("x"))
        await bus.bury(first)
        long_ago = buses.clock.now()
        buses.clock.move(days=10)
        await bus.send(reply("y"))
        assert await bus.forget(long_ago) == 2
        assert await buses.consumer().reply(REPLIES, "correlation-x", SOON) is None
        assert await buses.consumer().reply(REPLIES, "correlation-y", 20) == reply("y")
        assert await bus.dead() == []
        await bus.close()
        assert await names_in(buses.house(), buses) == [("y", 2)]

    async def test_it_says_which_requests_it_still_has(self, buses: EmbeddedBuses) -> None:
        """Waiting, put off or in somebody's hand; not what was acknowledged, buried, or is another consumer's."""
        await published(buses, "waiting", "put off", "in hand", "done", "dead")
        bus = buses.house()
        got = {one.message_id: one for one in await take(bus.deliveries(), 5)}
        await bus.postpone(got["message-put off"], buses.clock.now() + timedelta(days=1))
        await bus.ack(got["message-done"])
        await bus.bury(got["message-dead"])
        whose = got["message-done"].routing_key.partition(".")[0]
        asked = {(whose, f"message-{name}") for name in ("waiting", "put off", "in hand", "done", "dead")}
        held = await bus.holds({*asked, ("somebody-else", "message-waiting")})
        assert set(held) == {(whose, f"message-{name}") for name in ("waiting", "put off", "in hand")}
        assert list(await bus.holds(())) == []

    async def test_closing_twice_is_nothing(self, buses: EmbeddedBuses) -> None:
        """And after it nothing is accepted."""
        bus = buses.house()
        await bus.close()
        await bus.close()
        with pytest.raises(BusUnavailable):
            await bus.send(reply("x"))
