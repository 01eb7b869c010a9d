"""The doorkeeper: what it does with the bus for each way an exchange can go, and what it says in its log."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import planted
import pytest
from journal_lines import lines
from letters import asking
from odd_register import guarded
from peopled import ORDINARY
from town import IDS, Town

from consent.policy import Policy
from consent.vocabulary import Found, NotFound
from gateway.errors import BusUnavailable, RegisterUnavailable, Undeliverable
from gateway.house import House
from gateway.ports import Outbound, Register
from gateway.serve import Service, attend, resend
from gateway.stages import Delivery, Mandate, Outgoing


@dataclass(slots=True)
class Told:
    """Port `Bus`: writes down what it is told to do, and breaks where told."""

    told: list[str] = field(default_factory=list)
    sent: list[Outgoing] = field(default_factory=list)
    sending: Exception | None = None

    async def deliveries(self) -> AsyncIterator[Delivery]:
        return
        yield

    async def send(self, message: Outgoing) -> None:
        self.told.append("send")
        if self.sending is not None:
            raise self.sending
        self.sent.append(message)

    async def ack(self, delivery: Delivery) -> None:
        self.told.append("ack")

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        self.told.append("postpone")

    async def bury(self, delivery: Delivery) -> None:
        self.told.append("bury")

    async def forget(self, before: datetime) -> int:
        self.told.append("forget")
        return 0

    async def stop(self) -> None:
        self.told.append("stop")

    async def close(self) -> None:
        self.told.append("close")

    async def declare(self, consumers: Iterable[str]) -> None:
        self.told.append("declare")


@dataclass(slots=True)
class Broken:
    """Port `Policies`: breaks with somebody's name in its words."""

    async def refresh(self) -> Policy:
        return self.current()

    def current(self) -> Policy:
        raise ValueError(f"row {planted.FAMILY_NAME}")


async def question(town: Town) -> Outbound:
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}")
    await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked)


async def down(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


def service(town: Town, bus: Told, house: House | None = None) -> Service:
    return Service(house or town.opened.house, bus, town.opened.store, 4, 5, 10)


async def test_an_answered_delivery_is_sent_then_acknowledged(town: Town, exceptions_watched: Any) -> None:
    """In that order: a crash in between sends the same bytes once more."""
    bus = Told()
    await attend(town.delivery(await question(town)), service(town, bus))
    assert bus.told == ["send", "ack"]
    assert [message.type for message in bus.sent] == ["evidence.answer"]
    assert await town.opened.store.unconfirmed() == []


async def test_a_quarantined_delivery_is_acknowledged_without_a_word(
    town: Town, exceptions_watched: Any
) -> None:
    """Nothing is ever said to someone unknown."""
    bus = Told()
    await attend(town.delivery(replace(await question(town), jws=None)), service(town, bus))
    assert bus.told == ["ack"]


async def test_a_put_off_delivery_is_neither_answered_nor_acknowledged(
    town: Town, exceptions_watched: Any
) -> None:
    """It comes back."""
    bus = Told()
    house, _ = guarded(town.opened.house, town.opened.store, down)
    await attend(town.delivery(await question(town)), service(town, bus, house))
    assert bus.told == ["postpone"]


async def test_a_reply_the_bus_may_not_have_is_sent_again_at_the_next_start(
    town: Town, exceptions_watched: Any
) -> None:
    """The bus broke after the exchange was settled: the same bytes leave later, and the delivery comes back."""
    request, broken = await question(town), Told(sending=BusUnavailable("bus"))
    await attend(town.delivery(request), service(town, broken))
    assert broken.told == ["send", "postpone"]
    bus = Told()
    assert len(await resend(service(town, bus))) == 1
    assert not await resend(service(town, bus))
    await attend(town.delivery(request), service(town, bus))
    assert len(bus.sent) == 2
    assert bus.sent[0] == bus.sent[1]


async def test_a_reply_nobody_can_take_does_not_come_back_for_ever(
    town: Town, exceptions_watched: Any
) -> None:
    """No such queue: the exchange is settled, the delivery acknowledged, the reply kept for who asks again."""
    request, bus = await question(town), Told(sending=Undeliverable("bus"))
    await attend(town.delivery(request), service(town, bus))
    assert bus.told == ["send", "ack"]
    later = Told()
    await attend(town.delivery(request), service(town, later))
    assert [message.type for message in later.sent] == ["evidence.answer"]


ATTEMPTS: Final = [(1, "postpone"), (4, "postpone"), (5, "bury")]


@pytest.mark.parametrize(("attempt", "then"), ATTEMPTS)
async def test_what_nobody_foresaw_is_put_off_and_at_last_buried(
    town: Town, attempt: int, then: str, exceptions_watched: Any
) -> None:
    """The log says where and of what type, never what it said; nothing was written, nothing was sent."""
    logged, found = exceptions_watched.lines, len(exceptions_watched.found)
    request, bus = await question(town), Told()
    before = await lines(town.opened.store)
    house = replace(town.opened.house, policies=Broken())
    await attend(town.delivery(request, attempt), service(town, bus, house))
    assert bus.told == [then]
    assert await lines(town.opened.store) == before
    assert exceptions_watched.lines == logged + 1
    assert len(exceptions_watched.found) == found


class BrokenRecords:
    """Port ConsentStore whose look-up fails as nothing should."""

    async def held_for(self, request: Any, exchange: str) -> Any:
        raise LookupError("nobody foresaw this")


async def test_a_mistake_of_ours_ends_an_exchange_with_its_last_attempt(town: Town) -> None:
    """While an attempt is left it is put off; then it is dead, in a line and in a reply, and nothing is buried."""
    request, before = await question(town), await lines(town.opened.store)
    broken: Any = BrokenRecords()
    house = replace(town.opened.house, consents=broken)
    first, last = Told(), Told()
    await attend(town.delivery(request, 1), service(town, first, house))
    assert first.told == ["postpone"]
    assert await lines(town.opened.store) == before
    await attend(town.delivery(request, 5), service(town, last, house))
    assert last.told == ["send", "ack"]
    ended = [line for line in await lines(town.opened.store) if line not in before]
    assert [(line.kind, line.event["reasons"]) for line in ended] == [("dead", ["internal"])]


async def test_a_damaged_reply_keeps_no_other_back(town: Town) -> None:
    """A kept reply that can't be opened is told by its exchange; what is whole leaves all the same."""
    broken = Told(sending=BusUnavailable("bus"))
    for _ in range(2):
        await attend(town.delivery(await question(town)), service(town, broken))
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database, database:
        oldest = "select exchange from exchange where reply is not null order by terminal_idx limit 1"
        database.execute(f"update exchange set reply = zeroblob(100) where exchange = ({oldest})")
    bus = Told()
    assert len(await resend(service(town, bus))) == 2
    assert [message.type for message in bus.sent] == ["evidence.answer"]
