"""The same message more than once, at once, or after a crash: one outcome, the same bytes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

import pytest
from faults import Fault, faulty
from journal_lines import ended, every_end, lines, since
from law_changes import edit, takes_over
from letters import asking
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, Town

from adapters.storage.sqlite import connect_sqlite
from adapters.storage.store import SqlStore
from consent.vocabulary import Found, NotFound
from gateway import records
from gateway.errors import JournalUnavailable, RegisterUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.journal import Journal
from gateway.journal.book import Keeping
from gateway.ports import Outbound, Register
from gateway.stages import Mandate, Postponed, Reply, Silent


async def question(town: Town, chosen: bool = True) -> Outbound:
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}")
    if chosen:
        await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, "json/1.0")


TIMES: Final = 8


@pytest.mark.parametrize("chosen", [True, False], ids=["answered", "refused"])
async def test_the_same_message_many_times_at_once_is_one_exchange(
    town: Town, chosen: bool, exceptions_watched: object
) -> None:
    """A consumer that publishes twice in a row, a broker that delivers twice: all under way before the first
    has its answer, and yet one end, one reply, its bytes."""
    request = await question(town, chosen)
    before = await lines(town.opened.store)
    all_ask = asyncio.Barrier(TIMES)

    async def together(mandate: Mandate, real: Register) -> Found | NotFound:
        async with asyncio.timeout(10):
            await all_ask.wait()
        return await real.fetch(mandate)

    house, doors = guarded(town.opened.house, town.opened.store, together)
    results = await asyncio.gather(*(handle(town.delivery(request), house) for _ in range(TIMES)))
    told = await since(before, town.opened.store)
    [exchange] = {line.exchange for line in told}
    assert ended(told, exchange or "") == ("answered" if chosen else "refused")
    assert doors["melderegister"].touched == ([exchange] * TIMES if chosen else [])
    replies = [result.message for result in results if isinstance(result, Reply)]
    assert len(replies) == TIMES
    assert all(reply == replies[0] for reply in replies)
    accepted, terminal, in_flight = await town.opened.store.counts()
    assert (accepted, in_flight) == (terminal, 0)


async def test_the_same_id_for_two_bodies_at_once_answers_one(town: Town, exceptions_watched: object) -> None:
    """Whichever comes first owns the id; the other is told so; nobody is told both."""
    first = await question(town)
    again = town.asks(ORDINARY, case="WG-2026-2", message_id=first.message_id)
    second = asking(town, again, "json/1.0")
    before = await lines(town.opened.store)
    await asyncio.gather(*(handle(town.delivery(one), town.opened.house) for one in (first, second) * 3))
    told = await since(before, town.opened.store)
    ends = every_end(told)
    assert len(ends) == 2
    reasons = [line.event.get("reasons") for line in told]
    assert reasons.count(["message-id-reused"]) == 1


# --- a journal that breaks ---------------------------------------------------------------------------------------
def breaking(town: Town, fault: Fault) -> House:
    """Out: the same house over a store whose database breaks as told."""
    opened = town.opened
    connect = partial(faulty, fault, connect_sqlite)
    url = f"sqlite:///{town.root / 'data/einmal.sqlite3'}"
    store = SqlStore(url, records.folding(opened.keys.find), connect)
    limits = opened.home.settings.limits
    keeping = Keeping(opened.home.settings.log.default_class, limits.reply_keep_days)
    journal = Journal(opened.shards, store, opened.keys, IDS, keeping)
    return replace(opened.house, journal=journal, consents=store)


@pytest.mark.parametrize("line", ["asked", "settled"])
@pytest.mark.parametrize("commit", ["before", "after"])
async def test_a_journal_that_breaks_stops_the_exchange_and_loses_nothing(
    town: Town, line: str, commit: str, exceptions_watched: object
) -> None:
    """Not persisted, or persisted but reported failed: nothing is sent, no register is touched without its line,
    and the delivery that comes back ends the exchange once."""
    request = await question(town)
    before = await lines(town.opened.store)
    fault = Fault()
    house, doors = guarded(breaking(town, fault), town.opened.store)
    register = doors["melderegister"]

    async def then_break(mandate: Mandate, real: Register) -> Found | NotFound:
        answer = await real.fetch(mandate)
        arm(fault, commit)
        return answer

    if line == "asked":
        arm(fault, commit)
    else:
        register.behave = then_break
    with pytest.raises(JournalUnavailable):
        await handle(town.delivery(request), house)
    assert fault.fired
    told = await since(before, town.opened.store)
    kinds = {("asked", "before"): [], ("asked", "after"): ["asked"], ("settled", "before"): ["asked"]}
    assert [one.kind for one in told] == kinds.get((line, commit), ["asked", "answered"])
    assert len(register.touched) == (line == "settled")

    again = await handle(town.delivery(request), town.opened.house)
    assert isinstance(again, Reply)
    assert again.message.type == "evidence.answer"
    told = await since(before, town.opened.store)
    assert list(every_end(told).values()) == ["answered"]
    assert await town.opened.store.counts() == (1, 1, 0)
    await close(house)


def arm(fault: Fault, commit: str) -> None:
    """From now on the next commit breaks, before or after it is durable."""
    fault.fired, fault.statements = False, 0
    fault.commit = "before" if commit == "before" else "after"


async def close(house: House) -> None:
    assert isinstance(house.consents, SqlStore)
    await house.consents.close()


# --- a key that ends on the way ----------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["expired", "revoked"])
async def test_an_exchange_under_way_ends_although_its_key_has_ended(
    town: Town, how: str, exceptions_watched: object
) -> None:
    """Put off while its register was down; when it comes back the key that signed it counts no more. It is not
    answered, and it does not stay under way for ever."""

    async def down(_mandate: Mandate, _real: Register) -> Found | NotFound:
        raise RegisterUnavailable("melderegister")

    request = await question(town)
    before = await lines(town.opened.store)
    house, doors = guarded(town.opened.house, town.opened.store, down)
    assert isinstance(await handle(town.delivery(request), house), Postponed)
    later = "2026-11-21T20:15:01Z"
    edit(
        town,
        "consumers/wohngeldstelle.toml",
        "valid_to = 2027-12-31T23:59:59Z",
        f"valid_to = {later}"
        if how == "expired"
        else f"valid_to = 2027-12-31T23:59:59Z\nrevoked_at = {later}",
    )
    await takes_over(town)
    town.clock.passes(seconds=5)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Silent)
    told = await since(before, town.opened.store)
    [exchange] = {line.exchange for line in told if line.exchange}
    assert ended(told, exchange or "") == "quarantined"
    assert told[-1].event["reasons"] == ["key-not-valid"]
    assert len(doors["melderegister"].touched) == 1
    assert await town.opened.store.counts() == (1, 1, 0)
    again = await handle(town.delivery(request), house)
    assert isinstance(again, Silent)
    assert await since(before, town.opened.store) == told
