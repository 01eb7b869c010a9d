"""Erasing to the day (LOG.md 8): on which day, what it leaves alone, and how it gets on with others."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import town as towns
from letters import asking
from peopled import ORDINARY
from town import Town

from consent.vocabulary import Record, Subject
from gateway import assembly, person, telemetry
from gateway.audit.record import Event, Kind
from gateway.audit.retention import Rule, Until
from gateway.cli.demo.people import anna
from gateway.exchange import handle
from gateway.keeping.retention import NoRule
from gateway.serve import Service, serve, tidy
from gateway.stages import Reply
from gateway.views.export import disassemble

WRITTEN = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
LAST = datetime(2028, 11, 21, 22, 59, 59, tzinfo=UTC)
"""The last second of the last day, in German time."""


async def line(town: Town, time: datetime, name: str = "x") -> None:
    """A line about somebody, written then."""
    told = Event(kind=Kind.READ_BY, time=time, reasons=(name,))
    await town.opened.journal.house_event(told, time, subject=f"reg:x:{name}")


async def kept(town: Town, retention: str = "24m", month: str = "2026-11") -> list[str]:
    """Out: the kinds of the shard's lines that can be opened, but for its first."""
    origin = f"musterstadt.example/{retention}/{month}"
    lines = await town.opened.store.lines(origin, 1, 10_000)
    return [json.loads(one.line.event)["kind"] for one in lines if one.line.event is not None]


async def run(town: Town, now: datetime, *rules: Rule) -> Any:
    retention = town.opened.retention()
    return await (replace(retention, rules=rules) if rules else retention).run(now, clock_is_right=True)


def wrong(town: Town) -> list[str]:
    """Out: whatever the log's check finds."""
    return [found.told for report in assembly.verify_log(town.root) for found in report.wrong]


