"""One thread that writes in groups: whatever came while the last group was being written is the next group.

An idle writer writes a single job at once; a busy one writes many for the price of one `fsync`. Jobs are done in the
order they came.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class WriterClosed(Exception):
    """The writer was closed before the job was taken: nothing was written."""


class GroupedWriter(Generic[Job, Result]):
    """Give it jobs from any event loop; its own thread is the only one that ever calls `write`."""

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Job]], Sequence[Result]],
        *,
        fault: Callable[[Exception], Exception],
        weight: Callable[[Job], int] = lambda _: 1,
        most: int = 256,
        linger_seconds: float = 0.0,
        idle: Callable[[], None] | None = None,
        idle_seconds: float | None = None,
    ) -> None:
        """In: `write` does a group and returns a result per job, or raises and has done none of it.

        `fault` makes of a foreign exception the one each waiting caller gets. A group's jobs weigh at most
        `most` (a single heavier one goes alone).
        `idle` is called in the thread after `idle_seconds` without a job.
        """
        self._write, self._fault, self._weight, self._most = write, fault, weight, most
        self._idle, self._idle_seconds = idle, idle_seconds
        self._linger_seconds, self._company, self._wanted = linger_seconds, 0, 1
        self._waiting: deque[_Waiting[Job, Result]] = deque()
        self._closed = False
        self._come = Condition()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, job: Job) -> Result:
        """Out: the job's result, once its group is written. Raises: what `fault` made of the failure."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        with self._come:
            if self._closed:
                raise self._fault(WriterClosed())
            self._waiting.append(_Waiting(job, loop, future))
            if len(self._waiting) >= self._wanted:  # waking the thread costs more than writing a line
                self._come.notify()
        return await future

    def close(self) -> None:
        """Write what is waiting, then end the thread. Idempotent; blocks until it has ended."""
        with self._come:
            self._closed = True
            self._come.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next():
            self._company = max(len(group), self._company * 7 // 8) if len(group) > 1 else 0
            try:
                results: Sequence[Result] | Exception = self._write([waiting.job for waiting in group])
            except Exception as error:  # noqa: BLE001  whatever it is, every waiting caller must hear of it
                results = error
            self._tell(group, results)

    def _next(self) -> list[_Waiting[Job, Result]]:
        """Out: the next group; empty when the writer is closed and nothing is left.

        Where the last groups had company, as many are waited for a moment, and no longer than until they are there.
        """
        while not self._has_come(1, self._idle_seconds):
            if self._idle is not None:
                self._idle()
        self._has_come(self._company, self._linger_seconds)
        group: list[_Waiting[Job, Result]] = []
        weight = 0
        while self._waiting:
            weight += self._weight(self._waiting[0].job)
            if group and weight > self._most:
                break
            group.append(self._waiting.popleft())
        return group

    def _has_come(self, wanted: int, seconds: float | None) -> bool:
        """Wait for so many jobs, or the writer's end. Out: False: neither came in that time (None: for ever)."""
        with self._come:
            self._wanted = wanted
            come = self._come.wait_for(lambda: self._closed or len(self._waiting) >= wanted, seconds)
            self._wanted = 1
            return come

    def _tell(self, group: Sequence[_Waiting[Job, Result]], results: Sequence[Result] | Exception) -> None:
        told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Result], Result | Exception]]] = {}
        for at, waiting in enumerate(group):
            result = self._fault(results) if isinstance(results, Exception) else results[at]
            told.setdefault(waiting.loop, []).append((waiting.future, result))
        for loop, outcomes in told.items():
            try:
                loop.call_soon_threadsafe(_resolve, outcomes)
            except RuntimeError:  # the loop is closed: nobody waits any more, what is written stays written
                continue


class _Waiting(Generic[Job, Result]):
    __slots__ = ("future", "job", "loop")

    def __init__(self, job: Job, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Result]) -> None:
        self.job, self.loop, self.future = job, loop, future


def _resolve(outcomes: Sequence[tuple[asyncio.Future[Result], Result | Exception]]) -> None:
    for future, outcome in outcomes:
        if future.done():  # the caller went away; what is written stays written
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
