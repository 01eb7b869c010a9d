"""Every JournalStore can be asked whether it can be written, and is written no more for it (gateway.ports)."""

from __future__ import annotations

import asyncio

import pytest
from entries import committed, furnish
from faults import Fault
from stores import Stores

from gateway.errors import JournalUnavailable


async def test_asking_leaves_nothing(stores: Stores) -> None:
    """Neither a row nor a change of one."""
    store = stores.open()
    await furnish(store)
    before = stores.contents()
    await store.writable()
    assert stores.contents() == before


async def test_what_can_t_be_written_says_so_until_it_can(stores: Stores) -> None:
    """Whoever asks is told, and the next one is told how it is by then."""
    await furnish(stores.open())
    async with stores.using(Fault(commit="before")) as store:
        with pytest.raises(JournalUnavailable):
            await store.writable()
        await store.writable()


async def test_asking_delays_nobody(stores: Stores) -> None:
    """It goes with whatever else is waiting, and what is appended meanwhile is committed."""
    store = stores.open()
    await furnish(store)
    _, done, _ = await asyncio.gather(store.writable(), committed(store, "a"), store.writable())
    assert await store.line(done.first) is not None
