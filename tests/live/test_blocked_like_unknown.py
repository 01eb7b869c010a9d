"""Can a data consumer tell a blocked person from one there is not? Shown statistically, with a running clock
(DOMAIN.md 3: n = 10,000, AUC ≤ 0.55).

The whole house on the embedded bus; the consumer sits in the same process and sees each reply the moment it is there,
which no real one does. Half of its questions are about blocked people, half about nobody, a tenth of these about two
of the same name. That the figure can rise is shown as well: a register that takes 20 ms longer for the blocked is found
out where a no leaves as soon as it is ready, and is not where it leaves at its slot.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import counted
import peopled
import pytest
import town as towns
from classifier import Observed, by_feature, learnt
from peopled import BLOCKED, NOBODY, TWINS
from town import Town

from adapters.bus.embedded import EmbeddedBus
from adapters.clock import SystemClock
from consent.vocabulary import Found, NotFound
from gateway import serve
from gateway.cli.demo.people import Person
from gateway.ports import ConsumerBus, Outbound, Register
from gateway.stages import Mandate, Outgoing

pytestmark = pytest.mark.minutes

PER_SECOND: Final = 120
"""How many questions are asked a second: some 60 wait for their slot at any time."""
PLANTED: Final = 0.02
"""How many seconds longer the leaking register takes: enough to be seen on a busy machine."""
SMALLEST: Final = timedelta(milliseconds=1)
CROWD: Final = 100
LANGUAGES: Final = ("xeinmal/1.0", "json/1.0")
FEATURES: Final = (
    "time since publishing began",
    "time since it was published",
    "the same within a slot",
    "size of the body",
    "size of the headers",
    "time it bears, since published",
)
_TIME: Final = re.compile(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def crowd(pattern: Person, name: str, first: int) -> list[Person]:
    """Out: so many people like this one, each with a name of its own."""
    return [
        replace(
            pattern,
            number=first + at,
            idnr=None,
            given_names=f"{name}{chr(65 + at // 26)}{chr(97 + at % 26)}",
        )
        for at in range(CROWD)
    ]


BLOCKED_PEOPLE: Final = crowd(BLOCKED, "Probe Gesperrt", 11_000)
UNKNOWN_PEOPLE: Final = crowd(NOBODY, "Probe Niemand", 12_000)
TWO_PEOPLE: Final = crowd(TWINS[0], "Probe Doppelt", 13_000)
SETTLED: Final = [
    *BLOCKED_PEOPLE,
    *TWO_PEOPLE,
    *(replace(one, number=one.number + 1_000) for one in TWO_PEOPLE),
]


async def founded(root: Path) -> Town:
    clock: Any = SystemClock()
    town = await towns.found(root, clock)
    peopled.settle(root, SETTLED)
    return town


def questions(town: Town, count: int) -> list[tuple[bool, Outbound]]:
    """Out: signed questions in random order, and which are about somebody who is blocked."""
    chance = secrets.SystemRandom()
    whom = [(True, one) for one in BLOCKED_PEOPLE] * (count // 2 // CROWD)
    whom += [(False, one) for one in UNKNOWN_PEOPLE] * (count // 2 // CROWD - count // 20 // CROWD)
    whom += [(False, one) for one in TWO_PEOPLE] * (count // 20 // CROWD)
    chance.shuffle(whom)
    return [
        (blocked, town.signed(town.parking(person), "parkraumbewirtschaftung", chance.choice(LANGUAGES)))
        for blocked, person in whom
    ]


async def observed(town: Town, count: int, slot: timedelta, longer_seconds: float = 0.0) -> list[Observed]:
    """Out: what the consumer sees of so many questions, of a house with these slots whose register takes so much longer
    for the blocked. It asks `PER_SECOND`; where nothing hides the time, one after the other, to see it best."""
    asked = questions(town, count)
    house = replace(town.opened.house, slot=slot)
    if longer_seconds:
        slow: Any = {name: Slower(real, longer_seconds) for name, real in house.registers.items()}
        house = replace(house, registers=slow)
    bus, stop = await town.opened.bus(), asyncio.Event()
    assert isinstance(bus, EmbeddedBus)
    consumer = bus.consumer_side()
    serving = asyncio.create_task(serve.serve(replace(town.opened.service(bus), house=house), stop))
    if slot == SMALLEST:
        found = [await _observe(blocked, request, consumer, slot) for blocked, request in asked]
    else:
        found = await _many(asked, consumer, slot)
    stop.set()
    await serving
    await consumer.close()
    await bus.close()
    return found


async def _many(asked: Sequence[tuple[bool, Outbound]], bus: ConsumerBus, slot: timedelta) -> list[Observed]:
    tasks = []
    async with asyncio.TaskGroup() as group:
        for blocked, request in asked:
            tasks.append(group.create_task(_observe(blocked, request, bus, slot)))
            await asyncio.sleep(1 / PER_SECOND)
    return [task.result() for task in tasks]


async def _observe(blocked: bool, request: Outbound, bus: ConsumerBus, slot: timedelta) -> Observed:
    began = perf_counter()
    await bus.publish(request)
    published, moment = perf_counter(), SystemClock().now()
    reply = await bus.reply(request.reply_to, request.message_id, 60)
    seen = perf_counter()
    assert reply is not None
    assert reply.type == "evidence.refusal"
    return Observed(
        blocked,
        (
            seen - began,
            seen - published,
            (seen - published) % slot.total_seconds(),
            float(len(reply.body)),
            float(sum(len(name) + len(value) for name, value in reply.headers.items())),
            (_borne(reply) - moment).total_seconds(),
        ),
    )


def _borne(reply: Outgoing) -> datetime:
    """Out: the time the message says it was made at."""
    found = _TIME.search(reply.body)
    assert found is not None
    return datetime.strptime(found[0].decode(), "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


class Slower:
    """Port Register: takes longer for the blocked, as one might that does more for them."""

    def __init__(self, real: Register, seconds: float) -> None:
        self._real, self._seconds = real, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        found = await self._real.fetch(mandate)
        if isinstance(found, Found) and found.blocked:
            await asyncio.sleep(self._seconds)
        return found


def judged(observations: Sequence[Observed], what: str) -> float:
    """Out: the best figure of all; every one of them is told at the end of the run."""
    alone, together = by_feature(observations), learnt(observations)
    figures = ", ".join(f"{name} {figure:.3f}" for name, figure in zip(FEATURES, alone, strict=True))
    counted.tell(
        f"blocked or unknown, n = {len(observations)}, {what}: all together {together:.3f}; {figures}"
    )
    return max(*alone, together)


async def test_blocked_and_unknown_are_not_told_apart(tmp_path: Path) -> None:
    """By no time, by no size, by none of the times borne, alone or together: AUC ≤ 0.55 at n = 10,000."""
    town = await founded(tmp_path / "home")
    slot = town.opened.house.slot
    best = judged(await observed(town, 10_000, slot), f"slot {slot}")
    await town.opened.close()
    assert best <= 0.55


async def test_a_slot_hides_what_shows_without(tmp_path: Path) -> None:
    """A register that takes 20 ms longer for the blocked is found out at the smallest slot there is, and not at the
    house's own."""
    town = await founded(tmp_path / "home")
    slot = town.opened.house.slot
    plain = judged(await observed(town, 1_000, SMALLEST), f"slot {SMALLEST}")
    shown = judged(await observed(town, 1_000, SMALLEST, PLANTED), f"slot {SMALLEST}, 20 ms planted")
    hidden = judged(await observed(town, 4_000, slot, PLANTED), f"slot {slot}, 20 ms planted")
    await town.opened.close()
    assert shown > max(0.75, plain)
    assert hidden <= 0.55
