"""What a restore has lost is told to whoever checks, put back where an auditor has it, and forgotten in its time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import town as towns
from midnight import parking
from reloading import answered, question
from restored import REASON, back_up, exported, holds_at, in_use, put_back, refused
from town import StillClock, Town

from adapters.statefile import StateFile
from adapters.storage.restoring import SqlRestore
from gateway import assembly
from gateway.assembly import parts, publishing, restoring
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.errors import ConfigurationFault, JournalUnavailable
from gateway.exchange import handle
from gateway.journal.guard import UNFINISHED
from gateway.ports import Head


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    return await in_use(founded, tmp_path / "home")


@pytest.mark.parametrize("indexed", ["before and after", "before", "after", "never"])
async def test_what_is_lost_is_said_to_whoever_checks(home: Path, tmp_path: Path, indexed: str) -> None:
    """An export is true, and not called complete; the check of the log names the lines. Whenever the index was made."""
    town = await towns.opened(home)
    if indexed in ("before", "before and after"):
        await exported(town)
    await answered(town, await question(town))
    backup = back_up(home, tmp_path / "backup")
    await answered(town, await question(town))
    if indexed in ("after", "before and after"):
        await exported(town)
    await town.opened.close()
    put_back(home, backup)
    town.clock.passes(minutes=1)
    await assembly.restore(home, REASON, clock=town.clock)
    reports = {report.origin: report for report in assembly.verify_log(home)}
    assert [wrong.told for report in reports.values() for wrong in report.wrong] == []
    [lost, *_] = reports["musterstadt.example/24m/2026-11.2"].lost
    assert lost.startswith("musterstadt.example/24m/2026-11: ")
    town = await towns.opened(home, town.clock)
    document, verdict = await exported(town)
    await town.opened.close()
    assert (verdict.outcome, verdict.findings) == (Outcome.TRUE_NOT_COMPLETE, ())
    assert lost in verdict.lost
    assert "lost" in [sentence.code for sentence in verdict.not_shown]
    for lie in (untold, left_out, not_in_the_log, told_by_another):
        told = lie(json.loads(json.dumps(document)))
        if told is not None:
            assert (
                verify_export(json.dumps(told).encode(), document["authority"]["vkey"]).outcome
                is Outcome.FALSE
            )


async def published(town: Town, folder: Path) -> None:
    await publishing.publish(town.opened, folder, town.clock.now(), auditors=True)


@pytest.mark.parametrize("indexed", [True, False])
async def test_an_auditors_folder_puts_lost_leaves_back(home: Path, tmp_path: Path, indexed: bool) -> None:
    """What they opened is gone; but they stand in their places, withheld, and everything is proved again."""
    folder = tmp_path / "tiles"
    town = await towns.opened(home)
    if indexed:
        await exported(town)
    backup = back_up(home, tmp_path / "backup")
    await answered(town, await question(town))
    await exported(town)
    await published(town, folder)
    await town.opened.close()
    put_back(home, backup)
    town.clock.passes(minutes=1)
    done = await assembly.restore(home, REASON, folder, clock=town.clock)
    assert done.plan.lost == ()
    assert len(done.plan.regained) == 1
    assert holds_at(home)
    town = await towns.opened(home, town.clock)
    document, verdict = await exported(town)
    assert (verdict.outcome, verdict.lost) == (Outcome.COMPLETE_IF_HONEST, ())
    entries = [
        entry for shard in document["shards"] for subject in shard["subjects"] for entry in subject["entries"]
    ]
    assert "lost in a restore" in {entry.get("withheld") for entry in entries}
    told = [line for line in await readable(town) if line["kind"] == "restored"]
    assert any(reason.startswith("put back: ") for line in told for reason in line["reasons"])
    await published(town, folder)
    await town.opened.close()


async def readable(town: Town) -> list[dict[str, Any]]:
    """Out: what every line says that still says something."""
    found: list[dict[str, Any]] = []
    for shard in await town.opened.store.shards():
        lines_ = await town.opened.store.lines(shard.head.origin, 0, shard.head.size)
        found += [json.loads(line.line.event) for line in lines_ if line.line.event is not None]
    return found


async def test_an_older_folder_puts_back_what_it_has(home: Path, tmp_path: Path) -> None:
    """The rest is lost, and said to be."""
    folder = tmp_path / "tiles"
    town = await towns.opened(home)
    backup = back_up(home, tmp_path / "backup")
    await answered(town, await question(town))
    await published(town, folder)
    await answered(town, await question(town))
    await town.opened.close()
    put_back(home, backup)
    done = await assembly.restore(home, REASON, folder, clock=town.clock)
    assert len(done.plan.regained) == 1
    [lost] = [one for one in done.plan.lost if one.told]
    assert lost.stop == lost.start + 3
    assert holds_at(home)
    town = await towns.opened(home, town.clock)
    assert (await exported(town))[1].outcome is Outcome.TRUE_NOT_COMPLETE
    await town.opened.close()


@pytest.mark.parametrize("file", ["tile/entries/000.p/{size}", "checkpoint", "keys"])
async def test_a_folder_of_another_log_puts_nothing_back(home: Path, tmp_path: Path, file: str) -> None:
    """Damaged, or not this log's: said with its place, and the restore can be gone on with without it."""
    folder = tmp_path / "tiles"
    town = await towns.opened(home)
    backup = back_up(home, tmp_path / "backup")
    await answered(town, await question(town))
    await published(town, folder)
    [size] = [one.head.size for one in await town.opened.store.shards() if one.retention == "24m"]
    await town.opened.close()
    put_back(home, backup)
    damaged = folder / "musterstadt.example/24m/2026-11" / file.format(size=size)
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"wrong===\n")
    with pytest.raises(ConfigurationFault) as wrong:
        await assembly.restore(home, REASON, folder, clock=town.clock)
    assert "2026-11" in str(wrong.value)
    assert await refused(home) == UNFINISHED
    done = await assembly.restore(home, REASON, clock=town.clock)
    assert done.plan.regained == ()
    assert holds_at(home)


