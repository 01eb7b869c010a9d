"""Tables set back while somebody asks, and put right afterwards: the lines tell it (decision 0029)."""

from __future__ import annotations

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


async def test_a_law_that_was_set_back_for_a_moment(home: Path) -> None:
    """An older one, that the house sealed itself, takes its place while somebody asks."""
    town = await towns.opened(home)
    with changed(home) as database:
        [(older,)] = database.execute("select hash from current_policy").fetchall()
    edit(town, GRANT, '"street", ', "")
    newer = (await town.opened.law.adopt()).after.hash
    assert "values" not in await answered(town, await question(town))
    with changed(home) as database:
        database.execute("update current_policy set hash = ?", (older,))
    assert "values" in await answered(town, await question(town))
    with changed(home) as database:
        database.execute("update current_policy set hash = ?", (newer,))
    await town.opened.close()
    [wrong] = wrong_at(home)
    assert "answered by another law than the one that was loaded last" in wrong
