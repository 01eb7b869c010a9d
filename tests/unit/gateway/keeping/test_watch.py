"""accepted = terminal + in flight, counted by lines, by rows and by the bus (gateway.keeping.watch; DOMAIN.md 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from pathlib import Path

import pytest
from entries import NOW, furnish
from stores import SqliteStores
from watched import PATIENCE, Held, asked, ended, erased, gaps, look, tampered

from adapters.storage.store import SqlStore
from gateway.keeping.seen import Seen
from gateway.ports import Use


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[SqliteStores]:
    made = SqliteStores(tmp_path / "einmal.sqlite3")
    made.create()
    yield made
    await made.close()


@pytest.fixture
async def store(stores: SqliteStores) -> SqlStore:
    opened = stores.open()
    await furnish(opened)
    return opened


async def test_what_ended_and_what_is_with_the_bus_is_well(store: SqlStore) -> None:
    """Two ended, one of them for three persons, one put off: nothing is wrong, and both counts agree."""
    for name in ("a", "b"):
        await asked(store, name)
    await ended(store, "a", persons=3)
    await ended(store, "never-asked", "refused")
    found = await look(store, bus=Held({"b"}))
    assert gaps(found) == []
    assert (found.accepted, found.terminal, found.in_flight, found.by_lines) == (3, 2, 1, 1)


async def test_an_exchange_the_bus_has_no_more_is_lost(store: SqlStore) -> None:
    """Accepted, not ended, and its delivery gone; a bus that can't say accuses nobody."""
    await asked(store, "a")
    assert gaps(await look(store, bus=Held())) == [("lost", "a")]
    assert gaps(await look(store, bus=Held({"a"}))) == []
    assert gaps(await look(store)) == []


