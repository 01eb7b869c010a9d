"""Holds (LOG.md 8): what one keeps is there when lines and keys are gone, proves itself, and ends on its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from held import ANNA, OVER, PLACED, events, exported, fingerprint, told
from letters import asking
from peopled import ORDINARY
from town import Town
from two_years import ask

from gateway.audit.verify.exported.held import verify_held
from gateway.cli.demo.people import anna
from gateway.errors import Fault
from gateway.exchange import handle
from gateway.keeping.holding import Lifted
from gateway.stages import Reply

WRITTEN = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)


class TestAPerson:
    async def test_everything_of_the_person_is_kept_and_nothing_of_another(self, town: Town) -> None:
        """Before and after the hold was placed; when lines and keys are gone, it still proves itself."""
        await ask(town, ORDINARY)
        await ask(town, anna())
        placed = await town.opened.holds().place(PLACED, town.clock.now())
        assert placed > 0
        town.clock.passes(days=1)
        await ask(town, anna())
        done = await town.opened.retention().run(OVER, clock_is_right=True)
        assert len(done.destroyed) == 2
        said = events(await exported(town))
        assert [event["kind"] for event in said].count("answered") == 4
        cases = {event["case"] for event in said if event.get("case", "").startswith("WG")}
        assert cases == {f"WG-26112{day}-{anna().number}" for day in (1, 2)}

    async def test_a_hold_whose_copies_were_never_made_gets_them_first(self, town: Town) -> None:
        """Whoever placed it died: nothing of the person is erased before it is copied."""
        await ask(town, anna())
        holds = town.opened.holds()

        async def dies(_: object) -> None:
            raise KeyboardInterrupt

        object.__setattr__(holds, "_copy", dies)
        with pytest.raises(KeyboardInterrupt):
            await holds.place(PLACED, town.clock.now())
        assert (await town.opened.store.shards())[0].secrets is not None
        assert len((await town.opened.retention().run(OVER, clock_is_right=True)).destroyed) == 2
        assert [event["kind"] for event in events(await exported(town))].count("answered") == 2

    async def test_what_was_erased_before_is_shown_as_such(self, town: Town) -> None:
        """A hold can't bring back what is gone: the line's place is shown, and the norm."""
        await ask(town, anna())
        due = WRITTEN + timedelta(days=733)
        await town.opened.retention().run(due, clock_is_right=True)
        await town.opened.holds().place(PLACED, due)
        verdict = verify_held(await exported(town, now=due), fingerprint(town))
        assert verdict.withheld > 0
        assert verdict.lines == 0

    async def test_lines_about_a_hold_name_nobody(self, town: Town) -> None:
        """The norm and the hold's id, and no more."""
        await town.opened.holds().place(PLACED, town.clock.now())
        await town.opened.holds().lift("h-1", town.clock.now())
        for kind in ("hold.placed", "hold.lifted"):
            (event,) = await told(town, kind)
            assert event.keys() == {"v", "kind", "time", "reasons"}
            assert event["reasons"] == ["ZPO § 142", "h-1"]

    async def test_what_is_handed_out_is_told(self, town: Town) -> None:
        """Each time, by a line; a hold that is not there hands out nothing, and nothing is told."""
        await town.opened.holds().place(PLACED, town.clock.now())
        assert await town.opened.holds().export("h-2", town.clock.now()) is None
        assert await told(town, "hold.exported") == []
        await exported(town)
        (event,) = await told(town, "hold.exported")
        assert event.keys() == {"v", "kind", "time", "reasons"}
        assert event["reasons"] == ["ZPO § 142", "h-1"]

    async def test_the_page_of_the_store_tells_nobody_who_is_held(self, town: Town) -> None:
        """For whom and why is sealed, and so is what is kept."""
        await ask(town, anna())
        await town.opened.holds().place(replace(PLACED, reason="Verdacht auf Missbrauch"), town.clock.now())
        (stored,) = await town.opened.holds()._store.holds()
        parts = await town.opened.holds()._store.held("h-1")
        for sealed in (stored.sealed, *(part for _, part in parts)):
            assert sealed is not None
            assert b"Verdacht" not in sealed
            assert ANNA.encode() not in sealed


class TestAnExchange:
    async def test_an_exchanges_lines_are_kept_whoevers_they_are(self, town: Town) -> None:
        """What was asked and how it was answered; of no other exchange."""
        result = await handle(
            town.delivery(
                asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
            ),
            town.opened.house,
        )
        await ask(town, anna())
        assert isinstance(result, Reply)
        holds = town.opened.holds()
        assert await holds.speaks(result.exchange)
        assert not await holds.speaks("00000000-0000-4000-8000-00000000dead")
        assert (
            await holds.place(replace(PLACED, subjects=(), exchange=result.exchange), town.clock.now()) == 2
        )
        await town.opened.retention().run(OVER, clock_is_right=True)
        said = events(await exported(town))
        assert [event["kind"] for event in said] == ["asked", "answered"]
        assert {event["exchange"] for event in said} == {result.exchange}


class TestItsEnd:
    async def test_a_hold_ends_after_its_last_day(self, town: Town) -> None:
        """With the next run its copies are destroyed, a line says so, and nobody can tell whom it was for."""
        await ask(town, anna())
        await town.opened.holds().place(PLACED, town.clock.now())
        assert (
            await town.opened.retention().run(datetime(2029, 6, 30, 21, 59, tzinfo=UTC), clock_is_right=True)
        ).lifted == 0
        await exported(town, now=datetime(2029, 6, 30, 21, 59, tzinfo=UTC))
        over = datetime(2029, 6, 30, 22, 0, tzinfo=UTC)
        assert (await town.opened.retention().run(over, clock_is_right=True)).lifted == 1
        assert await town.opened.holds().export("h-1", over) is None
        (listed,) = await town.opened.holds().listed()
        assert (listed.hold, listed.lines, listed.stored.sealed) == (None, 0, None)
        assert len(await told(town, "hold.lifted")) == 1

    async def test_nothing_is_erased_beside_a_hold_that_cannot_be_opened(self, town: Town) -> None:
        """It may speak of what is due. It can be named, and ended."""
        await ask(town, anna())
        await town.opened.holds().place(PLACED, town.clock.now())
        store = town.opened.holds()._store
        (stored,) = await store.holds()
        await store.place(replace(stored, hold="h-2"))
        with pytest.raises(Fault, match="keys"):
            await town.opened.retention().run(OVER, clock_is_right=True)
        assert all(shard.secrets is not None for shard in await town.opened.store.shards())
        assert [one.hold is None for one in await town.opened.holds().listed()] == [False, True]
        assert await town.opened.holds().lift("h-2", OVER) is Lifted.UNREAD
        assert len((await town.opened.retention().run(OVER, clock_is_right=True)).destroyed) == 2
