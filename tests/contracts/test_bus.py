"""What every Bus and every ConsumerBus does (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from buses import (
    REPLIES,
    EmbeddedBuses,
    ask_once,
    hold_until_killed,
    publish_until_killed,
    reply,
    request,
    take,
)
from faults import Fault

from adapters.bus.embedded import EmbeddedBus
from gateway.errors import BusUnavailable, Undeliverable
from gateway.stages import Delivery

IMPLEMENTATIONS = {"embedded": EmbeddedBuses}
SOON = 0.01
"""Seconds to wait for what must not come."""


@pytest.fixture(params=IMPLEMENTATIONS)
async def buses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EmbeddedBuses]:
    """A bus that was just made, with the queues of three consumers."""
    made = IMPLEMENTATIONS[request.param](tmp_path / "bus.sqlite3")
    made.create()
    made.house()
    yield made
    await made.close()


async def published(buses: EmbeddedBuses, *names: str, consumer: str = "wohngeldstelle") -> None:
    bus = buses.consumer()
    for name in names:
        await bus.publish(request(name, consumer))


async def names_in(bus: EmbeddedBus, buses: EmbeddedBuses) -> list[tuple[str, int]]:
    """Out: name and attempt of everything that is ready now: up to a marker, and what comes right behind it."""
    await published(buses, "marker")
    found: list[tuple[str, int]] = []
    deliveries = bus.deliveries()
    try:
        while True:
            async with asyncio.timeout(SOON if ("marker", 1) in found else 20):
                delivery = await anext(deliveries)
            found.append((delivery.message_id.removeprefix("message-"), delivery.attempt))
    except TimeoutError:
        found.remove(("marker", 1))
        return found


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

    async def test_closing_twice_is_nothing(self, buses: EmbeddedBuses) -> None:
        """And after it nothing is accepted."""
        bus = buses.house()
        await bus.close()
        await bus.close()
        with pytest.raises(BusUnavailable):
            await bus.send(reply("x"))


class TestConsumerBus:
    async def test_a_request_to_nobody_is_an_error_to_its_publisher(self, buses: EmbeddedBuses) -> None:
        """A routing key of no configured consumer has no queue."""
        with pytest.raises(Undeliverable):
            await buses.consumer().publish(request("x", "nobody"))

    async def test_a_reply_is_found_by_queue_and_correlation(self, buses: EmbeddedBuses) -> None:
        """Exactly the reply to that request, out of exactly that queue, with all its parts."""
        house, consumer = buses.house(), buses.consumer()
        elsewhere = reply("x", reply_to="einmal.reply.wohngeldstelle.2", message_id="other")
        for message in (reply("y"), elsewhere, reply("x")):
            await house.send(message)
        assert await consumer.reply(REPLIES, "correlation-x", 20) == reply("x")
        assert await consumer.reply("einmal.reply.wohngeldstelle.2", "correlation-x", 20) == elsewhere
        assert await consumer.reply(REPLIES, "correlation-y", 20) == reply("y")

    async def test_no_reply_in_time_is_none(self, buses: EmbeddedBuses) -> None:
        """And the reply that comes later is still there for who asks again."""
        consumer = buses.consumer()
        assert await consumer.reply(REPLIES, "correlation-x", SOON) is None
        await buses.house().send(reply("x"))
        assert await consumer.reply(REPLIES, "correlation-x", 20) == reply("x")

    async def test_a_fetched_reply_is_gone(self, buses: EmbeddedBuses) -> None:
        """Acked with the fetching; a repeated one comes once more."""
        house, consumer = buses.house(), buses.consumer()
        await house.send(reply("x"))
        await house.send(reply("x"))
        assert await consumer.reply(REPLIES, "correlation-x", 20) == reply("x")
        assert await consumer.reply(REPLIES, "correlation-x", 20) == reply("x")
        assert await consumer.reply(REPLIES, "correlation-x", SOON) is None

    async def test_two_waiting_for_one_reply_get_it_once(self, buses: EmbeddedBuses) -> None:
        """Of two that wait, one gets it."""
        consumers = (buses.consumer(), buses.consumer())
        waiting = [asyncio.create_task(one.reply(REPLIES, "correlation-x", 0.3)) for one in consumers]
        await buses.house().send(reply("x"))
        got = await asyncio.gather(*waiting)
        assert sorted(got, key=repr) == sorted([None, reply("x")], key=repr)

    async def test_waiting_before_it_is_sent(self, buses: EmbeddedBuses) -> None:
        """Many waiters at once, in the same process and on another opening, each get their own."""
        house = buses.house()
        near, far = house.consumer_side(), buses.consumer()
        waiting = {
            name: asyncio.create_task(side.reply(REPLIES, f"correlation-{name}", 20))
            for side, prefix in ((near, "near"), (far, "far"))
            for name in (f"{prefix}{at}" for at in range(20))
        }
        for name in waiting:
            await house.send(reply(name))
        for name, task in waiting.items():
            assert await task == reply(name)
        await near.close()

    async def test_a_sleeping_waiter_is_woken_in_its_own_process(self, buses: EmbeddedBuses) -> None:
        """One that has looked and found nothing hears of a reply sent through the same opening."""
        house = buses.house()
        near = house.consumer_side()
        waiting = asyncio.create_task(near.reply(REPLIES, "correlation-x", 20))
        for _ in range(5):
            await asyncio.sleep(0)
        await near.publish(request("x"))
        await house.send(reply("x"))
        assert await waiting == reply("x")
        await near.close()

    async def test_closing_leaves_the_replies(self, buses: EmbeddedBuses) -> None:
        """A consumer that goes away while it waits loses nothing."""
        consumer = buses.consumer()
        waiting = asyncio.create_task(consumer.reply(REPLIES, "correlation-x", 20))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await consumer.close()
        await buses.house().send(reply("x"))
        assert await buses.consumer().reply(REPLIES, "correlation-x", 20) == reply("x")


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
        context = multiprocessing.get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=hold_until_killed, args=(str(buses.path), 6, tell))
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
        context = multiprocessing.get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=publish_until_killed, args=(str(buses.path), tell))
        process.start()
        tell.close()
        said = [await asyncio.to_thread(told.recv) for _ in range(20)]
        process.kill()
        try:
            while True:
                said.append(await asyncio.to_thread(told.recv))
        except EOFError:
            pass
        await asyncio.to_thread(process.join)
        got = await take(buses.house(places=len(said) * 2).deliveries(), len(said))
        assert [one.message_id for one in got] == said

    async def test_another_process_asks_and_gets_its_reply(self, buses: EmbeddedBuses) -> None:
        """A house that is waiting hears of what another process publishes, and that one of the reply."""
        house = buses.house()
        waiting = asyncio.create_task(take(house.deliveries()))
        context = multiprocessing.get_context("spawn")
        told, tell = context.Pipe(duplex=False)
        process = context.Process(target=ask_once, args=(str(buses.path), tell))
        process.start()
        (got,) = await waiting
        await house.send(replace(reply("asked"), body=b"<answer/>"))
        await house.ack(got)
        assert await asyncio.to_thread(told.recv) == b"<answer/>"
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
