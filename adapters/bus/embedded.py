"""The bus for one machine: ports Bus and ConsumerBus over a file that all its processes share (CONTRACT.md 4).

Queues: `<namespace>.in.<consumer>` for each consumer, read in turn, and `<namespace>.reply.<consumer>.<anything>`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast

from adapters.bus import file
from adapters.bus.broker import Bell, Broker
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.jobs import (
    Ack,
    Bury,
    Dead,
    Declare,
    Forget,
    Holds,
    Register,
    Release,
    Relieve,
    Return,
    Row,
    Send,
    Take,
    Taken,
)
from adapters.bus.names import BODY_BYTES, MILLISECOND, check_size, consumer_of, milliseconds, queue_of
from gateway.errors import BusUnavailable
from gateway.ports import Clock
from gateway.stages import Delivery, Outgoing

PLACES: Final = 32
"""How many deliveries one process has in hand."""
RELIEVE_SECONDS: Final = 1.0
"""How often a waiting process looks for owners that died."""
LEASE: Final = timedelta(minutes=10)
"""How long a delivery stays in a live process's hand before it comes back all the same."""


class EmbeddedBus:
    """The house's side."""

    def __init__(self, broker: Broker, namespace: str, clock: Clock, places: int, body_bytes: int) -> None:
        self._broker, self._namespace, self._clock = broker, namespace, clock
        self._places, self._body_bytes = places, body_bytes
        self._owner: file.Ownership | None = None
        self._bell: Bell | None = None
        self._taken: deque[Row] = deque()
        self._hand: dict[int, tuple[str, int]] = {}
        self._queues = 1
        self._relieved: float | None = None
        self._last = ""
        self._stopped = False
        self._closed = False

    @classmethod
    def create(cls, path: Path) -> None:
        """Make the bus's file. Raises: ConfigurationFault when something is there already."""
        file.create(path)

    @classmethod
    def open(
        cls,
        path: Path,
        namespace: str,
        clock: Clock,
        consumers: Iterable[str],
        places: int = PLACES,
        body_bytes: int = BODY_BYTES,
    ) -> EmbeddedBus:
        """Open a bus that is there, and declare the consumers' queues. Raises: ConfigurationFault."""
        declared = _declare(namespace, consumers)
        bus = cls(Broker(path, declared), namespace, clock, places, body_bytes)
        bus._queues = max(1, len(declared.queues))
        return bus

    async def declare(self, consumers: Iterable[str]) -> None:
        """Make the consumers' queues, unless they are there. Raises: BusUnavailable."""
        if self._closed:
            return
        declared = _declare(self._namespace, consumers)
        await self._broker.do(declared)
        self._queues = max(1, len(declared.queues))

    def consumer_side(self) -> EmbeddedConsumerBus:
        """Out: a consumer's side in the same process, on the same opening of the file."""
        return EmbeddedConsumerBus(self._broker.shared(), self._namespace, self._clock, self._body_bytes)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Out: deliveries as they come, until `stop`; the queues in turn."""
        self._bell = bell = self._broker.bell("request")
        try:
            await self._own()
            while not self._stopped:
                bell.hush()
                due = await self._take()
                while self._taken and not self._stopped:
                    yield self._delivery(self._taken.popleft())
                if due is not None and not self._stopped:
                    await bell.wait(due)
        finally:
            self._broker.remove("request", bell)
            await self._give_back()

    async def send(self, message: Outgoing) -> None:
        """Publish a reply; returns when it is on the disk. Raises: BusUnavailable, Undeliverable."""
        check_size(message.body, self._body_bytes)
        consumer = consumer_of(message.reply_to, self._namespace)
        await self._broker.do(Send(queue_of(self._namespace, consumer), message, self._now()))

    async def ack(self, delivery: Delivery) -> None:
        """Done with: it will not come back."""
        await self._part(delivery, Ack(self._name, int(delivery.tag)))

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        """Bring it back, not before the given time, with its attempt counted."""
        await self._part(delivery, Return(self._name, int(delivery.tag), milliseconds(not_before)))

    async def bury(self, delivery: Delivery) -> None:
        """Move it to the dead letters."""
        await self._part(delivery, Bury(self._name, int(delivery.tag), self._now()))

    async def dead(self) -> Sequence[Delivery]:
        """Out: the dead letters, oldest first."""
        return [self._delivery(row) for row in cast("list[Row]", await self._broker.do(Dead()))]

    async def holds(self, requests: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        """Out: those of these consumers' message ids whose request waits, is put off or is in somebody's hand."""
        pairs = {
            (queue_of(self._namespace, consumer), message): (consumer, message)
            for consumer, message in requests
        }
        held = cast("list[tuple[str, str]]", await self._broker.do(Holds(tuple(pairs))))
        return {pairs[pair] for pair in held}

    async def forget(self, before: datetime) -> int:
        """Drop replies nobody fetched and dead letters from before. Out: how many."""
        return cast("int", await self._broker.do(Forget(milliseconds(before))))

    async def stop(self) -> None:
        """End `deliveries`; what is in hand may still be acked."""
        self._stopped = True
        if self._bell is not None:
            self._bell.ring()

    async def close(self) -> None:
        """Let go of everything still in hand, for others to take. Idempotent."""
        if self._closed:
            return
        self._closed = True
        await self.stop()
        try:
            if self._owner is not None:
                await self._give_back()
                await self._broker.do(Release(self._owner.name))
        finally:
            # A crash before this line leaves the lock to the operating system, which lets go of it.
            if self._owner is not None:
                self._owner.release()
            await self._broker.close()

    @property
    def _name(self) -> str:
        if self._owner is None:
            raise BusUnavailable("bus (nothing was taken)")
        return self._owner.name

    async def _own(self) -> None:
        if self._owner is None:
            name = f"{os.getpid()}-{secrets.token_hex(8)}"
            try:
                self._owner = file.Ownership(self._broker.path, name)
            except OSError as error:
                raise file.unavailable(error) from None
            await self._broker.do(Register(name))

    async def _take(self) -> float | None:
        """Fill the free places. Out: how many seconds to wait when nothing was ready, else None."""
        now = self._now()
        lease = now - LEASE // MILLISECOND
        await self._relieve(lease)
        self._hand = {at: held for at, held in self._hand.items() if held[1] > lease}
        want = self._places - len(self._hand)
        if want <= 0:
            return RELIEVE_SECONDS
        held = Counter(queue for queue, _ in self._hand.values())
        share = self._places - min(self._places // 4, self._queues - 1)
        job = Take(self._name, self._namespace, want, share, held, self._last, now)
        taken = cast("Taken", await self._broker.do(job))
        for row in taken.rows:
            self._hand[row[0]] = (row[1], now)
            self._last = row[1]
        self._taken.extend(taken.rows)
        if taken.rows:
            return None
        return min(RELIEVE_SECONDS, (taken.due - now) / 1000) if taken.due is not None else RELIEVE_SECONDS

    async def _relieve(self, lease: int) -> None:
        """Once a second: look for owners that died, and for what was in hand since before `lease`."""
        moment = asyncio.get_running_loop().time()
        if self._relieved is None or moment - self._relieved >= RELIEVE_SECONDS:
            self._relieved = moment
            await self._broker.do(Relieve(self._broker.path, self._name, lease))

    async def _part(self, delivery: Delivery, job: Ack | Return | Bury) -> None:
        """The delivery leaves the hand, whatever becomes of the job: what isn't written comes back by its lease."""
        try:
            await self._broker.do(job)
        finally:
            self._hand.pop(int(delivery.tag), None)
            if self._bell is not None:
                self._bell.ring()

    async def _give_back(self) -> None:
        """What was taken and never handed on goes back uncounted."""
        while self._taken:
            row = self._taken.popleft()
            self._hand.pop(row[0], None)
            await self._broker.do(Return(self._name, row[0], 0, uncount=True))

    def _delivery(self, row: Row) -> Delivery:
        (
            at,
            _,
            routing_key,
            message_id,
            user_id,
            reply_to,
            correlation_id,
            content_type,
            jws,
            traceparent,
            body,
            attempt,
        ) = row
        return Delivery(
            tag=str(at),
            message_id=message_id,
            routing_key=routing_key,
            content_type=content_type,
            body=body,
            jws=jws,
            user_id=user_id,
            reply_to=reply_to,
            correlation_id=correlation_id,
            received=self._clock.now(),
            attempt=attempt,
            traceparent=traceparent,
        )

    def _now(self) -> int:
        return milliseconds(self._clock.now())


def _declare(namespace: str, consumers: Iterable[str]) -> Declare:
    return Declare(namespace, [queue_of(namespace, consumer) for consumer in sorted(consumers)])
