"""Who writes the database without a key makes lines about the house up: nobody believes them (decision 0029).

The running house signs its checkpoints over them, as over every line that is in the tree. They are named, and so is
what they were to excuse.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
import town as towns
from peopled import ORDINARY
from reloading import answered, question
from restored import DATABASE, REASON, exported, in_use
from town import StillClock, Town

from gateway import assembly
from gateway.assembly import publishing, restoring
from gateway.assembly.house import Opened
from gateway.audit import labels, tree
from gateway.audit.losses import DONE
from gateway.audit.record import Digests, Event, Kind, to_bytes
from gateway.audit.retention import LOST
from gateway.errors import Fault
from gateway.journal.guard import BEHIND, UNFINISHED, Restored
from gateway.keeping.holding import Hold, Lifted
from gateway.ports import Committed, Entry, Line
from gateway.proving.publishing import Contradicted

NORM: Final = "IDNrG § 9"
NAME: Final = "musterstadt.example/24m/2026-11"
NEXT: Final = "musterstadt.example/24m/2026-12"
DECEMBER: Final = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)
HELD: Final = Hold("h-1", "Klage", "ZPO § 142", "dsb", date(2029, 6, 30), ("reg:x:x",))


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    return await in_use(founded, tmp_path / "home")


async def later(home: Path, now: datetime) -> Town:
    """Out: the house at that time, its month just begun."""
    town = await towns.opened(home, StillClock(now))
    await town.opened.shards.roll(now)
    return town


async def made_up(town: Town, origin: str, kind: Kind, *reasons: str, time: datetime | None = None) -> int:
    """Append a line about the house as somebody can who has no key; the house signs over it. Out: its index."""
    event = Event(kind=kind, time=time or town.clock.now(), reasons=reasons)
    return await appended(town, origin, labels.system(origin), to_bytes(event))


async def appended(
    town: Town, origin: str, label: bytes, event: bytes, salt: bytes = b"\x05" * labels.SALT_BYTES
) -> int:
    line = Line(labels.leaf(label, labels.commit(salt, event)), salt, event)
    done = await town.opened.store.append(Entry(origin, (line,), town.clock.now()))
    assert isinstance(done, Committed)
    await town.opened.shards.headed()
    return done.first.index


def change(home: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(home / DATABASE)) as connection, connection:
        connection.execute("pragma foreign_keys = off")
        assert connection.execute(statement, values).rowcount


OF_NAME: Final = f"shard = (select id from shard where origin = '{NAME}')"


def wrong(home: Path) -> set[tuple[str, str, str]]:
    """Out: table, row and column of what the check of the log names."""
    return {(one.table, one.key, one.column) for report in assembly.verify_log(home) for one in report.wrong}


def made(origin: str, index: int) -> tuple[str, str, str]:
    return "line", f"{origin} {index}", "salt"


async def test_what_the_house_wrote_is_believed(home: Path) -> None:
    """Every line about the house, of a shard that this version opened."""
    town = await later(home, DECEMBER)
    await town.opened.holds().place(HELD, DECEMBER)
    await town.opened.holds().lift(HELD.id, DECEMBER)
    await town.opened.close()
    assert wrong(home) == set()


async def test_a_made_up_line_is_named_in_words(home: Path) -> None:
    town = await later(home, DECEMBER)
    index = await made_up(town, NEXT, Kind.RETENTION_ERASED, NORM, f"{NAME} 1-2")
    await town.opened.close()
    [report] = [report for report in assembly.verify_log(home) if report.wrong]
    assert [one.told for one in report.wrong] == [f"line [{NEXT} {index}] salt: not written by this house"]


async def test_lines_are_not_erased_because_a_made_up_line_says_so(home: Path) -> None:
    """Of a shard of which lines are due, in the right month, by the right norm."""
    now = datetime(2028, 11, 3, 12, tzinfo=UTC)
    town = await later(home, now)
    origin = NAME.replace("2026", "2028")
    index = await made_up(town, origin, Kind.RETENTION_ERASED, NORM, f"{NAME} 2-3")
    await town.opened.close()
    change(
        home,
        f"update line set salt = null, event = null, withheld = ? where {OF_NAME} and idx = 2",
        f"erased: {NORM}",
    )
    found = wrong(home)
    assert {made(origin, index), ("line", f"{NAME} 2", "event, salt, withheld")} <= found


async def test_a_shard_is_not_destroyed_because_a_made_up_line_says_so(home: Path) -> None:
    """Neither its keys may be gone nor its lines."""
    now = datetime(2028, 12, 3, 12, tzinfo=UTC)
    town = await later(home, now)
    origin = NAME.replace("2026-11", "2028-12")
    index = await made_up(town, origin, Kind.RETENTION_DESTROYED, NORM, NAME)
    await town.opened.close()
    change(home, "update shard set secrets = null where origin = ?", NAME)
    change(home, f"delete from line where {OF_NAME} and idx > 0")
    found = wrong(home)
    assert {made(origin, index), ("shard", NAME, "secrets")} <= found
    assert any(table == "line" and column == "idx" for table, _, column in found)


async def test_lines_are_not_lost_because_a_made_up_line_says_so(home: Path) -> None:
    """The end of a month is cut off, and the first line of the next says that a restore lost it: the house does not
    open, and its check names both."""
    town = await later(home, DECEMBER)
    [size] = [one.head.size for one in await town.opened.store.shards() if one.head.origin == NAME]
    assert await made_up(town, NEXT, Kind.RESTORED, REASON, f"{NAME} {size - 1}-{size}") == 1
    lines = await town.opened.store.lines(NAME, 0, size - 1)
    root = tree.append(tree.EMPTY_EDGE, [tree.leaf_hash(one.line.leaf) for one in lines]).root
    await town.opened.close()
    change(home, f"delete from line where {OF_NAME} and idx = ?", size - 1)
    change(home, "update shard set size = ?, root = ? where origin = ?", size - 1, root, NAME)
    with pytest.raises(Restored, match=BEHIND):
        await assembly.open_house(home, town.clock)
    lost = [one for one in (await assembly.missing(home, town.clock)).lost if one.origin == NAME]
    assert [(one.start, one.stop) for one in lost] == [(size - 1, size)]
    found = wrong(home)
    assert made(NEXT, 1) in found
    assert ("line", f"{NEXT} 0", "event") in found


async def test_lines_are_not_put_back_because_a_made_up_line_says_so(home: Path) -> None:
    """What opened them is taken away: no restore did that. No export carries the line, and the house opens."""
    town = await later(home, DECEMBER)
    [size] = [one.head.size for one in await town.opened.store.shards() if one.head.origin == NAME]
    assert await made_up(town, NEXT, Kind.RESTORED, REASON, f"put back: {NAME} {size - 2}-{size}") == 1
    document, verdict = await exported(town)
    await town.opened.close()
    assert not any("restored" in shard for shard in document["shards"])
    assert (verdict.findings, verdict.lost) == ((), ())
    change(
        home,
        f"update line set salt = null, event = null, withheld = ? where {OF_NAME} and idx >= ?",
        LOST,
        size - 2,
    )
    await (await towns.opened(home, town.clock)).opened.close()
    found = wrong(home)
    assert made(NEXT, 1) in found
    assert {("line", f"{NAME} {at}", "event, salt, withheld") for at in (size - 2, size - 1)} <= found


async def test_a_made_up_line_of_a_restore_stays_no_longer_than_another(home: Path) -> None:
    """What tells of a restore is kept as long as its shard has keys; this one goes on its day."""
    town = await later(home, DECEMBER)
    await made_up(town, NEXT, Kind.RESTORED, REASON)
    now = datetime(2028, 12, 2, 12, tzinfo=UTC)
    [due] = [one for one in await town.opened.retention().plan(now) if one.origin == NEXT]
    await town.opened.close()
    assert any(span.start <= 1 < span.stop for span in due.spans)


async def test_a_restore_tells_of_what_only_a_made_up_line_told(home: Path) -> None:
    """What stands there as put back is told by the house itself, once it goes on after a restore."""
    town = await later(home, DECEMBER)
    [size] = [one.head.size for one in await town.opened.store.shards() if one.head.origin == NAME]
    told = f"put back: {NAME} {size - 1}-{size}"
    await made_up(town, NEXT, Kind.RESTORED, REASON, told)
    await town.opened.close()
    change(
        home,
        f"update line set salt = null, event = null, withheld = ? where {OF_NAME} and idx = ?",
        LOST,
        size - 1,
    )
    assert (await assembly.restore(home, REASON, clock=town.clock)).plan.regained == (told,)
    assert made(NEXT, 1) in wrong(home)
    assert not any(key == f"{NAME} {size - 1}" for _, key, _ in wrong(home))


async def test_a_folder_that_is_ahead_is_not_left_as_it_is_because_a_made_up_line_says_so(
    home: Path, tmp_path: Path
) -> None:
    """A copy of the house published more: only a restore that the house tells of excuses that."""
    older, folder = tmp_path / "older", tmp_path / "tiles"
    shutil.copytree(home, older)
    town = await towns.opened(home)
    await answered(town, await question(town))
    await publishing.publish(town.opened, folder, town.clock.now(), auditors=True)
    await town.opened.close()
    town = await later(older, DECEMBER)
    for origin in (NEXT, NEXT.replace("24m", "12m")):
        await made_up(town, origin, Kind.RESTORED, REASON)
    with pytest.raises(Contradicted):
        await publishing.publish(town.opened, folder, DECEMBER, auditors=True)
    await town.opened.close()


async def killed(_: Opened) -> int:
    raise SystemExit


async def test_a_restore_is_not_done_because_a_made_up_line_says_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off, its plan taken away, and its end made up: the house stays closed."""
    with monkeypatch.context() as patched:
        patched.setattr(restoring, "_end_decisions", killed)
        with pytest.raises(SystemExit):
            await assembly.restore(home, REASON, clock=StillClock())
    (home / "data/restoring.json").unlink()
    opened = await assembly.house.open_restored(home, StillClock())
    index = await made_up(Town(home, StillClock(), opened), f"{NAME}.2", Kind.RESTORED, DONE)
    await opened.close()
    with pytest.raises(Restored) as why:
        await assembly.open_house(home, StillClock())
    assert why.value.why == UNFINISHED
    assert made(f"{NAME}.2", index) in wrong(home)


