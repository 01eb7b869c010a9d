"""Messages to send on a bus, every part of which follows from a name; and what is taken from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from gateway.ports import Outbound
from gateway.stages import Delivery, Outgoing


def request(name: str, consumer: str = "wohngeldstelle", **changes: Any) -> Outbound:
    """Out: a request whose every part follows from its name."""
    given: dict[str, Any] = {
        "routing_key": f"{consumer}.evidence.residence",
        "message_id": f"message-{name}",
        "user_id": consumer,
        "reply_to": f"einmal.reply.{consumer}.1",
        "content_type": "application/xml",
        "body": f"<{name}/>".encode(),
        "jws": f"header..signature-{name}",
        "correlation_id": f"correlation-{name}",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return Outbound(**(given | changes))


def reply(name: str, **changes: Any) -> Outgoing:
    """Out: a reply to the request of that name."""
    given: dict[str, Any] = {
        "reply_to": "einmal.reply.wohngeldstelle.1",
        "correlation_id": f"correlation-{name}",
        "message_id": f"reply-{name}",
        "type": "evidence.answer",
        "content_type": "application/xml",
        "body": f"<answer-{name}/>".encode(),
        "headers": {"jws": "a..b", "receipt": "c.d.e"},
    }
    return Outgoing(**(given | changes))


def asker(delivery: Delivery) -> str:
    """Out: in whose queue it was."""
    return delivery.routing_key.partition(".")[0]


async def take(deliveries: AsyncIterator[Delivery], count: int = 1) -> list[Delivery]:
    """Out: the next deliveries. Raises: TimeoutError when they do not come in a long time."""
    async with asyncio.timeout(20):
        return [await anext(deliveries) for _ in range(count)]
