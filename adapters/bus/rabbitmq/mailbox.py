"""A reply queue, and who waits for what of it.

Several processes of a consumer may look into one queue. What comes here and is awaited by nobody here goes back for the
others, the later the oftener it did.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from aiormq.abc import AbstractChannel, DeliveredMessage

from adapters.bus.rabbitmq import properties
from adapters.bus.rabbitmq.faults import bounded
from gateway.errors import BusUnavailable

FIRST_MS: Final = 20
"""How long a reply that nobody here awaits is kept: by chance up to as long again, so that two who swap theirs don't
swap them back; twice as long each time it came."""
MOST_MS: Final = 1_000

Found: TypeAlias = asyncio.Future[DeliveredMessage]


@dataclass(frozen=True, slots=True)
class _Kept:
    message: DeliveredMessage
    timer: asyncio.TimerHandle
    """When it goes back."""


class Mailbox:
    """One queue of one connection. Everything unacknowledged goes back when that ends."""

    def __init__(self, queue: str, seconds: float) -> None:
        """In: its name, and how long the broker may take to answer."""
        self.queue, self._seconds = queue, seconds
        self._waiting: dict[str, deque[Found]] = {}
        self._kept: dict[str, dict[int, _Kept]] = {}
        self._on: AbstractChannel | None = None
        self._tag = ""
        self._subscribing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_awaited(self) -> bool:
        return bool(self._waiting)

    @asynccontextmanager
    async def awaited(self, correlation_id: str) -> AsyncIterator[Found]:
        """Out: the reply to that request, once it is here. What is not claimed by the end goes back."""
        found: Found = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(correlation_id, deque())
        if correlation_id in self._kept:
            found.set_result(self._unkept(correlation_id, next(iter(self._kept[correlation_id]))))
        else:
            waiting.append(found)
        claimed = False
        try:
            yield found
            claimed = True
        finally:
            with suppress(ValueError):
                waiting.remove(found)
            if not self._waiting.get(correlation_id):
                self._waiting.pop(correlation_id, None)
            if not claimed and found.done() and not found.cancelled():
                await self._give_back(found.result())
            if not self._waiting:
                await self._hush()

    async def claim(self, message: DeliveredMessage) -> None:
        """It is fetched: out of the queue with it. Raises: BusUnavailable."""
        assert message.delivery_tag is not None
        await bounded(message.channel.basic_ack(message.delivery_tag), self._seconds)

    async def listen(self, channel: AbstractChannel) -> None:
        """Look into the queue, unless that is done already. Raises: BusUnavailable."""
        async with self._subscribing:
            if self._on is not channel and self._waiting:
                # Without a limit: a reply that nobody fetches must not keep the next one back.
                came = partial(self._came)
                started = await bounded(channel.basic_consume(self.queue, came), self._seconds)
                self._on, self._tag = channel, started.consumer_tag or ""

    def forget(self) -> None:
        """The connection ended: what was kept is in the queue again."""
        for letters in self._kept.values():
            for one in letters.values():
                one.timer.cancel()
        self._kept.clear()
        self._on = None

    async def _hush(self) -> None:
        """Nobody waits: look no more, and give everything back."""
        async with self._subscribing:
            if self._waiting or self._on is None:
                return
            channel, self._on = self._on, None
            with suppress(BusUnavailable):  # the connection ended
                await bounded(channel.basic_cancel(self._tag), self._seconds)
            kept = [one.message for letters in self._kept.values() for one in letters.values()]
            self.forget()
            for message in kept:
                await self._give_back(message)

    async def _came(self, message: DeliveredMessage) -> None:
        correlation_id = properties.correlation(message)
        waiting = self._waiting.get(correlation_id, deque())
        while waiting:
            found = waiting.popleft()
            if not found.done():
                found.set_result(message)
                return
        wait = min(FIRST_MS * 2 ** min(properties.times_returned(message), 16), MOST_MS)
        wait += secrets.randbelow(wait)
        loop, number = asyncio.get_running_loop(), message.delivery_tag or 0
        timer = loop.call_later(wait / 1000, self._tire_of, correlation_id, number)
        self._kept.setdefault(correlation_id, {})[number] = _Kept(message, timer)

    def _unkept(self, correlation_id: str, number: int) -> DeliveredMessage:
        """Out: a letter that was kept, and is no longer."""
        letters = self._kept[correlation_id]
        one = letters.pop(number)
        if not letters:
            del self._kept[correlation_id]
        one.timer.cancel()
        return one.message

    def _tire_of(self, correlation_id: str, number: int) -> None:
        """Nobody came for it."""
        task = asyncio.create_task(self._give_back(self._unkept(correlation_id, number)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _give_back(self, message: DeliveredMessage) -> None:
        assert message.delivery_tag is not None
        with suppress(BusUnavailable):  # the connection ended: it is back already
            await bounded(message.channel.basic_nack(message.delivery_tag, wait=False), self._seconds)
