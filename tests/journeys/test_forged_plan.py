"""A restore's plan that somebody else wrote: the house signs nothing of what it says (decision 0027)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import town as towns
from peopled import ORDINARY
from restored import DATABASE, REASON, back_up, in_use, put_back, refused, wrong_at

from gateway import assembly
from gateway.assembly import restoring
from gateway.audit.shard import Origin
from gateway.errors import ConfigurationFault
from gateway.journal.guard import UNFINISHED
from gateway.journal.shards import OpenShard, Shards

PLAN = "data/restoring.json"


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    return await in_use(founded, tmp_path / "home")


def forged(home: Path, lost: str) -> str:
    """Out: a plan that goes on from the database as it is, and says that these lines were put back unopened."""
    with closing(sqlite3.connect(home / DATABASE)) as database:
        shards = database.execute("select retention, origin, size from shard order by id").fetchall()
    classes = [
        {
            "retention": retention,
            "opening": f"{origin}.2",
            "previous": None,
            "lost": [],
            "found": [origin, size],
            "there": None,
        }
        for retention, origin, size in shards
    ]
    return json.dumps({"v": 1, "reason": REASON, "classes": classes, "regained": [f"put back: {lost}"]})


async def test_a_forged_plan_excuses_no_gap(home: Path) -> None:
    """Lines are emptied, and a file in the folder says that a restore did it: no line of the house's repeats that."""
    origin = "musterstadt.example/24m/2026-11"
    with closing(sqlite3.connect(home / DATABASE)) as database, database:
        of = "shard = (select id from shard where origin = ?)"
        size = database.execute("select size from shard where origin = ?", (origin,)).fetchone()[0]
        emptied = "update line set salt = null, event = null, withheld = 'lost in a restore'"
        database.execute(f"{emptied} where {of} and idx between 2 and ?", (origin, size - 2))
    (home / PLAN).write_text(forged(home, f"{origin} 2-{size - 1}"))
    before = wrong_at(home)
    assert before
    assert await refused(home) == UNFINISHED
    with pytest.raises(ConfigurationFault) as why:
        await assembly.restore(home, REASON, clock=towns.StillClock())
    assert "no plan that this house wrote" in str(why.value)
    assert wrong_at(home) == before
    (home / PLAN).unlink()
    assert (await restoring.missing(home, towns.StillClock())).regained == ()


DEEP = "[" * 100_000


@pytest.mark.parametrize("text", ["", "{", "[]", DEEP, '{"v": 2, "sealed": 1}', '{"v": 2, "sealed": "AAAA"}'])
async def test_a_damaged_plan_is_refused_with_its_mend(home: Path, text: str) -> None:
    """Also one of an earlier version, that is not sealed."""
    (home / PLAN).write_text(text)
    with pytest.raises(ConfigurationFault) as why:
        await assembly.restore(home, REASON, clock=towns.StillClock())
    [problem] = why.value.problems
    assert (problem.file, problem.mend[:12]) == ("restoring.json", "Take it away")


@pytest.mark.parametrize("done", [0, 1])
async def test_without_its_plan_a_restore_is_gone_on_with(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """Killed before the first or the second class's new shard; then the plan is damaged, and taken away as it says."""
    backup = back_up(home, tmp_path / "backup")
    town = await towns.opened(home)
    record = await town.chooses(ORDINARY, "WG-kept")
    await town.withdraws(record)
    await town.opened.close()
    put_back(home, backup)
    restart = Shards.restart
    opened: list[str] = []

    async def killed(shards: Shards, name: str, origin: Origin, previous: str | None) -> OpenShard:
        if len(opened) == done:
            raise SystemExit
        opened.append(name)
        return await restart(shards, name, origin, previous)

    with monkeypatch.context() as patched:
        patched.setattr(Shards, "restart", killed)
        with pytest.raises(SystemExit):
            await assembly.restore(home, REASON, clock=town.clock)
    plan = (home / PLAN).read_text()
    assert REASON not in plan
    (home / PLAN).write_text(plan.replace('"sealed": "', '"sealed": "AAAA'))
    with pytest.raises(ConfigurationFault):
        await assembly.restore(home, REASON, clock=town.clock)
    (home / PLAN).unlink()
    assert (await assembly.restore(home, REASON, clock=town.clock)).plan.lost
    assert wrong_at(home) == []
    await (await towns.opened(home)).opened.close()
