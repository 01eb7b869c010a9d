"""The embedded bus from a data consumer's side: port ConsumerBus."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

from adapters.bus.broker import Bell, Broker
from adapters.bus.file import unavailable
from adapters.bus.jobs import Claim, Look, Publish
from adapters.bus.names import BODY_BYTES, check_size, milliseconds, queue_of
from gateway.errors import BusUnavailable, Undeliverable
from gateway.ports import Clock, Outbound
from gateway.stages import Outgoing


class EmbeddedConsumerBus:
    """A data consumer's side."""

    def __init__(self, broker: Broker, namespace: str, clock: Clock, body_bytes: int) -> None:
        self._broker, self._namespace, self._clock, self._body_bytes = broker, namespace, clock, body_bytes
        self._awaited: dict[tuple[str, str], list[asyncio.Future[tuple[int, Outgoing]]]] = {}
        self._bell: Bell | None = None
        self._watch: asyncio.Task[None] | None = None
        self._closed = False

    @classmethod
    def open(
        cls, path: Path, namespace: str, clock: Clock, body_bytes: int = BODY_BYTES
    ) -> EmbeddedConsumerBus:
        """Open a bus that is there. Raises: ConfigurationFault."""
        return cls(Broker(path), namespace, clock, body_bytes)

    async def publish(self, request: Outbound) -> None:
        """Publish; returns when it is on the disk. Raises: BusUnavailable, Undeliverable."""
        check_size(request.body, self._body_bytes)
        queue = queue_of(self._namespace, request.routing_key.partition(".")[0])
        await self._broker.do(Publish(queue, request, milliseconds(self._clock.now())))

    async def reply(self, queue: str, correlation_id: str, timeout_seconds: float) -> Outgoing | None:
        """Out: the next reply to that request from the queue, acked; None when none came in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    at, message = await self._next((queue, correlation_id))
                    # A crash here leaves the reply in its queue: it can be fetched again.
                    if await self._broker.do(Claim(at)):
                        return message
        except TimeoutError:
            return None

    async def close(self) -> None:
        """Stop waiting; replies stay in their queues. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._broker.close()

    async def _next(self, pair: tuple[str, str]) -> tuple[int, Outgoing]:
        future: asyncio.Future[tuple[int, Outgoing]] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(pair, []).append(future)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look())
        elif self._bell is not None:
            self._bell.ring()
        try:
            return await future
        finally:
            waiting = self._awaited.get(pair, [])
            if future in waiting:
                waiting.remove(future)
            if not waiting:
                self._awaited.pop(pair, None)

    async def _look(self) -> None:
        """As long as someone waits: look for every awaited reply at once, then sleep until the bell rings."""
        self._bell = bell = self._broker.bell("reply")
        try:
            while self._awaited:
                bell.hush()
                found = await self._broker.do(Look(tuple(self._awaited)))
                for pair, reply in cast("dict[tuple[str, str], tuple[int, Outgoing]]", found).items():
                    for future in self._awaited.pop(pair, ()):
                        if not future.done():
                            future.set_result(reply)
                if self._awaited:
                    await bell.wait(None)
        except (BusUnavailable, Undeliverable) as error:
            for futures in self._awaited.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(unavailable(error))
            self._awaited.clear()
        finally:
            self._broker.remove("reply", bell)
