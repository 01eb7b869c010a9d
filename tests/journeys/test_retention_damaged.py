"""Erasing beside damage (LOG.md 8): a line that can't be read keeps nothing else, and is not kept for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from letters import asking
from peopled import ORDINARY
from town import Town

from gateway.audit.record import Event, Kind
from gateway.audit.retention import Rule
from gateway.errors import Fault
from gateway.exchange import handle
from gateway.keeping.holding import Hold
from gateway.keeping.lastrun import LastRun
from gateway.keeping.retention import Damaged
from gateway.ports import RetentionStore

WRITTEN = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
DUE = datetime(2028, 11, 22, 12, tzinfo=UTC)
OVER = datetime(2028, 12, 2, 12, tzinfo=UTC)
MONTH = "musterstadt.example/24m/2026-11"


async def written(town: Town) -> None:
    told = Event(kind=Kind.READ_BY, time=WRITTEN, reasons=("x",))
    await town.opened.journal.house_event(told, WRITTEN, subject="reg:x:x")


def damaged(town: Town, event: bytes, index: int = 1) -> None:
    """A line of the month is changed behind everybody's back."""
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        place = "idx = ? and shard = (select id from shard where origin = ?)"
        connection.execute(f"update line set event = ? where {place}", (event, index, MONTH))


async def left(town: Town) -> list[int]:
    """Out: which lines of the month can be opened, but for its first."""
    lines = await town.opened.store.lines(MONTH, 1, 10_000)
    return [one.position.index for one in lines if one.line.event is not None]


async def run(town: Town, now: datetime) -> tuple[str, ...]:
    """Out: which shards were destroyed."""
    return (await town.opened.retention().run(now, clock_is_right=True)).destroyed


@pytest.mark.parametrize(
    "event",
    [
        b"\xff\xfe",
        b"{",
        b"[]",
        b"{}",
        b'{"kind": "asked"}',
        b'{"kind": "asked", "time": 7}',
        b'{"kind": "asked", "time": "2026-11-21"}',
        b'{"kind": "asked", "time": "0001-01-01T00:00:00+14:00"}',
        b'{"kind": "asked", "time": "9999-12-31T23:59:59Z"}',
        b'{"kind": ["asked"], "time": "2026-11-21T12:00:00Z"}',
        b'{"kind": "asked", "time": "2026-11-21T12:00:00Z", "exchange": ["x"]}',
        b"[" * 100_000,
    ],
)
async def test_a_damaged_line_goes_with_the_last_of_its_shard(town: Town, event: bytes) -> None:
    """Whatever stands in it: the lines beside it go on their day, which is told; it goes when all of them must."""
    await written(town)
    damaged(town, event)
    [*_, due] = await town.opened.retention().plan(DUE)
    assert (due.next, due.unread) == (date(2028, 12, 2), True)
    with pytest.raises(Damaged, match=MONTH):
        await run(town, DUE)
    assert await left(town) == [1]
    assert MONTH in await run(town, OVER)


async def test_other_shards_are_erased_beside_one_that_fails(town: Town) -> None:
    """What is held of it can't be copied, since its first line is damaged: another class's lines go all the same."""
    question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    await handle(town.delivery(question), town.opened.house)
    await written(town)
    hold = Hold("h-1", "Klage", "ZPO § 142", "Rechtsamt", date(2029, 6, 30), ("reg:x:x",))
    await town.opened.holds().place(hold, WRITTEN)
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        connection.execute("delete from held")
        first = "idx = 0 and shard in (select id from shard where retention = '12m')"
        connection.execute(f"update line set salt = null where {first}")
    with pytest.raises(Fault, match="hold"):
        await run(town, DUE)
    assert await left(town) == []


async def test_an_error_in_one_shard_keeps_nothing_of_another(town: Town) -> None:
    """A period that ends beyond the calendar: the class is named once all else is erased and the files are settled, and
    so is that in what the run leaves behind."""
    question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    await handle(town.delivery(question), town.opened.house)
    await written(town)
    own = town.opened.retention()
    endless = replace(own, rules=(Rule("12m", "ewig", 12 * 9_000), Rule("24m", "IDNrG § 9", 24)))
    with pytest.raises(Damaged) as wrong:
        await endless.run(DUE, clock_is_right=True)
    assert wrong.value.where == f"lines of {MONTH.replace('24m', '12m')}"
    assert await left(town) == []
    last = LastRun.parse(own.slate.last_run())
    assert (last.settled, last.failed) == (None, wrong.value.where)
    assert (await own.run(DUE, clock_is_right=True)).lines > 0
    assert LastRun.parse(own.slate.last_run()) == LastRun(DUE, None, DUE)


class InUse:
    """A store whose files somebody reads whenever they are to be emptied."""

    def __init__(self, store: RetentionStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def settle(self, _vacuum: bool) -> bool:
        return False


async def test_a_run_that_left_something_in_the_files_is_not_the_last_good_one(town: Town) -> None:
    """A reader was in the way: the lines are erased, and the older day stays the one on which nothing was left."""
    await written(town)
    own = town.opened.retention()
    assert (await own.run(WRITTEN, clock_is_right=True)).settled
    busy: Any = InUse(own.store)
    done = await replace(own, store=busy).run(DUE, clock_is_right=True)
    assert (done.lines > 0, done.settled, await left(town)) == (True, False, [])
    assert LastRun.parse(own.slate.last_run()) == LastRun(WRITTEN, None, DUE)
    assert (await own.run(DUE, clock_is_right=True)).settled
    assert LastRun.parse(own.slate.last_run()).settled == DUE
