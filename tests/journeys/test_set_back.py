"""Tables set back while somebody asks, and put right afterwards: the lines tell it (decision 0029)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import town as towns
from law_changes import edit
from letters import asking
from peopled import ORDINARY
from reloading import GRANT, answered, question
from restored import DATABASE, in_use, wrong_at
from town import Town

from gateway.errors import ConfigurationFault, JournalUnavailable


@pytest.fixture
async def home(founded: Path, tmp_path: Path) -> Path:
    """Out: a closed home of the test's own, in which one question was answered."""
    return await in_use(founded, tmp_path / "home")


@contextmanager
def changed(root: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(root / DATABASE)) as database, database:
        yield database


async def asked(town: Town, case: str) -> dict[str, Any]:
    return await answered(town, asking(town, town.asks(ORDINARY, case=case), "json/1.0"))


async def test_a_withdrawal_that_was_out_of_sight_for_a_moment(home: Path) -> None:
    """It is taken out while somebody asks, and is back in its place when the log is looked at."""
    town = await towns.opened(home)
    record = await town.chooses(ORDINARY, "WG-X")
    assert "values" in await asked(town, "WG-X")
    await town.withdraws(record)
    assert "values" not in await asked(town, "WG-X")
    with changed(home) as database:
        last = "from record_event where record = ? and revision = 2"
        [step] = database.execute(f"select * {last}", (record,)).fetchall()
        stood = database.execute("select state, revision from record where record = ?", (record,)).fetchone()
        database.execute(f"delete {last}", (record,))
        database.execute("update record set state = 'given', revision = 1 where record = ?", (record,))
    assert "values" in await asked(town, "WG-X")
    with changed(home) as database:
        database.execute(f"insert into record_event values ({', '.join('?' * len(step))})", step)
        database.execute("update record set state = ?, revision = ? where record = ?", (*stood, record))
    await town.opened.close()
    [wrong] = wrong_at(home)
    assert "answered on a decision after the log told of a later step of it" in wrong


def law(root: Path, digest: str | None = None) -> str:
    """Out: the law in force, as the row has it. In: what to put there before."""
    with changed(root) as database:
        if digest is not None:
            database.execute("update current_policy set hash = ?", (digest,))
        [(found,)] = database.execute("select hash from current_policy").fetchall()
    return str(found)


async def two_laws(town: Town) -> tuple[str, str]:
    """Out: the law that was, and the one in force since, by which the street is not handed on."""
    older = law(town.root)
    edit(town, GRANT, '"street", ', "")
    newer = (await town.opened.law.adopt()).after.hash
    assert "values" not in await answered(town, await question(town))
    return older, newer


async def test_a_law_that_was_set_back_under_a_running_house(home: Path) -> None:
    """An older one, that the house sealed itself, takes its place: nothing is answered until the right one is back."""
    town = await towns.opened(home)
    older, newer = await two_laws(town)
    law(home, older)
    with pytest.raises(JournalUnavailable, match="told last"):
        await answered(town, await question(town))
    law(home, newer)
    assert "values" not in await answered(town, await question(town))
    await town.opened.close()
    assert wrong_at(home) == []


async def test_a_house_is_not_served_by_a_law_that_was_set_back(home: Path) -> None:
    """The files are put in force anew, and that is told."""
    town = await towns.opened(home)
    older, newer = await two_laws(town)
    await town.opened.close()
    law(home, older)
    town = await towns.opened(home)
    with pytest.raises(ConfigurationFault, match="not the one that the log told last"):
        await town.opened.law.begin()
    assert (await town.opened.law.adopt()).after.hash == newer
    assert not await town.opened.law.begin()
    await town.opened.close()
    assert wrong_at(home) == []


async def test_files_that_say_the_same_as_the_law_that_was_set_back(home: Path, tmp_path: Path) -> None:
    """Put in force like any other: the log tells of it before it is served."""
    shutil.copytree(home / "grants", tmp_path / "grants")
    town = await towns.opened(home)
    older, _ = await two_laws(town)
    shutil.copytree(tmp_path / "grants", home / "grants", dirs_exist_ok=True)
    law(home, older)
    assert (await town.opened.law.adopt()).after.hash == older
    assert not await town.opened.law.begin()
    assert "values" in await answered(town, await question(town))
    await town.opened.close()
    assert wrong_at(home) == []


async def test_a_law_that_was_set_back_while_the_house_was_opened(home: Path) -> None:
    """Where nobody asked what the log told: an exchange that it answered is named."""
    town = await towns.opened(home)
    older, newer = await two_laws(town)
    await town.opened.close()
    law(home, older)
    town = await towns.opened(home)
    assert "values" in await answered(town, await question(town))
    await town.opened.close()
    law(home, newer)
    [wrong] = wrong_at(home)
    assert "answered by another law than the one that was loaded last" in wrong