async def forked(home: Path, to: Path, **later: float) -> Path:
    """Out: the database of a copy of the home that went on by itself."""
    shutil.copytree(home, to)
    town = await towns.opened(to)
    town.clock.passes(**later)
    await answered(town, await question(town))
    await exported(town)
    await town.opened.close()
    return back_up(to, to / "backup")


async def test_a_folder_that_grew_otherwise_puts_nothing_back(home: Path, tmp_path: Path) -> None:
    """The database is that of a copy which went on by itself: its lines are no beginning of the folder's, and what was
    signed last stays known."""
    backup = await forked(home, tmp_path / "copy", seconds=30)
    folder, town = tmp_path / "tiles", await towns.opened(home)
    for _ in range(3):
        await answered(town, await question(town))
    await published(town, folder)
    await town.opened.close()
    put_back(home, backup)
    kept = {file.name: file.read_bytes() for file in (home / "data/checkpoints").iterdir()}
    before = (home / "data/einmal.sqlite3").read_bytes()
    with pytest.raises(ConfigurationFault) as wrong:
        await assembly.restore(home, REASON, folder, clock=town.clock)
    assert "does not go on from what is in the database" in str(wrong.value)
    assert {file.name: file.read_bytes() for file in (home / "data/checkpoints").iterdir()} == kept
    assert (home / "data/einmal.sqlite3").read_bytes() == before


async def test_epochs_that_grew_otherwise_are_not_put_back(home: Path, tmp_path: Path) -> None:
    """The lines are the folder's beginning; the epochs over them, of a copy that went on by itself, are not."""
    folder, town = tmp_path / "tiles", await towns.opened(home)
    await answered(town, await question(town))
    await town.opened.close()
    shutil.copytree(home, tmp_path / "copy")
    other = await towns.opened(tmp_path / "copy")
    other.clock.passes(seconds=30)
    await other.opened.epochs.make(other.clock.now())
    await other.opened.close()
    town = await towns.opened(home)
    for _ in range(2):
        town.clock.passes(seconds=31)
        await town.opened.epochs.make(town.clock.now())
    await answered(town, await question(town))
    await published(town, folder)
    await town.opened.close()
    put_back(home, back_up(tmp_path / "copy", tmp_path / "backup"))
    with pytest.raises(ConfigurationFault) as wrong:
        await assembly.restore(home, REASON, folder, clock=town.clock)
    assert "index/checkpoint: does not go on from what is in the database" in str(wrong.value)


async def test_what_was_put_back_before_it_was_interrupted_is_told(home: Path, tmp_path: Path) -> None:
    """One class was put back when the folder turned out to be damaged: gone on with without it, the log tells of these
    lines all the same, in line 1 of each class, and a later restore does not."""
    folder = tmp_path / "tiles"
    town = await towns.opened(home)
    backup = back_up(home, tmp_path / "backup")
    await handle(town.delivery(parking(town)), town.opened.house)
    await answered(town, await question(town))
    await published(town, folder)
    await town.opened.close()
    put_back(home, backup)
    whole = folder / "musterstadt.example/24m/2026-11/checkpoint"
    whole.write_bytes(whole.read_bytes()[:-9] + b"wrong===\n")
    with pytest.raises(ConfigurationFault):
        await assembly.restore(home, REASON, folder, clock=town.clock)
    done = await assembly.restore(home, REASON, clock=town.clock)
    [told] = done.plan.regained
    assert told.startswith("put back: musterstadt.example/12m/2026-11 ")
    town = await towns.opened(home)
    assert [line["kind"] for line in await readable(town) if told in line.get("reasons", ())] == [
        "restored"
    ] * 2
    await answered(town, await question(town))
    await town.opened.close()
    assert holds_at(home)
    assert (await assembly.restore(home, REASON, clock=town.clock)).plan.regained == ()


