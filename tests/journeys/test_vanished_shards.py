"""Who writes the database without a key takes a whole month away, its keys, or its end: no name in a row excuses that.

What was signed of each shard is kept outside the database. It may be gone from the month on in which every line of it
was due, by its own name and not by that of the row that stands in its place (LOG.md 8, 9).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import town as towns
from cutting import lengthen
from reloading import answered, question
from restored import DATABASE, back_up, exported, holds_at, in_use, put_back, refused, wrong_at
from town import StillClock, Town

from gateway import assembly
from gateway.journal.guard import GONE, Restored
from gateway.journal.whole import KEYLESS, OTHER_END, REOPENED
from gateway.keeping.retention import Damaged

NAME: Final = "musterstadt.example/24m/2026-11"
NEXT: Final = "musterstadt.example/24m/2026-12"
LATER: Final = datetime(2026, 12, 5, 12, tzinfo=UTC)
OF_NAME: Final = f"shard = (select id from shard where origin = '{NAME}')"


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own in its second month, with questions answered in both."""
    root = await in_use(founded, tmp_path / "home")
    town = await later(root)
    await answered(town, await question(town))
    await town.opened.close()
    return root


async def later(root: Path, now: datetime = LATER) -> Town:
    """Out: the house at that time, its month begun."""
    town = await towns.opened(root, StillClock(now))
    await town.opened.shards.roll(now)
    return town


def change(root: Path, *statements: str) -> None:
    with closing(sqlite3.connect(root / DATABASE)) as connection, connection:
        connection.execute("pragma foreign_keys = off")
        for statement in statements:
            connection.execute(statement)


def rows(root: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(root / DATABASE)) as connection:
        return connection.execute(query).fetchall()


def moved(root: Path, origin: str, key: int) -> None:
    """The shard gets another number, with all that is tied to it."""
    [(old,)] = rows(root, f"select id from shard where origin = '{origin}'")
    tied = ("line", "tile", "checkpoint", "epoch", "cosignature", "held")
    change(
        root,
        *(f"update {table} set shard = {key} where shard = {old}" for table in tied),
        f"update exchange set terminal_shard = {key} where terminal_shard = {old}",
        f"update shard set id = {key} where id = {old}",
    )


def vanish(root: Path) -> None:
    """The month's row says that it is of long ago and that its keys were destroyed; what it had is gone."""
    change(
        root,
        *(f"delete from {table} where {OF_NAME}" for table in ("line", "checkpoint", "epoch", "cosignature")),
        f"update shard set secrets = null, origin = '{NAME.replace('2026-11', '2020-01')}'"
        f" where origin = '{NAME}'",
    )


def delete(root: Path) -> None:
    """Of the month there is nothing at all."""
    tables = ("line", "tile", "checkpoint", "epoch", "cosignature")
    change(
        root,
        *(f"delete from {table} where {OF_NAME}" for table in tables),
        f"delete from shard where origin = '{NAME}'",
    )


def rename(root: Path) -> None:
    """The month says that it is one whose lines are all due."""
    change(root, f"update shard set origin = '{NAME.replace('2026-11', '2024-09')}' where origin = '{NAME}'")


def unkey(root: Path) -> None:
    """The closed month's keys are gone, as if they had been destroyed in their time."""
    change(root, f"update shard set secrets = null where origin = '{NAME}'")


def reopen(root: Path) -> None:
    """The closed month is open again, and the newest by its number; the one after it is closed."""
    change(
        root,
        f"update shard set closed = 1 where origin = '{NEXT}'",
        f"update shard set closed = 0 where origin = '{NAME}'",
    )
    moved(root, NAME, 99)


def grow(root: Path) -> None:
    """A line is added to the closed month, with its tiles and its head."""
    lengthen(root / DATABASE, NAME, 1)


ATTACKS: Final[dict[Callable[[Path], None], tuple[str, str]]] = {
    vanish: (NAME, GONE),
    delete: (NAME, GONE),
    rename: (NAME, GONE),
    unkey: (NAME, KEYLESS),
    reopen: (NAME, REOPENED),
    grow: (NAME, OTHER_END),
}
LINK: Final = f"line [{NEXT} 0] event: it does not name the head of the shard before it"
MISSED: Final = f"shard [{NAME}] origin: {GONE}"
NAMED: Final[dict[Callable[[Path], None], tuple[str, ...]]] = {
    vanish: (LINK, MISSED),
    delete: (LINK, MISSED),
    rename: (LINK, MISSED),
    unkey: (f"shard [{NAME}] secrets: gone, and no line says",),
    reopen: (LINK, f"line [{NAME} 0] event"),
    grow: (LINK,),
}
each = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)


