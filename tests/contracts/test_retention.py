"""What every RetentionStore does: erases these lines and no others, all or nothing, while others write (LOG.md 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

import pytest
from entries import NOW, ORIGIN, committed, key, line, one_use, settle, settlement, step
from faults import Fault
from stores import Stores

from adapters.storage.erasing import SqlRetention
from adapters.storage.holding import SqlHolds
from adapters.storage.store import SqlStore
from gateway.audit.retention import Span
from gateway.errors import JournalUnavailable
from gateway.ports import RecordEvent, Release, StoredHold

WHY = "erased: IDNrG § 9"
NEXT = "musterstadt.example/24m/2026-12"
LAST = "musterstadt.example/24m/2027-01"


@pytest.fixture
def erasing(stores: Stores, store: SqlStore) -> SqlRetention:
    return SqlRetention(store, stores.url)


async def indexes(erasing: SqlRetention, origin: str = ORIGIN) -> list[int]:
    """Out: which lines can be opened, but for leaf 0."""
    found, start = list[int](), 0
    while part := await erasing.unerased(origin, start):
        found += [one.position.index for one in part]
        start = found[-1] + 1
    return found


async def erased(
    erasing: SqlRetention, start: int, stop: int, *exchanges: str, holds: Sequence[str] = ()
) -> bool:
    return await erasing.erase(ORIGIN, Span(start, stop), WHY, exchanges, holds)


async def follow(store: SqlStore, *origins: str) -> None:
    """Close the class's shard and open the next, for each."""
    before = ORIGIN
    for origin in origins:
        await store.close_shard(before)
        assert await store.open_shard(origin, "24m", b"sealed secrets", line(f"opening of {origin}"))
        before = origin


class TestLines:
    async def test_exactly_these_lines_are_erased(self, store: SqlStore, erasing: SqlRetention) -> None:
        """Salt and event go, the norm comes, leaf and label stay; every other line is as it was."""
        await committed(store, "x", lines=tuple(line(f"n{at}") for at in range(20)))
        before = await store.lines(ORIGIN, 0, 100)
        assert await erased(erasing, 5, 9)
        after = await store.lines(ORIGIN, 0, 100)
        for old, new in zip(before, after, strict=True):
            gone = 5 <= old.position.index < 9
            assert new.line.leaf == old.line.leaf
            assert (new.line.salt is None, new.line.event is None) == (gone, gone)
            assert new.withheld == (WHY if gone else None)
        assert await indexes(erasing) == [at for at in range(1, len(before)) if not 5 <= at < 9]

    async def test_what_opens_the_shard_is_never_erased(self, store: SqlStore, erasing: SqlRetention) -> None:
        """Whatever the span says."""
        opening = (await store.lines(ORIGIN, 0, 1))[0]
        assert await erased(erasing, 0, 100)
        assert (await store.lines(ORIGIN, 0, 1))[0] == opening
        assert await indexes(erasing) == []

    async def test_it_is_done_once(self, store: SqlStore, erasing: SqlRetention) -> None:
        """A line keeps the norm it was erased by."""
        await erased(erasing, 1, 2)
        assert await erasing.erase(ORIGIN, Span(1, 3), "erased: another", (), ())
        assert [one.withheld for one in await store.lines(ORIGIN, 1, 3)] == [WHY, "erased: another"]

    async def test_more_lines_than_a_part_are_all_found(self, store: SqlStore, erasing: SqlRetention) -> None:
        """In their order, each once."""
        for start in range(0, 1200, 200):
            await committed(store, f"{start}", lines=tuple(line(f"n{start + at}") for at in range(200)))
        found = await indexes(erasing)
        assert found == list(range(1, 1203))

    async def test_others_write_meanwhile(self, store: SqlStore, erasing: SqlRetention) -> None:
        """Lines are added between and beside, and none of them is lost or erased."""
        await committed(store, "x", lines=tuple(line(f"n{at}") for at in range(300)))
        size = (await store.lines(ORIGIN, 0, 1000))[-1].position.index + 1
        erasures = [erased(erasing, at, at + 10) for at in range(1, size, 10)]
        await asyncio.gather(*erasures, *(committed(store, f"new{at}") for at in range(100)))
        assert len(await store.lines(ORIGIN, 0, 1000)) == size + 100
        assert len(await indexes(erasing)) >= 91  # the last span reaches beyond the lines of before