async def test_what_ends_while_the_bus_is_asked_is_not_lost(store: SqlStore) -> None:
    """Its delivery left the bus because it had ended."""

    class Ending(Held):
        async def holds(self, requests: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
            await ended(store, "a")
            return await super().holds(requests)

    await asked(store, "a")
    assert gaps(await look(store, bus=Ending())) == []


async def test_long_after_its_deadline_it_is_overdue(store: SqlStore) -> None:
    """Unless the bus brings it back: then it ends by itself. Whoever can't ask the bus goes by the time alone."""
    await asked(store, "a")
    late = NOW + PATIENCE + timedelta(seconds=1)
    assert gaps(await look(store, bus=Held(), now=late)) == [("overdue", "a")]
    assert gaps(await look(store, bus=Held({"a"}), now=late)) == []
    assert gaps(await look(store, now=late)) == [("overdue", "a")]
    assert gaps(await look(store, now=late - timedelta(seconds=1))) == []


async def test_a_second_end_is_found(stores: SqliteStores, store: SqlStore) -> None:
    """A terminal line beside the one the row knows, here or in between."""
    await ended(store, "a")
    await ended(store, "b")
    last = await ended(store, "c")
    tampered(stores, f"update exchange set terminal_idx = {last.first.index} where exchange = 'exchange-a'")
    assert ("ended-twice", "a") in gaps(await look(store))


async def test_another_end_than_the_row_says_is_found(stores: SqliteStores, store: SqlStore) -> None:
    """The line says answered, the row refused; or the row has not heard of the end."""
    await ended(store, "a")
    await ended(store, "b")
    tampered(
        stores,
        "update exchange set kind = 'refused' where exchange = 'exchange-a'",
        "update exchange set kind = null, terminal_shard = null, terminal_idx = null"
        " where exchange = 'exchange-b'",
    )
    assert gaps(await look(store)) == [("ends-differ", "a"), ("ends-differ", "b")]


async def test_a_line_without_its_row_is_found(stores: SqliteStores, store: SqlStore) -> None:
    """Asked or ended: its exchange is unknown; until the line's time is over."""
    await asked(store, "a")
    done = await ended(store, "b")
    tampered(stores, "delete from exchange")
    first = await look(store)
    assert gaps(first) == [("line-without-row", "a"), ("line-without-row", "b")]
    erased(stores, done.first.index)
    assert gaps(await look(store, first.seen)) == [("line-without-row", "a")]


async def test_a_row_without_its_line_is_found(stores: SqliteStores, store: SqlStore) -> None:
    """Under way or ended: no line speaks of it."""
    await ended(store, "a")
    tampered(
        stores,
        "update exchange set exchange = 'exchange-x' where exchange = 'exchange-a'",
        "insert into exchange (exchange, consumer, message_id, digest, secondary, retention, attempt)"
        " values ('exchange-y', 'c', 'm', 'd', 0, '24m', 1)",
    )
    found = gaps(await look(store))
    assert ("row-without-line", "x") in found
    assert ("row-without-line", "y") in found


async def test_a_use_still_reserved_is_found(stores: SqliteStores, store: SqlStore) -> None:
    """Its exchange has ended, so the use is consumed or given back."""
    await asked(store, "a", use=Use("c-1", 2))
    await ended(store, "a")
    assert gaps(await look(store)) == []
    tampered(stores, "update use set state = 'reserved'")
    assert gaps(await look(store)) == [("use-still-reserved", "a")]


async def test_a_look_goes_on_where_the_last_one_ended(stores: SqliteStores, store: SqlStore) -> None:
    """Lines once read are not read again; what was open then is followed to its end."""
    await asked(store, "a")
    first = await look(store, bus=Held({"a"}))
    tampered(stores, "update line set event = null")  # whoever reads one of them again learns nothing
    second = await look(store, first.seen, Held({"a"}))
    assert (gaps(second), second.by_lines) == ([], 1)
    await ended(store, "a")
    third = await look(store, second.seen, Held())
    assert (gaps(third), third.by_lines, third.terminal) == ([], 0, 1)


async def test_a_gap_stays_until_it_is_mended(stores: SqliteStores, store: SqlStore) -> None:
    """Also where its line was read long ago."""
    await ended(store, "a")
    tampered(stores, "update exchange set kind = 'refused'")
    found = await look(store)
    for _ in range(3):
        found = await look(store, Seen.parse(found.seen.render()))
        assert gaps(found) == [("ends-differ", "a")]
    tampered(stores, "update exchange set kind = 'answered'")
    assert gaps(await look(store, found.seen)) == []


async def test_old_rows_are_held_against_their_lines_too(stores: SqliteStores, store: SqlStore) -> None:
    """A part at each look, whatever was seen before."""
    await ended(store, "a")
    seen = (await look(store)).seen
    tampered(stores, "update exchange set kind = 'refused'")
    later = [await look(store, seen)]
    later.append(await look(store, later[0].seen))
    assert ("ends-differ", "a") in [gap for found in later for gap in gaps(found)]


async def test_what_retention_erases_is_no_gap(stores: SqliteStores, store: SqlStore) -> None:
    """Lines erased, rows gone, keys and lines of a whole shard destroyed: nothing is missed."""
    await asked(store, "a")
    done = await ended(store, "a")
    seen = (await look(store)).seen
    erased(stores, done.first.index)
    erased(stores, done.first.index - 1)
    assert gaps(await look(store, seen)) == []
    tampered(stores, "delete from exchange where exchange = 'exchange-a'")
    for before in (seen, Seen()):
        assert gaps(await look(store, before)) == []
    await ended(store, "b")
    tampered(
        stores,
        "delete from line where shard = (select shard from line where event like '%exchange-b%')",
        "update shard set secrets = null",
    )
    assert gaps(await look(store)) == []


async def test_a_restored_database_is_read_from_its_beginning(stores: SqliteStores, store: SqlStore) -> None:
    """What was seen of lines that are gone is forgotten."""
    await asked(store, "a")
    seen = (await look(store, bus=Held({"a"}))).seen
    lost = dict(seen.open) | {"exchange-lost": next(iter(seen.open.values()))}
    other = Seen({origin: size + 5 for origin, size in seen.sizes.items()}, lost)
    found = await look(store, other, Held({"a"}))
    assert (gaps(found), found.by_lines, found.seen.sizes) == ([], 1, seen.sizes)


async def test_what_was_seen_comes_back_as_it_was(store: SqlStore) -> None:
    """Written down and read again; what is no such file is as if nothing had been seen."""
    await asked(store, "a")
    seen = (await look(store, bus=Held())).seen
    assert Seen.parse(seen.render()) == seen
    assert seen.newest == NOW
    for damaged in ("", "[]", "{}", '{"v": 2}', '{"v": 1, "sizes": []}'):
        assert Seen.parse(damaged) == Seen()
