"""The watch over what keeps the house: erasing that fails or does not run, a look that fails, a damaged line."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from letters import asking
from peopled import ORDINARY
from town import Town

from gateway import serve
from gateway.audit.retention import Rule
from gateway.errors import JournalUnavailable
from gateway.exchange import handle
from gateway.keeping.lastrun import LastRun
from gateway.keeping.retention import NoRule
from gateway.watching import look


async def seen(town: Town) -> list[tuple[str, str]]:
    """Out: what a look finds."""
    bus = await town.opened.bus()
    try:
        health, _ = await look(town.opened.watchman(bus))
    finally:
        await bus.close()
    return [(trouble.kind, trouble.text) for trouble in health.troubles]


async def answered(town: Town) -> None:
    question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    await handle(town.delivery(question), town.opened.house)


async def test_what_is_due_and_still_there_is_red(town: Town) -> None:
    """Nobody erased for years: red, until it is done."""
    await answered(town)
    assert await seen(town) == []
    town.clock.passes(days=800)
    [(kind, text)] = await seen(town)
    assert kind == "retention"
    assert "lines due" in text
    now = town.clock.now()
    await town.opened.retention().run(now, clock_is_right=True)
    assert await seen(town) == []


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(days=9)])
async def test_a_word_that_no_run_wrote_hides_no_shard_that_is_over(town: Town, ahead: timedelta) -> None:
    """Somebody writes down that all is settled: the months' names say otherwise."""
    await answered(town)
    town.clock.passes(days=800)
    town.opened.retention().slate.keep_run(LastRun(town.clock.now() + ahead).render())
    [(kind, text)] = await seen(town)
    assert (kind, "lines due" in text) == ("retention", True)


async def test_a_run_that_failed_is_red(town: Town) -> None:
    """Though nothing is due yet: a class has no rule, and the next run that succeeds ends it."""
    await answered(town)
    now = town.clock.now()
    without = replace(town.opened.retention(), rules=(Rule("24m", "IDNrG § 9", 24),))
    with pytest.raises(NoRule):
        await without.run(now)
    [(kind, text)] = await seen(town)
    assert (kind, "retention of 12m" in text) == ("retention", True)
    await town.opened.retention().run(now)
    assert await seen(town) == []


async def test_a_class_without_rule_is_late_before_any_run(town: Town) -> None:
    """Of its lines nobody can say when they are due."""
    await answered(town)
    without = replace(town.opened.retention(), rules=(Rule("24m", "IDNrG § 9", 24),))
    assert await without.late(town.clock.now()) == "retention of 12m"


@pytest.mark.parametrize("time", ["2026-11-21T12:00:00", "never", 7])
async def test_a_damaged_time_stops_no_look(town: Town, time: Any) -> None:
    """A line that can't be read says nothing; `log verify` names it."""
    await answered(town)
    damaged = json.dumps({"kind": "asked", "time": time, "exchange": "x"}).encode()
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        connection.execute("update line set event = ? where idx = 1", (damaged,))
    assert await seen(town) == []


async def test_a_look_that_fails_is_red(town: Town) -> None:
    """An older green is not left standing."""
    bus, stop = await town.opened.bus(), asyncio.Event()
    watchman = town.opened.watchman(bus)
    told: list[Any] = []

    class Breaks:
        async def look(self, *given: Any) -> Any:
            if told:
                raise JournalUnavailable("storage")
            return await watchman.watch.look(*given)

    async def rests(seconds: float) -> None:
        if seconds == 7.0:
            told.append(json.loads((town.root / "data/health.json").read_text("utf-8")))
            if len(told) == 1:
                return
            stop.set()
        await asyncio.Event().wait()

    watch: Any = Breaks()
    service = replace(
        town.opened.service(bus), rest=rests, watch_seconds=7.0, watchman=replace(watchman, watch=watch)
    )
    async with asyncio.timeout(30):
        await serve.serve(service, stop)
    await bus.close()
    assert [health["green"] for health in told] == [True, False]
    assert [trouble["kind"] for trouble in told[1]["troubles"]] == ["watch"]
    assert "storage" in told[1]["troubles"][0]["text"]
