"""Persons who may be blocked, unknown or several: one answer, of one size, at the same fixed times (DOMAIN.md 3).

The clock stands still but for what a test lets pass, so that a difference of a millisecond is a difference. What the
same shows with a running clock: tests/live/test_blocked_like_unknown.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_lines import lines, since
from letters import asking
from odd_register import Done, guarded
from peopled import BLOCKED, NOBODY, ORDINARY, TWINS
from submitting import decides, submits, told_alike
from town import StillClock, Town

from consent.ledger import Named
from consent.vocabulary import Found, NotFound
from gateway import jws, records
from gateway.cli.demo.people import Person
from gateway.errors import BusUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.outbound.said import stamp
from gateway.ports import Outbound, Register
from gateway.serve import Service, attend, resend, send_in_time, serve
from gateway.stages import Delivery, Mandate, Outgoing, Reply

SLOT: Final = timedelta(milliseconds=500)
HIDDEN: Final = {"blocked": BLOCKED, "unknown": NOBODY, "ambiguous": TWINS[0]}
LANGUAGES: Final = ("xeinmal/1.0", "json/1.0")


def named(person: Person) -> dict[str, Any]:
    """Out: how a message names somebody without a number."""
    return {
        "family_name": person.family_name,
        "given_name": person.given_names,
        "birth_date": person.birth_date.isoformat(),
    }


async def question(town: Town, person: Person, language: str = "json/1.0") -> Outbound:
    """Out: resident parking asks about them."""
    return asking(town, town.parking(person), language, consumer="parkraumbewirtschaftung")


async def submission(town: Town, person: Person, language: str = "json/1.0") -> Outbound:
    """Out: the portal puts their move on file; they have decided for it under that name."""
    await decides(town, person, "UM-1", subject=Named(**(named(person) | {"birth_date": person.birth_date})))
    return await submits(town, person, language, chosen=False, case="UM-1", subject=named(person))


ERRANDS: Final = {"asked": question, "submitted": submission}


def taking(town: Town, milliseconds: float) -> House:
    """Out: the town's house, whose registers take so long."""

    async def fetch(mandate: Mandate, real: Register) -> Found | NotFound:
        found = await real.fetch(mandate)
        town.clock.passes(milliseconds=milliseconds)
        return found

    async def write(mandate: Mandate, values: Any, replaces: Any, real: Register) -> Done:
        done = await real.write(mandate, values, replaces)
        town.clock.passes(milliseconds=milliseconds)
        return done

    return guarded(town.opened.house, town.opened.store, fetch, write)[0]


async def reply_to(delivery: Delivery, house: House) -> Outgoing:
    result = await handle(delivery, house)
    assert isinstance(result, Reply)
    return result.message


def times_of(message: Outgoing, town: Town) -> tuple[object, ...]:
    """Out: every time the message bears: its signature's, its receipt's, its body's."""
    find = records.own_key(town.opened.keys.gateway)
    signature, _ = jws.verify_detached(message.headers["jws"], message.body, find, jws.REPLY)
    promise = jws.verify_compact(message.headers["receipt"], jws.RECEIPT_TYPE, find)
    return signature["iat"], promise[promise.index(b'"time"') :], message.not_before


# --- the answer ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("errand", ERRANDS)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_all_leave_at_one_time_in_one_size_and_bear_no_other_time(
    town: Town, language: str, errand: str
) -> None:
    """However long each took: the words, the sizes, the times in words, signature and receipt, and the moment of
    leaving are those of the slot. Only ids and signatures differ."""
    start, heard, sizes, times = town.clock.now(), set(), set(), set()
    for (_, person), took in zip(HIDDEN.items(), (3, 41, 489), strict=True):
        town.clock.moment = start
        delivery = town.delivery(await ERRANDS[errand](town, person, language))
        message = await reply_to(delivery, taking(town, took))
        heard.add((message.type, message.content_type, told_alike(message)))
        sizes.add((len(message.body), *(len(header) for header in message.headers.values())))
        times.add(times_of(message, town))
        body = message.body.decode()
        assert stamp(start + SLOT) in body
        assert stamp(start + timedelta(milliseconds=took)) not in body
    assert len(heard) == len(sizes) == len(times) == 1
    assert times.pop()[-1] == start + SLOT


@pytest.mark.parametrize("person", HIDDEN)
async def test_the_journal_is_written_as_often_for_each(town: Town, person: str) -> None:
    """One commit before the register is asked, one after; which lines they are shows nowhere outside."""
    before = await lines(town.opened.store)
    await reply_to(town.delivery(await question(town, HIDDEN[person])), town.opened.house)
    assert [line.kind for line in await since(before, town.opened.store)] == ["asked", "no-data"]


@pytest.mark.parametrize(
    ("took", "slots"), [(0, 1), (499.999, 1), (500, 2), (501, 2), (1_499, 3), (60_000, 121)]
)
async def test_a_slow_one_leaves_at_a_later_slot(town: Town, took: float, slots: int) -> None:
    """The first that lies ahead when it is ready; it bears that one's time."""
    start = town.clock.now()
    message = await reply_to(town.delivery(await question(town, BLOCKED)), taking(town, took))
    assert message.not_before == start + slots * SLOT


