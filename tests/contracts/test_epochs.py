"""What every EpochStore does (gateway.ports.log; LOG.md 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from entries import ORIGIN, OTHER, committed, entry, furnish, line
from faults import Fault
from stores import Stores

from adapters.storage.epochs import SqlEpochs
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import EpochStore, StoredEpoch

PART = 3
"""So few at once, that reading goes on after the first part."""
IMPLEMENTATIONS: dict[str, Callable[[SqlStore], EpochStore]] = {"sql": lambda store: SqlEpochs(store, PART)}


def leaf(last: StoredEpoch | None) -> bytes:
    """Out: a leaf that says which one it follows."""
    return b"first" if last is None else b"after %d of %d" % (last.number, last.size)


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> Callable[[SqlStore], EpochStore]:
    """How the port is made over a store."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def epochs(store: SqlStore, implementation: Callable[[SqlStore], EpochStore]) -> EpochStore:
    """A port over two shards."""
    return implementation(store)


class TestBeginning:
    async def test_each_gets_the_next_number_and_follows_on_the_last(self, epochs: EpochStore) -> None:
        """Numbers count from 0; a size may have several epochs; each shard has its own."""
        made = [await epochs.begin_epoch(ORIGIN, size, leaf) for size in (1, 2, 2)]
        expected = [
            StoredEpoch(0, 1, b"first"),
            StoredEpoch(1, 2, b"after 0 of 1"),
            StoredEpoch(2, 2, b"after 1 of 2"),
        ]
        assert made == expected
        assert list(await epochs.epochs(ORIGIN)) == expected
        assert list(await epochs.epochs(ORIGIN, 2)) == expected[2:]
        assert await epochs.begin_epoch(OTHER, 1, leaf) == StoredEpoch(0, 1, b"first")

    async def test_an_older_size_is_turned_away(self, epochs: EpochStore) -> None:
        """A later one was first: nothing is written, and no leaf is even made."""
        await epochs.begin_epoch(ORIGIN, 2, leaf)
        made: list[StoredEpoch | None] = []
        assert await epochs.begin_epoch(ORIGIN, 1, lambda last: bytes(len(made)), "note") is None
        assert made == []
        assert len(await epochs.epochs(ORIGIN)) == 1

    async def test_the_logs_checkpoint_is_kept_with_it(self, epochs: EpochStore, store: SqlStore) -> None:
        """The first of a size stays, since a size has one root."""
        await epochs.begin_epoch(ORIGIN, 1, leaf, "note of 1")
        await epochs.begin_epoch(ORIGIN, 1, leaf, "another")
        await epochs.begin_epoch(ORIGIN, 2, leaf)
        assert list(await store.checkpoints(ORIGIN)) == [(1, "note of 1")]

    @pytest.mark.parametrize(("origin", "size"), [(ORIGIN, 10_000), ("nobody.example/24m/2026-11", 0)])
    async def test_lines_that_are_not_there_have_no_epoch(
        self, epochs: EpochStore, origin: str, size: int
    ) -> None:
        """Neither more lines than the shard has, nor those of a shard there is not."""
        with pytest.raises(JournalUnavailable):
            await epochs.begin_epoch(origin, size, leaf)
        assert list(await epochs.epochs(origin)) == []

    async def test_a_leaf_that_can_not_be_made_leaves_no_epoch(self, epochs: EpochStore) -> None:
        """The number stays free for the next."""

        def broken(last: StoredEpoch | None) -> bytes:
            raise ValueError

        with pytest.raises(JournalUnavailable):
            await epochs.begin_epoch(ORIGIN, 1, broken, "note")
        made = await epochs.begin_epoch(ORIGIN, 1, leaf)
        assert made == StoredEpoch(0, 1, b"first")

    async def test_two_at_once_leave_no_gap_and_no_fork(
        self, stores: Stores, implementation: Callable[[SqlStore], EpochStore]
    ) -> None:
        """Two openings of one database, each with its own wishes: every epoch follows on the one before it."""
        async with stores.using() as one, stores.using() as other:
            await furnish(one, records=20)
            ports = (implementation(one), implementation(other))
            wishes = [ports[at % 2].begin_epoch(ORIGIN, 1 + at, leaf) for at in range(20)]
            made = [found for found in await asyncio.gather(*wishes) if found is not None]
            kept = list(await ports[0].epochs(ORIGIN))
            assert sorted(made, key=lambda found: found.number) == kept
            assert [found.number for found in kept] == list(range(len(kept)))
            assert [found.size for found in kept] == sorted(found.size for found in kept)
            assert [found.leaf for found in kept] == [leaf(last) for last in (None, *kept[:-1])]


