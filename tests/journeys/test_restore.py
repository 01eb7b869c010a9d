"""A database from a backup under a house that went on: seen, said, and gone on with (LOG.md 9.6; decision 0027)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import town as towns
from journal_lines import lines
from midnight import EVE, parking
from peopled import ORDINARY
from reloading import answered, question
from restored import DATABASE, REASON, back_up, exported, holds_at, in_use, put_back, refused, wrong_at
from town import StillClock, Town

from gateway import assembly
from gateway.audit.losses import DONE
from gateway.audit.record import Event, Kind
from gateway.audit.shard import Origin
from gateway.audit.verify.exported.verdict import Outcome
from gateway.errors import ConfigurationFault
from gateway.exchange import handle
from gateway.journal.guard import BEHIND, GONE, OTHER, UNFINISHED, UNKEPT, Restored
from gateway.ports import Head
from gateway.stages import Reply


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    return await in_use(founded, tmp_path / "home")


async def test_a_restored_house_serves_nobody_until_it_is_said(home: Path, tmp_path: Path) -> None:
    """Backup, go on, put the backup back: refused; what is missing is named; after the word it serves, and the log
    says in line 1 of each new shard what is lost."""
    backup = back_up(home, tmp_path / "backup")
    town = await towns.opened(home)
    await answered(town, await question(town))
    await town.opened.close()
    put_back(home, backup)
    assert await refused(home) == BEHIND
    plan = await assembly.missing(home, town.clock)
    [lost] = plan.lost
    assert (lost.origin, lost.stop) == ("musterstadt.example/24m/2026-11", lost.start + 3)
    assert lost.since
    done = await assembly.restore(home, REASON, clock=town.clock)
    assert done.plan.lost == plan.lost
    town = await towns.opened(home)
    told = [
        line
        for line in await lines(town.opened.store)
        if line.kind == "restored" and line.position.index == 1
    ]
    assert [(line.position.origin, line.position.index) for line in told] == [
        ("musterstadt.example/12m/2026-11.2", 1),
        ("musterstadt.example/24m/2026-11.2", 1),
    ]
    assert told[0].event["reasons"] == [REASON]
    assert told[1].event["reasons"] == [REASON, f"{lost.origin} {lost.start}-{lost.stop}"]
    assert (await answered(town, await question(town)))["evidence"]
    await town.opened.close()


async def test_what_was_decided_before_a_restore_is_decided_again(home: Path, tmp_path: Path) -> None:
    """A withdrawal that was lost must not come back as a consent: every decision and power is ended."""
    town = await towns.opened(home)
    record = await town.chooses(ORDINARY, "WG-kept")
    over = await town.chooses(ORDINARY, "WG-over", not_after=town.clock.now())
    backup = back_up(home, tmp_path / "backup")
    await town.withdraws(record)
    await town.opened.close()
    put_back(home, backup)
    done = await assembly.restore(home, REASON, clock=town.clock)
    town = await towns.opened(home)
    standing = [await town.opened.store.record(name) for name in (record, over)]
    assert [held.state for held in standing if held] == ["invalidated", "given"]
    assert done.ended == 2  # the other one is of the question answered before
    asked = town.asks(ORDINARY, case="WG-kept", message_id=towns.IDS.new())
    result = await handle(town.delivery(town.signed(asked, "wohngeldstelle")), town.opened.house)
    assert isinstance(result, Reply)
    assert result.message.type == "evidence.refusal"
    await town.opened.close()


async def test_the_law_after_a_restore_is_that_of_the_files(home: Path, tmp_path: Path) -> None:
    """A grant that was revoked since the backup stays revoked."""
    backup = back_up(home, tmp_path / "backup")
    for file in (home / "grants").glob("wohngeld*"):
        file.unlink()
    town = await towns.opened(home)
    await town.opened.adopt_policy()
    law = town.opened.house.policies.current().hash
    await town.opened.close()
    put_back(home, backup)
    done = await assembly.restore(home, REASON, clock=town.clock)
    assert done.policy == law


async def test_a_restore_that_was_interrupted_is_gone_on_with(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, nothing else opens the house before it is done; and it is done once."""
    backup = back_up(home, tmp_path / "backup")
    town = await towns.opened(home)
    await answered(town, await question(town))
    await town.opened.close()
    put_back(home, backup)
    (home / "grants/parken.sig").rename(tmp_path / "parken.sig")  # the files are wrong: the last step fails
    with pytest.raises(ConfigurationFault):
        await assembly.restore(home, REASON, clock=town.clock)
    assert await refused(home) == UNFINISHED
    (tmp_path / "parken.sig").rename(home / "grants/parken.sig")
    await assembly.restore(home, "another reason", clock=town.clock)
    town = await towns.opened(home)
    told = [line for line in await lines(town.opened.store) if line.kind == "restored"]
    assert [line.event["reasons"][0] for line in told] == [REASON, REASON, DONE]
    assert len(await town.opened.store.shards()) == 4
    await town.opened.close()


