"""What every CosignatureStore does (gateway.ports.log; LOG.md 2, 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from entries import ORIGIN, OTHER, size
from faults import Fault
from stores import Stores

from adapters.storage.cosignatures import SqlCosignatures
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import Cosignature, CosignatureStore, Tree

IMPLEMENTATIONS: dict[str, Callable[[SqlStore], CosignatureStore]] = {"sql": SqlCosignatures}


def signed(by: str = "witness", at: int = 3, tree: Tree = Tree.LOG, origin: str = ORIGIN) -> Cosignature:
    """Out: somebody's cosignature of a size."""
    return Cosignature(origin, tree, at, f"{by}+01020304+AAAA", f"— {by} {by}{at}{tree}\n")


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> Callable[[SqlStore], CosignatureStore]:
    """How the port is made over a store."""
    return IMPLEMENTATIONS[request.param]


@pytest.fixture
def kept(store: SqlStore, implementation: Callable[[SqlStore], CosignatureStore]) -> CosignatureStore:
    """A port over two shards."""
    return implementation(store)


class TestCosignatures:
    async def test_are_read_as_they_were_kept(self, kept: CosignatureStore) -> None:
        """What was kept comes back: of one size, or of all, by size and then key."""
        found = [signed("b", 3), signed("a", 3), signed("a", 2)]
        await kept.keep_cosignatures(found)
        assert list(await kept.cosignatures(ORIGIN, Tree.LOG)) == [found[2], found[1], found[0]]
        assert list(await kept.cosignatures(ORIGIN, Tree.LOG, 3)) == [found[1], found[0]]
        assert list(await kept.cosignatures(ORIGIN, Tree.LOG, 4)) == []

    async def test_trees_and_shards_are_apart(self, kept: CosignatureStore) -> None:
        """A size of the log is none of the index, and none of another shard."""
        found = [signed(), signed(tree=Tree.INDEX), signed(origin=OTHER)]
        await kept.keep_cosignatures(found)
        for one in found:
            assert list(await kept.cosignatures(one.origin, one.tree)) == [one]
        assert list(await kept.cosignatures(OTHER, Tree.INDEX)) == []

    async def test_the_first_of_a_key_stays(self, kept: CosignatureStore) -> None:
        """A witness signs a size again with another time: the first is kept, in one call as in two."""
        again = replace(signed(), line="— witness later\n")
        await kept.keep_cosignatures([signed(), again])
        await kept.keep_cosignatures([again])
        assert list(await kept.cosignatures(ORIGIN, Tree.LOG)) == [signed()]

    async def test_none_are_kept_of_a_shard_there_is_not(self, kept: CosignatureStore) -> None:
        """An unknown shard is a fault, and what came with it is not kept either."""
        with pytest.raises(JournalUnavailable):
            await kept.keep_cosignatures([signed(), signed(origin="nobody.example/24m/2026-11")])
        assert list(await kept.cosignatures(ORIGIN, Tree.LOG)) == []

    async def test_two_openings_keep_at_once(
        self, stores: Stores, store: SqlStore, implementation: Callable[[SqlStore], CosignatureStore]
    ) -> None:
        """Two processes keep the same cosignature and others: each is there once."""
        first, second = implementation(store), implementation(stores.open())
        mine = [signed(f"w{number}") for number in range(8)]
        await asyncio.gather(*(port.keep_cosignatures([one]) for one in mine for port in (first, second)))
        assert list(await first.cosignatures(ORIGIN, Tree.LOG, 3)) == mine


class TestFaults:
    async def test_not_persisted(
        self, stores: Stores, store: SqlStore, implementation: Callable[[SqlStore], CosignatureStore]
    ) -> None:
        """A fault before the commit keeps nothing; asking again keeps all."""
        for fault in (Fault(statement=2), Fault(commit="before")):
            async with stores.using(fault) as failing:
                with pytest.raises(JournalUnavailable):
                    await implementation(failing).keep_cosignatures([signed("a"), signed("b")])
            assert fault.fired
            assert list(await implementation(store).cosignatures(ORIGIN, Tree.LOG)) == []
        await implementation(store).keep_cosignatures([signed("a"), signed("b")])
        assert len(await implementation(store).cosignatures(ORIGIN, Tree.LOG)) == 2

    async def test_persisted_but_reported_failed(
        self, stores: Stores, store: SqlStore, implementation: Callable[[SqlStore], CosignatureStore]
    ) -> None:
        """A fault after the commit: they are kept, and keeping them again changes nothing."""
        fault = Fault(commit="after")
        async with stores.using(fault) as failing:
            with pytest.raises(JournalUnavailable):
                await implementation(failing).keep_cosignatures([signed("a"), signed("b")])
        assert fault.fired
        assert list(await implementation(store).cosignatures(ORIGIN, Tree.LOG)) == [signed("a"), signed("b")]
        await implementation(store).keep_cosignatures([replace(signed("a"), line="— a later\n")])
        assert list(await implementation(store).cosignatures(ORIGIN, Tree.LOG)) == [signed("a"), signed("b")]

    async def test_they_are_no_lines(self, kept: CosignatureStore, store: SqlStore) -> None:
        """Keeping cosignatures leaves the log as it was."""
        before = await size(store)
        await kept.keep_cosignatures([signed()])
        assert await size(store) == before
