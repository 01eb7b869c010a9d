"""Every SealedStore finds what is not under a master key, and replaces only what is still there (gateway.ports)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from entries import NOW, ORIGIN, OTHER, POLICY, key, settle, settlement
from faults import Fault
from stores import Stores

from adapters.storage.rewrapping import AT_ONCE, SqlSealed
from adapters.storage.schema import HELD, HOLD
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import Place, Release, Sealed, SealedStore

MARK = b"\x02mark"


@pytest.fixture
async def kept(store: SqlStore) -> SqlStore:
    """A store with something sealed in every place."""
    release = Release("exchange-r", NOW + timedelta(days=1), "24m", b"sealed release")
    await settle(store, "r", settlement=settlement(reply=None), release=release)
    await settle(store, "a", settlement=settlement(reply=b"sealed a"))
    await settle(store, "b", settlement=settlement(reply=MARK + b"sealed b"))
    await store.change(_hold)
    return store


def _hold(connection: sa.Connection) -> None:
    hold = {"hold": "h-1", "placed": 0, "until": 1, "lifted": None, "sealed": b"sealed hold"}
    connection.execute(sa.insert(HOLD), hold)
    for shard in (1, 2):
        connection.execute(sa.insert(HELD), {"hold": "h-1", "shard": shard, "sealed": b"part %d" % shard})


async def every(sealed: SealedStore, place: Place, mark: bytes = MARK) -> list[Sealed]:
    """Out: all of it, page by page."""
    found: list[Sealed] = []
    after: tuple[str, int] | None = None
    while page := await sealed.sealed(place, mark, after):
        found += page
        after = (page[-1].name, page[-1].part)
    return found


async def test_what_is_sealed_is_found_in_every_place(kept: SqlStore) -> None:
    """Named by what its context is made of; what bears the mark is not asked for."""
    found = {place: await every(SqlSealed(kept), place) for place in Place}
    assert found == {
        Place.SECRETS: [
            Sealed(Place.SECRETS, OTHER, 0, b"sealed secrets"),
            Sealed(Place.SECRETS, ORIGIN, 0, b"sealed secrets"),
        ],
        Place.REPLY: [Sealed(Place.REPLY, "exchange-a", 0, b"sealed a")],
        Place.RELEASE: [Sealed(Place.RELEASE, "exchange-r", 0, b"sealed release")],
        Place.POLICY: [Sealed(Place.POLICY, POLICY, 0, b"archive")],
        Place.HOLD: [Sealed(Place.HOLD, "h-1", 0, b"sealed hold")],
        Place.HELD: [Sealed(Place.HELD, "h-1", 1, b"part 1"), Sealed(Place.HELD, "h-1", 2, b"part 2")],
    }


async def test_more_than_a_page_is_found_once_each(store: SqlStore) -> None:
    """In the order of their names, while the pages before are being replaced."""
    names = [f"n-{at:03}" for at in range(AT_ONCE * 2 + 3)]
    for name in names:
        await settle(store, name, exchange=key(name))
    sealed, after, found = SqlSealed(store), None, list[str]()
    while page := await sealed.sealed(Place.REPLY, MARK, after):
        found += [one.name for one in page]
        after = (page[-1].name, page[-1].part)
        assert await sealed.reseal([(one, MARK + one.bytes) for one in page]) == len(page)
    assert found == [f"exchange-{name}" for name in names]
    assert await every(sealed, Place.REPLY) == []


async def test_every_place_is_replaced(kept: SqlStore) -> None:
    """And nothing else is: the part of one shard stays when the other's changes."""
    sealed = SqlSealed(kept)
    for place in Place:
        for one in (await every(sealed, place))[:1]:
            assert await sealed.reseal([(one, MARK + one.bytes)]) == 1
    left = [one for place in Place for one in await every(sealed, place)]
    assert [(one.place, one.name, one.part) for one in left] == [
        (Place.SECRETS, ORIGIN, 0),
        (Place.HELD, "h-1", 2),
    ]


async def test_what_has_changed_since_it_was_read_is_left_alone(kept: SqlStore) -> None:
    """Somebody else sealed it anew, or its time was over."""
    sealed = SqlSealed(kept)
    [reply], [hold] = await every(sealed, Place.REPLY), await every(sealed, Place.HOLD)
    await kept.forget(NOW + timedelta(days=11))
    assert await sealed.reseal([(hold, MARK + b"one")]) == 1
    assert await sealed.reseal([(reply, MARK + b"late"), (hold, MARK + b"two")]) == 0
    assert await every(sealed, Place.REPLY, b"\x02else") == []
    assert [one.bytes for one in await every(sealed, Place.HOLD, b"\x02else")] == [MARK + b"one"]


@pytest.mark.parametrize("persisted", [False, True])
async def test_a_fault_leaves_all_of_a_batch_or_nothing(
    stores: Stores, kept: SqlStore, persisted: bool
) -> None:
    """Not persisted, or persisted but reported failed: doing it again comes to the same."""
    found = [one for place in (Place.HOLD, Place.HELD) for one in await every(SqlSealed(kept), place)]
    fault = Fault(commit="after" if persisted else "before")
    async with stores.using(fault) as store:
        with pytest.raises(JournalUnavailable):
            await SqlSealed(store).reseal([(one, MARK + one.bytes) for one in found])
    left = [one for place in (Place.HOLD, Place.HELD) for one in await every(SqlSealed(kept), place)]
    assert left == ([] if persisted else found)
    assert await SqlSealed(kept).reseal([(one, MARK + one.bytes) for one in found]) == len(left)
