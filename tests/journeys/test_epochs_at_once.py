"""Epochs while others write, index and die: one history is signed, whoever goes on with it (LOG.md 6, 9)."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import indexing
import killable
import pytest
import town as towns
from indexing import Between, agree, check, epochs_of, published, tell
from processes import lived
from town import Town

from adapters.storage.epochs import SqlEpochs
from gateway.errors import JournalUnavailable
from gateway.ports import StoredEpoch

MOST_STEPS = 40


def live(work: Callable[..., None], *given: object) -> int | None:
    """Run a process. Out: how it ended."""
    [code] = lived(work, *given)
    return code


class TestRaces:
    async def test_lines_that_come_meanwhile_are_the_next_ones(self, town: Town) -> None:
        """Appends go on while an index is made; the epoch is of the head it began with."""
        (before, *_) = await tell(town, 1)
        epochs = epochs_of(town.opened, Between(lambda: tell(town, 2, 3)))
        found = await epochs.make(town.clock.now())
        assert found[1].head.size == before.index + 1
        await check(town, found)
        again = await epochs.make(town.clock.now())
        assert again[1].head.size == before.index + 3
        await check(town, again)

    async def test_a_later_epoch_of_another_is_taken_over(self, town: Town) -> None:
        """It was committed while ours was reckoned: it covers what we asked for, and is not followed by an older."""
        other = await towns.opened(town.root, town.clock)

        async def later() -> None:
            await tell(other, 4)
            await other.opened.epochs.make(town.clock.now())

        await tell(town, 1)
        found = await epochs_of(town.opened, Between(later)).make(town.clock.now())
        theirs = await other.opened.epochs.make(town.clock.now())
        await check(town, found)
        assert [one.epoch for one in found] == [one.epoch for one in theirs]
        await other.opened.close()

    async def test_an_earlier_second_of_another_is_followed(self, town: Town) -> None:
        """Their epoch has more lines but an older time than we asked for: ours comes after it."""
        other = await towns.opened(town.root, town.clock)
        earlier = town.clock.now()
        town.clock.passes(seconds=5)

        async def later() -> None:
            await tell(other, 4)
            await other.opened.epochs.make(earlier)

        found = await epochs_of(town.opened, Between(later)).make(town.clock.now())
        assert {one.time for one in found} == {town.clock.now()}
        await check(town, found)
        await other.opened.close()

    async def test_others_that_are_always_first_are_a_fault(self, town: Town) -> None:
        """Not an endless loop; nothing is lost."""

        class Late(SqlEpochs):
            async def begin_epoch(self, *_: object, **__: object) -> StoredEpoch | None:
                return None

        with pytest.raises(JournalUnavailable) as raised:
            await epochs_of(town.opened, store=Late(town.opened.store)).make(town.clock.now())
        assert raised.value.where.startswith("epochs of ")

    async def test_a_shard_that_is_destroyed_meanwhile_is_not_told_of(self, town: Town) -> None:
        """Its keys went in their time, while its index was reckoned: the others are handed out."""
        town.clock.passes(days=400)

        class Destroyed(SqlEpochs):
            async def begin_epoch(self, origin: str, *rest: Any) -> StoredEpoch | None:
                if not origin.endswith("12m/2026-11"):
                    return await super().begin_epoch(origin, *rest)
                with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
                    connection.execute("update shard set secrets = null where origin = ?", (origin,))
                return None

        found = await epochs_of(town.opened, store=Destroyed(town.opened.store)).make(town.clock.now())
        months = [one.shard.origin.split("/", 1)[1] for one in found]
        assert months == ["12m/2027-12", "24m/2026-11", "24m/2027-12"]
        await check(town, found)

    async def test_processes_sign_one_history(self, town: Town) -> None:
        """Three of them, each with its lines and its epochs: every checkpoint they signed is of the one output log."""
        rounds = 5
        with ThreadPoolExecutor(3) as pool:
            ends = list(
                pool.map(lambda first: live(indexing.indexes, str(town.root), first, rounds), (10, 20, 30))
            )
        assert ends == [0, 0, 0]
        assert await agree(town, published(town.root)) >= 3 * rounds * 2
        await check(town, await epochs_of(town.opened).make(town.clock.now()))


class TestDeaths:
    async def test_killed_between_any_two_steps_the_next_one_goes_on(
        self, founded: Path, tmp_path: Path
    ) -> None:
        """SIGKILL before and after each commit, each signature, each file: what was signed is of the one history, and
        the next process makes true epochs."""
        root = tmp_path / "home"
        shutil.copytree(founded, root)
        steps = 0
        for fatal in range(MOST_STEPS):
            ended = live(indexing.dies, str(root), fatal)
            town = await towns.opened(root)
            await agree(town, published(root))
            if fatal % 3 == 0 or ended == 0:
                await check(town, await town.opened.epochs.make(town.clock.now()))
            await town.opened.close()
            if ended == 0:
                break
            assert ended == -signal.SIGKILL
            steps += 1
        passed = {row.split(" ", 1)[1] for row in (root / killable.STEPS).read_text().splitlines()}
        assert steps >= 12
        assert passed == {
            f"{side} {step}" for side in ("before", "after") for step in ("epochs.begin_epoch", "keep")
        }
