"""One opening of the bus's file: a thread that does jobs in groups, and wakes whoever waits for what they bring."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from adapters.bus.file import Connect, connect_file, open_file, unavailable
from adapters.bus.jobs import Job
from adapters.grouped import GroupedWriter

LINGER_SECONDS: Final = 0.004
POLL_SECONDS: Final = 0.05
"""How often a waiting process looks whether another one changed the file."""


class Broker:
    """Used by any number of house and consumer sides of one process; the last one closes it."""

    def __init__(self, path: Path, *first: Job, connect: Connect = connect_file) -> None:
        """Open a bus that is there, and do `first`. Raises: ConfigurationFault, BusUnavailable."""
        self.path = path
        self._file = open_file(path, connect)
        self._synchronous = ""
        self._seen = self._data_version()
        self._waiting: dict[str, set[Bell]] = {"request": set(), "reply": set()}
        self._users = 1
        try:
            if first:
                self._write(first)
        except sqlite3.Error as error:
            self._file.close()
            raise unavailable(error) from None
        self._writer: GroupedWriter[Job, object] = GroupedWriter(
            "bus-write",
            self._write,
            fault=unavailable,
            linger_seconds=LINGER_SECONDS,
            idle=self._look,
            idle_seconds=POLL_SECONDS,
        )

    async def do(self, job: Job) -> object:
        """Out: the job's result, once its group is committed. Raises: BusUnavailable, Undeliverable."""
        return await self._writer.submit(job)

    def shared(self) -> Broker:
        """Out: the same broker, for one more side; it must be closed once more."""
        self._users += 1
        return self

    async def close(self) -> None:
        """Do what is waiting and close the file, when the last side closes."""
        self._users -= 1
        if self._users == 0:
            await asyncio.to_thread(self._writer.close)
            self._file.close()

    def bell(self, topic: str) -> Bell:
        """Out: what rings when there may be a new `request` or `reply`. Hand it back with `remove`."""
        bell = Bell()
        self._waiting[topic] = self._waiting[topic] | {bell}
        return bell

    def remove(self, topic: str, bell: Bell) -> None:
        """The bell rings no more."""
        self._waiting[topic] = self._waiting[topic] - {bell}

    def _write(self, jobs: Sequence[Job]) -> Sequence[object]:
        """In the thread: a group in one transaction; on the disk at its end if one of its jobs must be."""
        self._sync("FULL" if any(job.durable for job in jobs) else "NORMAL")
        self._file.execute("BEGIN IMMEDIATE")
        try:
            results = [job.run(self._file) for job in jobs]
            self._file.execute("COMMIT")
        except BaseException:
            # A crash or a fault here leaves the file as it was before the group.
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise
        for topic in {job.wakes for job in jobs if job.wakes}:
            self._ring(topic)
        return results

    def _sync(self, mode: str) -> None:
        if mode != self._synchronous:
            self._file.execute(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode

    def _look(self) -> None:
        """In the thread, when nothing is to be done: ring if another process has changed the file."""
        if not any(self._waiting.values()):
            return
        try:
            version = self._data_version()
        except sqlite3.Error:  # the next job meets it too, and tells its caller
            return
        if version != self._seen:
            self._seen = version
            for topic in self._waiting:
                self._ring(topic)

    def _data_version(self) -> int:
        version: int = self._file.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _ring(self, topic: str) -> None:
        for bell in self._waiting[topic]:
            bell.ring()


class Bell:
    """Something to wait for in one event loop and to ring from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        """From any thread."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    def hush(self) -> None:
        """Forget earlier rings: before looking, so that none is missed."""
        self._event.clear()

    async def wait(self, seconds: float | None) -> None:
        """Until it rings, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