async def test_an_untouched_house_is_whole(home: Path) -> None:
    """What the attacks begin with."""
    town = await later(home)
    assert len(await town.opened.shards.headed()) == 4
    _, verdict = await exported(town)
    await town.opened.close()
    assert verdict.findings == ()
    assert holds_at(home)


@each
async def test_the_house_does_not_open(home: Path, attack: Callable[[Path], None], tmp_path: Path) -> None:
    """And with the right database back it does."""
    right = back_up(home, tmp_path / "right")
    attack(home)
    with pytest.raises(Restored) as why:
        await assembly.open_house(home, StillClock(LATER))
    assert (why.value.origin, why.value.why) == ATTACKS[attack]
    put_back(home, right)
    await (await assembly.open_house(home, StillClock(LATER))).close()


@each
async def test_the_check_of_the_log_names_it(home: Path, attack: Callable[[Path], None]) -> None:
    attack(home)
    found = wrong_at(home)
    for one in NAMED[attack]:
        assert any(told.startswith(one) for told in found)


@each
async def test_a_running_house_exports_and_erases_nothing_and_signs_none_of_it(
    home: Path, attack: Callable[[Path], None]
) -> None:
    """It has looked at the log before."""
    town = await later(home)
    kept = town.opened.checkpoints.read(NAME)
    attack(home)
    others = f"from line where shard <> (select id from shard where origin = '{NEXT}') group by shard"
    lines = rows(home, f"select shard, count(*), count(event) {others}")
    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: exported(town),
        town.opened.shards.headed,
        town.opened.shards.stand,
        town.opened.shards.load,
        lambda: town.opened.retention().run(LATER),
        lambda: town.opened.retention().run(LATER, clock_is_right=True),
    ]
    for way in ways:
        with pytest.raises(Restored) as why:
            await way()
        assert (why.value.origin, why.value.why) == ATTACKS[attack]
    town.opened.checkpoints.flush()
    assert town.opened.checkpoints.read(NAME) == kept
    await town.opened.close()
    assert rows(home, f"select shard, count(*), count(event) {others}") == lines


async def test_a_month_that_has_not_come_lets_nothing_be_gone(home: Path) -> None:
    """A row says that the house is in 2050: by its keys it is not."""
    vanish(home)
    change(
        home,
        "insert into shard (origin, retention, size, root, closed, secrets) select "
        f"'{NAME.replace('2026-11', '2050-01')}', retention, size, root, 1, x'00' from shard"
        f" where origin = '{NEXT}'",
    )
    with pytest.raises(Restored, match=GONE):
        await assembly.open_house(home, StillClock(LATER))
    assert {LINK, MISSED} <= set(wrong_at(home))


async def test_a_month_that_is_told_to_be_lost_is_no_riddle(home: Path) -> None:
    """After a restore the log says that it is gone; from then on the house opens, and is asked about it no more."""
    delete(home)
    assert await refused(home) == GONE
    done = await assembly.restore(home, "the disk failed", clock=StillClock(LATER))
    assert [lost.origin for lost in done.plan.lost] == [NAME]
    town = await later(home)
    await town.opened.shards.headed()
    await town.opened.retention().run(LATER)
    await town.opened.close()
    assert MISSED not in wrong_at(home)


async def test_numbers_say_nothing_of_the_order(home: Path) -> None:
    """Where a shard stands its name says: with its row's number changed the house goes on in the newest month."""
    moved(home, NAME, 99)
    town = await later(home)
    await answered(town, await question(town))
    headed = [shard.origin for shard, _, _ in await town.opened.shards.headed()]
    await town.opened.close()
    assert headed.index(NAME) < headed.index(NEXT)
    [(closed, size)] = rows(home, f"select closed, size from shard where origin = '{NEXT}'")
    assert not closed
    assert size > 1


async def test_a_shard_without_keys_is_cleared_only_when_its_time_is_over(home: Path) -> None:
    """Kept to the end of the calendar year: by its name alone it could be gone before, but its lines stay."""
    settings = home / "einmal.toml"
    day, year = 'months = 24\nuntil = "day"', 'months = 24\nuntil = "calendar-year"'
    text = settings.read_text("utf-8")
    assert day in text
    settings.write_text(text.replace(day, year), "utf-8")
    now = datetime(2028, 12, 5, 12, tzinfo=UTC)
    town = await later(home, now)
    unkey(home)
    with pytest.raises(Damaged, match=f"keys of {NAME}"):
        await town.opened.retention().run(now, clock_is_right=True)
    await town.opened.close()
    assert rows(home, f"select count(*) from line where {OF_NAME}")[0][0] > 1
