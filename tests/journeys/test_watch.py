"""The watch over a house that works: what is stuck is named, said once, and ended when nobody goes on with it."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import law_changes
import pytest
import submitting
from exempting import DAYS, by_number, holds, released
from journal_lines import every_end, is_of, lines
from odd_register import honest
from peopled import ORDINARY
from putting_off import forgets, put_off
from reloading import question
from town import Town

from adapters.bus.embedded import EmbeddedBus
from gateway import serve, telemetry
from gateway.errors import BusUnavailable, RegisterUnavailable
from gateway.health import Health
from gateway.ports import Register
from gateway.stages import Mandate
from gateway.watching import Watchman, keep_watch, look


async def breaks_off(mandate: Mandate, values: Any, replaces: Any, real: Register) -> Any:
    await real.write(mandate, values, replaces)
    raise RegisterUnavailable("melderegister")


async def watched(town: Town) -> tuple[EmbeddedBus, Watchman]:
    bus = await town.opened.bus()
    assert isinstance(bus, EmbeddedBus)
    return bus, town.opened.watchman(bus)


def kinds(health: Health) -> list[tuple[str, str | None]]:
    return [(trouble.kind, trouble.exchange) for trouble in health.troubles]


async def test_what_is_put_off_is_well_while_the_bus_has_it(town: Town) -> None:
    """Also long after its deadline: it comes back, and ends then."""
    await put_off(town, await question(town))
    bus, watchman = await watched(town)
    health, _ = await look(watchman)
    assert (health.green, health.in_flight, health.by_lines) == (True, 1, 1)
    town.clock.passes(days=2)
    assert (await keep_watch(watchman, health)).green
    await bus.close()


async def test_a_lost_exchange_is_named_and_ends_with_its_deadline(town: Town) -> None:
    """By exchange, message and consumer; when its time is over it ends as expired, once, and gives its use back."""
    request = await question(town)
    exchange = await put_off(town, request)
    forgets(town)
    bus, watchman = await watched(town)
    health = await keep_watch(watchman, None)
    [trouble] = health.troubles
    assert (trouble.kind, trouble.exchange) == ("lost", exchange)
    assert (trouble.consumer, trouble.message) == ("wohngeldstelle", request.message_id)
    kept = town.root / "data/health.json"
    assert json.loads(kept.read_text("utf-8")) == health.facts
    assert kept.stat().st_mode & 0o777 == 0o600
    town.clock.passes(days=2)
    health = await keep_watch(watchman, health)
    assert (health.green, health.in_flight, health.by_lines) == (True, 0, 0)
    await keep_watch(watchman, health)
    told = await lines(town.opened.store)
    assert every_end(told)[exchange] == "expired"
    [end] = [line for line in told if line.exchange == exchange and line.kind == "expired"]
    assert (end.event["reasons"], end.event["consumer"]) == (["deadline-passed"], "wohngeldstelle")
    assert await is_of(end, f"idnr:{ORDINARY.idnr}", town), "the asker named the person by number"
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection:
        assert connection.execute("select count(*) from use").fetchone()[0] == 0
    await bus.close()
    assert holds(town)


async def test_a_consumer_that_is_removed_leaves_nothing_under_way(town: Town) -> None:
    """Its delivery comes back from nobody, is quarantined, and is gone: the exchange is named, and ends in time."""
    exchange = await put_off(town, await question(town))
    for file in (town.root / "consumers/wohngeldstelle.toml", *(town.root / "grants").glob("wohngeld*")):
        file.unlink()
    await law_changes.takes_over(town)
    await town.opened.house.policies.refresh()
    town.clock.passes(minutes=10)
    bus, watchman = await watched(town)
    async for delivery in bus.deliveries():
        await serve.attend(delivery, town.opened.service(bus))
        await bus.stop()
    health = await keep_watch(watchman, None)
    assert kinds(health) == [("lost", exchange)]
    town.clock.passes(days=2)
    assert (await keep_watch(watchman, health)).green
    await bus.close()
    assert sorted(every_end(await lines(town.opened.store)).values()) == ["expired", "quarantined"]
    assert holds(town)


async def test_what_a_register_wrote_is_never_called_expired(town: Town) -> None:
    """A submission that was put on file and not told yet stays what it is: under way, and named."""
    request = await submitting.submits(town, ORDINARY)
    exchange = await put_off(town, request, honest, breaks_off)
    forgets(town)
    town.clock.passes(days=2)
    bus, watchman = await watched(town)
    health = await keep_watch(watchman, None)
    assert kinds(health) == [("overdue", exchange)]
    assert "register has written" in health.troubles[0].mend
    await bus.close()


async def test_what_a_register_wrote_is_never_called_expired_though_its_line_is_damaged(town: Town) -> None:
    """Which register it was about can't be read any more: each is asked whether it wrote something."""
    exchange = await put_off(town, await submitting.submits(town, ORDINARY), honest, breaks_off)
    bus, watchman = await watched(town)
    await keep_watch(watchman, None)
    forgets(town)
    [first] = [
        line for line in await lines(town.opened.store) if line.exchange == exchange and line.kind == "asked"
    ]
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        where = "shard = (select id from shard where origin = ?) and idx = ?"
        place = (first.position.origin, first.position.index)
        connection.execute(f"update line set event = x'ff00' where {where}", place)
    town.clock.passes(days=2)
    assert ("overdue", exchange) in kinds(await keep_watch(watchman, None))
    await bus.close()