async def test_a_backup_of_last_month_is_seen(founded: Path, tmp_path: Path) -> None:
    """Shards that were signed and are not there at all: their names are never used again."""
    root = tmp_path / "home"
    shutil.copytree(founded, root)
    backup = back_up(root, tmp_path / "backup")
    town = await towns.opened(root, StillClock(EVE))
    town.clock.passes(seconds=1)
    await handle(town.delivery(parking(town)), town.opened.house)
    await town.opened.shards.begin_day(town.clock.now())
    await town.opened.close()
    put_back(root, backup)
    assert await refused(root) == GONE
    done = await assembly.restore(root, REASON, clock=town.clock)
    assert [one.opening for one in done.plan.classes] == [
        "musterstadt.example/12m/2026-12.2",
        "musterstadt.example/24m/2026-12.2",
    ]
    assert ("musterstadt.example/12m/2026-12", 0, 3) in [
        (lost.origin, lost.start, lost.stop) for lost in done.plan.lost
    ]
    assert wrong_at(root) == []
    town = await towns.opened(root, town.clock)
    _, verdict = await exported(town)
    await town.opened.close()
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert "musterstadt.example/12m/2026-12: 0–2" in verdict.lost


async def test_a_house_without_its_checkpoints_is_refused(home: Path) -> None:
    """Whoever takes the second trace away is asked for it."""
    shutil.rmtree(home / "data/checkpoints")
    assert await refused(home) == UNKEPT
    done = await assembly.restore(home, REASON, clock=StillClock())
    lost = {one.origin: (one.start, one.stop) for one in done.plan.lost}
    assert lost == {
        "musterstadt.example/12m/2026-11": (1, None),
        "musterstadt.example/24m/2026-11": (5, None),
    }
    town = await towns.opened(home)
    _, verdict = await exported(town)
    await town.opened.close()
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert "musterstadt.example/24m/2026-11: 5–?" in verdict.lost
    assert holds_at(home)


@pytest.mark.parametrize("rolled", [False, True])
@pytest.mark.parametrize("more", [1, 2])
async def test_a_copy_that_signed_too_is_seen(home: Path, tmp_path: Path, more: int, rolled: bool) -> None:
    """Two copies of one home went on, alike or not, perhaps into the next month; the checkpoint of one beside the
    database of the other. What the one signed stays as it is."""
    clock = StillClock()
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    for root, times in ((home, 1), (copy, more)):
        town = await towns.opened(root)
        for _ in range(times):
            await answered(town, await question(town))
        await town.opened.close()
    if rolled:
        clock = StillClock(EVE + timedelta(seconds=1))
        town = await towns.opened(copy, clock)
        await town.opened.shards.begin_day(clock.now())
        await town.opened.close()
    signed = checkpoints(home)
    shutil.copy(copy / DATABASE, home / DATABASE)
    assert await refused(home) == OTHER
    with pytest.raises(Restored):
        await assembly.restore(home, REASON, clock=clock)
    assert await refused(home) == OTHER
    assert checkpoints(home) == signed
    shutil.copytree(copy / "data/checkpoints", home / "data/checkpoints", dirs_exist_ok=True)
    done = await assembly.restore(home, REASON, clock=clock)
    assert (done.plan.lost, wrong_at(home)) == ((), [])


