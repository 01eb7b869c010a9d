"""Durable log lines: made ones, handed to the journal's store by many that wait, as exchanges do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Final

from gateway.assembly import Opened
from gateway.audit import labels
from gateway.cli.bench.measuring import elapsed
from gateway.journal.shards import OpenShard
from gateway.ports import Committed, Entry, Line

EVENT_BYTES: Final = 900
"""About as long as the event of an answered exchange."""
SUBJECTS: Final = 100_000
_EVENT: Final = b"{" + b"e" * (EVENT_BYTES - 2) + b"}"


async def newest(opened: Opened) -> OpenShard:
    """Out: the open shard of the default class."""
    return await opened.shards.current(opened.home.settings.log.default_class, opened.house.clock.now())


def lines(opened: Opened, count: int, first: int = 0) -> Iterator[Line]:
    """Out: lines of so many subjects, one after the other in turns, their labels all over the place."""
    for number in range(first, first + count):
        salt = opened.house.ids.random(labels.SALT_BYTES)
        label = labels.sealed(b"einmal-bench", str(number % SUBJECTS))
        yield Line(labels.leaf(label, labels.commit(salt, _EVENT)), salt, _EVENT)


async def append(opened: Opened, given: Iterable[Sequence[Line]], waiting: int = 1) -> None:
    """Append entry by entry, that many of them waiting at any time."""
    now, shard = opened.house.clock.now(), await newest(opened)
    entries = iter([Entry(shard.origin, tuple(some), now) for some in given])

    async def hand() -> None:
        for entry in entries:
            result = await opened.store.append(entry)
            assert isinstance(result, Committed)

    await asyncio.gather(*(hand() for _ in range(waiting)))


async def fill(opened: Opened, first: int, count: int) -> None:
    """Append many lines quickly, those after the `first` ones."""
    for start in range(first, first + count, 10_000):
        made = list(lines(opened, min(10_000, first + count - start), start))
        await append(opened, [made[at : at + 256] for at in range(0, len(made), 256)], waiting=2)


async def rate(opened: Opened, waiting: int, count: int, rounds: int = 5) -> float:
    """Out: durable lines a second, each an entry of its own, so many waiting: the median of some rounds."""
    found: list[float] = []
    for _ in range(rounds):
        given = [[line] for line in lines(opened, count // rounds)]
        seconds, _ = await elapsed(append(opened, given, waiting))
        found.append(len(given) / seconds)
    return median(found)
