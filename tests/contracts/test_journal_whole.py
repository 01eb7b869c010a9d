"""Every JournalStore is whole at all times: in groups, through faults, among processes (gateway.ports; LOG.md 8, 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from entries import (
    NOW,
    ORIGIN,
    OTHER,
    committed,
    entry,
    furnish,
    key,
    line,
    settle,
    settlement,
    standing,
    step,
)
from faults import Fault
from killing import told_until_killed
from processes import OWN
from store_processes import write_some, write_until_killed
from stores import Stores

from adapters.storage.store import SqlStore
from consent.vocabulary import RecordState
from gateway.audit.tree import leaf_hash, root
from gateway.errors import JournalUnavailable
from gateway.ports import Committed, Known, RecordMoved, Release, ShardMoved, StandingMoved, Use, UsedUp


class TestGroups:
    async def test_one_turned_away_leaves_the_others(self, store: SqlStore) -> None:
        """Every kind of turning away in one group, and all others are committed."""
        await settle(store, "done")
        await store.close_shard(OTHER)
        results = await asyncio.gather(
            store.append(entry("good 1")),
            store.append(entry("moved", origin=OTHER)),
            store.append(entry("known", exchange=key("done"))),
            store.append(entry("stale", standing=standing(policy="f" * 64))),
            store.append(entry("gap", records=(step("c-1", 3),))),
            store.append(entry("used", exchange=key("u"), use=Use("c-1", 0))),
            store.append(entry("good 2")),
        )
        kinds = [type(result) for result in results]
        assert kinds == [Committed, ShardMoved, Known, StandingMoved, RecordMoved, UsedUp, Committed]
        first, last = results[0], results[-1]
        assert isinstance(first, Committed)
        assert isinstance(last, Committed)
        assert last.first.index == first.first.index + 1

    async def test_one_the_database_refuses_leaves_the_others(self, store: SqlStore) -> None:
        """An entry that breaks a rule of the database fails alone."""
        await committed(store, "x", exchange=key("x"))
        results = await asyncio.gather(
            store.append(entry("good 1")),
            store.append(entry("twice", exchange=key("other", exchange="exchange-x"))),
            store.append(entry("good 2")),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [Committed, JournalUnavailable, Committed]

    async def test_a_caller_that_goes_away_leaves_no_hole(self, store: SqlStore) -> None:
        """A cancelled append may be written or not; the log goes on either way."""
        task = asyncio.create_task(store.append(entry("gone")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        done = await committed(store, "next")
        lines = await store.lines(ORIGIN, 0, done.head.size)
        assert root([leaf_hash(one.line.leaf) for one in lines]) == done.head.root

    async def test_a_closed_store_says_so(self, stores: Stores) -> None:
        """After `close` nothing is accepted; closing twice is nothing."""
        opened = stores.open()
        await opened.close()
        with pytest.raises(JournalUnavailable):
            await opened.append(entry("x"))
        await opened.close()


KEPT_BACK = Release("exchange-begun", NOW, "24m", b"sealed")
Operation = Callable[[SqlStore], Awaitable[object]]
WRITES: dict[str, Operation] = {
    "asked": lambda store: store.append(
        entry("asked", exchange=key("x"), use=Use("c-1", 2), standing=standing("c-1", 1))
    ),
    "settled": lambda store: store.append(
        entry("done", exchange=key("begun"), settlement=settlement(), standing=standing("c-1", 1))
    ),
    "refused": lambda store: store.append(
        entry("done", "and more", exchange=key("begun"), settlement=settlement("refused"))
    ),
    "withdrawn": lambda store: store.append(
        entry("withdrawn", records=(step("c-1", 2, RecordState.WITHDRAWN),))
    ),
    "given": lambda store: store.append(entry("given", records=(step("c-2", 1),))),
    "loaded": lambda store: store.append(entry("loaded", policy=("b" * 64, b"newer"))),
    "exempt": lambda store: store.append(
        entry("done", exchange=key("begun"), settlement=settlement("exempt"), release=KEPT_BACK)
    ),
    "released": lambda store: store.append(entry("told", released="exchange-exempt")),
    "confirmed": lambda store: store.confirmed("exchange-done", NOW),
    "closed": lambda store: store.close_shard(ORIGIN),
    "opened": lambda store: store.open_shard("musterstadt.example/6m/2026-11", "6m", b"", line("new")),
    "kept": lambda store: store.keep_checkpoint(ORIGIN, 1, "note"),
    "forgotten": lambda store: store.forget(NOW + timedelta(days=30)),
}


class TestFaults:
    @staticmethod
    async def prepare(stores: Stores) -> None:
        async with stores.using() as store:
            await furnish(store)
            await committed(store, "asked", exchange=key("begun"), use=Use("c-1", 2))
            await settle(store, "done")
            due = replace(KEPT_BACK, exchange="exchange-exempt")
            await settle(store, "exempt", "exempt", release=due)

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_breaks_half_way_leaves_nothing(self, stores: Stores, name: str) -> None:
        """Whichever statement of a write breaks, and the commit itself: the database is as before, and serves on."""
        await self.prepare(stores)
        before = stores.contents()
        for at in range(1, 100):
            fault = Fault(statement=at)
            async with stores.using(fault) as store:
                try:
                    await WRITES[name](store)
                except JournalUnavailable:
                    assert fault.fired
            if not fault.fired:
                break
            assert stores.contents() == before
        assert at > 1
        assert stores.contents() != before

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_breaks_before_its_commit_leaves_nothing(self, stores: Stores, name: str) -> None:
        """Not persisted and reported failed: tried again on the same store, it is as if it had come once."""
        await self.prepare(stores)
        before = stores.contents()
        async with stores.using(Fault(commit="before")) as store:
            with pytest.raises(JournalUnavailable):
                await WRITES[name](store)
            assert stores.contents() == before
            await WRITES[name](store)
        assert stores.contents() != before

    @pytest.mark.parametrize("name", WRITES)
    async def test_what_breaks_after_its_commit_is_whole(self, stores: Stores, name: str) -> None:
        """Persisted but reported failed: the database holds all of it, exactly as after a success."""
        await self.prepare(stores)
        control = stores.another()
        await self.prepare(control)
        async with control.using() as store:
            await WRITES[name](store)
        async with stores.using(Fault(commit="after")) as store:
            with pytest.raises(JournalUnavailable):
                await WRITES[name](store)
            assert stores.contents() == control.contents()
            done = await committed(store, "life goes on", origin=OTHER)
            assert done.head.size == 2

    async def test_a_settlement_reported_failed_is_found_again(self, stores: Stores) -> None:
        """Persisted but reported failed: the redelivery meets its own outcome, and settles nothing twice."""
        await self.prepare(stores)
        async with stores.using(Fault(commit="after")) as store:
            with pytest.raises(JournalUnavailable):
                await WRITES["settled"](store)
        async with stores.using() as store:
            known = await store.recall("wohngeldstelle", "message-begun", "d" * 64, NOW)
            assert known is not None
            assert (known.settled, known.reply) == (True, b"sealed reply")
            assert isinstance(await WRITES["settled"](store), Known)
            assert ("exchange-begun", b"sealed reply") in await store.unconfirmed()

    async def test_the_fault_names_no_content(self, stores: Stores) -> None:
        """What is told of a foreign failure is its kind, nothing else."""
        await self.prepare(stores)
        async with stores.using(Fault(statement=1)) as store:
            with pytest.raises(JournalUnavailable) as raised:
                await WRITES["settled"](store)
        assert str(raised.value) == "internal at storage (OperationalError)"
        assert raised.value.__suppress_context__ or raised.value.__context__ is None


class TestProcesses:
    async def test_processes_share_one_log(self, stores: Stores) -> None:
        """Several processes append at once: every line told as committed is there, once, in one tree."""
        async with stores.using() as store:
            await furnish(store)
            pipes = []
            for name in ("p", "q"):
                told, tell = OWN.Pipe(duplex=False)
                process = OWN.Process(target=write_some, args=(stores.url, name, 100, tell))
                process.start()
                tell.close()
                pipes.append((process, told))
            mine = [await committed(store, f"r-{at}") for at in range(50)]
            places = {f"r-{at}": one.first.index for at, one in enumerate(mine)}
            for process, told in pipes:
                while (said := await asyncio.to_thread(told.recv)) is not None:
                    places[said[0]] = said[1]
                await asyncio.to_thread(process.join)
                assert process.exitcode == 0
            done = await committed(store, "last")
            lines = await store.lines(ORIGIN, 0, done.head.size)
            assert done.head.size == 3 + 250 + 1
            assert len(set(places.values())) == 250
            assert all(lines[index].line == line(name) for name, index in places.items())
            assert root([leaf_hash(one.line.leaf) for one in lines]) == done.head.root

    async def test_a_killed_writer_leaves_what_it_told_and_nothing_half(self, stores: Stores) -> None:
        """SIGKILL in the middle: what was told is there, the tree is whole, no exchange is settled without its
        line, and the next process goes on at once."""
        async with stores.using() as store:
            await furnish(store)
        said = await told_until_killed(write_until_killed, stores.url, "k", count=40)
        async with stores.using() as store:
            done = await committed(store, "next")
            lines = await store.lines(ORIGIN, 0, done.head.size)
            assert root([leaf_hash(one.line.leaf) for one in lines]) == done.head.root
            assert all(lines[index].line == line(f"{name} done") for name, index in said)
            accepted, terminal, in_flight = await store.counts()
            events = [one.line.event for one in lines]
            assert terminal == sum(event is not None and event.endswith(b' done"}') for event in events)
            begun = sum(event is not None and b'"k-' in event for event in events) - terminal
            assert accepted == terminal + in_flight == begun
