"""The house's side of RabbitMQ: port Bus.

Two connections: one gives (publishes), one takes (consumes and acknowledges), so that an alarm of the broker, which
stops whoever publishes, keeps nobody from acknowledging.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import count
from typing import Final

from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.commands import Basic

from adapters.bus.names import BODY_BYTES, check_size, consumer_of, queue_of
from adapters.bus.rabbitmq import dead, properties
from adapters.bus.rabbitmq.access import Access
from adapters.bus.rabbitmq.faults import Refused, bounded
from adapters.bus.rabbitmq.hand import Hand, Held
from adapters.bus.rabbitmq.link import Link
from adapters.bus.rabbitmq.topology import Topology
from gateway.errors import BusUnavailable, Undeliverable
from gateway.ports import Clock
from gateway.stages import Delivery, Outgoing

PLACES: Final = 32
"""How many deliveries one process has in hand."""
LEASE_SECONDS: Final = 600.0
"""How long a delivery stays in hand, waiting or handed on, before it goes back all the same. Twice that is less than
the broker's own patience (consumer_timeout, 30 minutes), which would end the channel and everybody's deliveries."""


class RabbitBus:
    """Opened with `open`; nothing works before."""

    def __init__(
        self,
        access: Access,
        topology: Topology,
        clock: Clock,
        consumers: Iterable[str],
        *,
        places: int = PLACES,
        prefetch: int | None = None,
        body_bytes: int = BODY_BYTES,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._access, self._topology, self._clock = access, topology, clock
        self._body_bytes, self._lease = body_bytes, lease_seconds
        self._consumers = set(consumers)
        self._hand = Hand(places, prefetch)
        self._give = Link(access, "gives", self._furnish)
        self._take = Link(access, "takes", self._resume)
        self._numbers = count(1)
        self._bell = asyncio.Event()
        self._listening: dict[str, str] = {}
        """Consumer tags by queue, on `_on`."""
        self._on: AbstractChannel | None = None
        self._subscribing = asyncio.Lock()
        self._takers = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._closed = False

    async def open(self) -> RabbitBus:
        """Connect, and declare what is not there. Out: itself. Raises: BusUnavailable."""
        try:
            await self._give.open()
            await self._take.open()
        except BaseException:
            await self.close()
            raise
        self._spawn(self._let_go())
        return self

    # --- taking ---------------------------------------------------------------------------------------------------
    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Out: deliveries as they come, until `stop`; the queues in turn."""
        self._takers += 1
        try:
            with suppress(BusUnavailable):  # the link listens by itself as soon as it is there again
                if not self._stopped:
                    await self._listen(await self._take.channel())
            while not self._stopped:
                self._bell.clear()
                held = self._hand.next(len(self._consumers), self._now())
                if held is None:
                    await self._bell.wait()
                    continue
                yield held.arrived.delivery(held.tag, self._clock.now())
        finally:
            self._takers -= 1
            if not self._takers:
                await self._hush()

    async def declare(self, consumers: Iterable[str]) -> None:
        """Make the consumers' queues, unless they are there, and take from them too. Raises: BusUnavailable."""
        if self._closed:
            return
        named = set(consumers)
        self._consumers |= named
        async with self._give.beside() as channel:
            await bounded(self._topology.declare_inboxes(channel, named), self._access.timeout_seconds)
        if self._takers and not self._stopped:
            await self._listen(await self._take.channel())

    async def stop(self) -> None:
        """End `deliveries`; what is in hand may still be acked."""
        self._stopped = True
        self._bell.set()

    async def close(self) -> None:
        """Let go of everything still in hand, for others to take. Idempotent."""
        if self._closed:
            return
        self._closed = True
        await self.stop()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        # A crash before this line ends the connections as well: the broker takes back what was not acknowledged.
        await self._take.close()
        await self._give.close()

    # --- parting --------------------------------------------------------------------------------------------------
    async def send(self, message: Outgoing) -> None:
        """Publish a reply; returns when the broker has confirmed it. Raises: BusUnavailable, Undeliverable."""
        check_size(message.body, self._body_bytes)
        consumer_of(message.reply_to, self._topology.namespace)
        said = properties.reply(message, self._access.user)
        await self._give.publish("", message.reply_to, message.body, said)

    async def ack(self, delivery: Delivery) -> None:
        """Done with: it will not come back. What is no longer in hand came back already, and meets its outcome."""
        if (held := self._hand.part(delivery.tag)) is not None:
            self._bell.set()
            with suppress(BusUnavailable):  # the connection ended: it comes back, and meets its outcome
                message = held.arrived.message
                await bounded(message.channel.basic_ack(_number(message), wait=False), self._seconds)

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        """Bring it back, not before the given time, with its attempt counted. Raises: BusUnavailable."""
        if (held := self._hand.find(delivery.tag)) is not None:
            await self._put_off(held, delivery, delivery.attempt, not_before)

    async def bury(self, delivery: Delivery) -> None:
        """Move it to the dead letters. Raises: BusUnavailable."""
        if self._hand.find(delivery.tag) is None:
            return
        said = properties.buried(delivery, self._access.user, self._clock.now())
        try:
            await self._give.publish(self._topology.dead, delivery.routing_key, delivery.body, said)
        except Undeliverable as fault:  # the queue is gone, and will be declared again
            raise BusUnavailable(fault.where) from None
        # A crash here leaves it in its queue and among the dead.
        await self.ack(delivery)

    async def dead(self) -> Sequence[Delivery]:
        """Out: the dead letters, oldest first, as far as they are looked at. Raises: BusUnavailable."""
        async with self._give.beside() as channel:
            found = await dead.look(channel, self._topology.dead, self._seconds)
        now = self._clock.now()
        return [properties.arrived(one, self._access.user).delivery("", now) for one in found]

    async def forget(self, before: datetime) -> int:
        """Drop dead letters from before. Out: how many. Replies go by themselves: their queue says when.

        Raises: BusUnavailable.
        """
        buried_at = partial(properties.buried_at, us=self._access.user)
        async with self._give.beside() as channel:
            return await dead.forget(channel, self._topology.dead, buried_at, before, self._seconds)

    async def _put_off(self, held: Held, delivery: Delivery, attempts: int, not_before: datetime) -> None:
        left = max((not_before - self._clock.now()).total_seconds(), 0.0)
        level = self._topology.level(left)
        said = properties.put_off(delivery, self._access.user, attempts, not_before, level)
        try:
            await self._give.publish(self._topology.wait, delivery.routing_key, delivery.body, said)
        except (BusUnavailable, Undeliverable) as fault:
            if left > self._lease:
                raise BusUnavailable(fault.where) from None
            held.back_at = self._now() + left  # it waits in hand, and goes back then
            return
        # A crash here leaves two copies: the journal answers the second as known.
        await self.ack(delivery)

    # --- the way to the broker --------------------------------------------------------------------------------
    async def reached(self) -> None:
        """Raises: BusUnavailable, when nothing can be taken or given now."""
        await self._take.ready()
        await self._give.ready()

    @property
    def reconnects(self) -> int:
        """Out: how often a connection was there again after it had ended."""
        return max(self._take.reconnects, 0) + max(self._give.reconnects, 0)

    @property
    def taking(self) -> int:
        """Out: how many consumers' queues this process takes from now."""
        return len(self._listening.keys() - {self._topology.serving})

    # --- the taking link ------------------------------------------------------------------------------------------
    async def _furnish(self, channel: AbstractChannel) -> None:
        """The giving link is there again."""
        await self._topology.declare(channel, self._consumers)
        await self._known(channel)

    async def _known(self, channel: AbstractChannel) -> None:
        """Raises: BusUnavailable, when the broker takes us for somebody else than `user` says."""
        said = Basic.Properties(user_id=self._access.user)
        nobody = f"{self._topology.namespace}.nobody"
        try:
            await bounded(
                channel.basic_publish(b"", routing_key=nobody, properties=said, mandatory=True), self._seconds
            )
        except Undeliverable:  # as it should be: the user was no obstacle
            return
        except Refused:
            raise BusUnavailable("bus (the broker takes this house for another than bus.user)") from None

    async def _resume(self, channel: AbstractChannel) -> None:
        """The taking link is there again: what was in hand is the broker's, and comes back."""
        self._hand.clear()
        self._listening, self._on = {}, channel
        channel.on_consumer_cancel_callbacks.add(lambda _: self._take.renew())
        await self._topology.declare(channel, self._consumers)
        if self._takers and not self._stopped:
            await self._listen(channel)

    async def _listen(self, channel: AbstractChannel) -> None:
        """Take from every queue that is not taken from yet. Raises: BusUnavailable."""
        async with self._subscribing:
            names = {queue_of(self._topology.namespace, consumer) for consumer in self._consumers}
            missing = sorted((names | {self._topology.serving}) - self._listening.keys())
            if channel is not self._on or not missing:
                return
            share = self._hand.share(len(self._consumers))
            await bounded(channel.basic_qos(prefetch_count=share), self._seconds)
            for queue in missing:
                came = partial(self._came, queue=queue)
                started = await bounded(channel.basic_consume(queue, came), self._seconds)
                self._listening[queue] = started.consumer_tag or ""

    async def _hush(self) -> None:
        """Take no more, and give back what was never handed on."""
        async with self._subscribing:
            tags, self._listening = list(self._listening.values()), {}
            with suppress(BusUnavailable):  # the connection ended, and with it all of this
                for tag in tags:
                    assert self._on is not None
                    await bounded(self._on.basic_cancel(tag), self._seconds)
        await self._return(self._hand.waiting())

    async def _came(self, message: DeliveredMessage, queue: str) -> None:
        arrived = properties.arrived(message, self._access.user)
        held = Held(str(next(self._numbers)), queue, arrived, self._now())
        now = self._clock.now()
        if arrived.left(now):  # it waits longer than the longest level, or its clock was ahead of ours
            self._hand.keep(held)
            until = now + arrived.left(now)
            delivery = arrived.delivery(held.tag, now)
            self._spawn(self._put_off(held, delivery, arrived.attempt - 1, until))
            return
        self._hand.arrive(held)
        self._bell.set()

    async def _let_go(self) -> None:
        """Again and again: give back what was in hand for too long, or is to go back by now."""
        while True:
            await asyncio.sleep(min(1.0, self._lease / 4))
            if late := self._hand.overdue(self._now(), self._lease):
                self._bell.set()
                await self._return(late)

    async def _return(self, letters: Iterable[Held]) -> None:
        for held in letters:
            message = held.arrived.message
            with suppress(BusUnavailable):  # the connection ended: the broker has it back
                await bounded(message.channel.basic_nack(_number(message), wait=False), self._seconds)

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def _seconds(self) -> float:
        return self._access.timeout_seconds

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _number(message: DeliveredMessage) -> int:
    assert message.delivery_tag is not None
    return message.delivery_tag
