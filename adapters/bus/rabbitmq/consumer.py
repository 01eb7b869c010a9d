"""RabbitMQ from a data consumer's side: port ConsumerBus. Its reply queues are its own, and it declares them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiormq.abc import AbstractChannel, DeliveredMessage

from adapters.bus.names import BODY_BYTES, check_size, consumer_of
from adapters.bus.rabbitmq import properties
from adapters.bus.rabbitmq.access import Access
from adapters.bus.rabbitmq.faults import Refused, bounded
from adapters.bus.rabbitmq.link import Link
from adapters.bus.rabbitmq.mailbox import Mailbox
from adapters.bus.rabbitmq.topology import Topology, declare_replies
from gateway.errors import BusUnavailable, Undeliverable
from gateway.ports import Outbound
from gateway.stages import Outgoing


class RabbitConsumerBus:
    """A data consumer's side. Connects when it is first used."""

    def __init__(self, access: Access, namespace: str, body_bytes: int = BODY_BYTES) -> None:
        self._access, self._topology, self._body_bytes = access, Topology(namespace), body_bytes
        self._link = Link(access, "asks", self._resume)
        self._boxes: dict[str, Mailbox] = {}
        self._declared: set[str] = set()
        self._declaring = asyncio.Lock()

    async def publish(self, request: Outbound) -> None:
        """Publish; returns when the broker has confirmed it. Raises: BusUnavailable, Undeliverable."""
        check_size(request.body, self._body_bytes)
        with suppress(Undeliverable):  # no queue of ours: the house says so to whoever asks
            consumer_of(request.reply_to, self._topology.namespace)
            await self._declare(request.reply_to)
        said = properties.request(request)
        try:
            await self._link.publish(self._topology.inbox, request.routing_key, request.body, said)
        except Refused as fault:  # no such exchange, another user than ours, or no right to ask so
            raise Undeliverable(fault.where) from None

    async def reply(self, queue: str, correlation_id: str, timeout_seconds: float) -> Outgoing | None:
        """Out: the next reply to that request from the queue, acked; None when none came in time.

        Raises: BusUnavailable.
        """
        await self._declare(queue)
        box = self._boxes.setdefault(queue, Mailbox(queue, self._access.timeout_seconds))
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    if (message := await self._next(box, correlation_id)) is not None:
                        return properties.outgoing(message, queue)
        except TimeoutError:
            return None

    async def _next(self, box: Mailbox, correlation_id: str) -> DeliveredMessage | None:
        """Out: the next reply to that request, fetched; None, when the connection ended before it was."""
        async with box.awaited(correlation_id) as found:
            channel = await self._link.channel()
            with suppress(BusUnavailable):  # that connection ended: the next one listens by itself
                await box.listen(channel)
            message = await found
            # A crash here leaves the reply in its queue: it can be fetched again.
            with suppress(BusUnavailable):
                await box.claim(message)
                return message
        return None

    async def close(self) -> None:
        """Stop waiting; replies stay in their queues. Idempotent."""
        await self._link.close()

    async def _declare(self, queue: str) -> None:
        """Make the queue unless it is there, whatever its arguments are: they are its owner's."""
        async with self._declaring:
            if queue in self._declared:
                return
            seconds = self._access.timeout_seconds
            try:
                async with self._link.beside() as channel:
                    await bounded(channel.queue_declare(queue, passive=True), seconds)
            except Refused:
                async with self._link.beside() as channel:
                    await bounded(declare_replies(channel, queue), seconds)
            self._declared.add(queue)

    async def _resume(self, channel: AbstractChannel) -> None:
        """The connection is there again: look once more whether the queues are, and wait on for what is awaited."""
        self._declared.clear()
        channel.on_consumer_cancel_callbacks.add(lambda _: self._link.renew())
        for box in self._boxes.values():
            box.forget()
            if box.is_awaited:
                await declare_replies(channel, box.queue)
                await box.listen(channel)