async def test_one_that_is_not_hidden_leaves_at_once(town: Town) -> None:
    """An answer, and a refusal that says nothing of the person, wait for nothing."""
    for request in (
        await question(town, ORDINARY),
        asking(
            town, town.parking(BLOCKED, fields=["religion"]), "json/1.0", consumer="parkraumbewirtschaftung"
        ),
    ):
        assert (await reply_to(town.delivery(request), taking(town, 7))).not_before is None


async def test_a_grant_to_deliver_with_notice_gets_both(town: Town) -> None:
    """The authority that may have the data has it, with the block said beside it; nothing is held back."""
    author = {"directory": "einmal", "id": "stadtkasse", "name": "Stadtkasse"}
    changed = {"author": author, "purpose": "enforcement", "procedure": "forderungseinzug"}
    for language in LANGUAGES:
        request = asking(town, town.parking(BLOCKED, **changed), language, consumer="stadtkasse")
        message = await reply_to(town.delivery(request), town.opened.house)
        assert message.type == "evidence.answer"
        assert message.not_before is None
        assert BLOCKED.family_name.encode() in message.body
        assert (b"auskunftssperre" if language == "xeinmal/1.0" else b'"blocked"') in message.body


# --- the same message again ---------------------------------------------------------------------------------------
async def test_a_repeat_leaves_at_a_slot_of_its_own(town: Town) -> None:
    """Asking again and again does not show when the outcome was known: whether it came before it was, or after."""
    start, request = town.clock.now(), await question(town, BLOCKED)
    first = await reply_to(town.delivery(request), taking(town, 20))
    for milliseconds, leaves in ((21, 521), (499, 999), (700, 1_200), (86_400_000, 86_400_500)):
        town.clock.moment = start + timedelta(milliseconds=milliseconds)
        again = await reply_to(town.delivery(request), town.opened.house)
        assert again == first
        assert again.not_before == start + timedelta(milliseconds=leaves)


async def test_many_at_once_leave_at_one_slot(town: Town) -> None:
    """The same message delivered ten times at the same moment: the same bytes, one time."""
    start, request = town.clock.now(), await question(town, BLOCKED)
    deliveries = [town.delivery(request) for _ in range(10)]
    messages = await asyncio.gather(*(reply_to(one, taking(town, 1)) for one in deliveries))
    assert all(message == messages[0] for message in messages)
    assert {message.not_before for message in messages} == {start + SLOT}


# --- the doorkeeper -----------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Bus:
    """Port Bus: hands over what it was given, and writes down what it is told."""

    given: list[Delivery] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    broken: bool = False
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    heard: Callable[[Bus], None] = lambda _: None
    """Is called after each message that was sent."""

    async def deliveries(self) -> AsyncIterator[Delivery]:
        for delivery in self.given:
            yield delivery
        await self.stopped.wait()

    async def send(self, message: Outgoing) -> None:
        self.told.append("send")
        if self.broken:
            raise BusUnavailable("bus")
        self.sent.append(message)
        self.heard(self)

    async def ack(self, delivery: Delivery) -> None:
        self.told.append("ack")

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        self.told.append("postpone")

    async def bury(self, delivery: Delivery) -> None:
        self.told.append("bury")

    async def forget(self, before: datetime) -> int:
        return 0

    async def stop(self) -> None:
        self.told.append("stop")
        self.stopped.set()

    async def close(self) -> None: ...

    async def declare(self, consumers: Iterable[str]) -> None: ...


def waiting(town: Town, bus: Bus, rest: Callable[[float], Awaitable[object]] | None = None) -> Service:
    """Out: the doorkeeper; time passes as it waits."""

    async def passes(seconds: float) -> None:
        town.clock.passes(seconds=seconds)

    return Service(town.opened.house, bus, town.opened.store, 1, 5, 10, rest=rest or passes)


async def test_it_is_acknowledged_first_and_sent_at_its_time(town: Town) -> None:
    """The delivery is done with before the wait; the reply lies in the outbox until the bus has it."""
    start, bus = town.clock.now(), Bus()
    service = waiting(town, bus)
    reply = await attend(town.delivery(await question(town, BLOCKED)), service)
    assert reply is not None
    assert bus.told == ["ack"]
    assert [exchange for exchange, _ in await town.opened.store.unconfirmed()] == [reply.exchange]
    await send_in_time(reply, service)
    assert town.clock.now() == start + SLOT
    assert (bus.told, bus.sent) == (["ack", "send"], [reply.message])
    assert await town.opened.store.unconfirmed() == []


