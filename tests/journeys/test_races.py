"""Who comes first, of many at once: for the one use of a choice, against its withdrawal, with the same message."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Final

import racing
import town as towns
from journal_lines import every_end, lines, since
from letters import asking
from peopled import ORDINARY
from town import IDS, Town

from gateway import assembly
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Reply

SPAWN: Final = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(
    ["gateway.assembly", "gateway.cli.demo.home"]
)  # the server doesn't know the tests' path
AT_ONCE: Final = 50
RACES: Final = 300
STEPS: Final = 40
"""More than the turns an exchange takes from its arrival to its reply."""


def question(town: Town, case: str) -> Outbound:
    return asking(town, town.asks(ORDINARY, case=case), "json/1.0")


async def test_one_use_is_one_answer(town: Town) -> None:
    """Fifty questions at once on a choice for one use: one is answered, the others are told that it is used up."""
    case = f"WG-{IDS.new()}"
    await town.chooses(ORDINARY, case, max_uses=1)
    before = await lines(town.opened.store)
    asked = [question(town, case) for _ in range(AT_ONCE)]
    await asyncio.gather(*(handle(town.delivery(one), town.opened.house) for one in asked))
    told = await since(before, town.opened.store)
    assert Counter(every_end(told).values()) == {"answered": 1, "refused": AT_ONCE - 1}
    reasons = Counter(tuple(line.event["reasons"]) for line in told if line.kind == "refused")
    assert reasons == {("basis-used-up",): AT_ONCE - 1}
    assert await town.opened.store.counts() == (AT_ONCE, AT_ONCE, 0)


async def test_nothing_is_answered_after_a_withdrawal(town: Town) -> None:
    """A withdrawal at every moment of an exchange: what is answered stands before it in the log, else refused."""
    before = await lines(town.opened.store)
    replies: Counter[str] = Counter()
    for race in range(RACES):
        case = f"WG-race-{race}"
        record = await town.chooses(ORDINARY, case)
        result, _ = await asyncio.gather(
            handle(town.delivery(question(town, case)), town.opened.house), _withdraws(town, record, race)
        )
        assert isinstance(result, Reply)
        replies[result.message.type] += 1
    assert set(replies) == {"evidence.answer", "evidence.refusal"}, "both sides win sometimes"
    withdrawn: set[str] = set()
    answered = 0
    for line in await since(before, town.opened.store):
        if line.kind == "consent.withdrawn":
            withdrawn.add(line.event["case"])
        if line.kind == "answered":
            answered += 1
            assert line.event["case"] not in withdrawn
    assert len(withdrawn) == RACES
    assert answered == replies["evidence.answer"]


async def test_one_message_in_two_processes_is_one_exchange(founded: Path, tmp_path: Path) -> None:
    """Each message is delivered to two processes at once: one end each, and the same bytes from both."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    town = await towns.opened(root)
    requests = [_chosen(town, f"WG-{IDS.new()}") for _ in range(12)]
    deliveries = [town.delivery(await request) for request in requests]
    before = await lines(town.opened.store)
    pipe: Any = SPAWN.Queue()
    start = SPAWN.Barrier(2)
    processes = [
        SPAWN.Process(target=racing.answers, args=(str(root), deliveries, start, pipe)) for _ in "ab"
    ]
    for process in processes:
        process.start()
    told: list[dict[str, bytes]] = [pipe.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert told[0] == told[1]
    assert len(told[0]) == len(deliveries)
    ends = every_end(await since(before, town.opened.store))
    assert Counter(ends.values()) == {"answered": len(deliveries)}
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(root))


async def _withdraws(town: Town, record: str, race: int) -> None:
    """After as many turns as the race says: an exchange's own ones, or its waiting for threads."""
    for _ in range(race % STEPS):
        await asyncio.sleep(0 if race % 3 else 0.0003)
    await town.withdraws(record)


async def _chosen(town: Town, case: str) -> Outbound:
    await town.chooses(ORDINARY, case, max_uses=1)
    return question(town, case)