async def test_a_month_that_a_copy_signed_otherwise_is_not_followed(home: Path, tmp_path: Path) -> None:
    """By a house that is running when the copy's checkpoint takes the place of its own: nothing more is signed."""
    copy = shutil.copytree(home, tmp_path / "copy")
    for root in (home, copy):
        town = await towns.opened(root)
        await answered(town, await question(town))
        await town.opened.close()
    town = await towns.opened(home)
    shutil.copytree(copy / "data/checkpoints", home / "data/checkpoints", dirs_exist_ok=True)
    signed = checkpoints(home)
    with pytest.raises(Restored) as why:
        await town.opened.shards.current("24m", EVE + timedelta(seconds=1))
    assert (why.value.why, checkpoints(home)) == (OTHER, signed)
    months = [one.head.origin for one in await town.opened.store.shards() if one.retention == "24m"]
    assert months == ["musterstadt.example/24m/2026-11"]
    await town.opened.close()


class Late:
    """A store to which somebody adds a line just before a shard is closed."""

    def __init__(self, town: Town) -> None:
        self._town = town

    def __getattr__(self, name: str) -> Any:
        return getattr(self._town.opened.store, name)

    async def close_shard(self, origin: str) -> Head:
        now = self._town.clock.now()
        told = Event(kind=Kind.EXPORT_MADE, time=now)
        await self._town.opened.journal.house_event(told, now, subject=f"idnr:{ORDINARY.idnr}")
        return await self._town.opened.store.close_shard(origin)


async def test_a_restart_follows_the_head_that_the_shard_closed_with(home: Path) -> None:
    """Not the one that was there when it began: a line that came between is followed as well."""
    town = await towns.opened(home)
    vars(town.opened.shards)["_store"] = Late(town)
    await town.opened.shards.restart("24m", Origin.parse("musterstadt.example/24m/2026-11.2"), None)
    await town.opened.close()
    assert wrong_at(home) == []


def checkpoints(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (root / "data/checkpoints").glob("*.checkpoint")}


async def test_a_later_checkpoint_turns_up(home: Path, tmp_path: Path) -> None:
    """More was signed than the restore knew of: what it said to be lost is not all of it."""
    backup = back_up(home, tmp_path / "backup")
    town = await towns.opened(home)
    await answered(town, await question(town))
    town.opened.checkpoints.flush()
    shutil.copytree(home / "data/checkpoints", tmp_path / "earlier")
    await answered(town, await question(town))
    await town.opened.close()
    shutil.copytree(home / "data/checkpoints", tmp_path / "later")
    put_back(home, backup)
    shutil.rmtree(home / "data/checkpoints")
    shutil.copytree(tmp_path / "earlier", home / "data/checkpoints")
    await assembly.restore(home, REASON, clock=town.clock)
    await (await assembly.open_house(home)).close()
    shutil.copytree(tmp_path / "later", home / "data/checkpoints", dirs_exist_ok=True)
    assert await refused(home) == BEHIND
    [lost] = (await assembly.restore(home, REASON, clock=town.clock)).plan.lost
    assert lost.stop == lost.start + 6
    assert holds_at(home)
    town = await towns.opened(home)
    assert (await exported(town))[1].outcome is Outcome.TRUE_NOT_COMPLETE
    await town.opened.close()


async def test_a_second_restore_is_like_the_first(home: Path, tmp_path: Path) -> None:
    """Also of the shard that the first one opened."""
    for number in (2, 3):
        backup = back_up(home, tmp_path / f"backup-{number}")
        town = await towns.opened(home)
        await answered(town, await question(town))
        await town.opened.close()
        put_back(home, backup)
        assert await refused(home) == BEHIND
        done = await assembly.restore(home, REASON, clock=town.clock)
        assert [one.opening.rpartition(".")[2] for one in done.plan.classes] == [str(number)] * 2
        assert len(done.plan.lost) == 1
    await (await assembly.open_house(home)).close()
