"""Port `Measures`: counts in memory. Always there; shown where `[operation]` says so, else nobody reads it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Final

from gateway.errors import Fault
from gateway.ports import Room

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the parts of a `Spread`, in seconds; beyond them is one more."""
_CONTEXT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def trace_context(said: str | None) -> str | None:
    """Out: what was said, if it is a trace context of the version we know; nothing else is handed on."""
    return said if said is not None and _CONTEXT.fullmatch(said) else None


@dataclass(slots=True)
class Spread:
    """How long something took, each time."""

    parts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.parts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    @property
    def times(self) -> int:
        return sum(self.parts)


class Counted:
    """What this process has counted since it began."""

    def __init__(self) -> None:
        self.ended_as: Counter[tuple[str, str]] = Counter()
        """By kind and reason."""
        self.rooms: defaultdict[Room, Spread] = defaultdict(Spread)
        self.registers: defaultdict[str, Spread] = defaultdict(Spread)
        self.failed: Counter[tuple[str, str]] = Counter()
        """By register and code of the fault."""
        self.in_hand = 0
        self.replies: int | None = None
        """In the outbox, when it was last looked at; None: it was not yet."""
        self.witnesses: dict[str, bool] = {}

    def exchange(self, traceparent: str | None) -> AbstractContextManager[str | None]:
        return _InHand(self, trace_context(traceparent))

    def room(self, room: Room) -> AbstractContextManager[None]:
        return _Timed(self.rooms[room])

    def register(self, name: str) -> AbstractContextManager[None]:
        return _Asked(self, name)

    def ended(self, kind: str, reason: str) -> None:
        self.ended_as[str(kind), str(reason)] += 1

    def outbox(self, replies: int) -> None:
        self.replies = replies

    def witnessed(self, cosigned: Mapping[str, bool]) -> None:
        self.witnesses = dict(cosigned)


class _InHand(AbstractContextManager[str | None]):
    __slots__ = ("_counted", "_traceparent")

    def __init__(self, counted: Counted, traceparent: str | None) -> None:
        self._counted, self._traceparent = counted, traceparent

    def __enter__(self) -> str | None:
        self._counted.in_hand += 1
        return self._traceparent

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._counted.in_hand -= 1


class _Timed(AbstractContextManager[None]):
    __slots__ = ("_begun", "_spread")

    def __init__(self, spread: Spread) -> None:
        self._spread, self._begun = spread, 0.0

    def __enter__(self) -> None:
        self._begun = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._spread.add(perf_counter() - self._begun)


class _Asked(_Timed):
    __slots__ = ("_counted", "_name")

    def __init__(self, counted: Counted, name: str) -> None:
        super().__init__(counted.registers[name])
        self._counted, self._name = counted, name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if isinstance(error, Fault):
            self._counted.failed[self._name, str(error.code)] += 1