async def test_a_hold_is_not_over_because_a_made_up_line_says_so(home: Path) -> None:
    """Its row and its copies are taken away: nothing is erased, and an administrator ends it unread."""
    town = await later(home, DECEMBER)
    holds = town.opened.holds()
    await holds.place(HELD, DECEMBER)
    index = await made_up(town, NEXT, Kind.HOLD_LIFTED, HELD.norm, HELD.id)
    for table in ("held", "hold"):
        change(home, f"delete from {table}")
    with pytest.raises(Fault, match=f"missing-hold {HELD.id}"):
        await town.opened.retention().run(datetime(2028, 12, 3, tzinfo=UTC), clock_is_right=True)
    assert {made(NEXT, index), ("hold", HELD.id, "hold")} <= wrong(home)
    assert await holds.lift(HELD.id, DECEMBER) is Lifted.UNREAD
    assert await holds.lift(HELD.id, DECEMBER) is None
    await town.opened.close()
    assert wrong(home) == {made(NEXT, index)}


async def test_a_made_up_hold_stops_no_erasing(home: Path) -> None:
    """No administrator placed it: what is due goes all the same."""
    town = await later(home, DECEMBER)
    index = await made_up(town, NEXT, Kind.HOLD_PLACED, HELD.norm, HELD.id)
    assert made(NEXT, index) in wrong(home)
    now = datetime(2028, 12, 3, tzinfo=UTC)
    done = await town.opened.retention().run(now, clock_is_right=True)
    await town.opened.close()
    assert NAME in done.destroyed


