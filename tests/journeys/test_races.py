"""Who comes first, of many at once: for the one use of a decision, against its withdrawal, with the same message."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import counted
import planted
import pytest
import racing
import town as towns
from consents import withdraws
from journal_lines import Told, every_end, lines, since
from letters import asking
from peopled import ORDINARY
from town import IDS, Town

from consent.vocabulary import BasisKind, Record
from gateway import assembly
from gateway.cli import consent as command
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Delivery, Outgoing, Reply

AT_ONCE: Final = 50
WITHDRAWALS: Final = 1000
MOMENTS: Final = (
    "before recall",
    "after recall",
    "before held_for",
    "after held_for",
    "before append",
    "after append",
    "before fetch",
    "after fetch",
    "before append",
    "after append",
)
"""Of an exchange that nobody interferes with: known before, decided, `asked`, the register, `settled`."""
SETTLES: Final = 9
"""The first of them at which the exchange is settled."""
CONSENT: Final[dict[str, Any]] = {
    "kind": BasisKind.CONSENT,
    "recipient": "kitaverwaltung",
    "purpose": "day-care",
    "procedure": "kita-anmeldung",
    "norm": "DSGVO Art. 6 Abs. 1 Buchst. a",
    "fields": frozenset({"street", "town"}),
}


def question(town: Town, case: str, kind: str = "choice") -> Outbound:
    """Out: what housing benefit asks on a choice, what day care asks on a consent."""
    if kind == "choice":
        return asking(town, town.asks(ORDINARY, case=case), "json/1.0")
    matter = {name: CONSENT[name] for name in ("purpose", "procedure")}
    asked = town.asks(ORDINARY, case=case, basis={"kind": kind}, fields=["street", "town"], **matter)
    return asking(town, asked, "json/1.0", consumer="kitaverwaltung")


def terms(kind: str) -> dict[str, Any]:
    return CONSENT if kind == "consent" else {}


# --- for the one use ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["choice", "consent"])
async def test_one_use_is_one_answer(town: Town, kind: str) -> None:
    """Fifty questions at once on a decision for one use: one is answered, the others are told that it is used up."""
    case = f"WG-{IDS.new()}"
    record = await town.chooses(ORDINARY, case, max_uses=1, **terms(kind))
    before = await lines(town.opened.store)
    asked = [question(town, case, kind) for _ in range(AT_ONCE)]
    await asyncio.gather(*(handle(town.delivery(one), town.opened.house) for one in asked))
    one_answer(await since(before, town.opened.store))
    held = await town.opened.store.record(record)
    assert isinstance(held, Record)
    assert held.uses == 1
    assert await town.opened.store.counts() == (AT_ONCE, AT_ONCE, 0)


@pytest.mark.parametrize("kind", ["choice", "consent"])
async def test_one_use_is_one_answer_of_two_processes(shared: Path, kind: str) -> None:
    """Fifty questions, half of them with each of two processes: one answer from both together."""
    town = await towns.opened(shared)
    case = f"WG-{IDS.new()}"
    await town.chooses(ORDINARY, case, max_uses=1, **terms(kind))
    before = await lines(town.opened.store)
    deliveries = [town.delivery(question(town, case, kind)) for _ in range(AT_ONCE)]
    told = racing.in_two_processes(shared, deliveries[::2], deliveries[1::2])
    assert [len(replies) for replies in told] == [AT_ONCE // 2] * 2
    one_answer(await since(before, town.opened.store))
    bodies = [body for replies in told for body in replies.values()]
    assert sum(planted.STREET.encode() in body for body in bodies) == 1
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(shared))


def one_answer(told: Sequence[Told]) -> None:
    """One exchange was answered, every other one refused for want of a use."""
    assert Counter(every_end(told).values()) == {"answered": 1, "refused": AT_ONCE - 1}
    reasons = Counter(tuple(line.event["reasons"]) for line in told if line.kind == "refused")
    assert reasons == {("basis-used-up",): AT_ONCE - 1}


# --- against its withdrawal -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Race:
    """A question, and a withdrawal at one of its moments: waited for there, or let run beside it."""

    number: int
    way: str
    moment: int
    waits: bool


def _race(number: int) -> Race:
    ways = tuple(WAYS)
    return Race(number, ways[number % 3], number // 3 % (len(MOMENTS) + 1), number // 33 % 2 == 0)


async def _by_message(town: Town, record: str) -> None:
    result = await handle(town.delivery(withdraws(town, record)), town.opened.house)
    assert isinstance(result, Reply)
    assert result.message.type == "consent.receipt"


async def _by_command(town: Town, record: str) -> None:
    await command.end(record, "datenschutz", town.opened)


async def _by_the_house(town: Town, record: str) -> None:
    await town.withdraws(record)


WAYS: Final[dict[str, Callable[[Town, str], Awaitable[None]]]] = {
    "message": _by_message,
    "command": _by_command,
    "house": _by_the_house,
}


async def _run(town: Town, race: Race) -> tuple[Outgoing, Outgoing]:
    """Out: the reply, and the reply to the same message once more, after both are over."""
    case = f"WG-race-{race.number}"
    record = await town.chooses(ORDINARY, case)
    delivery = town.delivery(question(town, case))
    meanwhile = racing.Meanwhile(race.moment, lambda: WAYS[race.way](town, record), race.waits)
    house = racing.watched(town.opened.house, town.opened.store, meanwhile)
    first = await _replied(delivery, house)
    if race.moment == len(MOMENTS):
        assert tuple(meanwhile.passed) == MOMENTS, "the moments are those of an exchange"
    await meanwhile.over()
    return first, await _replied(delivery, town.opened.house)


async def _replied(delivery: Delivery, house: Any) -> Outgoing:
    result = await handle(delivery, house)
    assert isinstance(result, Reply)
    return result.message


async def test_nothing_is_answered_after_a_withdrawal(town: Town) -> None:
    """A thousand withdrawals, by message, by command and in the house, at every moment of an exchange: no evidence
    whose settlement was committed later, in no line, no reply and no repetition."""
    races = [_race(number) for number in range(WITHDRAWALS)]
    before = await lines(town.opened.store)
    replies: dict[str, tuple[Race, Outgoing, Outgoing]] = {}
    for start in range(0, WITHDRAWALS, AT_ONCE):
        some = races[start : start + AT_ONCE]
        ran = await asyncio.gather(*(_run(town, race) for race in some))
        for race, (first, again) in zip(some, ran, strict=True):
            replies[f"WG-race-{race.number}"] = race, first, again
    ends = _places(await since(before, town.opened.store), ("answered", "refused"))
    withdrawn = _places(await since(before, town.opened.store), ("consent.withdrawn",))
    assert len(withdrawn) == len(ends) == WITHDRAWALS
    later = 0
    for case, (race, first, again) in replies.items():
        end, gone = ends[case], withdrawn[case]
        assert end.position.origin == gone.position.origin, "one order for both"
        after = gone.position.index < end.position.index
        later += after
        assert (end.kind == "answered") is not after, race
        assert (planted.STREET.encode() in first.body) is not after, race
        assert planted.STREET.encode() not in again.body, race
        assert json.loads(again.body)["code"] == ("basis-withdrawn" if after else "withdrawn-since")
        if race.waits:
            assert after is (race.moment < SETTLES), race
    assert 0 < later < WITHDRAWALS, "both sides win sometimes"
    counted.tell(
        f"withdrawal race: {WITHDRAWALS} withdrawals, {later} committed before the settlement and "
        f"{WITHDRAWALS - later} after it; 0 answers were committed later than their withdrawal"
    )


def _places(told: Sequence[Told], kinds: Sequence[str]) -> dict[str, Told]:
    return {line.event["case"]: line for line in told if line.kind in kinds}


# --- with the same message ------------------------------------------------------------------------------------
async def test_one_message_in_two_processes_is_one_exchange(shared: Path) -> None:
    """Each message is delivered to two processes at once: one end each, and the same bytes from both."""
    town = await towns.opened(shared)
    deliveries = [town.delivery(await _chosen(town, f"WG-{IDS.new()}")) for _ in range(12)]
    before = await lines(town.opened.store)
    told = racing.in_two_processes(shared, deliveries)
    assert told[0] == told[1]
    assert len(told[0]) == len(deliveries)
    ends = every_end(await since(before, town.opened.store))
    assert Counter(ends.values()) == {"answered": len(deliveries)}
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(shared))


async def _chosen(town: Town, case: str) -> Outbound:
    await town.chooses(ORDINARY, case, max_uses=1)
    return question(town, case)
