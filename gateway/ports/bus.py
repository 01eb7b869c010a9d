"""Both sides of a bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.stages import Delivery, Outgoing


class Bus(Protocol):
    """The house's side of a bus. Nothing is lost: unacknowledged deliveries come back."""

    def deliveries(self) -> AsyncIterator[Delivery]:
        """Out: deliveries as they come, until `stop`. Each is handled, then acked, postponed or abandoned."""
        ...

    async def send(self, message: Outgoing) -> None:
        """Publish; returns when the bus has it durably. Raises: BusUnavailable, Undeliverable."""
        ...

    async def ack(self, delivery: Delivery) -> None:
        """Done with: it will not come back."""
        ...

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        """Bring it back, not before the given time, with its attempt counted."""
        ...

    async def bury(self, delivery: Delivery) -> None:
        """Move it to the bus's own dead letters: the backstop, when the house can't even keep it."""
        ...

    async def declare(self, consumers: Iterable[str]) -> None:
        """Make the queues of these consumers, unless they are there, and take from them too. Raises: BusUnavailable."""
        ...

    async def forget(self, before: datetime) -> int:
        """Drop replies nobody fetched and dead letters from before. Out: how many."""
        ...

    async def stop(self) -> None:
        """End `deliveries`; what is in hand may still be acked."""
        ...

    async def close(self) -> None: ...


class ConsumerBus(Protocol):
    """A data consumer's side of a bus: publish a request, await its reply."""

    async def publish(self, request: Outbound) -> None:
        """Publish durably. Raises: BusUnavailable."""
        ...

    async def reply(self, queue: str, correlation_id: str, timeout_seconds: float) -> Outgoing | None:
        """Out: the next reply to that request from the consumer's own queue, acked; None when none came in time."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outbound:
    """A request as its consumer publishes it (CONTRACT.md 4)."""

    routing_key: str
    message_id: str
    user_id: str
    reply_to: str
    content_type: str
    body: bytes = field(repr=False)
    jws: str | None = field(repr=False)
    correlation_id: str | None = None
    traceparent: str | None = None
    """Its trace context (https://www.w3.org/TR/trace-context/), if it is part of a trace."""
