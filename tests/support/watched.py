"""A small log for the watch: exchanges whose lines say who they are, and tables that are tampered with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from entries import NOW, ORIGIN, committed, key, line, settlement
from stores import SqliteStores

from adapters.storage.store import SqlStore
from adapters.storage.watching import SqlWatch
from gateway.audit.record import stamp
from gateway.keeping.seen import Look, Seen
from gateway.keeping.watch import Watch
from gateway.ports import Committed, Line

PATIENCE: Final = timedelta(hours=1)


@dataclass
class Held:
    """Port BusView: has the requests of these exchanges."""

    names: set[str] = field(default_factory=set)

    async def holds(self, requests: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        mine = {("wohngeldstelle", f"message-{name}") for name in self.names}
        return mine & set(requests)


def told(name: str, kind: str, time: datetime = NOW) -> Line:
    """Out: a line of that exchange."""
    event = {"exchange": f"exchange-{name}", "kind": kind, "time": stamp(time), "v": 1}
    return line(f"{name} {kind}", event=json.dumps(event).encode())


async def asked(store: SqlStore, name: str, time: datetime = NOW, **changes: Any) -> Committed:
    """An exchange begins."""
    return await committed(
        store, name, exchange=key(name), **({"lines": (told(name, "asked", time),)} | changes)
    )


async def ended(store: SqlStore, name: str, kind: str = "answered", persons: int = 1) -> Committed:
    """An exchange ends, with a line for each person."""
    lines = (told(name, kind),) * persons
    return await committed(store, name, exchange=key(name), lines=lines, settlement=settlement(kind))


async def look(
    store: SqlStore, seen: Seen | None = None, bus: Held | None = None, now: datetime = NOW
) -> Look:
    """One look over everything that is new."""
    return await Watch(SqlWatch(store), store, PATIENCE).look(seen or Seen(), now, bus)


def gaps(found: Look) -> list[tuple[str, str]]:
    """Out: what is wrong with which exchange."""
    return [(str(one.gap), one.exchange.removeprefix("exchange-")) for one in found.stuck]


def tampered(stores: SqliteStores, *statements: str) -> None:
    """Change the database behind everybody's back."""
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def erased(stores: SqliteStores, index: int, origin: str = ORIGIN) -> None:
    """A line's time is over."""
    tampered(
        stores,
        f"update line set salt = null, event = null, withheld = 'erased: test' where idx = {index}"
        f" and shard = (select id from shard where origin = '{origin}')",
    )