class TestLabels:
    async def read(
        self, epochs: EpochStore, start: int, stop: int, origin: str = ORIGIN
    ) -> list[tuple[bytes, int]]:
        found: list[tuple[bytes, int]] = []
        while part := await epochs.labels(origin, start, stop, found[-1] if found else None):
            assert len(part) <= PART
            found += part
        return found

    async def fill(self, store: SqlStore) -> list[tuple[bytes, int]]:
        """Out: label and index of every line: some alone, some with more lines than are read at once."""
        for at in range(24):
            label = bytes([at % 5 if at < 16 else at % 2 * 9]) * 32
            await store.append(entry(f"l-{at}", lines=(line(f"l-{at}", label),)))
        lines = await store.lines(ORIGIN, 0, 1000)
        return sorted((one.line.leaf[1:33], one.position.index) for one in lines)

    async def test_all_are_told_by_label_and_then_index(self, epochs: EpochStore, store: SqlStore) -> None:
        """In parts; none twice, none left out; only of this shard, only as far as asked."""
        every = await self.fill(store)
        assert await self.read(epochs, 0, len(every)) == every
        assert await self.read(epochs, 0, 7) == [(label, at) for label, at in every if at < 7]
        assert len(await self.read(epochs, 0, 1000, OTHER)) == 1
        assert await self.read(epochs, 0, 1000, "nobody.example/24m/2026-11") == []

    @pytest.mark.parametrize(("start", "stop"), [(1, 4), (5, 9), (20, 27), (18, 27), (26, 27), (27, 27)])
    async def test_what_changed_is_told_with_all_it_ever_had(
        self, epochs: EpochStore, store: SqlStore, start: int, stop: int
    ) -> None:
        """Every entry below the end, of exactly the labels that have one from the start on."""
        every = await self.fill(store)
        changed = {label for label, at in every if start <= at < stop}
        expected = [(label, at) for label, at in every if label in changed and at < stop]
        assert await self.read(epochs, start, stop) == expected


class TestFaults:
    async def test_what_breaks_half_way_leaves_nothing(
        self, stores: Stores, implementation: Callable[[SqlStore], EpochStore]
    ) -> None:
        """Whichever statement breaks: no epoch, no checkpoint, and the store serves on."""
        async with stores.using() as store:
            await furnish(store)
        before = stores.contents()
        for at in range(1, 10):
            fault = Fault(statement=at)
            async with stores.using(fault) as store:
                try:
                    await implementation(store).begin_epoch(ORIGIN, 1, leaf, "note")
                except JournalUnavailable:
                    assert fault.fired
            if not fault.fired:
                break
            assert stores.contents() == before
        assert at == 3
        assert stores.contents() != before

    async def test_what_breaks_before_its_commit_leaves_nothing(
        self, stores: Stores, implementation: Callable[[SqlStore], EpochStore]
    ) -> None:
        """Not persisted and reported failed: tried again, it has the same number."""
        async with stores.using() as store:
            await furnish(store)
        before = stores.contents()
        async with stores.using(Fault(commit="before")) as store:
            with pytest.raises(JournalUnavailable):
                await implementation(store).begin_epoch(ORIGIN, 1, leaf, "note")
            assert stores.contents() == before
            made = await implementation(store).begin_epoch(ORIGIN, 1, leaf, "note")
        assert made == StoredEpoch(0, 1, b"first")

    async def test_what_breaks_after_its_commit_is_whole(
        self, stores: Stores, implementation: Callable[[SqlStore], EpochStore], tmp_path: Path
    ) -> None:
        """Persisted but reported failed: it is there with its checkpoint, and the next one follows on it."""
        async with stores.using() as store:
            await furnish(store)
        async with stores.using(Fault(commit="after")) as store:
            with pytest.raises(JournalUnavailable):
                await implementation(store).begin_epoch(ORIGIN, 1, leaf, "note")
            assert list(await implementation(store).epochs(ORIGIN)) == [StoredEpoch(0, 1, b"first")]
            assert list(await store.checkpoints(ORIGIN)) == [(1, "note")]
            made = await implementation(store).begin_epoch(ORIGIN, 1, leaf, "note")
            assert made == StoredEpoch(1, 1, b"after 0 of 1")
            await committed(store, "life goes on")
