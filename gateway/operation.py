"""What a running house shows to those who operate it: its health (`gateway.watching`) by parts, and its figures.

Nothing here names an exchange, a message or a person: `einmal log watch` does, on the machine itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from gateway.audit.record import stamp
from gateway.health import Health, Trouble
from gateway.watching import Watchman, look, tell_blind

_Out = TypeVar("_Out")


class Part(StrEnum):
    """What is looked at."""

    SERVING = "serving"
    CONSUMERS = "consumers"
    BUS = "bus"
    STORAGE = "storage"
    HEAD = "head"
    KEYS = "keys"
    CLOCK = "clock"
    DISK = "disk"
    LOOK = "look"
    EXCHANGES = "exchanges"
    RETENTION = "retention"


NEEDED: Final = frozenset(Part) - {Part.EXCHANGES, Part.RETENTION}
"""Without these nothing can be answered; the others are red as well, and serving goes on."""
_OF: Final = MappingProxyType(
    {
        "bus": Part.BUS,
        "storage": Part.STORAGE,
        "checkpoint": Part.HEAD,
        "keys": Part.KEYS,
        "clock": Part.CLOCK,
        "disk": Part.DISK,
        "watch": Part.LOOK,
        "retention": Part.RETENTION,
    }
)
"""Which part a kind of trouble is about; any other is about exchanges."""
_NAMED: Final = "`einmal log watch` names each, with what to do."


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a part, and what to do."""

    why: str
    mend: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process can answer, and each part of that."""

    health: Health
    parts: Mapping[Part, Sequence[Wrong]]
    """Every part; empty where it is well."""

    @property
    def ready(self) -> bool:
        return not any(self.parts[part] for part in NEEDED)

    @property
    def facts(self) -> dict[str, Any]:
        """Out: for programs."""
        return {
            "ready": self.ready,
            "green": self.health.green,
            "time": stamp(self.health.time),
            "parts": {
                str(part): {
                    "ok": not wrong,
                    "needed": part in NEEDED,
                    **(
                        {"why": [one.why for one in wrong], "mend": [one.mend for one in wrong]}
                        if wrong
                        else {}
                    ),
                }
                for part, wrong in self.parts.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """What a look has counted; None: nobody could."""

    readiness: Readiness
    lines: Mapping[str, int]
    """Of the log, by retention class."""
    signed: datetime | None
    """When a head was signed and kept last."""
    holds: int | None
    due: int | None
    """Lines that are past their time."""
    reconnects: int | None


class Operation:
    """Shows one process. However many ask, there is one look at a time, and none is older than it may be."""

    def __init__(
        self,
        watchman: Watchman,
        stop: asyncio.Event,
        signed: Callable[[], datetime | None],
        look_seconds: float,
        timeout_seconds: float,
    ) -> None:
        """In: who looks, what is set when the process is to end, how to know when a head was signed last."""
        self._watchman, self._stop, self._signed = watchman, stop, signed
        self._timeout = timeout_seconds
        self._health = _Kept(self._look, look_seconds)
        self._counted = _Kept(self._count, look_seconds)
        self._last: Health | None = None

    async def readiness(self) -> Readiness:
        """Out: whether this process can answer. Never raises for what a look meets."""
        health = await self._health.get()
        found: dict[Part, list[Wrong]] = {part: [] for part in Part}
        for trouble in health.troubles:
            if trouble.kind in _OF:
                found[_OF[trouble.kind]].append(Wrong(trouble.text, trouble.mend))
        found[Part.EXCHANGES] = _counted(health.troubles)
        found[Part.SERVING] = self._serving()
        found[Part.CONSUMERS] = self._consumers()
        return Readiness(health, found)

    async def figures(self) -> Figures:
        """Out: what there is to count. Never raises for what a look meets."""
        readiness = await self.readiness()
        lines, holds, due = await self._counted.get()
        signed = None
        with suppress(OSError):
            signed = self._signed()
        line = self._watchman.line
        return Figures(readiness, lines, signed, holds, due, line.reconnects if line is not None else None)

    def _serving(self) -> list[Wrong]:
        if not self._stop.is_set():
            return []
        return [Wrong("It was told to end and finishes what is in hand", "Ask another process.")]

    def _consumers(self) -> list[Wrong]:
        known, line = len(self._watchman.house.policies.current().consumers), self._watchman.line
        if not known:
            return [
                Wrong("No data consumer is registered", "Describe one in consumers/, then `einmal reload`.")
            ]
        if line is not None and line.taking < known:
            why = f"It takes from {line.taking} of {known} data consumers' queues"
            return [Wrong(why, "It goes on by itself once the broker lets it; its log says why it can't.")]
        return []

    async def _look(self) -> Health:
        try:
            async with asyncio.timeout(self._timeout):
                self._last, _ = await look(self._watchman)
        except Exception as error:  # noqa: BLE001  whatever it was: nobody knows how the house is, and that is shown
            self._last = await tell_blind(self._watchman, self._last, error)
        return self._last

    async def _count(self) -> tuple[Mapping[str, int], int | None, int | None]:
        retention = self._watchman.retention
        lines: Counter[str] = Counter()
        for shard in await self._known(self._watchman.store.shards()) or ():
            lines[shard.retention] += shard.head.size
        standing = await self._known(retention.holds.standing())
        plan = await self._known(retention.plan(self._watchman.house.clock.now()))
        return (
            lines,
            None if standing is None else len(standing),
            None if plan is None else sum(due.lines for due in plan),
        )

    async def _known(self, asked: Awaitable[_Out]) -> _Out | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await asked
        except Exception:  # noqa: BLE001  what can't be counted is not shown; the health says why
            return None


class _Kept(Generic[_Out]):
    """What was made last, for a while; one maker at a time."""

    def __init__(self, make: Callable[[], Awaitable[_Out]], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._alone = asyncio.Lock()
        self._made: tuple[float, _Out] | None = None

    async def get(self) -> _Out:
        async with self._alone:
            now = asyncio.get_running_loop().time()
            if self._made is None or now - self._made[0] >= self._seconds:
                value = await self._make()
                self._made = (asyncio.get_running_loop().time(), value)
            return self._made[1]


def _counted(troubles: Sequence[Trouble]) -> list[Wrong]:
    """Out: how many exchanges there is which trouble with, and none of their names."""
    kinds = Counter(trouble.kind for trouble in troubles if trouble.kind not in _OF)
    return [Wrong(f"{kind}: {count}", _NAMED) for kind, count in sorted(kinds.items())]
