"""What every ConsumerBus does (gateway.ports; CONTRACT.md 4)."""

from __future__ import annotations

import asyncio

import pytest
from buses import REPLIES, SOON, EmbeddedBuses, reply, request

from gateway.errors import Undeliverable


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
