"""What a law keeps from its person until a day: nothing of it is theirs before, everything after, and once
(DOMAIN.md 5, `exempt` and `released`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import exempting
import pytest
import town as towns
from exempting import DAYS, DUE, by_name, by_number, exported, form_of, holds, released
from journal_lines import Told, ended, is_of, lines, owner, since
from odd_register import guarded
from peopled import BLOCKED, NOBODY, ORDINARY, TWINS
from town import Town

from consent.vocabulary import Found, NotFound
from gateway.errors import RegisterProtocol, RegisterUnavailable
from gateway.exchange import handle
from gateway.ports import Outbound, Register
from gateway.stages import Mandate, Postponed, Reply, Silent


async def down(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


async def nonsense(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterProtocol("melderegister")


@dataclass(frozen=True)
class Case:
    """A way an exempt exchange can end, as its person may know it one day."""

    ask: Callable[[Town], Outbound]
    reasons: list[str] | None
    whose: str
    """On the day: `person`, or `sealed` where nobody is known."""
    behave: Callable[[Mandate, Register], Awaitable[Found | NotFound]] | None = None
    attempt: int = 1


BY_NUMBER: Final = {"subject": {"idnr": ORDINARY.idnr, "birth_date": ORDINARY.birth_date.isoformat()}}
CASES: Final = {
    "answered, asked by number": Case(lambda town: by_number(ORDINARY, town), None, "person"),
    "answered, asked by name": Case(lambda town: by_name(ORDINARY, town), None, "person"),
    "refused": Case(
        lambda town: by_number(ORDINARY, town, fields=["religion"]), ["fields-not-permitted"], "person"
    ),
    "refused, asked by name": Case(
        lambda town: by_name(ORDINARY, town, fields=["religion"]), ["fields-not-permitted"], "sealed"
    ),
    "blocked": Case(lambda town: by_name(BLOCKED, town), ["no-data"], "person"),
    "unknown": Case(lambda town: by_name(NOBODY, town), ["no-data"], "sealed"),
    "ambiguous": Case(lambda town: by_name(TWINS[0], town), ["no-data"], "sealed"),
    "failed": Case(lambda town: by_number(ORDINARY, town), ["register-protocol"], "person", nonsense),
    "dead": Case(lambda town: by_number(ORDINARY, town), ["register-unavailable"], "person", down, 5),
    "late": Case(
        lambda town: by_number(ORDINARY, town, letter={"issued_seconds_ago": 7200}),
        ["deadline-passed"],
        "person",
    ),
}


async def happens(case: Case, town: Town) -> list[Told]:
    """Out: the lines of the exchange."""
    before = await lines(town.opened.store)
    house = town.opened.house
    if case.behave is not None:
        house, _ = guarded(house, town.opened.store, case.behave)
    request = case.ask(town)
    results = [await handle(town.delivery(request), house) for _ in range(case.attempt)]
    assert isinstance(results[-1], Reply)
    return await since(before, town.opened.store)


@pytest.mark.parametrize("name", CASES)
async def test_nothing_of_it_is_the_persons_before_the_day(kept: Town, name: str) -> None:
    """However it ends and however they were named: every line is sealed, the last is `exempt` and ends it."""
    told = await happens(CASES[name], kept)
    [exchange] = {line.exchange for line in told}
    assert exchange is not None
    assert {await owner(line, kept) for line in told} == {"sealed"}
    assert ended(told, exchange) == "exempt"
    assert {line.kind for line in told} <= {"asked", "postponed", "exempt"}
    kept.clock.moment = DUE - timedelta(milliseconds=1)
    assert await released(kept) == 0
    assert holds(kept)


@pytest.mark.parametrize("name", CASES)
async def test_on_the_day_its_person_is_told(kept: Town, name: str) -> None:
    """The same as it was, with its own times, under the person's label; nobody's where nobody is known."""
    case = CASES[name]
    [*_, end] = await happens(case, kept)
    before = await lines(kept.opened.store)
    kept.clock.moment = DUE
    assert await released(kept) == 1
    [told] = await since(before, kept.opened.store)
    assert told.event == end.event | {"kind": "released", "time": "2026-11-26T00:00:00.000Z"}
    assert told.event.get("reasons") == case.reasons
    assert await owner(told, kept) == case.whose
    assert holds(kept)


async def test_every_person_in_the_evidence_is_told(kept: Town) -> None:
    """The line is whose label the register resolved, by number or by its own key."""
    await happens(CASES["blocked"], kept)
    before = await lines(kept.opened.store)
    kept.clock.moment = DUE
    await released(kept)
    [told] = await since(before, kept.opened.store)
    assert await is_of(told, form_of(BLOCKED), kept)


async def test_the_export_knows_it_from_the_day_on(kept: Town) -> None:
    """Not a day before; and on the day without waiting for the housekeeping, even for who only looks."""
    await happens(CASES["answered, asked by number"], kept)
    kept.clock.moment = DUE - timedelta(milliseconds=1)
    kinds = [event["kind"] for event in await exported(kept, ORDINARY)]
    assert kinds == ["export.made"]
    kept.clock.moment = DUE
    events = [event for event in await exported(kept, ORDINARY) if event["kind"] != "export.made"]
    assert [event["kind"] for event in events] == ["released"]
    assert events[0]["consumer"] == "parkraumbewirtschaftung"
    assert events[0]["released"] == ["family_name", "house_number", "street", "town"]
    assert events[0]["times"]["answered"].startswith("2026-11-21T20:15:00")
    again = [event["kind"] for event in await exported(kept, ORDINARY)]
    assert again.count("released") == 1


async def test_what_is_open_is_told_at_once_as_ever(kept: Town) -> None:
    """The law keeps back what it names and nothing else."""
    await exempting.parking_is_open(kept, DAYS)
    told = await happens(CASES["answered, asked by number"], kept)
    assert [line.kind for line in told] == ["asked", "answered"]
    assert {await owner(line, kept) for line in told} == {"person"}


async def test_two_processes_at_once_tell_it_once(kept: Town) -> None:
    """Whoever comes second finds nothing to tell; a third run neither."""
    for name in CASES:
        await happens(CASES[name], kept)
    kept.clock.moment = DUE
    other = await towns.opened(kept.root, kept.clock)
    both = await asyncio.gather(released(kept), released(other))
    await other.opened.close()
    assert sum(both) == len(CASES)
    assert await released(kept) == 0
    told = [line.event["exchange"] for line in await lines(kept.opened.store) if line.kind == "released"]
    assert len(told) == len(set(told)) == len(CASES)
    assert await kept.opened.store.counts() == (len(CASES), len(CASES), 0)
    assert holds(kept)


async def test_every_exchange_ends_or_is_under_way_at_every_moment(kept: Town) -> None:
    """Accepted = terminal + in flight: under way, kept back, told."""
    house, _ = guarded(kept.opened.house, kept.opened.store, down)
    request = by_number(ORDINARY, kept)
    assert isinstance(await handle(kept.delivery(request), house), Postponed)
    assert await kept.opened.store.counts() == (1, 0, 1)
    assert holds(kept)
    assert isinstance(await handle(kept.delivery(request), kept.opened.house), Reply)
    assert await kept.opened.store.counts() == (1, 1, 0)
    kept.clock.moment = DUE
    await released(kept)
    assert await kept.opened.store.counts() == (1, 1, 0)
    assert holds(kept)


@pytest.mark.parametrize("change", [exempting.parking_is_granted_no_more, exempting.parking_is_open])
async def test_what_was_begun_in_secret_ends_in_secret(
    kept: Town, change: Callable[[Town], Awaitable[None]]
) -> None:
    """A grant that ended, or was opened, between two attempts: the person is told on the day, and no sooner."""
    house, _ = guarded(kept.opened.house, kept.opened.store, down)
    request, before = by_number(ORDINARY, kept), await lines(kept.opened.store)
    assert isinstance(await handle(kept.delivery(request), house), Postponed)
    if change is exempting.parking_is_open:
        await exempting.parking_is_open(kept, DAYS)
    else:
        await change(kept)
    assert isinstance(await handle(kept.delivery(request), kept.opened.house), Reply)
    told = [line for line in await since(before, kept.opened.store) if line.exchange]
    assert {await owner(line, kept) for line in told} == {"sealed"}
    assert told[-1].kind == "exempt"
    kept.clock.moment = DUE
    assert await released(kept) == 1
    assert holds(kept)


async def test_a_key_that_ended_on_the_way_ends_it_in_secret_too(kept: Town) -> None:
    """What is quarantined then is nobody's anyway; it is kept back like every other end of such an exchange."""
    kept.clock.moment = datetime(2027, 12, 31, 23, 50, tzinfo=UTC)
    house, _ = guarded(kept.opened.house, kept.opened.store, down)
    request = by_number(ORDINARY, kept)
    assert isinstance(await handle(kept.delivery(request), house), Postponed)
    kept.clock.passes(minutes=20)
    before = await lines(kept.opened.store)
    result = await handle(kept.delivery(request), kept.opened.house)
    assert isinstance(result, Silent)
    [end] = [line for line in await since(before, kept.opened.store) if line.exchange]
    assert (end.kind, await owner(end, kept)) == ("exempt", "sealed")
    kept.clock.passes(days=DAYS)
    assert await released(kept) == 1
    assert holds(kept)


async def test_the_asker_sees_no_difference(kept: Town) -> None:
    """Kept back from the person, answered to the asker like every other; the same message gets the same reply."""
    request = by_number(ORDINARY, kept)
    first = await handle(kept.delivery(request), kept.opened.house)
    again = await handle(kept.delivery(request), kept.opened.house)
    assert isinstance(first, Reply)
    assert isinstance(again, Reply)
    assert first.message == again.message
    assert first.message.type == "evidence.answer"
    assert replace(first, receipt=again.receipt) == again