async def test_an_older_law_is_not_in_force_because_a_made_up_line_says_so(home: Path) -> None:
    """No kind of line about the house may be made up in a shard that this version opened."""
    town = await towns.opened(home)
    event = Event(kind=Kind.POLICY_LOADED, time=town.clock.now(), digests=Digests(policy="0" * 64))
    index = await appended(town, NAME, labels.system(NAME), to_bytes(event))
    await town.opened.close()
    assert made(NAME, index) in wrong(home)


async def test_a_house_line_of_one_shard_is_none_of_another(home: Path) -> None:
    """What the house wrote is not believed elsewhere: each shard has a secret of its own."""
    town = await later(home, DECEMBER)
    await town.opened.holds().place(HELD, DECEMBER)
    shards = {shard.origin: shard for shard, _, _ in await town.opened.shards.headed()}
    event = to_bytes(Event(kind=Kind.HOLD_LIFTED, time=DECEMBER, reasons=(HELD.norm, HELD.id)))
    other = shards[NAME].house_line(event).salt
    assert other is not None
    index = await appended(town, NEXT, labels.system(NEXT), event, other)
    await town.opened.close()
    assert wrong(home) == {made(NEXT, index)}


async def test_a_made_up_line_of_somebody_makes_nothing_due(home: Path) -> None:
    """It says a time at which every line would be gone; a line is no later than its shard's month. What lifts a hold is
    asked for all the same."""
    town = await later(home, DECEMBER)
    await town.opened.holds().place(HELD, DECEMBER)
    ahead = Event(kind=Kind.READ_BY, time=datetime(2090, 1, 1, tzinfo=UTC))
    await appended(town, NEXT, b"\x01" * labels.LABEL_BYTES, to_bytes(ahead))
    await town.opened.close()
    change(home, "delete from held")
    change(home, "update hold set lifted = placed + 1, sealed = null")
    assert ("hold", HELD.id, "lifted") in wrong(home)


async def test_a_decision_without_its_line_is_named_before_that_was_due(home: Path) -> None:
    """Whatever else was erased in its time; afterwards it is not."""
    now = datetime(2028, 12, 3, 12, tzinfo=UTC)
    town = await later(home, now)
    await town.opened.retention().run(now, clock_is_right=True)
    record = await town.chooses(ORDINARY, "WG-new")
    await town.opened.close()
    assert wrong(home) == set()
    last = "shard = (select id from shard where origin = ?) order by idx desc limit 1"
    change(
        home,
        f"update line set salt = null, event = null where rowid = (select rowid from line where {last})",
        NAME.replace("2026-11", "2028-12"),
    )
    assert ("record_event", f"{record} 1", "body") in wrong(home)


async def test_questions_are_answered_beside_made_up_lines(home: Path) -> None:
    """Who makes lines up stops nobody."""
    town = await later(home, DECEMBER)
    await made_up(town, NEXT, Kind.RESTORED, REASON, f"{NAME} 1-?")
    await town.opened.close()
    town = await towns.opened(home, town.clock)
    assert await answered(town, await question(town))
    await town.opened.close()
