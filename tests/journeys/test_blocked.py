"""Persons who may be blocked, unknown or several: one answer, of one size, at the same fixed times (DOMAIN.md 3).

The clock stands still but for what a test lets pass, so that a difference of a millisecond is a difference. What the
same shows with a running clock: tests/live/test_blocked_like_unknown.py.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hidden import HIDDEN, SLOT, question
from hypothesis import given
from hypothesis import strategies as st
from journal_lines import lines, since
from letters import asking
from odd_register import Done, guarded
from peopled import BLOCKED, ORDINARY
from submitting import LANGUAGES, by_name, decides, named, submits, told_alike
from town import StillClock, Town

from consent.vocabulary import Found, NotFound
from gateway import jws
from gateway.cli.demo.people import Person
from gateway.exchange import handle
from gateway.house import House
from gateway.outbound.said import stamp
from gateway.ports import Outbound, Register
from gateway.stages import Delivery, Mandate, Outgoing, Reply


async def submission(town: Town, person: Person, language: str = "json/1.0") -> Outbound:
    """Out: the portal puts their move on file; they have decided for it under that name."""
    words = by_name(person)
    await decides(town, person, "UM-1", subject=named(words))
    return await submits(town, person, language, chosen=False, case="UM-1", subject=words)


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
    find = town.opened.keys.find
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