async def test_one_that_waits_holds_up_no_other(town: Town) -> None:
    """With one place only: while three wait for their time, a fourth is answered. Told to stop, the doorkeeper ends
    when the last of them has left."""
    asked = [await question(town, person) for person in (*HIDDEN.values(), ORDINARY)]
    time_has_come = asyncio.Event()

    def heard(bus: Bus) -> None:
        if bus.sent[-1].type == "evidence.answer":
            assert len(bus.sent) == 1, "the three others still wait"
            stop.set()
            time_has_come.set()

    async def rest(seconds: float) -> None:
        """Housekeeping rests for ever; a reply until its time has come, which is after the fourth was answered."""
        await (time_has_come if seconds < 1 else asyncio.Event()).wait()

    stop, bus = asyncio.Event(), Bus([town.delivery(request) for request in asked], heard=heard)
    async with asyncio.timeout(30):
        await serve(waiting(town, bus, rest), stop)
    assert [message.type for message in bus.sent] == ["evidence.answer"] + ["evidence.refusal"] * 3
    assert await town.opened.store.unconfirmed() == []


async def test_a_crash_while_one_waits_loses_nothing(town: Town) -> None:
    """It was acknowledged and never sent: the next start sends the same bytes, at the same time if that lies ahead."""
    start, died = town.clock.now(), Bus()
    reply = await attend(town.delivery(await question(town, BLOCKED)), waiting(town, died))
    assert reply is not None
    assert died.sent == []
    town.clock.passes(milliseconds=100)
    bus = Bus()
    assert await resend(waiting(town, bus)) == {reply.exchange}
    assert bus.sent == [reply.message]
    assert bus.sent[0].not_before == start + SLOT
    assert town.clock.now() == start + SLOT
    assert not await resend(waiting(town, bus))


async def test_what_a_dead_process_left_is_sent_by_another(town: Town) -> None:
    """Nobody starts again: the reply lies in the outbox at two looks, so whoever looks sends it. Once."""
    died, bus = Bus(), Bus()
    reply = await attend(town.delivery(await question(town, BLOCKED)), waiting(town, died))
    assert reply is not None
    service = waiting(town, bus)
    seen = await resend(service, ())
    assert seen == {reply.exchange}
    assert not bus.sent
    seen = await resend(service, seen)
    assert bus.sent == [reply.message]
    assert await resend(service, seen) == frozenset()
    assert len(bus.sent) == 1


async def test_the_doorkeeper_looks_through_the_outbox(town: Town) -> None:
    """As long as it serves; what another left there leaves at the second look."""
    reply = await attend(town.delivery(await question(town, BLOCKED)), waiting(town, Bus()))
    assert reply is not None
    stop = asyncio.Event()
    bus = Bus(heard=lambda _: stop.set())

    async def rest(seconds: float) -> None:
        """Housekeeping rests for ever; between two looks at the outbox time passes at once."""
        await (asyncio.Event().wait() if seconds > 60 else asyncio.sleep(0))

    store: Any = Unlooked(town.opened.store)
    async with asyncio.timeout(30):
        await serve(replace(waiting(town, bus, rest), store=store), stop)
    assert bus.sent == [reply.message]


class Unlooked:
    """Port JournalStore whose outbox seems empty at the first look, as it is when its process still lives."""

    def __init__(self, store: Any) -> None:
        self._store, self._looked = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def unconfirmed(self) -> Any:
        looked, self._looked = self._looked, True
        return await self._store.unconfirmed() if looked else []


async def test_a_bus_that_breaks_while_one_waits_ends_nothing(town: Town) -> None:
    """The reply stays in the outbox, and leaves from there."""
    bus = Bus(broken=True)
    service = waiting(town, bus)
    reply = await attend(town.delivery(await question(town, BLOCKED)), service)
    assert reply is not None
    await send_in_time(reply, service)
    assert [exchange for exchange, _ in await town.opened.store.unconfirmed()] == [reply.exchange]
    bus.broken = False
    await resend(service)
    assert bus.sent == [reply.message]


# --- the slots ----------------------------------------------------------------------------------------------------
MOMENTS: Final = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(received=MOMENTS, took=st.timedeltas(timedelta(0), timedelta(days=1)), slot=st.integers(1, 10_000))
def test_a_slot_is_the_first_multiple_that_lies_ahead(received: datetime, took: timedelta, slot: int) -> None:
    """Received plus a whole number of slots, at least one: later than now, and by no more than one slot."""
    every = timedelta(milliseconds=slot)
    house: Any = _AtTime(StillClock(received + took), every)
    leaves = House.next_slot(house, received)
    assert leaves > received + took
    assert leaves - (received + took) <= every
    assert (leaves - received) % every == timedelta(0)


@given(received=MOMENTS, back=st.timedeltas(timedelta(0), timedelta(days=1)))
def test_a_clock_that_was_set_back_gives_the_first_slot(received: datetime, back: timedelta) -> None:
    """Never before the request was received."""
    house: Any = _AtTime(StillClock(received - back), SLOT)
    assert House.next_slot(house, received) == received + SLOT


@dataclass(frozen=True, slots=True)
class _AtTime:
    """What a slot is reckoned from."""

    clock: StillClock
    slot: timedelta
