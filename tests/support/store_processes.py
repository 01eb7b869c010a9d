"""Other processes on the same database: they append."""

from __future__ import annotations

import asyncio
from multiprocessing.connection import Connection as Pipe

from entries import entry, fold, key, settlement

from adapters.storage.store import SqlStore
from gateway.ports import Committed


def write_until_killed(url: str, name: str, told: Pipe) -> None:
    """In another process: append and settle exchanges for ever; tell each one after its commit."""

    async def run() -> None:
        store = SqlStore(url, fold)
        count = 0
        while True:
            names = [f"{name}-{count + at}" for at in range(8)]
            await asyncio.gather(*(store.append(entry(one, exchange=key(one))) for one in names))
            done = await asyncio.gather(
                *(
                    store.append(entry(f"{one} done", exchange=key(one), settlement=settlement()))
                    for one in names
                )
            )
            count += len(names)
            for one, result in zip(names, done, strict=True):
                assert isinstance(result, Committed)
                told.send((one, result.first.index))

    asyncio.run(run())


def write_some(url: str, name: str, count: int, told: Pipe) -> None:
    """In another process: append `count` lines, eight at a time; tell where they stand."""

    async def run() -> None:
        store = SqlStore(url, fold)
        for start in range(0, count, 8):
            names = [f"{name}-{at}" for at in range(start, min(start + 8, count))]
            for one, result in zip(
                names, await asyncio.gather(*(store.append(entry(n)) for n in names)), strict=True
            ):
                assert isinstance(result, Committed)
                told.send((one, result.first.index))
        await store.close()
        told.send(None)

    asyncio.run(run())
