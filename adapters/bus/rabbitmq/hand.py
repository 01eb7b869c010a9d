"""What of the broker's a process has: prefetched and waiting for its turn, or handed on and not yet parted with.

Pure: it knows neither broker nor clock.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from adapters.bus.rabbitmq.properties import Arrived


@dataclass(slots=True)
class Held:
    """One delivery of ours, unacknowledged."""

    tag: str
    queue: str
    arrived: Arrived = field(repr=False)
    since: float
    """Loop's seconds: when it came, and then when it was handed on."""
    back_at: float | None = None
    """When it is to go back, where its copy could not be published."""


class Hand:
    """`places` are how many may be handed on at a time; the queues take turns, and none has them all."""

    def __init__(self, places: int, prefetch: int | None) -> None:
        self._places, self._prefetch = places, prefetch
        self._ready: dict[str, deque[Held]] = {}
        self._handed: dict[str, Held] = {}
        self._last = ""

    def share(self, queues: int) -> int:
        """Out: how many of one queue's may be handed on, and are prefetched, where there are so many queues."""
        most = self._places - min(self._places // 4, max(queues, 1) - 1)
        return most if self._prefetch is None else min(most, self._prefetch)

    def arrive(self, held: Held) -> None:
        """It waits for its turn."""
        self._ready.setdefault(held.queue, deque()).append(held)

    def keep(self, held: Held) -> None:
        """It takes a place without being handed on."""
        self._handed[held.tag] = held

    def next(self, queues: int, now: float) -> Held | None:
        """Out: whose turn it is; None, when nothing waits or no place is free."""
        if len(self._handed) >= self._places:
            return None
        taken, share = Counter(held.queue for held in self._handed.values()), self.share(queues)
        for queue in sorted(self._ready, key=lambda name: (name <= self._last, name)):
            if self._ready[queue] and taken[queue] < share:
                held = self._ready[queue].popleft()
                held.since, self._last = now, queue
                self._handed[held.tag] = held
                return held
        return None

    def find(self, tag: str) -> Held | None:
        """Out: what was handed on under that tag and not parted with."""
        return self._handed.get(tag)

    def part(self, tag: str) -> Held | None:
        """Out: the same, and it is no longer ours."""
        return self._handed.pop(tag, None)

    def waiting(self) -> list[Held]:
        """Out: what was never handed on; it is no longer ours."""
        found = [held for queue in self._ready.values() for held in queue]
        self._ready.clear()
        return found

    def overdue(self, now: float, lease: float) -> list[Held]:
        """Out: what was ours for too long, or is to go back by now; it is no longer ours."""
        late = [held for held in self._handed.values() if now >= _end(held, lease)]
        for held in late:
            del self._handed[held.tag]
        for queue in self._ready.values():
            while queue and now >= _end(queue[0], lease):
                late.append(queue.popleft())
        return late

    def clear(self) -> None:
        """The connection ended: nothing is ours."""
        self._ready.clear()
        self._handed.clear()


def _end(held: Held, lease: float) -> float:
    return held.since + lease if held.back_at is None else held.back_at