class Unheard(SqlRestore):
    """Puts back, and is reported failed."""

    async def put_back(self, origin: str, size: int, leaves: Sequence[bytes], why: str) -> Head:
        await super().put_back(origin, size, leaves, why)
        raise JournalUnavailable("storage")


async def test_what_was_put_back_and_reported_failed_is_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone on with, nothing is put back twice, and the log tells of the lines all the same."""
    folder, backup = tmp_path / "tiles", back_up(home, tmp_path / "backup")
    town = await towns.opened(home)
    await answered(town, await question(town))
    await published(town, folder)
    await town.opened.close()
    put_back(home, backup)
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "SqlRestore", Unheard)
        with pytest.raises(JournalUnavailable):
            await assembly.restore(home, REASON, folder, clock=town.clock)
    done = await assembly.restore(home, REASON, folder, clock=town.clock)
    [told] = done.plan.regained
    assert told.startswith("put back: musterstadt.example/24m/2026-11 ")
    assert (done.plan.lost, holds_at(home)) == ((), True)


async def test_a_restore_goes_on_alone(home: Path) -> None:
    """Two at once would open the same shards and tell of it twice: the second one does nothing."""
    with StateFile(home / parts.RESTORING).locked(), pytest.raises(ConfigurationFault):
        await assembly.restore(home, REASON, clock=StillClock())
    assert not (home / parts.RESTORING).exists()
    assert (await assembly.restore(home, REASON, clock=StillClock())).plan.lost == ()


def untold(document: dict[str, Any]) -> dict[str, Any]:
    """The line that tells of the loss is kept back."""
    for shard in document["shards"]:
        shard.pop("restored", None)
    return document


def left_out(document: dict[str, Any]) -> dict[str, Any] | None:
    """The shard that lost its end is left out as a whole, where only its end is lost."""
    there = [shard for shard in document["shards"] if shard["origin"] != "musterstadt.example/24m/2026-11"]
    if len(there) == len(document["shards"]):
        return None
    return document | {"shards": there}


def not_in_the_log(document: dict[str, Any]) -> dict[str, Any]:
    """The line that tells of the loss was made up afterwards."""
    for shard in document["shards"]:
        if "restored" in shard:
            shard["restored"]["proof"] = shard["restored"]["proof"][1:]
    return document


def told_by_another(document: dict[str, Any]) -> dict[str, Any]:
    """The line that tells of the loss is another shard's."""
    told = [shard["restored"] for shard in document["shards"] if "restored" in shard]
    for shard, other in zip(
        (one for one in document["shards"] if "restored" in one), reversed(told), strict=True
    ):
        shard["restored"] = other
    return document


async def test_two_years_later_a_restore_is_forgotten(home: Path, tmp_path: Path) -> None:
    """What was lost stays said for as long as its shard has keys; then both go, and the house goes on every day."""
    backup = back_up(home, tmp_path / "backup")
    town = await towns.opened(home)
    await answered(town, await question(town))
    await town.opened.close()
    put_back(home, backup)
    await assembly.restore(home, REASON, clock=town.clock)
    for year, month, day in ((2026, 12, 2), (2028, 11, 20), (2028, 11, 25), (2028, 12, 3), LAST):
        clock = clock_of(year, month, day)
        town = await towns.opened(home, clock)
        await town.opened.retention().run(clock.now(), clock_is_right=True)
        await town.opened.close()
        assert [wrong.told for report in assembly.verify_log(home) for wrong in report.wrong] == []
    town = await towns.opened(home, clock_of(*LAST))
    secrets = {shard.head.origin: shard.secrets for shard in await town.opened.store.shards()}
    await town.opened.close()
    assert secrets["musterstadt.example/24m/2026-11"] is None
    assert secrets["musterstadt.example/24m/2026-11.2"] is None


LAST = (2028, 12, 4)


def clock_of(year: int, month: int, day: int) -> StillClock:
    return StillClock(datetime(year, month, day, 12, tzinfo=UTC))
