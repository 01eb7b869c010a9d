"""A clock that leapt forward erases nothing (gateway.keeping.leaping); one that was ahead is seen."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import exempting
import pytest
from journal_lines import lines
from peopled import ORDINARY
from town import Town

from gateway import serve
from gateway.audit.record import Event, Kind
from gateway.exchange import handle
from gateway.keeping.lastrun import LastRun
from gateway.keeping.leaping import ClockLeap
from gateway.watching import look

WRITTEN = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
LEAPT = datetime(2030, 1, 10, 3, tzinfo=UTC)
ORIGIN = "musterstadt.example/24m/2026-11"


async def line(town: Town, time: datetime) -> None:
    await town.opened.journal.house_event(Event(kind=Kind.READ_BY, time=time), time, subject="reg:x:x")


async def kept(town: Town) -> list[str]:
    lines = await town.opened.store.lines(ORIGIN, 1, 10_000)
    return [json.loads(one.line.event)["kind"] for one in lines if one.line.event is not None]


async def test_a_clock_that_leapt_erases_nothing(town: Town) -> None:
    """Neither lines nor decisions, and no shard is begun by it; the way on is told by the fault's first word."""
    record = await town.chooses(ORDINARY)
    await line(town, WRITTEN)
    before, shards = await kept(town), await town.opened.store.shards()
    with pytest.raises(ClockLeap, match=r"clock leap of \d+ days$"):
        await town.opened.retention().run(LEAPT)
    assert await kept(town) == before
    assert await town.opened.store.record(record) is not None
    assert await town.opened.store.shards() == shards


async def test_what_a_house_writes_with_a_wrong_clock_does_not_vouch_for_it(town: Town) -> None:
    """A refusal a minute after the leap is a line of the leapt time: still nothing is erased."""
    await line(town, WRITTEN)
    await line(town, LEAPT - timedelta(minutes=1))
    before = await kept(town)
    with pytest.raises(ClockLeap):
        await town.opened.retention().run(LEAPT)
    assert await kept(town) == before


async def test_who_says_that_the_clock_is_right_has_it_erased(town: Town) -> None:
    """A house in which nobody asked anything for years: once somebody looked at its clock, what is due goes."""
    await line(town, WRITTEN)
    assert (await town.opened.retention().run(LEAPT, clock_is_right=True)).lines > 0
    assert await kept(town) == []


async def test_a_month_without_a_line_is_no_leap(town: Town) -> None:
    """To the last second; and one more is."""
    await line(town, WRITTEN)
    last = WRITTEN + timedelta(days=31)
    with pytest.raises(ClockLeap):
        await town.opened.retention().run(last + timedelta(seconds=1))
    assert (await town.opened.retention().run(last)).lines == 0


async def test_a_house_that_looks_every_day_may_be_silent(town: Town) -> None:
    """What counts is the last run, whether or not anybody asked anything since the last line."""
    await line(town, WRITTEN)
    for days in (1, 31, 62):
        await town.opened.retention().run(WRITTEN + timedelta(days=days))


async def test_a_believed_time_that_is_still_to_come_vouches_for_no_clock(town: Town) -> None:
    """Whoever can write the file beside the database has nothing erased by it."""
    await line(town, WRITTEN)
    before, retention = await kept(town), town.opened.retention()
    retention.slate.keep_run(LastRun(believed=datetime(9999, 1, 1, tzinfo=UTC)).render())
    with pytest.raises(ClockLeap):
        await retention.run(LEAPT)
    assert await kept(town) == before


@pytest.mark.parametrize("looked", [True, False])
async def test_a_clock_that_stays_wrong_is_never_believed(town: Town, looked: bool) -> None:
    """However long it goes on, and whatever is written by it; once it is right again, or somebody says that it is, the
    house goes on. Also where the first run of all is by the wrong clock."""
    await line(town, WRITTEN)
    if looked:
        await town.opened.retention().run(WRITTEN + timedelta(hours=1))
    before = await kept(town)
    for hours in (0, 12, 25, 49, 480):
        with pytest.raises(ClockLeap):
            await town.opened.retention().run(LEAPT + timedelta(hours=hours))
        await line(town, LEAPT + timedelta(hours=hours))
    assert (await kept(town))[: len(before)] == before
    await town.opened.retention().run(WRITTEN + timedelta(days=2))
    assert (await town.opened.retention().run(LEAPT, clock_is_right=True)).lines > 0
    await town.opened.retention().run(LEAPT + timedelta(days=2))


async def test_a_clock_that_leapt_tells_nothing_that_is_kept_secret(town: Town) -> None:
    """What a law keeps from its person until a day is not told by a clock that is ahead, and no month begins by it."""
    await exempting.parking_is_exempt(town, exempting.DAYS, by_number=True)
    await handle(town.delivery(exempting.by_number(ORDINARY, town)), town.opened.house)
    shards = await town.opened.store.shards()
    town.clock.passes(days=1200)
    bus = await town.opened.bus()
    with pytest.raises(ClockLeap):
        await serve.tidy(town.opened.service(bus))
    assert await town.opened.store.shards() == shards
    assert Kind.RELEASED not in [one.kind for one in await lines(town.opened.store)]
    await bus.close()


async def test_a_month_begun_too_early_is_red(town: Town) -> None:
    """The clock was ahead, began a month, and was set back: there is no line of that time, and it is seen."""
    bus = await town.opened.bus()
    watchman = town.opened.watchman(bus)
    assert (await look(watchman))[0].green
    await town.opened.shards.roll(LEAPT)
    [trouble] = (await look(watchman))[0].troubles
    assert (trouble.kind, "2030-01" in trouble.text) == ("clock", True)
    await bus.close()


async def test_lines_that_a_clock_put_into_another_month_are_no_damage(town: Town) -> None:
    """It was ahead, began a month, and came back: rightly dated lines stand in that month's shard. No run fails for
    them, each says where they are, and they stay until the last day of their shard."""
    ahead = datetime(2027, 1, 1, 3, tzinfo=UTC)
    await town.opened.shards.roll(ahead)
    await line(town, WRITTEN)
    begun = ORIGIN.replace("2026-11", "2027-01")
    done = await town.opened.retention().run(WRITTEN + timedelta(hours=1))
    assert done.astray == (begun,)
    assert await town.opened.retention().late(WRITTEN + timedelta(hours=2)) is None
    [*_, due] = await town.opened.retention().plan(WRITTEN)
    assert (due.origin, due.unread, due.astray, due.next) == (begun, False, True, date(2029, 2, 2))
