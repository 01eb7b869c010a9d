"""Somebody rewrites the log's end while the house runs, so that all fits together: it is gone on from by nobody, and no
second history is signed (LOG.md 2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import town as towns
from cutting import cut, leaves_of, lengthen, swap
from peopled import ORDINARY
from reloading import answered, question
from restored import DATABASE, back_up, holds_at
from town import Town

from gateway.errors import JournalUnavailable
from gateway.exchange import handle
from gateway.journal.guard import BEHIND, OTHER, Restored
from gateway.serve import Service, attend
from gateway.stages import Delivery
from gateway.watching import look, tell_blind

LOG = "musterstadt.example/24m/2026-11"
CUT = "storage (the log was cut or grew otherwise)"


def others(database: Path, origin: str) -> None:
    """Cut, and longer than before."""
    cut(database, origin, 2)
    lengthen(database, origin, 3)


LIES: dict[str, Callable[[Path, str], None]] = {
    "cut": lambda path, origin: cut(path, origin, 1),
    "another end": swap,
    "grown otherwise": others,
}


class Waiting:
    """Port `Bus`, as far as a delivery that can only wait needs it."""

    def __init__(self) -> None:
        self.postponed = 0

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        self.postponed += 1


def kept(town: Town) -> dict[str, bytes]:
    """Out: what was signed last, as it is kept outside the database."""
    town.opened.checkpoints.flush()
    return {file.name: file.read_bytes() for file in (town.root / "data/checkpoints").glob("*.checkpoint")}


def rewound(root: Path, to: Path) -> None:
    """What the database was is in it again, under the house that runs."""
    with closing(sqlite3.connect(to)) as source, closing(sqlite3.connect(root / DATABASE)) as target:
        source.backup(target)


async def is_red(town: Town, why: str) -> bool:
    """Out: whether the watchman says that the house can't be looked at, and that it is for this."""
    bus = await town.opened.bus()
    watchman = town.opened.watchman(bus)
    with pytest.raises(JournalUnavailable) as fault:
        await look(watchman)
    health = await tell_blind(watchman, None, fault.value)
    await bus.close()
    return not health.green and why in health.troubles[0].text


class TestOneProcess:
    @pytest.mark.parametrize("lie", LIES)
    async def test_nothing_is_added_or_signed_and_what_was_signed_stays(
        self, town: Town, tmp_path: Path, lie: str
    ) -> None:
        """The delivery waits, the house is red; with the right database back under it, it answers as if nothing had
        been."""
        await answered(town, await question(town))
        request = await question(town)
        signed, right = kept(town), back_up(town.root, tmp_path / "right")
        database = town.root / DATABASE
        LIES[lie](database, LOG)
        leaves = leaves_of(database, LOG)
        for _ in range(3):
            with pytest.raises(JournalUnavailable) as refused:
                await handle(town.delivery(request), town.opened.house)
            assert refused.value.where == CUT
        bus: Any = Waiting()
        service = Service(town.opened.house, bus, town.opened.store, concurrency=1, attempts=5, keep_days=10)
        await attend(town.delivery(request, attempt=7), service)
        assert bus.postponed == 1, "however often it was tried"
        assert await is_red(town, CUT if lie != "grown otherwise" else OTHER)
        assert (leaves_of(database, LOG), kept(town)) == (leaves, signed)
        rewound(town.root, right)
        assert (await answered(town, request))["message_id"]
        assert holds_at(town.root)

    async def test_nor_before_its_first_line(self, town: Town) -> None:
        """The house has looked at the log when it was opened."""
        signed = kept(town)
        swap(town.root / DATABASE, LOG)
        with pytest.raises(JournalUnavailable):
            await town.chooses(ORDINARY)
        assert kept(town) == signed

    async def test_nor_is_its_month_closed(self, town: Town) -> None:
        """What ends with the month is the log that was signed."""
        await answered(town, await question(town))
        signed = kept(town)
        cut(town.root / DATABASE, LOG, 1)
        town.clock.passes(days=20)
        with pytest.raises(JournalUnavailable):
            await town.opened.journal.begin_day(town.clock.now())
        assert kept(town) == signed


class TestSeveralProcesses:
    async def test_they_add_to_one_log_in_turn(self, town: Town) -> None:
        """Each goes on from what the other has written, and signs it."""
        other = await towns.opened(town.root, town.clock)
        for _ in range(3):
            for one in (town, other):
                await answered(one, await question(one))
                await one.opened.shards.headed()
                await one.opened.shards.stand()
        await other.opened.close()
        assert holds_at(town.root)

    @pytest.mark.parametrize("lie", LIES)
    async def test_what_another_has_signed_is_not_signed_otherwise(self, town: Town, lie: str) -> None:
        """A process that has not seen what another wrote and signed since: by the note outside the database it knows
        that there was more, whoever reads the head and whoever adds to it."""
        request = await question(town)
        seen = len(leaves_of(town.root / DATABASE, LOG))
        other = await towns.opened(town.root, town.clock)
        for _ in range(2):
            await answered(other, await question(other))
        signed = kept(other)
        await other.opened.close()
        database = town.root / DATABASE
        LIES[lie](database, LOG)
        with pytest.raises(Restored) as read:
            await town.opened.shards.headed()
        assert read.value.why == (BEHIND if lie == "cut" else OTHER)
        assert await is_red(town, read.value.why)
        cut(database, LOG, len(leaves_of(database, LOG)) - seen)
        for _ in range(20):  # until it is longer than what was signed
            with pytest.raises(Restored):
                await handle(town.delivery(request), town.opened.house)
            with pytest.raises(Restored):
                await town.chooses(ORDINARY)
        assert len(leaves_of(database, LOG)) > seen + 20
        assert kept(town) == signed


class TestClosed:
    async def test_a_closed_shard_that_is_swapped_is_not_signed(self, town: Town) -> None:
        """As large as it was: neither where heads are handed out, nor for a repeat, nor again and again."""
        request = await question(town)
        await answered(town, request)
        town.clock.passes(days=20)
        await town.opened.journal.begin_day(town.clock.now())
        await town.opened.shards.headed()
        signed = kept(town)
        swap(town.root / DATABASE, LOG)
        for _ in range(2):
            for way in (
                town.opened.shards.headed,
                town.opened.shards.stand,
                town.opened.shards.load,
                lambda: handle(town.delivery(request), town.opened.house),
                lambda: town.opened.epochs.make(town.clock.now()),
            ):
                with pytest.raises(Restored) as refused:
                    await way()
                assert (refused.value.origin, refused.value.why) == (LOG, OTHER)
        assert await is_red(town, OTHER)
        assert kept(town) == signed

    @pytest.mark.parametrize("by", [1, -1])
    async def test_nor_one_whose_size_is_another(self, town: Town, by: int) -> None:
        """A root under another size is another checkpoint."""
        town.clock.passes(days=20)
        await town.opened.journal.begin_day(town.clock.now())
        signed = kept(town)
        with closing(sqlite3.connect(town.root / DATABASE)) as connection, connection:
            connection.execute("update shard set size = size + ? where origin = ?", (by, LOG))
        with pytest.raises(JournalUnavailable):
            await town.opened.shards.headed()
        assert kept(town) == signed
