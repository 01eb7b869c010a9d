"""The watchman: looks, judges, writes down how the house is, and says once what has gone wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.ending import end_overdue
from gateway.errors import Fault
from gateway.health import Doors, Health, Machine, blind, judge
from gateway.house import House
from gateway.keeping.retention import Retention
from gateway.keeping.seen import Gap, Look, Seen
from gateway.keeping.watch import Watch
from gateway.ports import JournalStore
from gateway.ports.watch import BusLine, BusView
from gateway.telemetry import logger

_TRIAL = "einmal/trial/v1"


class Slate(Protocol):
    """Where a watchman writes down how far he came and how the house is. Raises: OSError."""

    def seen(self) -> str: ...

    def keep(self, seen: str) -> None: ...

    def tell(self, health: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Watchman:
    """Who looks after a house."""

    house: House
    store: JournalStore
    watch: Watch
    bus: BusView | None
    """Whoever can say what it still has; None: the bus can't."""
    line: BusLine | None
    """The way to it; None: it is a file."""
    machine: Callable[[], Machine]
    slate: Slate
    retention: Retention
    door_seconds: float = 2.0
    """How long what is tried may take."""


async def look(watchman: Watchman) -> tuple[Health, Look]:
    """Look once and write it down. Raises: Restored, JournalUnavailable, BusUnavailable, OSError."""
    now = watchman.house.clock.now()
    await watchman.retention.shards.stand()
    doors = await _tried(watchman)
    found = await watchman.watch.look(Seen.parse(watchman.slate.seen()), now, watchman.bus)
    health = judge(found, watchman.machine(), now, await watchman.retention.late(now), doors)
    watchman.slate.keep(found.seen.render())
    # A crash here leaves an older health: the next look replaces it.
    watchman.slate.tell(health.render())
    return health, found


async def tell_blind(watchman: Watchman, before: Health | None, error: Exception) -> Health:
    """Write down that a look failed: an older green would say that all is well. Out: how it is now."""
    health = blind(before, _where(error), watchman.house.clock.now(), await _tried(watchman))
    with suppress(OSError):  # the disk itself: what was said says it
        watchman.slate.tell(health.render())
    return health


async def keep_watch(watchman: Watchman, before: Health | None) -> Health:
    """Look, end what nobody goes on with, and say what is new since `before`. Out: how it is now."""
    health, found = await look(watchman)
    if any(one.gap is Gap.OVERDUE for one in found.stuck):
        for exchange in await end_overdue(found.stuck, watchman.house, watchman.store):
            logger().warning("exchange-expired", exchange=exchange)
        health, _ = await look(watchman)
    known = {(one.kind, one.exchange) for one in before.troubles} if before else set()
    for trouble in health.troubles:
        if (trouble.kind, trouble.exchange) not in known:
            logger().error("health-red", kind=trouble.kind, **_place(trouble.exchange, trouble.origin))
    if before is not None and not before.green and health.green:
        logger().info("health-green")
    return health


async def _tried(watchman: Watchman) -> Doors:
    """Out: whether the journal, the keys and the bus can be used now, each tried in the way it is used."""
    storage, keys, bus = await asyncio.gather(
        _why_not(watchman.store.writable, watchman.door_seconds),
        _why_not(lambda: _seal(watchman.house), watchman.door_seconds),
        _why_not(lambda: _reach(watchman), watchman.door_seconds),
    )
    return Doors(storage, keys, bus)


async def _why_not(trial: Callable[[], Awaitable[object]], seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            await trial()
    except Exception as error:  # noqa: BLE001  whatever it was, it does not work
        return _where(error)
    return None


async def _seal(house: House) -> None:
    house.keys.unwrap(house.keys.wrap(b"", _TRIAL), _TRIAL)


async def _reach(watchman: Watchman) -> None:
    if watchman.line is not None:
        await watchman.line.reached()
    if watchman.bus is not None:
        await watchman.bus.holds(())


def _where(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.where if isinstance(error, Fault) else type(error).__name__


def _place(exchange: str | None, origin: str | None) -> dict[str, str]:
    return {name: value for name, value in (("exchange", exchange), ("origin", origin)) if value}
