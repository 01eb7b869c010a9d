"""What every HoldStore does: keeps holds and their copies, and forgets whom they were for when they end (LOG.md 8)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import pytest
from entries import NOW, ORIGIN, OTHER
from faults import Fault
from stores import Stores

from adapters.storage.holding import SqlHolds
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import StoredHold

FIRST = StoredHold("h-2", NOW, date(2030, 1, 1), b"whom and why")
SECOND = StoredHold("h-1", NOW + timedelta(hours=1), date(2029, 12, 31), b"another")


@pytest.fixture
async def holds(store: SqlStore) -> SqlHolds:
    found = SqlHolds(store)
    await found.place(FIRST)
    await found.place(SECOND)
    return found


class TestHolds:
    async def test_holds_come_back_as_they_were_placed(self, holds: SqlHolds) -> None:
        """Oldest first, to the day."""
        assert list(await holds.holds()) == [FIRST, SECOND]

    async def test_an_id_is_used_once(self, holds: SqlHolds) -> None:
        """The one that is there stays."""
        with pytest.raises(JournalUnavailable):
            await holds.place(FIRST)
        assert len(await holds.holds()) == 2

    async def test_what_is_kept_is_replaced_only_by_who_knew_it(self, holds: SqlHolds) -> None:
        """Two who copy at once: the second sees that another was first, and nothing of that is lost."""
        assert await holds.keep("h-1", ORIGIN, b"one", None)
        assert not await holds.keep("h-1", ORIGIN, b"two", None)
        assert not await holds.keep("h-1", ORIGIN, b"two", b"other")
        assert await holds.keep("h-1", ORIGIN, b"two", b"one")
        assert await holds.keep("h-1", OTHER, b"three", None)
        assert list(await holds.held("h-1")) == [(OTHER, b"three"), (ORIGIN, b"two")]
        assert list(await holds.held("h-2")) == []
        with pytest.raises(JournalUnavailable):
            await holds.keep("h-1", "nobody.example/24m/2026-11", b"x", None)

    async def test_a_hold_that_ends_keeps_nothing(self, holds: SqlHolds) -> None:
        """Its copies go, and for whom and why it was; that it was there is known. It ends once."""
        await holds.keep("h-1", ORIGIN, b"one", None)
        await holds.keep("h-2", ORIGIN, b"mine", None)
        over = NOW + timedelta(days=9)
        assert await holds.lift("h-1", over)
        assert not await holds.lift("h-1", over)
        assert not await holds.lift("h-3", over)
        assert list(await holds.held("h-1")) == []
        assert not await holds.keep("h-1", ORIGIN, b"one", None)
        assert list(await holds.held("h-2")) == [(ORIGIN, b"mine")]
        last = (await holds.holds())[1]
        assert last == StoredHold("h-1", SECOND.placed, SECOND.until, None, over)

    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_all_of_an_end_or_none(
        self, stores: Stores, holds: SqlHolds, when: Literal["before", "after"]
    ) -> None:
        """Not persisted: it stands with its copies. Persisted but reported failed: it is over."""
        await holds.keep("h-1", ORIGIN, b"one", None)
        async with stores.using(Fault(commit=when)) as broken:
            with pytest.raises(JournalUnavailable):
                await SqlHolds(broken).lift("h-1", NOW)
        stands = when == "before"
        assert (len(await holds.held("h-1")) == 1) is stands
        assert await holds.lift("h-1", NOW) is stands