async def test_what_a_register_wrote_is_never_called_expired_though_its_line_was_changed(town: Town) -> None:
    """So that no register seems to have been asked: what does not open its leaf says nothing."""
    exchange = await put_off(town, await submitting.submits(town, ORDINARY), honest, breaks_off)
    bus, watchman = await watched(town)
    await keep_watch(watchman, None)
    forgets(town)
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        event = "cast(json_remove(cast(event as text), '$.register') as blob)"
        mine = "json_extract(cast(event as text), '$.exchange') = ?"
        assert connection.execute(f"update line set event = {event} where {mine}", (exchange,)).rowcount
    town.clock.passes(days=2)
    assert ("overdue", exchange) in kinds(await keep_watch(watchman, None))
    await bus.close()


async def test_what_a_register_did_not_write_is_ended(town: Town) -> None:
    """And it will not be written later."""

    async def fails(mandate: Mandate, _values: Any, _replaces: Any, _real: Register) -> Any:
        raise RegisterUnavailable(mandate.permit.register)

    exchange = await put_off(town, await submitting.submits(town, ORDINARY), honest, fails)
    forgets(town)
    town.clock.passes(days=2)
    bus, watchman = await watched(town)
    assert (await keep_watch(watchman, None)).green
    assert every_end(await lines(town.opened.store))[exchange] == "expired"
    await bus.close()
    assert submitting.entries(town.root) == []


async def test_what_is_kept_from_its_person_stays_kept(kept: Town) -> None:
    """An exempt exchange that is lost ends sealed, and is told on its day."""
    exchange = await put_off(kept, by_number(ORDINARY, kept))
    forgets(kept)
    kept.clock.passes(days=2)
    bus, watchman = await watched(kept)
    assert (await keep_watch(watchman, None)).green
    await bus.close()
    assert every_end(await lines(kept.opened.store))[exchange] == "exempt"
    kept.clock.passes(days=DAYS)
    assert await released(kept) == 1
    assert holds(kept)


async def test_red_is_said_once_and_green_again(town: Town) -> None:
    """With the exchange's id and nothing else of it."""
    exchange = await put_off(town, await question(town))
    forgets(town)
    said = io.StringIO()
    telemetry.configure(said)
    bus, watchman = await watched(town)
    health = await keep_watch(watchman, None)
    health = await keep_watch(watchman, health)
    town.clock.passes(days=2)
    await keep_watch(watchman, health)
    await bus.close()
    told = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [(one["event"], one.get("exchange")) for one in told] == [
        ("health-red", exchange),
        ("exchange-expired", exchange),
        ("health-green", None),
    ]


async def test_a_bus_that_is_away_ends_nothing(town: Town) -> None:
    """Whoever can't ask it does not know what it has."""

    class Away:
        async def holds(self, requests: Any) -> Any:
            raise BusUnavailable("bus")

    exchange = await put_off(town, await question(town))
    town.clock.passes(days=2)
    bus, watchman = await watched(town)
    with pytest.raises(BusUnavailable):
        await keep_watch(replace(watchman, bus=Away()), None)
    assert exchange not in {
        line.exchange for line in await lines(town.opened.store) if line.kind == "expired"
    }
    await bus.close()


async def test_a_serving_house_looks_by_itself(town: Town) -> None:
    """data/health.json is there as soon as it serves."""
    bus, stop = await town.opened.bus(), asyncio.Event()
    looked = asyncio.Event()

    async def rests(seconds: float) -> None:
        if seconds == 7.0:
            looked.set()
        await asyncio.Event().wait()

    service = replace(town.opened.service(bus), rest=rests, watch_seconds=7.0)
    serving = asyncio.create_task(serve.serve(service, stop))
    await looked.wait()
    stop.set()
    await serving
    await bus.close()
    assert json.loads((town.root / "data/health.json").read_text("utf-8"))["green"] is True
