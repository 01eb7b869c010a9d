"""Messages ↔ what the house knows: deliveries, replies, requests.

What is put off or buried is published again by the house, and then bears the house's own user. Whose it was, and how
often it was tried, ride in headers; they are believed only where the message's user is the house's, which the broker
checks (https://www.rabbitmq.com/docs/validated-user-id) and no consumer can write. Of anybody else they are ignored.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiormq.abc import DeliveredMessage
from pamqp.commands import Basic

from adapters.bus.names import MILLISECOND, milliseconds
from adapters.bus.rabbitmq.topology import WAIT
from gateway.ports import Outbound
from gateway.stages import Delivery, Outgoing

SENDER: Final = "einmal-sender"
MESSAGE: Final = "einmal-message"
ATTEMPTS: Final = "einmal-attempts"
NOT_BEFORE: Final = "einmal-not-before"
BURIED: Final = "einmal-buried"
TRACE: Final = "traceparent"
_PERSISTENT: Final = 2
_LONGEST: Final = 1_000_000
"""More attempts than there can be."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as the broker handed it over."""

    message: DeliveredMessage
    sender: str
    message_id: str
    attempt: int
    not_before: int
    """Milliseconds; 0 where it was not put off."""

    def delivery(self, tag: str, now: datetime) -> Delivery:
        """In: the house's own handle for it, the time. Out: bytes at the door."""
        said = self.message.header.properties
        return Delivery(
            tag=tag,
            message_id=self.message_id,
            routing_key=self.message.routing_key or "",
            content_type=_text(said.content_type) or "",
            body=self.message.body,
            jws=_text(_headers(said).get("jws")),
            user_id=self.sender,
            reply_to=_text(said.reply_to) or "",
            correlation_id=_text(said.correlation_id) or None,
            received=now,
            attempt=self.attempt,
            traceparent=_text(_headers(said).get(TRACE)),
        )

    def left(self, now: datetime) -> timedelta:
        """Out: for how long it must not be handed on yet."""
        return max((self.not_before - milliseconds(now)) * MILLISECOND, timedelta())


def arrived(message: DeliveredMessage, us: str) -> Arrived:
    """In: what the broker handed over, and the house's own user. Never raises for what it holds."""
    said = message.header.properties
    headers = _headers(said)
    ours = headers if _text(said.user_id) == us else {}
    sender, message_id = _text(ours.get(SENDER)), _text(ours.get(MESSAGE))
    return Arrived(
        message,
        sender if sender is not None else _text(said.user_id) or "",
        message_id if message_id is not None else _text(said.message_id) or "",
        1 + _count(ours.get(ATTEMPTS)) + _count(headers.get("x-delivery-count")),
        _count(ours.get(NOT_BEFORE), most=2**53),
    )


def put_off(delivery: Delivery, us: str, attempts: int, not_before: datetime, level: int) -> Basic.Properties:
    """Out: what a copy says that comes back after its level; `attempts` were made before it."""
    return _copied(delivery, us, {ATTEMPTS: attempts, NOT_BEFORE: milliseconds(not_before), WAIT: level})


def buried(delivery: Delivery, us: str, now: datetime) -> Basic.Properties:
    """Out: what a copy says that lies among the dead letters."""
    return _copied(delivery, us, {ATTEMPTS: delivery.attempt - 1, BURIED: milliseconds(now)})


def buried_at(message: DeliveredMessage, us: str) -> datetime:
    """Out: when it came among the dead letters, by us or by the broker; long ago, where nobody says."""
    said = message.header.properties
    headers = _headers(said)
    if _text(said.user_id) == us and BURIED in headers:
        return _EPOCH + _count(headers[BURIED], most=2**53) * MILLISECOND
    deaths = headers.get("x-death")
    newest = deaths[0] if isinstance(deaths, list) and deaths else {}
    time = newest.get("time") if isinstance(newest, Mapping) else None
    return time if isinstance(time, datetime) else _EPOCH


def _copied(delivery: Delivery, us: str, more: Mapping[str, int]) -> Basic.Properties:
    headers: dict[str, Any] = {SENDER: delivery.user_id, MESSAGE: delivery.message_id, **more}
    kept = {"jws": delivery.jws, TRACE: delivery.traceparent}
    headers |= {name: text for name, text in kept.items() if text is not None}
    return Basic.Properties(
        # The driver tells returned messages apart by this; consumers choose theirs, perhaps the same.
        message_id=secrets.token_hex(16),
        user_id=us,
        reply_to=delivery.reply_to or None,
        correlation_id=delivery.correlation_id,
        content_type=delivery.content_type or None,
        delivery_mode=_PERSISTENT,
        headers=headers,
    )


def reply(message: Outgoing, us: str) -> Basic.Properties:
    """Out: what a reply says."""
    return Basic.Properties(
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        message_type=message.type,
        content_type=message.content_type,
        user_id=us,
        delivery_mode=_PERSISTENT,
        headers=dict(message.headers),
    )


def request(message: Outbound) -> Basic.Properties:
    """Out: what a request says."""
    said = {"jws": message.jws, TRACE: message.traceparent}
    return Basic.Properties(
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to or None,
        content_type=message.content_type,
        user_id=message.user_id,
        delivery_mode=_PERSISTENT,
        headers={name: value for name, value in said.items() if value is not None},
    )


def correlation(message: DeliveredMessage) -> str:
    """Out: which request it answers."""
    return _text(message.header.properties.correlation_id) or ""


def times_returned(message: DeliveredMessage) -> int:
    """Out: how often the broker handed it out before, as far as it says."""
    return _count(_headers(message.header.properties).get("x-delivery-count"))


def outgoing(message: DeliveredMessage, queue: str) -> Outgoing:
    """Out: a reply as its consumer found it in that queue."""
    said = message.header.properties
    headers = {
        name: text
        for name, value in _headers(said).items()
        if not name.startswith("x-") and (text := _text(value)) is not None
    }
    return Outgoing(
        reply_to=queue,
        correlation_id=correlation(message),
        message_id=_text(said.message_id) or "",
        type=_text(said.message_type) or "",
        content_type=_text(said.content_type) or "",
        body=message.body,
        headers=headers,
    )


def _headers(said: Basic.Properties) -> Mapping[str, Any]:
    return said.headers if isinstance(said.headers, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object, most: int = _LONGEST) -> int:
    return min(max(value, 0), most) if isinstance(value, int) else 0
