"""A gateway process that dies by SIGKILL at a chosen step, before or after any call through a port.

Run in a process of its own (a fork server's), so that nothing is tidied up: files, locks and leases stay as they are.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import town

from gateway import serve
from gateway.journal import Journal
from gateway.stages import Mandate

TOUCHES = "touches.txt"
"""Written by the process at each register call: whether the journal held the `asked` line by then."""
STEPS = "steps.txt"
"""Every step passed, in order."""


class Steps:
    """Counts the steps and dies at the chosen one."""

    def __init__(self, root: Path, fatal: int | None) -> None:
        self._root, self._fatal, self._passed = root, fatal, 0

    def step(self, name: str) -> None:
        with (self._root / STEPS).open("a") as steps:
            steps.write(f"{self._passed} {name}\n")
        if self._passed == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        self._passed += 1


class Stepping:
    """Any port: each of its named coroutines is a step before and a step after."""

    def __init__(self, port: object, steps: Steps, named: frozenset[str], prefix: str) -> None:
        self._port, self._steps, self._named, self._prefix = port, steps, named, prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._named:
            return found

        async def stepping(*args: Any, **kwargs: Any) -> Any:
            self._steps.step(f"before {self._prefix}.{name}")
            result = await found(*args, **kwargs)
            self._steps.step(f"after {self._prefix}.{name}")
            return result

        return stepping


class Witnessed:
    """A register that writes down, at each call, whether its mandate's line is in the journal."""

    def __init__(self, register: Any, store: Any, root: Path) -> None:
        self._register, self._store, self._root = register, store, root
        self.id = register.id

    async def fetch(self, mandate: Mandate) -> Any:
        await self._seen(mandate)
        return await self._register.fetch(mandate)

    async def write(self, mandate: Mandate, *said: Any) -> Any:
        await self._seen(mandate)
        return await self._register.write(mandate, *said)

    async def filed(self, exchange: str) -> Any:
        return await self._register.filed(exchange)

    async def _seen(self, mandate: Mandate) -> None:
        stored = await self._store.line(mandate.asked)
        kept = stored is not None and mandate.case.exchange.encode() in (stored.line.event or b"")
        with (self._root / TOUCHES).open("a") as touches:
            touches.write(f"{'asked' if kept else 'NOT ASKED'} {mandate.case.exchange}\n")


_STORE = frozenset({"recall", "held_for", "of_subject", "record", "events", "append", "confirmed", "due"})
_BUS = frozenset({"send", "ack", "postpone"})
_REGISTER = frozenset({"fetch", "write", "filed"})


def run(root: str, fatal: int | None) -> None:
    """Serve, one delivery after the other, until the bus is empty; two days later keep house. Or until death at step
    `fatal`."""
    asyncio.run(_run(Path(root), Steps(Path(root), fatal)))


def reload(root: str, fatal: int | None) -> None:
    """Put the home's files in force, or die at step `fatal`."""
    asyncio.run(_reload(Path(root), Steps(Path(root), fatal)))


async def _reload(root: Path, steps: Steps) -> None:
    opened = (await town.opened(root)).opened
    store: Any = Stepping(opened.store, steps, frozenset({"policy", "append"}), "store")
    await replace(opened.law, store=store, journal=_over(opened.journal, store)).adopt()
    await opened.close()


async def _run(root: Path, steps: Steps) -> None:
    place = await town.opened(root)
    opened = place.opened
    own = await opened.bus()
    store: Any = Stepping(opened.store, steps, _STORE, "store")
    bus: Any = Stepping(own, steps, _BUS, "bus")
    registers: Any = {
        name: Stepping(Witnessed(register, opened.store, root), steps, _REGISTER, "register")
        for name, register in opened.registers.items()
    }
    house = replace(opened.house, journal=_over(opened.journal, store), consents=store, registers=registers)

    async def rest(seconds: float) -> None:
        steps.step("before its time")
        place.clock.passes(seconds=seconds)

    service = serve.Service(house, bus, store, concurrency=1, attempts=5, keep_days=10, rest=rest)
    await serve.resend(service)
    if waiting(root):
        async for delivery in own.deliveries():
            later = await serve.attend(delivery, service)
            if later is not None:
                await serve.send_in_time(later, service)
            if not waiting(root):
                await own.stop()
    place.clock.passes(days=2)
    await serve.tidy(service)
    await own.close()
    await opened.close()


def waiting(root: Path) -> int:
    """Out: how many requests the bus still holds, taken or not."""
    with closing(sqlite3.connect(root / "data/bus.sqlite3")) as connection:
        return int(connection.execute("select count(*) from request").fetchone()[0])


def _over(journal: Journal, store: object) -> Journal:
    """Out: the same journal, its store being the stepping one."""
    stepping = copy(journal)
    vars(stepping)["_store"] = store
    return stepping
