"""Submissions at the same time: the same one is one write, and of two different ones the later is a conflict."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import racing
import town as towns
from journal_lines import every_end, lines, since
from odd_register import Done, Texts, guarded
from peopled import ORDINARY
from submitting import entries, on_file, said, submits
from town import Town

from gateway import assembly
from gateway.exchange import handle
from gateway.ports import Register
from gateway.stages import Mandate, Reply


async def test_the_same_submission_many_times_at_once_is_one_write(
    town: Town, exceptions_watched: object
) -> None:
    """All are at the register's door before the first is through: one write, one end, the same bytes."""
    request = await submits(town, ORDINARY)
    before = await lines(town.opened.store)
    all_write = asyncio.Barrier(5)

    async def together(mandate: Mandate, values: Texts, replaces: Texts, real: Register) -> Done:
        async with asyncio.timeout(10):
            await all_write.wait()
        return await real.write(mandate, values, replaces)

    house, _ = guarded(town.opened.house, town.opened.store, writes=together)
    results = await asyncio.gather(*(handle(town.delivery(request), house) for _ in range(5)))
    replies = [result.message for result in results if isinstance(result, Reply)]
    assert len(replies) == 5
    assert all(reply == replies[0] for reply in replies)
    assert replies[0].type == "submit.receipt"
    assert list(every_end(await since(before, town.opened.store)).values()) == ["submitted"]
    assert len(entries(town.root)) == 1


async def test_of_two_different_submissions_at_once_one_is_a_conflict(town: Town) -> None:
    """Both name what was on file when they were sent: the second finds something else there, and says so. One that
    names the first one's values comes after it."""
    old = {"house_number": ORDINARY.house_number}
    rivals = [await submits(town, ORDINARY, values={"house_number": new}, replaces=old) for new in ("1", "2")]
    results = await asyncio.gather(*(handle(town.delivery(rival), town.opened.house) for rival in rivals))
    told = [said(result.message) for result in results if isinstance(result, Reply)]
    assert Counter(one.get("outcome", one.get("code")) for one in told) == {"recorded": 1, "conflict": 1}
    won = on_file(town, ORDINARY)["house_number"]
    assert told["12".index(won)]["outcome"] == "recorded"
    third = await submits(town, ORDINARY, values={"house_number": "3"}, replaces={"house_number": won})
    result = await handle(town.delivery(third), town.opened.house)
    assert isinstance(result, Reply)
    assert said(result.message)["outcome"] == "recorded"
    assert on_file(town, ORDINARY)["house_number"] == "3"
    assert len(entries(town.root)) == 2


async def test_the_same_submissions_in_two_processes_are_written_once(founded: Path, tmp_path: Path) -> None:
    """Each is delivered to both at once, twelve of them about one person: one write for each that was written, the
    same bytes from both, and what is on file is what the last one said."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    town = await towns.opened(root)
    old = {"house_number": ORDINARY.house_number}
    requests = [
        await submits(town, ORDINARY, values={"house_number": str(number)}, replaces=old)
        for number in range(1000, 1012)
    ]
    deliveries = [town.delivery(request) for request in requests]
    before = await lines(town.opened.store)
    told = racing.in_two_processes(root, deliveries)
    assert told[0] == told[1]
    assert len(told[0]) == len(deliveries)
    ends = Counter(every_end(await since(before, town.opened.store)).values())
    assert ends == {"submitted": 1, "refused": 11}
    assert len(entries(root)) == 1
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(root))
