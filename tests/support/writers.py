"""Writers of one log, each a process of its own that may be killed at any moment; and who kills them.

Each keeps, in files of its own and before anybody is told: every note it signs, and every exchange it has answered.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final

import midnight
import town as towns
from processes import OWN
from town import StillClock

from adapters.clock import SystemClock
from gateway.exchange import handle
from gateway.stages import Reply

WRITERS: Final = 8
INDEXERS: Final = 2
"""How many of the writers make epochs as well."""
LANES: Final = 4
NOTES, ACKS = "notes", "acks"
_OVER = "over"


class RunningClock(StillClock):
    """Runs in real time: `start` is what it showed when the real clock showed `since`."""

    def __init__(self, start: datetime, since: datetime) -> None:
        super().__init__(start)
        self._since = since

    def now(self) -> datetime:
        return self.moment + (SystemClock().now() - self._since)


class _Paper:
    """A file that holds what was put into it, whatever happens to the process: a line at a time, by one `write`."""

    def __init__(self, root: Path, kind: str) -> None:
        path = root / f"{kind}-{os.getpid()}-{secrets.token_hex(4)}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def put(self, text: str) -> None:
        os.write(self._file, json.dumps(text).encode() + b"\n")


def papers(root: Path, kind: str) -> list[str]:
    """Out: what all writers together have put down; what a death cut off was never said to anybody."""
    lines = [line for path in root.glob(f"{kind}-*") for line in path.read_bytes().split(b"\n")[:-1]]
    return [json.loads(line) for line in lines]


def over(out: Path) -> bool:
    """Out: whether writers are to end."""
    return (out / _OVER).exists()


def writes(root: str, out: str, since: datetime, seconds: float, indexes: bool) -> None:
    """Answer questions until it is over, in several lanes, through the end of a month; make epochs meanwhile, if asked
    to."""
    clock = RunningClock(midnight.EVE - timedelta(seconds=seconds / 2), since)
    asyncio.run(_writes(Path(root), Path(out), clock, indexes))


async def _writes(root: Path, out: Path, clock: RunningClock, indexes: bool) -> None:
    town = await towns.opened(root, clock)
    notes, acks = _Paper(out, NOTES), _Paper(out, ACKS)
    _noted(vars(town.opened.shards)["_signing"], "sign", notes)
    _noted(vars(town.opened.epochs)["_outputs"], "sign", notes)

    async def lane() -> None:
        while not over(out):
            question = midnight.parking(town)
            result = await handle(town.delivery(question), town.opened.house)
            if isinstance(result, Reply):
                acks.put(question.message_id)

    async def index() -> None:
        while not over(out):
            await town.opened.epochs.make(clock.now())

    await asyncio.gather(*(lane() for _ in range(LANES)), *([index()] if indexes else []))
    await town.opened.close()


def _noted(signer: Any, method: str, notes: _Paper) -> None:
    """What that method signs is on paper before anybody gets it."""
    signs = getattr(signer, method)

    def noted(*given: Any) -> str:
        note: str = signs(*given)
        notes.put(note)
        return note

    setattr(signer, method, noted)


@dataclass
class Killer:
    """Keeps so many writers alive, and kills one after the other, for so long after the first answer."""

    root: Path
    out: Path
    seconds: float
    pause: float
    """How long it waits at most before it kills again."""
    killed: int = 0
    failed: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Out: nobody writes any more; `failed` has the exit codes of who ended otherwise."""
        self.out.mkdir()
        clock = SystemClock()
        since = clock.now()
        until: datetime | None = None
        alive: dict[int, Any] = {}
        while not self.failed and (until is None or clock.now() < until):
            for at in set(range(WRITERS)) - alive.keys():
                alive[at] = self._start(since, at < INDEXERS)
            ended = wait(
                [process.sentinel for process in alive.values()],
                timeout=self.pause * secrets.randbelow(1000) / 1000,
            )
            for at, process in list(alive.items()):
                if process.sentinel in ended:
                    self._ended(alive.pop(at))
            if until is None and papers(self.out, ACKS):  # nobody dies before the first answer
                until = clock.now() + timedelta(seconds=self.seconds)
            if not ended and until is not None:
                process = alive.pop(secrets.choice(list(alive)))
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                self.killed += 1
        (self.out / _OVER).touch()
        for process in alive.values():
            self._ended(process)

    def _start(self, since: datetime, indexes: bool) -> Any:
        given = (str(self.root), str(self.out), since, self.seconds, indexes)
        process = OWN.Process(target=writes, args=given)
        process.start()
        return process

    def _ended(self, process: Any) -> None:
        process.join(120)
        if process.exitcode != 0:
            self.failed.append(process.exitcode)
