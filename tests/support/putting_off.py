"""An exchange that is put off because its register is down, and a bus that forgets it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from journal_lines import lines
from odd_register import Behave, Write, guarded
from town import Town

from consent.vocabulary import Found, NotFound
from gateway import serve
from gateway.errors import RegisterUnavailable
from gateway.ports import Outbound, Register
from gateway.stages import Mandate


async def down(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


async def put_off(town: Town, request: Outbound, behave: Behave = down, writes: Write | None = None) -> str:
    """A request comes in while its register is down. Out: its exchange, which is put off."""
    store, bus, consumer = town.opened.store, await town.opened.bus(), town.opened.consumer_bus()
    house, _ = guarded(town.opened.house, store, behave, *([writes] if writes else []))
    await consumer.publish(request)
    await consumer.close()
    service = serve.Service(house, bus, store, 1, 5, 10)
    async for delivery in bus.deliveries():
        await serve.attend(delivery, service)
        await bus.stop()
    await bus.close()
    [exchange] = {line.exchange for line in await lines(store) if line.kind == "postponed"}
    assert exchange
    return exchange


def forgets(town: Town) -> None:
    """The bus loses what it has."""
    with closing(sqlite3.connect(town.root / "data/bus.sqlite3")) as connection, connection:
        connection.execute("delete from request")
