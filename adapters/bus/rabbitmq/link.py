"""One connection with one channel, kept: made again whenever it ends, by itself, and prepared anew each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeAlias

import aiormq
from aiormq.abc import AbstractChannel, AbstractConnection
from pamqp.commands import Basic

from adapters.bus.rabbitmq.access import Access
from adapters.bus.rabbitmq.faults import bounded
from adapters.bus.rabbitmq.frames import Watched
from gateway.errors import BusUnavailable, Fault
from gateway.telemetry import logger, told

Prepare: TypeAlias = Callable[[AbstractChannel], Awaitable[None]]

FIRST_PAUSE: Final = 0.1
MOST_PAUSE: Final = 5.0
"""Seconds between two tries; twice as long each time."""
CLOSE_SECONDS: Final = 3.0
"""How long a connection may take to end properly."""


class Link:
    """What is published by it is confirmed, and returned where it has nowhere to go."""

    def __init__(self, access: Access, purpose: str, prepare: Prepare) -> None:
        self.access = access
        self._purpose, self._prepare = purpose, prepare
        self._channel: AbstractChannel | None = None
        self._changed = asyncio.Event()
        self._renew = asyncio.Event()
        self._fault: Fault | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tries = 0
        self.reconnects = -1
        """How often it was there again after it had ended; -1: it never was."""
        self._closed = False

    async def open(self) -> None:
        """Connect now, to one of the nodes. Raises: BusUnavailable, when none is to be had."""
        self._start()
        while self._channel is None and self._tries < len(self.access.urls):
            await self._changed.wait()
            self._changed.clear()
        if self._channel is None:
            fault = self._fault or BusUnavailable("bus")
            await self.close()
            raise type(fault)(fault.where)

    async def channel(self) -> AbstractChannel:
        """Out: the channel, as soon as there is one. Raises: BusUnavailable, when there is none in time."""
        self._start()
        try:
            async with asyncio.timeout(self.access.timeout_seconds):
                while (channel := self._usable()) is None and not self._closed:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise BusUnavailable(self._fault.where if self._fault else "bus (no answer in time)") from None
        if channel is None:
            raise BusUnavailable("bus (closed)")
        return channel

    async def ready(self) -> None:
        """Raises: BusUnavailable, when nothing would come through now: no channel, or the broker has an alarm."""
        connection = (await self.channel()).connection
        await bounded(connection.ready(), self.access.timeout_seconds)
        # A connection that was cut in silence still looks alive, and answers nothing.
        async with self.beside():
            pass

    def _usable(self) -> AbstractChannel | None:
        """Out: the channel, unless it ended and the keeper has yet to hear of it."""
        channel = self._channel
        return None if channel is None or channel.is_closed or channel.connection.is_closed else channel

    async def publish(self, exchange: str, key: str, body: bytes, said: Basic.Properties) -> None:
        """Out: when the broker has it, on as many disks as it keeps.

        Raises: BusUnavailable (also where it may have it), Refused, Undeliverable.
        """
        await bounded(self._publish(exchange, key, body, said), self.access.timeout_seconds)

    async def _publish(self, exchange: str, key: str, body: bytes, said: Basic.Properties) -> None:
        channel = await self.channel()
        # An alarm (memory, disk) blocks the connection: what was written to it now would only lie in our own memory.
        await channel.connection.ready()
        await channel.basic_publish(body, exchange=exchange, routing_key=key, properties=said, mandatory=True)

    @asynccontextmanager
    async def beside(self) -> AsyncIterator[AbstractChannel]:
        """Out: another channel for a while; what is unacknowledged at its end goes back. Raises: BusUnavailable."""
        seconds = self.access.timeout_seconds
        connection = (await self.channel()).connection
        channel = await bounded(connection.channel(publisher_confirms=False), seconds)
        try:
            yield channel
        finally:
            with suppress(BusUnavailable):
                await bounded(channel.close(), seconds)

    def renew(self) -> None:
        """Begin anew with another connection."""
        self._renew.set()

    async def close(self) -> None:
        """End it, and what waits for it. Idempotent."""
        self._closed = True
        self._changed.set()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])

    def _start(self) -> None:
        if self._keeper is None and not self._closed:
            self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                if await self._hold():
                    pause = FIRST_PAUSE
            except Exception as error:  # noqa: BLE001  the next try may do better, whatever it was
                logger().error("bus-link", **told(error))
            self._tries += 1
            self._changed.set()
            await asyncio.sleep(pause)
            pause = min(pause * 2, MOST_PAUSE)

    async def _hold(self) -> bool:
        """Connect, and stay until it ends. Out: whether there was a connection."""
        seconds, connection, prepared = self.access.timeout_seconds, None, False
        try:
            connection = await bounded(self._connect(), seconds)
            channel = await bounded(connection.channel(on_return_raises=True), seconds)
            await bounded(self._prepare(channel), seconds)
            self._channel, prepared = channel, True
            self.reconnects += 1
            self._changed.set()
            if self._fault is not None:
                logger().info("bus-back", kind=self._purpose)
            await self._ended(connection, channel)
            self._fault = BusUnavailable("bus (connection ended)")
        except Fault as fault:
            self._fault = fault
        finally:
            self._channel = None
            if connection is not None:
                with suppress(BusUnavailable):
                    await bounded(connection.close(), CLOSE_SECONDS)
        logger().error("bus-unavailable", where=self._fault.where, kind=self._purpose)
        return prepared

    async def _connect(self) -> AbstractConnection:
        url = self.access.url(self._tries, self._purpose)
        connection = aiormq.Connection(url, context=self.access.tls, transport_factory=Watched())
        await connection.connect()
        return connection

    async def _ended(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        self._renew.clear()
        renewed = asyncio.create_task(self._renew.wait())
        try:
            await asyncio.wait(
                {connection.closing, channel.closing, renewed}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            renewed.cancel()
