"""What there is on the broker, by name, and with every argument said (CONTRACT.md 4).

Declared again it stays what it is; a queue that is there with other arguments is a fault that names itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiormq.abc import AbstractChannel

from adapters.bus.names import queue_of

LEVELS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
"""Seconds a postponed delivery can wait in the broker at a time."""
WAIT: Final = "einmal-wait"
"""The header by which it finds its level."""
DELIVERIES: Final = 100
"""How often the broker hands a request out that nobody ends: it has killed who took it, and lies with the dead then."""
MESSAGES: Final = 100_000
"""Most requests that wait in one queue; its publisher is refused the next one."""
QUEUE_BYTES: Final = 1_000_000_000
REPLY_BYTES: Final = 250_000_000
"""Most that waits for one consumer; the oldest goes, since whoever asks again gets it again."""
REPLY_MS: Final = 864_000_000
"""Ten days: as long as the house keeps a reply for repeats (DOMAIN.md 5)."""
UNUSED_MS: Final = 2_592_000_000
"""Thirty days after which a reply queue that nobody looks into goes."""
EVER: Final = 1_000_000_000
"""A number of deliveries that none reaches: looking is no fault of the letter."""

Arguments: TypeAlias = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Topology:
    """The names of one namespace."""

    namespace: str
    levels: tuple[int, ...] = LEVELS

    @property
    def inbox(self) -> str:
        """The topic exchange that consumers publish to."""
        return f"{self.namespace}.in"

    @property
    def events(self) -> str:
        return f"{self.namespace}.events"

    @property
    def dead(self) -> str:
        """The dead letters: an exchange, and the queue of that name."""
        return f"{self.namespace}.dead"

    @property
    def wait(self) -> str:
        """The exchange that a postponed delivery is published to, under its own routing key."""
        return f"{self.namespace}.wait"

    @property
    def serving(self) -> str:
        """An empty queue: whoever serves listens to it, and can be counted."""
        return f"{self.namespace}.serving"

    def level(self, seconds: float) -> int:
        """Out: the shortest level that does not end before so many seconds, or the longest there is."""
        return next((level for level in self.levels if level >= seconds), self.levels[-1])

    async def declare(self, channel: AbstractChannel, consumers: Iterable[str]) -> None:
        """Make what is not there."""
        for name, kind in (
            (self.inbox, "topic"),
            (self.events, "topic"),
            (self.dead, "fanout"),
            (self.wait, "headers"),
        ):
            await channel.exchange_declare(name, exchange_type=kind, durable=True)
        await _queue(channel, self.dead, _quorum(EVER, MESSAGES, QUEUE_BYTES))
        await channel.queue_bind(self.dead, self.dead)
        await _queue(channel, self.serving, _quorum(EVER, 1, 1_000))
        for level in self.levels:
            name = f"{self.wait}.{level}"
            limits = _quorum(EVER, MESSAGES, QUEUE_BYTES) | _dying(self.inbox)
            await _queue(channel, name, limits | {"x-message-ttl": level * 1000})
            await channel.queue_bind(name, self.wait, arguments={"x-match": "all", WAIT: level})
        await self.declare_inboxes(channel, consumers)

    async def declare_inboxes(self, channel: AbstractChannel, consumers: Iterable[str]) -> None:
        """Make these consumers' queues, where they are not there."""
        for consumer in sorted(consumers):
            name = queue_of(self.namespace, consumer)
            await _queue(channel, name, _quorum(DELIVERIES, MESSAGES, QUEUE_BYTES) | _dying(self.dead))
            await channel.queue_bind(name, self.inbox, routing_key=f"{consumer}.#")


async def declare_replies(channel: AbstractChannel, queue: str) -> None:
    """Make a data consumer's own reply queue."""
    limits: Arguments = {"x-message-ttl": REPLY_MS, "x-expires": UNUSED_MS, "x-overflow": "drop-head"}
    await _queue(channel, queue, _quorum(EVER, MESSAGES, REPLY_BYTES) | limits)


def _quorum(deliveries: int, messages: int, size: int) -> Arguments:
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": deliveries,
        "x-max-length": messages,
        "x-max-length-bytes": size,
        "x-overflow": "reject-publish",
    }


def _dying(exchange: str) -> Arguments:
    return {"x-dead-letter-exchange": exchange, "x-dead-letter-strategy": "at-least-once"}


async def _queue(channel: AbstractChannel, name: str, arguments: Mapping[str, str | int]) -> None:
    await channel.queue_declare(name, durable=True, arguments=dict(arguments))
