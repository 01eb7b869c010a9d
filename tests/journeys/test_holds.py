"""Holds (LOG.md 8): what one keeps is there when lines and keys are gone, proves itself, and ends on its day."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from letters import asking
from peopled import ORDINARY, TWINS
from sqlalchemy.engine import Connection
from town import Town
from two_years import ask

from gateway import assembly
from gateway.audit.note import Signer, parse_vkey
from gateway.audit.proof import Proof
from gateway.audit.record import Event, Kind
from gateway.audit.verify.exported.held import verify_held
from gateway.cli.demo.people import anna
from gateway.errors import Fault, JournalUnavailable
from gateway.exchange import handle
from gateway.journal import Journal
from gateway.keeping.holding import Hold, Lifted
from gateway.stages import Reply

WRITTEN = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
OVER = datetime(2028, 12, 3, tzinfo=UTC)
ANNA = f"idnr:{anna().idnr}"


PLACED = Hold("h-1", "Klage", "ZPO § 142", "dsb", date(2029, 6, 30), (ANNA,))


def fingerprint(town: Town) -> str:
    return parse_vkey(town.opened.keys.identity_vkey).fingerprint


async def exported(town: Town, name: str = "h-1", now: datetime = OVER) -> bytes:
    document = await town.opened.holds().export(name, now)
    assert document is not None
    assert verify_held(document, fingerprint(town)).holds
    return document


def events(document: bytes) -> list[dict[str, Any]]:
    return [
        json.loads(entry.event)
        for shard in Proof.parse(document).shards
        for subject in shard.subjects
        for entry in subject.entries
        if entry.event is not None
    ]


async def told(town: Town, kind: str) -> list[dict[str, Any]]:
    """Out: the events of that kind, with every label's owner left aside."""
    found: list[dict[str, Any]] = []
    for shard in await town.opened.store.shards():
        lines = await town.opened.store.lines(shard.head.origin, 0, 100_000)
        said = [json.loads(one.line.event) for one in lines if one.line.event is not None]
        found += [event for event in said if event["kind"] == kind]
    return found


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


def lied(document: bytes, lie: Callable[[dict[str, Any]], None]) -> bytes:
    said = json.loads(document)
    lie(said)
    return json.dumps(said).encode()


def _entries(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for shard in said["shards"] for one in shard["subjects"] for entry in one["entries"]]


def _swap(said: dict[str, Any]) -> None:
    one, two = _entries(said)[:2]
    one["salt"], two["salt"] = two["salt"], one["salt"]


LIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "another salt": _swap,
    "another place": lambda said: _entries(said)[0].update(index=_entries(said)[0]["index"] + 1),
    "no opening": lambda said: _entries(said)[0].update(salt=None, event=None),
    "another person": lambda said: said["shards"][0]["subjects"][0].update(
        subject=f"idnr:{TWINS[0].idnr or '06898534127'}"
    ),
    "another authority": lambda said: said["authority"].update(
        vkey=Signer.from_seed("musterstadt.example", b"\x09" * 32).verifier.vkey
    ),
    "another shard": lambda said: said["shards"][0].update(origin="musterstadt.example/24m/2026-10"),
    "another head": lambda said: said["shards"][0]["log"].update(
        checkpoint=said["shards"][1]["log"]["checkpoint"]
    ),
    "an unknown word": lambda said: said.update(more=1),
    "no shards at all": lambda said: said.pop("shards"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_about_what_is_held_is_found(town: Town, lie: str) -> None:
    """Whatever is changed in the file, and files that are none."""
    await ask(town, anna())
    await town.opened.holds().place(PLACED, town.clock.now())
    document = await exported(town)
    assert not verify_held(lied(document, LIES[lie]), fingerprint(town)).holds
    assert not verify_held(document[:-20], fingerprint(town)).holds
    assert not verify_held(document, "0" * 64).holds


async def test_an_exchange_is_not_told_as_another(town: Town) -> None:
    """A line that names another exchange, or stands under another label, is found."""
    await ask(town, anna())
    result = await handle(
        town.delivery(asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")),
        town.opened.house,
    )
    assert isinstance(result, Reply)
    await town.opened.holds().place(replace(PLACED, subjects=(), exchange=result.exchange), town.clock.now())
    document = await exported(town)

    def renamed(said: dict[str, Any]) -> None:
        said["shards"][0]["subjects"][0]["subject"] = "exchange:another"

    def moved(said: dict[str, Any]) -> None:
        one, two = said["shards"][0]["subjects"][:2]
        one["label"], two["label"] = two["label"], one["label"]

    for lie in (renamed, moved):
        assert not verify_held(lied(document, lie), fingerprint(town)).holds
    assert all(report.holds for report in assembly.verify_log(town.root))


class TestGone:
    """Whoever may write to the database and has no keys."""

    async def test_a_hold_whose_row_is_gone_stops_all_erasing(self, town: Town) -> None:
        """The log placed it and nobody lifted it: it is named, and nobody knows what may go. Lifting it ends that."""
        await ask(town, anna())
        await town.opened.holds().place(PLACED, town.clock.now())
        await town.opened.store.change(_delete, "held")
        await town.opened.store.change(_delete, "hold")
        assert _wrong(town) == {("hold", "hold")}
        with pytest.raises(Fault, match="missing-hold h-1"):
            await town.opened.retention().run(OVER, clock_is_right=True)
        assert all(shard.secrets is not None for shard in await town.opened.store.shards())
        assert await town.opened.holds().lift("h-1", OVER) is Lifted.UNREAD
        assert not await town.opened.holds().lift("h-1", OVER)
        assert _wrong(town) == set()
        assert len((await town.opened.retention().run(OVER, clock_is_right=True)).destroyed) == 2

    async def test_a_hold_is_not_over_because_its_row_says_so(self, town: Town) -> None:
        """No line lifted it. A house in which something was erased excuses nothing that can't be due."""
        await ask(town, anna())
        await town.opened.retention().run(OVER, clock_is_right=True)
        await town.opened.holds().place(PLACED, OVER)
        await town.opened.store.change(_delete, "held")
        await town.opened.store.change(_forge_end)
        assert ("hold", "lifted") in _wrong(town)
        with pytest.raises(Fault, match="missing-hold h-1"):
            await town.opened.retention().run(OVER + timedelta(days=1), clock_is_right=True)

    async def test_a_copy_of_what_was_erased_is_not_made_up_for(self, town: Town) -> None:
        """The lines it kept are gone with it: it is named, and nothing else goes."""
        await ask(town, anna())
        await town.opened.holds().place(PLACED, town.clock.now())
        await town.opened.retention().run(OVER, clock_is_right=True)
        assert _wrong(town) == set()
        await town.opened.store.change(_delete, "held")
        assert _wrong(town) == {("held", "hold, shard")}
        with pytest.raises(Fault, match="missing-hold h-1"):
            await town.opened.retention().run(OVER + timedelta(days=1), clock_is_right=True)

    async def test_a_copy_of_an_exchange_is_missed_as_well(self, town: Town) -> None:
        """What is handed out of it leaves out the months that it does not speak of."""
        await ask(town, anna())
        [asked, *_] = await told(town, "asked")
        held = replace(PLACED, subjects=(), exchange=asked["exchange"])
        await town.opened.holds().place(held, town.clock.now())
        await town.opened.retention().run(OVER, clock_is_right=True)
        assert _wrong(town) == set()
        kinds = {event["kind"] for event in events(await exported(town))}
        assert (kinds, len(Proof.parse(await exported(town)).shards)) == ({"asked", "answered"}, 1)
        await town.opened.store.change(_delete, "held")
        assert _wrong(town) == {("held", "hold, shard")}
        with pytest.raises(Fault, match="missing-hold h-1"):
            await town.opened.retention().run(OVER + timedelta(days=1), clock_is_right=True)
        assert await town.opened.holds().lift("h-1", OVER) is Lifted.OVER
        assert _wrong(town) == set()

    @pytest.mark.parametrize("held", [PLACED, replace(PLACED, subjects=(), exchange="x-1")])
    async def test_a_later_shard_has_its_copy_before_a_line_says_that_something_of_it_goes(
        self, town: Town, held: Hold
    ) -> None:
        """Also where nothing held is in it, and where whoever erases gets no further: nothing seems to be lost."""
        await town.opened.holds().place(held, town.clock.now())
        december = datetime(2026, 12, 20, 12, tzinfo=UTC)
        await town.opened.shards.roll(december)
        event = Event(kind=Kind.READ_BY, time=december)
        await town.opened.journal.house_event(event, december, subject="reg:x:x")
        journal: Any = Unheard(town.opened.journal)
        for now in (datetime(2028, 12, 21, 12, tzinfo=UTC), datetime(2029, 1, 2, 12, tzinfo=UTC)):
            with pytest.raises(JournalUnavailable):
                await replace(town.opened.retention(), journal=journal).run(now, clock_is_right=True)
            assert _wrong(town) == set()
            await town.opened.retention().run(now, clock_is_right=True)
        assert _wrong(town) == set()


class Unheard:
    """Says what of December is erased, and is reported failed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def house_event(self, event: Event, now: datetime) -> None:
        await self._journal.house_event(event, now)
        if "/2026-12" in str(event.reasons):
            raise JournalUnavailable("storage")


def _delete(connection: Connection, table: str) -> None:
    connection.exec_driver_sql(f"delete from {table}")


def _forge_end(connection: Connection) -> None:
    connection.exec_driver_sql("update hold set lifted = placed + 1, sealed = null")


def _wrong(town: Town) -> set[tuple[str, str]]:
    """Out: table and column of what the check of the log names."""
    return {(one.table, one.column) for report in assembly.verify_log(town.root) for one in report.wrong}