class TestTheDay:
    async def test_a_line_is_kept_to_the_last_second_of_its_last_day(self, town: Town) -> None:
        """Two years after the evening of the 21st, that day ends; with the next second it may go, and goes."""
        await line(town, WRITTEN)
        before = await kept(town)
        assert (await run(town, LAST)).lines == 0
        assert await kept(town) == before
        assert (await run(town, LAST + timedelta(seconds=1))).lines == len(before)
        assert await kept(town) == []
        assert (await run(town, LAST + timedelta(seconds=2))).lines == 0

    async def test_the_day_is_a_german_one(self, town: Town) -> None:
        """Half past eleven at night, UTC, is the next day: it is kept a day longer."""
        await line(town, datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
        done = await run(town, LAST + timedelta(seconds=1))
        assert await kept(town) == [Kind.READ_BY]
        assert (await run(town, LAST + timedelta(days=1))).lines == 0
        assert done.lines > 0
        assert (await run(town, LAST + timedelta(days=1, seconds=1))).lines == 1

    async def test_lines_out_of_order_go_each_on_its_day(self, town: Town) -> None:
        """A process whose clock lags wrote later what is due earlier: each line waits for its own day."""
        for day in (25, 23, 27, 24):
            await line(town, datetime(2026, 11, day, 12, tzinfo=UTC), f"{day}")
        left = []
        for day in range(24, 30):
            await run(town, datetime(2028, 11, day, 12, tzinfo=UTC))
            left.append(len(await kept(town)))
        assert left == [3, 2, 1, 1, 0, 0]

    async def test_a_class_that_is_kept_to_the_end_of_the_year(self, town: Town) -> None:
        """BMG § 40: everything of 2026 goes with 2027, not before and on New Year's Day."""
        rules = Rule("24m", "IDNrG § 9", 24), Rule("12m", "BMG § 40", 12, Until.CALENDAR_YEAR)
        question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
        assert isinstance(await handle(town.delivery(question), town.opened.house), Reply)
        assert len(await kept(town, "12m")) == 2
        assert (await run(town, datetime(2027, 12, 31, 22, 59, 59, tzinfo=UTC), *rules)).lines == 0
        done = await run(town, datetime(2027, 12, 31, 23, 0, 0, tzinfo=UTC), *rules)
        assert done.lines == 2
        assert done.destroyed == ("musterstadt.example/12m/2026-11",)

    async def test_what_is_due_is_told_before_it_goes(self, town: Town) -> None:
        """And nothing is changed by telling."""
        await line(town, WRITTEN)
        plan = await town.opened.retention().plan(LAST)
        assert [(due.lines, due.next, due.over) for due in plan] == [
            (0, None, False),
            (0, date(2028, 11, 22), False),
        ]
        plan = await town.opened.retention().plan(LAST + timedelta(seconds=1))
        assert [due.lines for due in plan] == [0, len(await kept(town))]

    async def test_a_class_without_rule_is_not_touched_and_told(self, town: Town) -> None:
        """What else is due goes all the same."""
        await line(town, WRITTEN)
        question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
        await handle(town.delivery(question), town.opened.house)
        with pytest.raises(NoRule, match="12m"):
            await run(town, LAST + timedelta(days=1), Rule("24m", "IDNrG § 9", 24))
        assert await kept(town) == []
        assert len(await kept(town, "12m")) == 2

    async def test_without_any_rule_nothing_goes(self, town: Town) -> None:
        """Neither lines nor decisions, however long ago they ended: of no period nothing can be said to be over."""
        record = await town.chooses(ORDINARY)
        await town.withdraws(record)
        before = await kept(town)
        with pytest.raises(NoRule, match="12m"):
            await replace(town.opened.retention(), rules=()).run(
                LAST + timedelta(days=400), clock_is_right=True
            )
        assert await kept(town) == before
        assert await town.opened.store.record(record) is not None
        assert (await run(town, LAST + timedelta(days=400))).records == 1
        assert await town.opened.store.record(record) is None


class TestWhatGoesWithIt:
    async def test_an_exchange_and_its_decision_go(self, town: Town) -> None:
        """Who asked, with which message, on which decision: of that nothing is left once both are over."""
        record = await town.chooses(ORDINARY)
        await handle(town.delivery(asking(town, town.asks(ORDINARY), "json/1.0")), town.opened.house)
        await run(town, LAST + timedelta(days=1))
        assert await town.opened.store.counts() == (1, 1, 0)
        assert await town.opened.store.record(record) is not None
        done = await run(town, LAST + timedelta(days=31))
        assert done.records == 1
        assert await town.opened.store.counts() == (0, 0, 0)
        assert await town.opened.store.record(record) is None
        await town.opened.close()
        assert wrong(town) == []

    async def test_a_use_is_not_given_back_by_erasing(self, town: Town) -> None:
        """A decision that may be used once, for three years: what it was used for goes, that it was used stays."""
        town.clock.moment = datetime(2026, 10, 1, 12, tzinfo=UTC)
        record = await town.chooses(ORDINARY, max_uses=1, not_after=datetime(2029, 10, 1, tzinfo=UTC))
        town.clock.moment = WRITTEN
        result = await handle(town.delivery(asking(town, town.asks(ORDINARY), "json/1.0")), town.opened.house)
        assert isinstance(result, Reply)
        assert result.message.type == "evidence.answer"
        await run(town, LAST + timedelta(days=1))
        held = await town.opened.store.record(record)
        assert isinstance(held, Record)
        assert held.uses == 1
        assert wrong(town) == []

    async def test_what_is_kept_from_its_person_for_longer_is_told_all_the_same(self, kept: Town) -> None:
        """Exempt until a day that comes after its lines are gone: on that day its person is told."""
        question = asking(kept, kept.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
        await handle(kept.delivery(question), kept.opened.house)
        short = Rule("24m", "IDNrG § 9", 24), Rule("12m", "kurz", 12)
        due = kept.clock.now() + timedelta(days=366)
        assert (await run(kept, due, *short)).lines >= 2
        assert wrong(kept) == []
        kept.clock.moment = due
        bus = await kept.opened.bus()
        await tidy(Service(kept.opened.house, bus, kept.opened.store, 4, 5, 10))
        await bus.close()
        assert Kind.RELEASED in [
            json.loads(one.line.event or b"{}").get("kind")
            for one in await kept.opened.store.lines("musterstadt.example/12m/2027-11", 0, 100)
        ]
        assert wrong(kept) == []


class TestTogether:
    async def test_two_processes_at_once_erase_the_same(self, town: Town) -> None:
        """Both find it due, both say so, each line goes once, and the log verifies."""
        for number in range(30):
            await line(town, WRITTEN, f"{number}")
        now = LAST + timedelta(days=20)
        both = await asyncio.gather(run(town, now), run(town, now))
        assert all(done.settled or done.lines for done in both)
        assert await kept(town) == []
        assert wrong(town) == []

    async def test_a_serving_house_erases_once_a_day(self, town: Town) -> None:
        """Without being told, on the first look of a new German day."""
        await line(town, WRITTEN)
        town.clock.moment = LAST
        seen: list[int] = []
        stop = asyncio.Event()

        async def rest(seconds: float) -> None:
            if seconds == 5000.0:
                seen.append(len(await kept(town)))
                town.clock.passes(seconds=0.5 if len(seen) == 1 else 1)
                if len(seen) == 4:
                    stop.set()
                    await asyncio.Event().wait()
                return
            await asyncio.Event().wait()

        bus = await town.opened.bus()
        service = replace(
            town.opened.service(bus),
            rest=rest,
            housekeeping_seconds=5000.0,
            watchman=None,
            witnessing=None,
            retention=replace(town.opened.retention(), leap=timedelta(days=800)),
        )
        async with asyncio.timeout(30):
            await serve(service, stop)
        await bus.close()
        assert seen[0] == seen[1] > 0
        assert seen[2:] == [0, 0]


async def test_a_citizen_reads_how_long_by_the_law_of_the_class(town: Town) -> None:
    """Kept to the end of the next calendar year: so it is told, and whoever checks the pages finds it agrees."""
    file = town.root / "einmal.toml"
    text = file.read_text("utf-8")
    file.write_text(
        text.replace('months = 12\nuntil = "day"', 'months = 12\nuntil = "calendar-year"'), "utf-8"
    )
    other = await towns.opened(town.root)
    question = asking(other, other.parking(anna()), "json/1.0", consumer="parkraumbewirtschaftung")
    await handle(other.delivery(question), other.opened.house)
    whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
    handout = await person.export(whom, other.opened.holdings(), other.clock.now())
    assert handout is not None
    export = disassemble(handout.archive)
    agreement = person.agreement(export)
    assert agreement.wrong == ()
    assert agreement.proved is not None
    kept_until = {entry.outcome: entry.kept_until for entry in agreement.proved.entries}
    assert kept_until == {"answered": date(2027, 12, 31), "export.made": date(2028, 11, 21)}
    await other.opened.close()


async def test_a_serving_house_says_why_nothing_is_erased(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """And tries again: a class without rule is named, and the house serves on."""
    telemetry.configure()
    question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    await handle(town.delivery(question), town.opened.house)
    stop = asyncio.Event()
    tried = 0

    async def rest(seconds: float) -> None:
        nonlocal tried
        if seconds != 90_000.0:
            await asyncio.Event().wait()
        tried += 1
        if tried == 2:
            stop.set()
            await asyncio.Event().wait()

    bus = await town.opened.bus()
    without = replace(town.opened.retention(), rules=(Rule("24m", "IDNrG § 9", 24),))
    service = replace(
        town.opened.service(bus),
        rest=rest,
        housekeeping_seconds=90_000.0,
        watchman=None,
        witnessing=None,
        retention=without,
    )
    async with asyncio.timeout(30):
        await serve(service, stop)
    await bus.close()
    said = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
    assert [one["where"] for one in said if one["event"] == "retention-failed"] == ["retention of 12m"] * 2
