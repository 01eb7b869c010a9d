"""What is kept back from a person is told on its day by the housekeeping, and who meddles with it in the database is
named (DOMAIN.md 5, `exempt` and `released`)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

import exempting
import pytest
from exempting import DAYS, DUE, by_name, by_number, exported, released
from journal_lines import lines
from peopled import BLOCKED, ORDINARY
from town import Town

from gateway import assembly
from gateway.errors import BusUnavailable, Fault
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.serve import Service, tidy
from gateway.stages import Reply


class Quiet:
    """Port Bus, as far as housekeeping uses it."""

    async def forget(self, before: datetime) -> int:
        return 0


class Down(Quiet):
    """A bus that is away."""

    async def forget(self, before: datetime) -> int:
        raise BusUnavailable("bus")


async def asked(request: Outbound, town: Town) -> None:
    assert isinstance(await handle(town.delivery(request), town.opened.house), Reply)


async def test_a_bus_that_is_away_keeps_nothing_back_beyond_its_day(kept: Town) -> None:
    """What is erased and what is told have nothing to do with each other."""
    await asked(by_number(ORDINARY, kept), kept)
    kept.clock.moment = DUE
    bus: Any = Down()
    with pytest.raises(BusUnavailable):
        await tidy(Service(kept.opened.house, bus, kept.opened.store, 4, 5, 10))
    assert [line.kind for line in await lines(kept.opened.store)].count("released") == 1


async def test_one_that_cannot_be_opened_holds_up_no_other(kept: Town, exceptions_watched: Any) -> None:
    """Each run of the housekeeping tries it once, and names the exchange; an export says that it can't be made."""
    for one in (ORDINARY, BLOCKED):
        await asked(by_name(one, kept), kept)
    with closing(sqlite3.connect(kept.root / "data/einmal.sqlite3")) as database, database:
        rows = database.execute("SELECT exchange, sealed FROM release ORDER BY exchange").fetchall()
        damaged, sealed = rows[0]
        database.execute("UPDATE release SET sealed = ? WHERE exchange = ?", (sealed[:-1] + b"!", damaged))
    kept.clock.moment = DUE
    bus: Any = Quiet()
    service = Service(kept.opened.house, bus, kept.opened.store, 4, 5, 10)
    logged = exceptions_watched.lines
    assert await tidy(service) == 1
    assert await tidy(service) == 0
    assert exceptions_watched.lines == logged + 2
    told = [line.event["exchange"] for line in await lines(kept.opened.store) if line.kind == "released"]
    assert told == [rows[1][0]]
    wrong = [found for report in assembly.verify_log(kept.root) for found in report.wrong]
    assert [(found.table, found.key, found.column) for found in wrong] == [("release", damaged, "sealed")]
    with pytest.raises(Fault):
        await exported(kept, ORDINARY)


async def test_whoever_moves_the_day_in_the_database_moves_nothing(kept: Town) -> None:
    """The day that was sealed counts: an earlier one in the table tells nobody, and is named."""
    await asked(by_number(ORDINARY, kept), kept)
    with closing(sqlite3.connect(kept.root / "data/einmal.sqlite3")) as database, database:
        database.execute("UPDATE release SET due = 0")
    with pytest.raises(Fault):
        await released(kept)
    assert "released" not in {line.kind for line in await lines(kept.opened.store)}
    wrong = [found for report in assembly.verify_log(kept.root) for found in report.wrong]
    assert [(found.table, found.column) for found in wrong] == [("release", "due")]


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("DELETE FROM release", ("release", "exchange")),
        ("UPDATE release SET exchange = (SELECT exchange FROM exchange WHERE kind = 'answered')", None),
    ],
)
async def test_what_is_taken_from_what_is_kept_back_is_missed(
    kept: Town, statement: str, where: tuple[str, str] | None
) -> None:
    """The line that keeps it back says that it is owed."""
    await asked(by_number(ORDINARY, kept), kept)
    await exempting.parking_is_open(kept, DAYS)
    await asked(by_number(ORDINARY, kept), kept)
    with closing(sqlite3.connect(kept.root / "data/einmal.sqlite3")) as database, database:
        assert database.execute(statement).rowcount == 1
    wrong = [found for report in assembly.verify_log(kept.root) for found in report.wrong]
    found = {(found.table, found.column) for found in wrong}
    assert (where or ("release", "exchange")) in found


async def test_a_told_one_is_not_told_again_from_a_copy_of_its_row(kept: Town) -> None:
    """A row put back after its day is named: it was told already."""
    await asked(by_number(ORDINARY, kept), kept)
    with closing(sqlite3.connect(kept.root / "data/einmal.sqlite3")) as database, database:
        row = database.execute("SELECT * FROM release").fetchone()
    kept.clock.moment = DUE
    assert await released(kept) == 1
    with closing(sqlite3.connect(kept.root / "data/einmal.sqlite3")) as database, database:
        database.execute("INSERT INTO release VALUES (?, ?, ?, ?)", row)
    wrong = [found for report in assembly.verify_log(kept.root) for found in report.wrong]
    assert [(found.table, found.column) for found in wrong] == [("release", "exchange")]
