"""What a house counts while it works: every exchange once, by how it ended, and nothing of what was in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from letters import asking
from odd_register import guarded
from peopled import ORDINARY
from reloading import question
from town import IDS, Town

from consent.vocabulary import Found, NotFound
from gateway.audit.record import Kind
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound, Register, Room
from gateway.serve import Service, attend
from gateway.stages import Mandate, Reply

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def down(_mandate: Mandate, _real: Register) -> Found | NotFound:
    raise RegisterUnavailable("melderegister")


async def settle(town: Town, request: Outbound, house: House | None = None, attempt: int = 1) -> None:
    await handle(town.delivery(request, attempt), house or town.opened.house)


async def test_every_exchange_is_counted_once_by_how_it_ended(town: Town) -> None:
    """Answered, refused with the code that the asker is told, quarantined; the same message again is none."""
    answered = await question(town)
    await settle(town, answered)
    await settle(town, answered)
    await settle(town, asking(town, town.asks(ORDINARY, case=f"WG-{IDS.new()}")))
    await settle(town, replace(await question(town), jws=None))
    assert town.opened.counted.ended_as == {
        (Kind.ANSWERED, ""): 1,
        (Kind.REFUSED, "no-basis"): 1,
        (Kind.QUARANTINED, "unsigned"): 1,
    }


async def test_a_register_that_is_down_is_counted_each_time_it_was_asked(town: Town) -> None:
    """And the exchange as put off, then as dead."""
    house, _ = guarded(town.opened.house, town.opened.store, down)
    house = replace(house, patience=replace(house.patience, attempts=2))
    request = await question(town)
    await settle(town, request, house)
    await settle(town, request, house, attempt=2)
    counted = town.opened.counted
    assert counted.ended_as == {
        (Kind.POSTPONED, "register-unavailable"): 1,
        (Kind.DEAD, "register-unavailable"): 1,
    }
    assert counted.failed == {("melderegister", "register-unavailable"): 2}


async def test_every_room_is_timed(town: Town) -> None:
    """As often as it was entered: an answer goes through all of them once."""
    await settle(town, await question(town))
    rooms = town.opened.counted.rooms
    assert {room: spread.times for room, spread in rooms.items()} == dict.fromkeys(
        set(Room) - {Room.REGISTER, Room.SEND}, 1
    )
    assert town.opened.counted.registers["melderegister"].times == 1


class Sends:
    """Port `Bus`, as far as a delivery that is answered at once needs it: sees what was in hand meanwhile."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self.in_hand: list[int] = []

    async def send(self, _message: object) -> None:
        self.in_hand.append(self._town.opened.counted.in_hand)

    async def ack(self, _delivery: object) -> None:
        return None


async def test_what_is_in_hand_is_counted_until_it_is_sent(town: Town) -> None:
    """And no longer."""
    bus: Any = Sends(town)
    service = Service(town.opened.house, bus, town.opened.store, 1, 5, 10)
    await attend(town.delivery(await question(town)), service)
    assert bus.in_hand == [1]
    assert town.opened.counted.in_hand == 0
    assert town.opened.counted.rooms[Room.SEND].times == 1


async def replied(town: Town, traceparent: str | None) -> Reply:
    delivery = replace(town.delivery(await question(town)), traceparent=traceparent)
    with town.opened.house.measures.exchange(delivery.traceparent) as own:
        result = await handle(replace(delivery, traceparent=own), town.opened.house)
    assert isinstance(result, Reply)
    again = await handle(delivery, town.opened.house)
    assert isinstance(again, Reply)
    assert again.message == result.message
    return result


async def test_a_reply_hands_on_its_request_s_trace_context(town: Town) -> None:
    """The same bytes when it is asked again; what is no trace context stays where it came from."""
    assert (await replied(town, TRACE)).message.headers["traceparent"] == TRACE
    assert "traceparent" not in (await replied(town, "Anna Beispiel")).message.headers
    assert "traceparent" not in (await replied(town, None)).message.headers
