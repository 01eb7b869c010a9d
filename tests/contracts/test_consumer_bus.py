"""What every ConsumerBus does (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio

import pytest
from buses import Buses

from gateway.errors import Undeliverable


class TestConsumerBus:
    async def test_a_request_to_nobody_is_an_error_to_its_publisher(self, buses: Buses) -> None:
        """A routing key of no configured consumer has no queue."""
        with pytest.raises(Undeliverable):
            await buses.consumer().publish(buses.request("x", "nobody"))

    async def test_a_reply_is_found_by_queue_and_correlation(self, buses: Buses) -> None:
        """Exactly the reply to that request, out of exactly that queue, with all its parts."""
        house, consumer = await buses.house(), buses.consumer()
        second = buses.reply_queue("wohngeldstelle", "2")
        elsewhere = buses.reply("x", reply_to=second, message_id="other")
        for message in (buses.reply("y"), elsewhere, buses.reply("x")):
            await house.send(message)
        assert await consumer.reply(buses.replies, "correlation-x", 20) == buses.reply("x")
        assert await consumer.reply(second, "correlation-x", 20) == elsewhere
        assert await consumer.reply(buses.replies, "correlation-y", 20) == buses.reply("y")

    async def test_no_reply_in_time_is_none(self, buses: Buses) -> None:
        """And the reply that comes later is still there for who asks again."""
        consumer = buses.consumer()
        assert await consumer.reply(buses.replies, "correlation-x", buses.soon) is None
        await (await buses.house()).send(buses.reply("x"))
        assert await consumer.reply(buses.replies, "correlation-x", 20) == buses.reply("x")

    async def test_a_fetched_reply_is_gone(self, buses: Buses) -> None:
        """Acked with the fetching; a repeated one comes once more."""
        house, consumer = await buses.house(), buses.consumer()
        await house.send(buses.reply("x"))
        await house.send(buses.reply("x"))
        assert await consumer.reply(buses.replies, "correlation-x", 20) == buses.reply("x")
        assert await consumer.reply(buses.replies, "correlation-x", 20) == buses.reply("x")
        assert await consumer.reply(buses.replies, "correlation-x", buses.soon) is None

    async def test_two_waiting_for_one_reply_get_it_once(self, buses: Buses) -> None:
        """Of two that wait, one gets it."""
        consumers = (buses.consumer(), buses.consumer())
        waiting = [asyncio.create_task(one.reply(buses.replies, "correlation-x", 1)) for one in consumers]
        await (await buses.house()).send(buses.reply("x"))
        got = await asyncio.gather(*waiting)
        assert sorted(got, key=repr) == sorted([None, buses.reply("x")], key=repr)

    async def test_waiting_before_it_is_sent(self, buses: Buses) -> None:
        """Many waiters at once, in the same process and on another opening, each get their own."""
        house = await buses.house()
        near, far = buses.beside(house), buses.consumer()
        waiting = {
            name: asyncio.create_task(side.reply(buses.replies, f"correlation-{name}", 20))
            for side, prefix in ((near, "near"), (far, "far"))
            for name in (f"{prefix}{at}" for at in range(20))
        }
        for name in waiting:
            await house.send(buses.reply(name))
        for name, task in waiting.items():
            assert await task == buses.reply(name)

    async def test_a_sleeping_waiter_is_woken_in_its_own_process(self, buses: Buses) -> None:
        """One that has looked and found nothing hears of a reply sent through the same opening."""
        house = await buses.house()
        near = buses.beside(house)
        waiting = asyncio.create_task(near.reply(buses.replies, "correlation-x", 20))
        for _ in range(5):
            await asyncio.sleep(0)
        await near.publish(buses.request("x"))
        await house.send(buses.reply("x"))
        assert await waiting == buses.reply("x")

    async def test_closing_leaves_the_replies(self, buses: Buses) -> None:
        """A consumer that goes away while it waits loses nothing."""
        consumer = buses.consumer()
        waiting = asyncio.create_task(consumer.reply(buses.replies, "correlation-x", 20))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await consumer.close()
        await (await buses.house()).send(buses.reply("x"))
        assert await buses.consumer().reply(buses.replies, "correlation-x", 20) == buses.reply("x")
