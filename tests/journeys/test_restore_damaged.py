"""A damaged line on the way of a restore is passed over or said, and ends no command by itself (decision 0027)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import town as towns
from reloading import answered, question
from restored import DATABASE, REASON, back_up, in_use, put_back

from gateway import assembly
from gateway.audit import labels
from gateway.audit.losses import DONE
from gateway.journal.guard import UNFINISHED, Restored


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a home that went on after its backup, and whose backup was put back."""
    root = await in_use(founded, tmp_path / "home")
    backup = back_up(root, tmp_path / "backup")
    town = await towns.opened(root)
    await answered(town, await question(town))
    await town.opened.close()
    put_back(root, backup)
    return root


def damage(root: Path, origin: str, index: int, event: bytes) -> None:
    with closing(sqlite3.connect(root / DATABASE)) as connection, connection:
        where = "shard = (select id from shard where origin = ?) and idx = ?"
        connection.execute(f"update line set event = ? where {where}", (event, origin, index))


def newest(root: Path) -> list[tuple[str, int]]:
    """Out: each class's newest shard and its last index."""
    with closing(sqlite3.connect(root / DATABASE)) as connection:
        found = connection.execute("select origin, size - 1 from shard order by retention, id").fetchall()
    return list({origin.split("/")[1]: (origin, last) for origin, last in found}.values())


async def test_the_last_line_left_can_not_be_read(home: Path) -> None:
    """What is missing is told all the same, and the house goes on."""
    for origin, last in newest(home):
        damage(home, origin, last, b"\xff\x00")
    clock = towns.StillClock()
    assert (await assembly.missing(home, clock)).lost
    await assembly.restore(home, REASON, clock=clock)
    await (await assembly.open_house(home, clock)).close()


async def test_the_line_that_says_it_came_to_its_end_can_not_be_read(home: Path) -> None:
    """The house is refused as one whose restore is unfinished: nothing is believed that nothing says."""
    clock = towns.StillClock()
    await assembly.restore(home, REASON, clock=clock)
    opened = await assembly.open_house(home, clock)
    [(origin, index)] = [
        (shard.head.origin, line.position.index)
        for shard in await opened.store.shards()
        for line in await opened.store.labelled(shard.head.origin, labels.system(shard.head.origin))
        if DONE.encode() in (line.line.event or b"")
    ]
    await opened.close()
    damage(home, origin, index, b"\xff\x00")
    with pytest.raises(Restored, match=UNFINISHED.partition(",")[0]):
        await assembly.open_house(home, clock)


@pytest.mark.parametrize("event", [b"[" * 200_000, b"\xff", b"[]", b"7"])
async def test_a_first_line_that_is_none_is_named(home: Path, event: bytes) -> None:
    """Whatever it holds, `log verify` names it and checks on."""
    origin, _ = newest(home)[0]
    damage(home, origin, 0, event)
    found = [wrong for report in assembly.verify_log(home) for wrong in report.wrong]
    assert any(wrong.table == "line" and wrong.key == f"{origin} 0" for wrong in found)
