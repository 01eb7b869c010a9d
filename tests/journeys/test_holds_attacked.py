"""Holds attacked (LOG.md 8): a lie in what is handed out is found, and so is a hold that somebody took away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from held import OVER, PLACED, events, exported, fingerprint, told
from letters import asking
from peopled import ORDINARY, TWINS
from sqlalchemy.engine import Connection
from town import Town
from two_years import ask

from gateway import assembly
from gateway.audit.note import Signer
from gateway.audit.proof import Proof
from gateway.audit.record import Event, Kind
from gateway.audit.verify.exported.held import verify_held
from gateway.cli.demo.people import anna
from gateway.errors import Fault, JournalUnavailable
from gateway.exchange import handle
from gateway.journal import Journal
from gateway.keeping.holding import Hold, Lifted
from gateway.stages import Reply


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
