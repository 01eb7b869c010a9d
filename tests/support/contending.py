"""Two processes that want the same thing at the same moment, round after round."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any, Final

from entries import (
    DIGEST,
    NOW,
    ORIGIN,
    OTHER,
    POLICY,
    committed,
    entry,
    fold,
    key,
    one_use,
    settlement,
    standing,
    step,
)
from processes import OWN
from stores import Stores

from adapters.storage.erasing import SqlRetention
from adapters.storage.holding import SqlHolds
from adapters.storage.store import SqlStore
from consent.vocabulary import RecordState
from gateway.audit.retention import Span
from gateway.ports import StoredHold

ROUNDS: Final = 40
Role = Callable[[SqlStore, str, int], Awaitable[object]]
"""In: a store, its URL, the round. Out: what is told of it."""


def _policy(number: int) -> str:
    return f"{number:064x}"


async def _ask(store: SqlStore, origin: str, name: str, number: int) -> str:
    """The same message in both processes, each of which has another exchange in mind for it, in another class."""
    mine = key(f"{name}-{number}", message_id=f"message-{number}", digest=DIGEST)
    return type(await store.append(entry(f"{name} {number}", origin=origin, exchange=mine))).__name__


async def _use(store: SqlStore, origin: str, name: str, number: int) -> str:
    """Another message in each process, in another class, on the one use of the same decision."""
    asked = entry(
        f"{name} {number}",
        origin=origin,
        exchange=key(f"{name}-{number}"),
        use=one_use(f"c-{number + 1}"),
        standing=standing(f"c-{number + 1}", 1),
    )
    return type(await store.append(asked)).__name__


async def _settle(store: SqlStore, number: int, stands: Any) -> str:
    done = entry(
        f"done {number}", exchange=key(f"x-{number}"), settlement=settlement("answered"), standing=stands
    )
    return type(await store.append(done)).__name__


async def _settled(store: SqlStore, number: int) -> bool:
    known = await store.recall("wohngeldstelle", f"message-x-{number}", DIGEST, NOW)
    return known is not None and known.settled


async def _withdraw(store: SqlStore, number: int) -> bool:
    gone = step(f"c-{number + 1}", 2, RecordState.WITHDRAWN)
    await committed(store, f"withdrawn {number}", origin=OTHER, records=(gone,))
    return await _settled(store, number)


async def _switch(store: SqlStore, number: int) -> bool:
    newer = (_policy(number + 1), b"archive")
    await committed(store, f"loaded {number}", origin=OTHER, policy=newer)
    return await _settled(store, number)


async def _place(store: SqlStore, number: int) -> bool:
    """Out: whether the line was gone when the hold was placed."""
    await SqlHolds(store).place(StoredHold(f"h-{number}", NOW, date(2030, 1, 1), b"sealed"))
    return (await store.lines(ORIGIN, number + 1, number + 2))[0].line.event is None


async def _erase(store: SqlStore, url: str, number: int) -> str:
    """Erase one line, as somebody who knows of every hold but the newest."""
    known = [f"h-{before}" for before in range(number)]
    erased = await SqlRetention(store, url).erase(
        ORIGIN, Span(number + 1, number + 2), "erased: IDNrG § 9", (), known
    )
    return "Committed" if erased else "held"


ROLES: Final[dict[str, tuple[Role, Role]]] = {
    "message": (
        lambda store, _, number: _ask(store, ORIGIN, "a", number),
        lambda store, _, number: _ask(store, OTHER, "b", number),
    ),
    "use": (
        lambda store, _, number: _use(store, ORIGIN, "a", number),
        lambda store, _, number: _use(store, OTHER, "b", number),
    ),
    "withdrawal": (
        lambda store, _, number: _settle(store, number, standing(f"c-{number + 1}", 1)),
        lambda store, _, number: _withdraw(store, number),
    ),
    "policy": (
        lambda store, _, number: _settle(
            store, number, standing(policy=POLICY if number == 0 else _policy(number))
        ),
        lambda store, _, number: _switch(store, number),
    ),
    "hold": (
        lambda store, url, number: _erase(store, url, number),
        lambda store, _, number: _place(store, number),
    ),
}
"""By what is wanted: what the one process does, and what the other does."""


def contended(stores: Stores, wanted: str) -> list[tuple[Any, Any]]:
    """Let two processes do their part of `wanted`, at the same moment, in each of ROUNDS. Out: what each was told."""
    told: Any = OWN.Queue()
    start = OWN.Barrier(2)
    processes = [OWN.Process(target=_plays, args=(stores.url, wanted, part, start, told)) for part in (0, 1)]
    for process in processes:
        process.start()
    said = dict(told.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(60)
    return list(zip(said[0], said[1], strict=True))


def _plays(url: str, wanted: str, part: int, start: Barrier, told: Queue[tuple[int, list[object]]]) -> None:
    async def run() -> list[object]:
        store = SqlStore(url, fold)
        said: list[object] = []
        for number in range(ROUNDS):
            await asyncio.to_thread(start.wait, 60)
            said.append(await ROLES[wanted][part](store, url, number))
        await store.close()
        return said

    told.put((part, asyncio.run(run())))
