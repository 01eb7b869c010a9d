"""Every JournalStore adds to what it wrote or saw last, and to nothing else (gateway.ports; LOG.md 2, 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from cutting import cut, lengthen, swap
from entries import ORIGIN, OTHER, committed, entry, furnish, line, size
from stores import Stores

from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import Committed

TWO = (line("a"), line("b"))


def grown_otherwise(database: str, origin: str) -> None:
    """Cut, and longer than before."""
    cut(database, origin, 2)
    lengthen(database, origin, 5)


LIES: dict[str, Callable[[str, str], None]] = {
    "one line less": lambda url, origin: cut(url, origin, 1),
    "nothing but leaf 0": lambda url, origin: cut(url, origin, 4),
    "the last one is another": swap,
    "the first is another": lambda url, origin: swap(url, origin, 5),
    "grown otherwise": grown_otherwise,
}


async def refused(store: SqlStore, origin: str = ORIGIN) -> str:
    """Out: where nothing is added."""
    with pytest.raises(JournalUnavailable) as fault:
        await store.append(entry("next", origin=origin))
    return fault.value.where


class TestGoingOn:
    @pytest.mark.parametrize("lie", LIES)
    async def test_a_head_that_does_not_go_on_from_what_was_written_last_is_refused(
        self, stores: Stores, store: SqlStore, lie: str
    ) -> None:
        """Whatever fits together in the database: no line is added, and the shard is not closed with it; nothing is
        written. As often as it is tried."""
        await committed(store, "a", lines=TWO)
        LIES[lie](stores.url, ORIGIN)
        before = stores.contents()
        for _ in range(2):
            assert await refused(store) == "storage (the log was cut or grew otherwise)"
            with pytest.raises(JournalUnavailable):
                await store.close_shard(ORIGIN)
        assert stores.contents() == before

    @pytest.mark.parametrize("lie", LIES)
    async def test_nor_one_that_does_not_go_on_from_what_was_seen_first(
        self, stores: Stores, lie: str
    ) -> None:
        """Between looking at the shards and the first line."""
        async with stores.using() as other:
            await furnish(other)
            await committed(other, "a", lines=TWO)
        async with stores.using() as store:
            await store.shards()
            LIES[lie](stores.url, ORIGIN)
            assert await refused(store) == "storage (the log was cut or grew otherwise)"

    async def test_what_is_less_than_before_is_not_shown(self, stores: Stores, store: SqlStore) -> None:
        """A shard that shrank, or is not there any more, is told of to nobody who would sign it."""
        await committed(store, "a", lines=TWO)
        cut(stores.url, ORIGIN, 1)
        with pytest.raises(JournalUnavailable):
            await store.shards()

    async def test_the_other_shards_go_on(self, stores: Stores, store: SqlStore) -> None:
        """In the same group too."""
        cut(stores.url, ORIGIN, 1)
        results = await asyncio.gather(
            store.append(entry("a", origin=OTHER)),
            store.append(entry("b")),
            store.append(entry("c", origin=OTHER)),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [Committed, JournalUnavailable, Committed]

    async def test_what_others_added_is_gone_on_from(self, stores: Stores, store: SqlStore) -> None:
        """Other processes write the same log in turn; whoever saw less than they wrote goes on from theirs."""
        async with stores.using() as other:
            for at in range(3):
                await committed(other, f"theirs {at}")
                await committed(store, f"ours {at}")
        lengthen(stores.url, ORIGIN, 300)
        done = await committed(store, "after many")
        assert done.head.size == await size(store) == 3 + 6 + 300 + 1

    @pytest.mark.parametrize("lie", LIES)
    async def test_what_others_added_is_nothing_to_build_another_log_on(
        self, stores: Stores, store: SqlStore, lie: str
    ) -> None:
        """Seen by this process or not: it goes on from what it wrote itself, once that was gone on from."""
        await committed(store, "a")
        async with stores.using() as other:
            await committed(other, "b")
        await committed(store, "c")
        LIES[lie](stores.url, ORIGIN)
        assert await refused(store) == "storage (the log was cut or grew otherwise)"
