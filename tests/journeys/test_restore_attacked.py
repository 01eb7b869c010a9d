"""Who takes away the traces of a restore, or puts another backup under one, gains nothing by it (decision 0027)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import pytest
import town as towns
from peopled import ORDINARY
from reloading import answered, question
from restored import DATABASE, REASON, back_up, exported, holds_at, in_use, put_back, refused, wrong_at

from gateway import assembly
from gateway.assembly import restoring
from gateway.assembly.house import Opened
from gateway.audit.verify.exported.verdict import Outcome
from gateway.journal.guard import UNFINISHED, UNKEPT, Restored


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    return await in_use(founded, tmp_path / "home")


async def killed(_: Opened) -> int:
    raise SystemExit


async def broken_off(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore after which a withdrawn consent stands, as its decisions were not ended."""
    town = await towns.opened(home)
    record = await town.chooses(ORDINARY, "WG-kept")
    backup = back_up(home, tmp_path / "backup")
    await town.withdraws(record)
    await town.opened.close()
    put_back(home, backup)
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_end_decisions", killed)
        with pytest.raises(SystemExit):
            await assembly.restore(home, REASON, clock=town.clock)


async def test_an_unfinished_restore_is_known_without_its_plan(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's own line says that it was begun, and no line that it came to its end."""
    await broken_off(home, tmp_path, monkeypatch)
    (home / "data/restoring.json").unlink()
    assert await refused(home) == UNFINISHED
    done = await assembly.restore(home, REASON, clock=towns.StillClock())
    assert done.ended > 0
    await (await towns.opened(home)).opened.close()
    assert holds_at(home)


async def test_an_older_backup_under_an_unfinished_restore(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is looked at again, and no shard's name is used twice."""
    older = back_up(home, tmp_path / "older")
    await broken_off(home, tmp_path, monkeypatch)
    put_back(home, older)
    done = await assembly.restore(home, REASON, clock=towns.StillClock())
    assert [one.opening.rpartition(".")[2] for one in done.plan.classes] == ["3", "3"]
    assert wrong_at(home) == []
    town = await towns.opened(home)
    _, verdict = await exported(town)
    await town.opened.close()
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert "musterstadt.example/24m/2026-11.2: 0–1" in verdict.lost


async def test_no_name_of_which_anything_is_kept_is_used_twice(home: Path, tmp_path: Path) -> None:
    """A shard that is in no database, and of which only its index's checkpoint is left: the new one is numbered above
    it, in its own class alone."""
    older = back_up(home, tmp_path / "older")
    await assembly.restore(home, REASON, clock=towns.StillClock())
    put_back(home, older)
    kept = {unquote(file.stem): file for file in (home / "data/checkpoints").glob("*.checkpoint")}
    second = [name for name in kept if "2026-11.2" in name]
    assert len(second) == 4
    for name in second:
        if name != "musterstadt.example/24m/2026-11.2/index":
            kept[name].unlink()
    done = await assembly.restore(home, REASON, clock=towns.StillClock())
    assert [one.opening for one in done.plan.classes] == [
        "musterstadt.example/12m/2026-11.2",
        "musterstadt.example/24m/2026-11.3",
    ]


@pytest.mark.parametrize("dropped", ["the newest", "all", "none"])
async def test_no_second_index_is_signed_where_what_was_signed_is_gone(home: Path, dropped: str) -> None:
    """Epochs and what is kept of them taken away together: no epoch is made, and the way on is told."""
    town = await towns.opened(home)
    await exported(town)
    town.clock.passes(minutes=1)
    await answered(town, await question(town))
    await exported(town)
    await town.opened.close()
    for file in (home / "data/checkpoints").glob("*24m*index*"):
        file.unlink()
    which = {"the newest": "number = 1", "all": "true", "none": "false"}[dropped]
    mine = "shard in (select id from shard where origin = 'musterstadt.example/24m/2026-11')"
    with closing(sqlite3.connect(home / DATABASE)) as database:
        database.execute(f"delete from epoch where {mine} and {which}")
        database.commit()
    if dropped != "all":
        assert any(UNKEPT in wrong for wrong in wrong_at(home))
    town = await towns.opened(home, town.clock)
    town.clock.passes(minutes=1)
    with pytest.raises(Restored) as why:
        await town.opened.epochs.make(town.clock.now())
    await town.opened.close()
    assert why.value.why is UNKEPT
    await assembly.restore(home, REASON, clock=town.clock)
    assert wrong_at(home) == []
    town = await towns.opened(home, town.clock)
    _, verdict = await exported(town)
    await town.opened.close()
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ()) or dropped == "none"
