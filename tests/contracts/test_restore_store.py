"""What every RestoreStore does to a database that came from a backup (gateway.ports.restore)."""

from __future__ import annotations

import pytest
from entries import NOW, ORIGIN, committed, furnish, line, size, step
from faults import Fault
from stores import Stores

from adapters.storage.epochs import SqlEpochs
from adapters.storage.restoring import PART, SqlRestore
from adapters.storage.store import SqlStore
from consent.vocabulary import RecordState
from gateway.audit.tree import leaf_hash, root, verify_inclusion
from gateway.errors import JournalUnavailable
from gateway.ports import Entry, ShardMoved
from gateway.stages import Position

WHY = "lost in a restore"
LEAVES = [line(f"lost {at}").leaf for at in range(300)]


class TestLeaves:
    async def test_leaves_stand_after_the_last_line_and_open_nothing(self, store: SqlStore) -> None:
        """The tree is that of all of them, each is proved, none says anything, and the shard is closed."""
        before = await size(store)
        head = await SqlRestore(store).put_back(ORIGIN, before, LEAVES, WHY)
        kept = await store.lines(ORIGIN, 0, head.size)
        hashes = [leaf_hash(one.line.leaf) for one in kept]
        assert (head.size, head.root) == (before + len(LEAVES), root(hashes))
        put = kept[before:]
        assert [one.line.leaf for one in put] == LEAVES
        assert {(one.line.salt, one.line.event, one.withheld) for one in put} == {(None, None, WHY)}
        assert all(one.withheld is None and one.line.event for one in kept[:before])
        [path] = await store.inclusions(ORIGIN, [before + 7], head.size)
        assert verify_inclusion(hashes[before + 7], before + 7, head.size, path, head.root)
        assert await store.labelled(ORIGIN, LEAVES[3][1:33]) == [put[3]]
        assert [shard.closed for shard in await store.shards() if shard.head.origin == ORIGIN] == [True]

    async def test_a_shard_of_another_size_is_left_alone(self, stores: Stores, store: SqlStore) -> None:
        """Somebody wrote since it was looked at; or it was never there."""
        before = stores.contents()
        for origin, at in ((ORIGIN, await size(store) - 1), ("musterstadt.example/24m/1999-01", 1)):
            with pytest.raises(JournalUnavailable):
                await SqlRestore(store).put_back(origin, at, LEAVES, WHY)
        assert stores.contents() == before

    async def test_a_writer_that_knew_the_shard_is_told_that_it_is_closed(self, store: SqlStore) -> None:
        """Whatever it remembered of the tree."""
        await SqlRestore(store).put_back(ORIGIN, await size(store), LEAVES, WHY)
        assert isinstance(await store.append(_entry()), ShardMoved)

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_it_is_all_there_or_nothing(self, stores: Stores, when: str) -> None:
        """Not persisted, or persisted and reported failed: never a part of it."""
        async with stores.using() as store:
            await furnish(store)
            before, contents = await size(store), stores.contents()
        async with stores.using(Fault(commit="before" if when == "before" else "after")) as store:
            with pytest.raises(JournalUnavailable):
                await SqlRestore(store).put_back(ORIGIN, before, LEAVES, WHY)
            if when == "before":
                assert stores.contents() == contents
            else:
                assert await size(store) == before + len(LEAVES)
                assert await store.line(Position(ORIGIN, before + len(LEAVES) - 1)) is not None


class TestEpochs:
    async def test_epochs_follow_those_that_are_there(self, store: SqlStore) -> None:
        """In order, with the sizes they had."""
        epochs = SqlEpochs(store)
        await epochs.begin_epoch(ORIGIN, 2, lambda _: b"first")
        await SqlRestore(store).put_back_epochs(ORIGIN, [(2, b"second"), (3, b"third")])
        found = await epochs.epochs(ORIGIN)
        assert [(one.number, one.size, one.leaf) for one in found] == [
            (0, 2, b"first"),
            (1, 2, b"second"),
            (2, 3, b"third"),
        ]
        await SqlRestore(store).put_back_epochs(ORIGIN, [])
        assert await epochs.epochs(ORIGIN) == found

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_they_are_all_there_or_none(self, stores: Stores, when: str) -> None:
        """Not persisted, or persisted and reported failed."""
        async with stores.using() as store:
            await furnish(store)
        async with stores.using(Fault(commit="before" if when == "before" else "after")) as store:
            with pytest.raises(JournalUnavailable):
                await SqlRestore(store).put_back_epochs(ORIGIN, [(2, b"first"), (3, b"second")])
            assert len(await SqlEpochs(store).epochs(ORIGIN)) == (0 if when == "before" else 2)


class TestRecords:
    async def test_every_record_that_permits_is_found_once(self, store: SqlStore) -> None:
        """Given or renewed, in parts; nothing that ended."""
        names = [f"r-{at:04}" for at in range(PART + 5)]
        for name in names:
            await committed(store, f"given {name}", records=(step(name, 1),))
        await committed(store, "renewed", records=(step("r-0001", 2, RecordState.RENEWED),))
        for name, state in (("r-0002", RecordState.WITHDRAWN), ("r-0003", RecordState.INVALIDATED)):
            await committed(store, f"over {name}", records=(step(name, 2, state),))
        found, after = list[str](), ""
        while part := await SqlRestore(store).permitting(after):
            assert len(part) <= PART
            found += part
            after = part[-1]
        assert found == ["c-1", *(name for name in names if name not in ("r-0002", "r-0003"))]


def _entry() -> Entry:
    return Entry(ORIGIN, (line("late"),), NOW)
