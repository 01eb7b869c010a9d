"""Queue names, sizes and times, as both sides of the embedded bus mean them (CONTRACT.md 4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.errors import Undeliverable

BODY_BYTES: Final = 16_000_000
"""A backstop: the house's own limit is lower, and says so to the asker."""
MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def queue_of(namespace: str, consumer: str) -> str:
    """Out: the queue of a consumer's requests."""
    return f"{namespace}.in.{consumer}"


def consumer_of(reply_queue: str, namespace: str) -> str:
    """Out: whose reply queue that is. Raises: Undeliverable when it isn't one of this namespace."""
    prefix = f"{namespace}.reply."
    consumer, _, name = reply_queue.removeprefix(prefix).partition(".")
    if not reply_queue.startswith(prefix) or not consumer or not name:
        raise Undeliverable("bus (no such queue)")
    return consumer


def check_size(body: bytes, most: int) -> None:
    """Raises: Undeliverable when the body has more than `most` bytes."""
    if len(body) > most:
        raise Undeliverable("bus (body too large)")


def milliseconds(moment: datetime) -> int:
    """Out: the moment as the file keeps it."""
    return (moment - _EPOCH) // MILLISECOND
