"""Every JournalStore has one order for all of its processes, whichever shards they write to (LOG.md 9.2, 9.3)."""

from __future__ import annotations

from collections import Counter

import pytest
from contending import ROUNDS, contended
from entries import OTHER, furnish, size
from stores import Stores


async def test_one_message_in_two_processes_and_classes_is_one_exchange(stores: Stores) -> None:
    """Whoever is second is told of the first one's."""
    async with stores.using() as store:
        await furnish(store)
        told = contended(stores, "message")
        assert Counter(frozenset(pair) for pair in told) == {frozenset({"Committed", "Known"}): ROUNDS}
        assert await store.counts() == (ROUNDS, 0, ROUNDS)


async def test_one_use_in_two_processes_and_classes_is_one_use(stores: Stores) -> None:
    """Two exchanges whose lines go to different shards, so that no shard's lock is common to them."""
    async with stores.using() as store:
        await furnish(store, ROUNDS)
        told = contended(stores, "use")
        assert Counter(frozenset(pair) for pair in told) == {frozenset({"Committed", "UsedUp"}): ROUNDS}
        assert len(stores.contents()["use"]) == ROUNDS


@pytest.mark.parametrize("wanted", ["withdrawal", "policy"])
async def test_nothing_is_answered_once_its_ground_is_gone(stores: Stores, wanted: str) -> None:
    """Who withdrew, or switched the policy, and then saw no answer, never sees one: that commit was the boundary."""
    async with stores.using() as store:
        await furnish(store, ROUNDS)
        told = contended(stores, wanted)
        assert {settled for settled, _ in told} <= {"Committed", "StandingMoved"}
        assert [seen for settled, seen in told] == [settled == "Committed" for settled, _ in told]
        assert await size(store, OTHER) == 1 + ROUNDS


async def test_nothing_goes_beside_a_hold_that_stands(stores: Stores) -> None:
    """Who placed a hold and then saw the line, has it for good."""
    async with stores.using() as store:
        await furnish(store, ROUNDS)
        told = contended(stores, "hold")
        assert [gone for _, gone in told] == [erased == "Committed" for erased, _ in told]