class TestExchanges:
    async def test_an_exchange_goes_with_its_last_line(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Not with an earlier one; and one that is under way stays."""
        first = await committed(store, "asked", exchange=key("a"))
        last = await settle(store, "a")
        await committed(store, "asked b", exchange=key("b"))
        start, end = first.first.index, last.first.index
        await erased(erasing, start, end, "exchange-a")
        assert {row[0] for row in stores.contents()["exchange"]} == {"exchange-a", "exchange-b"}
        await erased(erasing, end, end + 2, "exchange-a", "exchange-b")
        assert {row[0] for row in stores.contents()["exchange"]} == {"exchange-b"}

    async def test_a_use_of_a_decision_stays_counted(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """As a bare row: who asked, and with which message, is not known any more; the use is not given back."""
        await committed(store, "asked", exchange=key("a"), use=one_use())
        done = await settle(store, "a")
        await erased(erasing, 1, done.first.index + 1, "exchange-a")
        (row,) = stores.contents()["exchange"]
        assert row[:8] == ("exchange-a", "", "exchange-a", "", 0, "", 0, None)
        assert row[8:] == ("erased", None, 0, None, None, None, None)
        assert len(stores.contents()["use"]) == 1
        assert (await store.counts()) == (1, 1, 0)

    async def test_what_is_still_to_be_told_stays(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """An exempt exchange is kept until its persons were told."""
        kept = Release("exchange-a", NOW + timedelta(days=1000), "24m", b"sealed")
        done = await settle(store, "a", "exempt", release=kept)
        await erased(erasing, 1, done.first.index + 1, "exchange-a")
        assert [row[0] for row in stores.contents()["exchange"]] == ["exchange-a"]
        assert len(stores.contents()["release"]) == 1


class TestHoldsStand:
    async def test_nothing_goes_beside_a_hold_nobody_knew_of(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Neither lines nor keys: whoever erases has to have copied for every hold that stands."""
        await SqlHolds(store).place(StoredHold("h-1", NOW, date(2030, 1, 1), b"sealed"))
        await follow(store, NEXT)
        before = stores.contents()
        assert not await erased(erasing, 1, 100)
        assert not await erased(erasing, 1, 100, holds=("h-1", "h-2"))
        assert stores.contents() == before
        assert await erased(erasing, 1, 100, holds=("h-1",))
        assert not await erasing.destroy(ORIGIN, ())
        assert await erasing.destroy(ORIGIN, ["h-1"])

    async def test_a_hold_that_is_over_stands_no_more(self, store: SqlStore, erasing: SqlRetention) -> None:
        """What was lifted keeps nothing."""
        holds = SqlHolds(store)
        await holds.place(StoredHold("h-1", NOW, date(2030, 1, 1), b"sealed"))
        await holds.lift("h-1", NOW)
        assert await erased(erasing, 1, 2)


class TestShards:
    async def test_keys_go_when_nothing_can_be_opened(self, store: SqlStore, erasing: SqlRetention) -> None:
        """Not of an open shard, not of a class's last, not while a line can be opened; and once is enough."""
        assert not await erasing.destroy(ORIGIN, ())
        await follow(store, NEXT)
        assert not await erasing.destroy(ORIGIN, ())
        await erased(erasing, 1, 100)
        assert await erasing.destroy(ORIGIN, ())
        assert await erasing.destroy(ORIGIN, ())
        secrets = {shard.head.origin: shard.secrets for shard in await store.shards()}
        assert (secrets[ORIGIN], secrets[NEXT]) == (None, b"sealed secrets")
        await store.close_shard(NEXT)
        assert not await erasing.destroy(NEXT, ())
        assert not await erasing.destroy("nobody.example/24m/2026-11", ())

    async def test_lines_go_after_the_keys_and_few_at_a_time(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Tiles and checkpoints stay; the opening stays until the next shard's keys are gone."""
        await committed(store, "x", lines=tuple(line(f"n{at}") for at in range(20)))
        await store.keep_checkpoint(ORIGIN, 3, "note")
        await follow(store, NEXT, LAST)
        assert not await erasing.clear(ORIGIN, 10)
        await erased(erasing, 1, 100)
        assert len(await store.lines(ORIGIN, 0, 100)) == 23
        await erasing.destroy(ORIGIN, ())
        tiles = stores.contents()["tile"]
        assert await erasing.clear(ORIGIN, 10)
        assert len(await store.lines(ORIGIN, 0, 100)) == 13
        while await erasing.clear(ORIGIN, 10):
            pass
        assert [one.position.index for one in await store.lines(ORIGIN, 0, 100)] == [0]
        assert (stores.contents()["tile"], await store.checkpoints(ORIGIN)) == (tiles, [(3, "note")])
        assert await erasing.destroy(NEXT, ())
        await erasing.clear(ORIGIN, 10)
        assert await store.lines(ORIGIN, 0, 100) == []
        assert len(await store.lines(NEXT, 0, 100)) == 1
        proof = await store.consistency(ORIGIN, 3, 23)
        assert proof


class TestRecords:
    async def test_records_are_looked_through_by_their_last_event(
        self, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Each once, in parts; who is over is the caller's word."""
        for at in range(600):
            await committed(store, f"r{at}", records=(step(f"r-{at:03}", 1),))
        await committed(store, "again", records=(step("r-007", 2, case="new"),))

        def changed(event: RecordEvent) -> bool:
            return event.revision == 2 or event.record == "r-599"

        seen: list[RecordEvent] = []
        after: str | None = ""
        while after is not None:
            found, after = await erasing.over(changed, after)
            seen += found
        assert [(event.record, event.revision) for event in seen] == [("r-007", 2), ("r-599", 1)]

    async def test_a_record_goes_with_all_that_hangs_on_it(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Events, names, uses, and what was left of exchanges; not while one of those is still kept."""
        await committed(store, "asked", exchange=key("a"), use=one_use())
        assert not await erasing.forget_record("c-1", 1)
        done = await settle(store, "a")
        assert not await erasing.forget_record("c-1", 1)
        await erased(erasing, 1, done.first.index + 1, "exchange-a")
        assert await erasing.forget_record("c-1", 1)
        left = stores.contents()
        tables = ("record", "record_event", "record_subject", "use", "exchange")
        assert {name: left[name] for name in tables} == {name: [] for name in tables}
        assert not await erasing.forget_record("c-1", 1)

    async def test_a_record_that_has_gone_on_stays(self, store: SqlStore, erasing: SqlRetention) -> None:
        """It was over when it was looked at; a step that was recorded since is not lost."""
        await committed(store, "given", records=(step("r-1", 1),))
        [over], _ = await erasing.over(lambda event: event.record == "r-1", "")
        await committed(store, "renewed", records=(step("r-1", 2),))
        assert not await erasing.forget_record("r-1", over.revision)
        assert await erasing.forget_record("r-1", 2)


class TestFiles:
    async def test_nothing_erased_is_left_in_files_that_were_written_anew(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Wherever it had been moved about; what stays can be read."""
        await committed(store, "x", lines=tuple(line(f"n{at}", event=b"MARK%d" % at) for at in range(50)))
        assert b"MARK7" in stores.on_disk()
        await erased(erasing, 1, 100)
        assert await erasing.settle(True)
        assert b"MARK7" not in stores.on_disk()
        assert len(await store.lines(ORIGIN, 0, 100)) == 53

    @pytest.mark.parametrize("vacuum", [False, True])
    async def test_a_reader_in_the_way_is_told_of_and_not_waited_for(
        self, stores: Stores, erasing: SqlRetention, vacuum: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody reads what was there before: nothing can be settled now, and is the next time."""
        monkeypatch.setattr("adapters.storage.sqlite._SETTLE_BUSY_MS", 1)
        monkeypatch.setattr("adapters.storage.tending._PAUSE_SECONDS", 0.001)
        with stores.reading():
            await erased(erasing, 1, 100)
            assert not await erasing.settle(vacuum)
        assert await erasing.settle(vacuum)


class TestSqliteFiles:
    """SQLite overwrites what is deleted; PostgreSQL has a law of its own (tests/live/postgresql)."""

    @pytest.mark.parametrize("stores", ["sqlite"], indirect=True)
    async def test_nothing_erased_is_left_in_the_files(
        self, stores: Stores, store: SqlStore, erasing: SqlRetention
    ) -> None:
        """Neither in the database nor in its write-ahead log, without writing it anew."""
        await committed(store, "x", lines=tuple(line(f"n{at}", event=b"MARK%d" % at) for at in range(50)))
        await erased(erasing, 1, 100)
        assert await erasing.settle(False)
        assert b"MARK7" not in stores.on_disk()


CHANGES: dict[str, Any] = {
    "erase": lambda it: it.erase(ORIGIN, Span(1, 100), WHY, ("exchange-a",), ()),
    "destroy": lambda it: it.destroy(ORIGIN, ()),
    "clear": lambda it: it.clear(ORIGIN, 100),
    "forget_record": lambda it: it.forget_record("c-1", 1),
}


class TestFaults:
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("when", ["before", "after"])
    async def test_all_of_a_change_or_none(
        self, stores: Stores, store: SqlStore, change: str, when: Literal["before", "after"]
    ) -> None:
        """Not persisted: all is as before. Persisted but reported failed: doing it again changes nothing."""
        await settle(store, "a", exchange=key("a"), settlement=settlement())
        await follow(store, NEXT)
        for name, done in CHANGES.items():
            if name == change:
                break
            await done(SqlRetention(store, stores.url))
        before = stores.contents()
        async with stores.using(Fault(commit=when)) as broken:
            erasing = SqlRetention(broken, stores.url)
            with pytest.raises(JournalUnavailable):
                await CHANGES[change](erasing)
            after = stores.contents()
            assert (after == before) is (when == "before")
            await CHANGES[change](erasing)
        if when == "after":
            assert stores.contents() == after
        assert stores.contents() != before
