"""Who writes the database and has no key changes what stands in a line: it is believed where it opens its leaf."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from journal_lines import lines
from letters import asking
from peopled import ORDINARY
from town import Town

from gateway.assembly import open_house, publishing, verify_log
from gateway.audit import labels
from gateway.audit.proof import Proof
from gateway.audit.record import Event, Kind, to_bytes
from gateway.audit.verify.exported.held import HeldVerdict, verify_held
from gateway.errors import Fault, JournalUnavailable
from gateway.exchange import handle
from gateway.keeping.holding import Hold
from gateway.keeping.leaping import ClockLeap
from gateway.keeping.retention import Damaged
from gateway.stages import Position, Reply
from gateway.watching import keep_watch, look

WRITTEN: Final = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
EARLY: Final = datetime(2028, 11, 10, 12, tzinfo=UTC)
DUE: Final = datetime(2028, 11, 22, 12, tzinfo=UTC)
OVER: Final = datetime(2028, 12, 3, tzinfo=UTC)
MONTH: Final = "musterstadt.example/24m/2026-11"
PARKING: Final = "musterstadt.example/12m/2026-11"
SOMEBODY: Final = "reg:x:x"
HELD: Final = Hold("h-1", "Klage", "ZPO § 142", "dsb", date(2029, 6, 30), (SOMEBODY,))
PLACE: Final = "where idx = ? and shard = (select id from shard where origin = ?)"


def database(town: Town, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as connection, connection:
        assert connection.execute(statement, values).rowcount


async def stored(town: Town, place: Position) -> dict[str, Any]:
    found = await town.opened.store.line(place)
    assert found is not None
    assert found.line.event is not None
    event: dict[str, Any] = json.loads(found.line.event)
    return event


async def changed(town: Town, place: Position, **said: Any) -> None:
    """The line's event says something else, in the very form of an event."""
    event = {key: value for key, value in (await stored(town, place) | said).items() if value is not None}
    text = json.dumps(event, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    database(town, f"update line set event = ? {PLACE}", text, place.index, place.origin)


async def told(town: Town, time: datetime = WRITTEN) -> Position:
    """Out: a new line of somebody's."""
    event = Event(kind=Kind.READ_BY, time=time, reasons=("x",))
    await town.opened.journal.house_event(event, time, subject=SOMEBODY)
    [size] = [one.head.size for one in await town.opened.store.shards() if one.head.origin == MONTH]
    return Position(MONTH, size - 1)


async def parked(town: Town) -> str:
    """Out: an exchange that was answered."""
    question = asking(town, town.parking(ORDINARY), "json/1.0", consumer="parkraumbewirtschaftung")
    result = await handle(town.delivery(question), town.opened.house)
    assert isinstance(result, Reply)
    return result.exchange


async def of_exchange(town: Town, exchange: str) -> list[Position]:
    return [line.position for line in await lines(town.opened.store) if line.exchange == exchange]


async def left(town: Town, origin: str = MONTH) -> list[int]:
    """Out: which of a month's lines are not erased, but for its first."""
    found = await town.opened.store.lines(origin, 1, 10_000)
    return [one.position.index for one in found if one.line.event is not None]


async def run(town: Town, now: datetime) -> None:
    await town.opened.retention().run(now, clock_is_right=True)


async def held(town: Town, now: datetime) -> tuple[HeldVerdict, list[dict[str, Any]]]:
    """Out: what a stranger finds in what is held, and the events there."""
    document = await town.opened.holds().export(HELD.id, now)
    assert document is not None
    entries = [
        entry
        for shard in Proof.parse(document).shards
        for subject in shard.subjects
        for entry in subject.entries
    ]
    verdict = verify_held(document, town.opened.keys.identity_vkey)
    return verdict, [json.loads(entry.event) for entry in entries if entry.event is not None]


class TestErasing:
    async def test_a_line_does_not_go_early_because_its_time_was_changed(self, town: Town) -> None:
        """It is named, and stays as long as its shard; the line beside it goes on its own day. Put right again, it
        goes on its own day as well."""
        place, beside = await told(town), await told(town)
        time = (await stored(town, place))["time"]
        await changed(town, place, time="2026-11-01T10:00:00.000Z")
        with pytest.raises(Damaged, match=MONTH):
            await run(town, EARLY)
        assert {place.index, beside.index} <= set(await left(town))
        with pytest.raises(Damaged, match=MONTH):
            await run(town, DUE)
        assert await left(town) == [place.index]
        await changed(town, place, time=time)
        await run(town, DUE)
        assert await left(town) == []

    async def test_a_line_goes_with_its_shard_though_its_time_was_changed(self, town: Town) -> None:
        """No time that is put there keeps it for longer."""
        place = await told(town)
        await changed(town, place, time="2026-12-20T10:00:00.000Z")
        done = await town.opened.retention().run(OVER, clock_is_right=True)
        assert MONTH in done.destroyed

    @pytest.mark.parametrize("column", ["salt", "leaf"])
    async def test_a_line_that_does_not_open_is_not_erased_on_its_day(self, town: Town, column: str) -> None:
        place = await told(town)
        of = await town.opened.store.line(place)
        assert of is not None
        value = bytes(getattr(of.line, column)[:-1]) + b"\x00"
        database(town, f"update line set {column} = ? {PLACE}", value, place.index, place.origin)
        with pytest.raises(Damaged, match=MONTH):
            await run(town, DUE)
        assert await left(town) == [place.index]

    async def test_a_changed_time_vouches_for_no_clock(self, town: Town) -> None:
        """Where no time was believed yet."""
        leapt = datetime(2030, 1, 10, 3, tzinfo=UTC)
        place = await told(town)
        await changed(town, place, time="2030-01-08T10:00:00.000Z")
        with pytest.raises(ClockLeap):
            await town.opened.retention().run(leapt)
        assert place.index in await left(town)

    async def test_a_leaf_that_was_changed_is_named_after_its_line_is_gone(self, town: Town) -> None:
        """Who changes the leaf with what opens it has the line go early; the tree has another leaf there."""
        place = await told(town)
        event = to_bytes(Event(kind=Kind.READ_BY, time=datetime(2026, 11, 1, 10, tzinfo=UTC)))
        salt = bytes(labels.SALT_BYTES)
        leaf = labels.leaf(bytes(labels.LABEL_BYTES), labels.commit(salt, event))
        columns = (leaf, leaf[1:33], salt, event, place.index, place.origin)
        database(town, f"update line set leaf = ?, label = ?, salt = ?, event = ? {PLACE}", *columns)
        await run(town, EARLY)
        assert place.index not in await left(town)
        named = [(one.table, one.key, one.column) for report in verify_log(town.root) for one in report.wrong]
        assert named == [("line", f"{MONTH} {place.index}", "leaf")]


def salted(town: Town, place: Position) -> None:
    database(town, f"update line set salt = zeroblob(32) {PLACE}", place.index, place.origin)


class TestHolds:
    @pytest.mark.parametrize("how", ["exchange", "time", "salt"])
    async def test_what_was_copied_stays_as_it_was(self, town: Town, how: str) -> None:
        """Of an exchange, changed after the hold was placed: nothing takes the place of the copy."""
        exchange = await parked(town)
        _, last = await of_exchange(town, exchange)
        hold = replace(HELD, subjects=(), exchange=exchange)
        assert await town.opened.holds().place(hold, WRITTEN) == 2
        if how == "salt":
            salted(town, last)
        else:
            await changed(town, last, **{how: "x"})
        await held(town, WRITTEN)
        await run(town, OVER)
        assert await left(town, PARKING) == []
        verdict, events = await held(town, OVER)
        assert (verdict.holds, [one["kind"] for one in events]) == (True, ["asked", "answered"])

    async def test_a_line_that_was_put_right_is_copied_before_it_goes(self, town: Town) -> None:
        """It was another exchange's by its words when the hold was placed: not copied, and not erased on its day."""
        exchange = await parked(town)
        _, last = await of_exchange(town, exchange)
        await changed(town, last, exchange="another")
        hold = replace(HELD, subjects=(), exchange=exchange)
        assert await town.opened.holds().place(hold, WRITTEN) == 1
        with pytest.raises(Damaged, match=PARKING):
            await run(town, datetime(2027, 11, 22, 12, tzinfo=UTC))
        assert await left(town, PARKING) == [last.index]
        await changed(town, last, exchange=exchange)
        await run(town, OVER)
        verdict, events = await held(town, OVER)
        assert (verdict.holds, [one["kind"] for one in events]) == (True, ["asked", "answered"])

    async def test_a_line_that_is_anothers_is_not_taken_into_a_copy(self, town: Town) -> None:
        """Its words were changed to the held exchange's: the file would not hold with it."""
        exchange, other = await parked(town), await parked(town)
        _, foreign = await of_exchange(town, other)
        await changed(town, foreign, exchange=exchange)
        hold = replace(HELD, subjects=(), exchange=exchange)
        assert await town.opened.holds().place(hold, WRITTEN) == 2
        verdict, _ = await held(town, WRITTEN)
        assert verdict.holds

    async def test_a_persons_damaged_line_is_shown_as_such(self, town: Town) -> None:
        """Its leaf says whose it is. What else is held still proves itself."""
        place, _ = await told(town), await told(town)
        salted(town, place)
        assert await town.opened.holds().place(HELD, WRITTEN) == 1
        verdict, events = await held(town, WRITTEN)
        assert (verdict.holds, verdict.withheld, len(events)) == (True, 1, 1)

    async def test_what_was_copied_of_a_person_stays_as_it_was(self, town: Town) -> None:
        place = await told(town)
        await town.opened.holds().place(HELD, WRITTEN)
        await changed(town, place, reasons=["y"])
        await run(town, OVER)
        verdict, events = await held(town, OVER)
        assert (verdict.holds, [one["reasons"] for one in events]) == (True, [["x"]])

    async def test_a_persons_line_is_copied_though_nobody_finds_it_by_its_label(self, town: Town) -> None:
        """The column it is found by says another label than its leaf."""
        place = await told(town)
        database(town, f"update line set label = zeroblob(32) {PLACE}", place.index, place.origin)
        await town.opened.holds().place(HELD, WRITTEN)
        await run(town, OVER)
        verdict, events = await held(town, OVER)
        assert (verdict.holds, [one["reasons"] for one in events]) == (True, [["x"]])

    async def test_no_file_is_made_with_a_first_line_that_does_not_open(self, town: Town) -> None:
        """It would not hold: nothing is copied of that shard, and nothing erased there."""
        place = await told(town)
        salted(town, Position(MONTH, 0))
        with pytest.raises(Fault, match="hold"):
            await town.opened.holds().place(HELD, WRITTEN)
        with pytest.raises(Fault, match="hold"):
            await run(town, OVER)
        assert place.index in await left(town)


class TestTheWatch:
    @pytest.mark.parametrize("said", [{"kind": "refused"}, {"exchange": "another"}, {"time": "x"}])
    async def test_an_end_that_was_changed_is_no_end(self, town: Town, said: dict[str, Any]) -> None:
        """Whatever it says now: no line tells of the exchange's end. It is named when the watch comes round."""
        exchange = await parked(town)
        _, last = await of_exchange(town, exchange)
        bus = await town.opened.bus()
        watchman = town.opened.watchman(bus)
        assert (await keep_watch(watchman, None)).green
        await changed(town, last, **said)
        await look(watchman)
        health, _ = await look(watchman)
        await bus.close()
        assert [(one.kind, one.exchange) for one in health.troubles] == [("row-without-line", exchange)]


class TestWhatIsSigned:
    async def test_an_epoch_is_not_dated_by_a_changed_line(self, town: Town) -> None:
        """Up to when the lines of a closed month tell is signed: not by a time that somebody put there."""
        place = await told(town)
        december = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)
        await town.opened.shards.roll(december)
        await changed(town, place, time="2026-11-30T23:59:59.000Z")
        found = await town.opened.epochs.make(december)
        [time] = [one.time for one in found if one.shard.origin == MONTH]
        assert time < WRITTEN + timedelta(days=1)

    async def test_keys_are_not_published_of_a_first_line_that_does_not_open(
        self, town: Town, tmp_path: Path
    ) -> None:
        """What lies in the folder stays as it is."""
        folder = tmp_path / "tiles"
        await publishing.publish(town.opened, folder, town.clock.now(), auditors=True)
        before = (folder / MONTH / "keys").read_bytes()
        await changed(town, Position(MONTH, 0), keys="none")
        with pytest.raises(JournalUnavailable, match="does not open"):
            await publishing.publish(town.opened, folder, town.clock.now(), auditors=True)
        assert (folder / MONTH / "keys").read_bytes() == before


class TestTheClass:
    """It stands in the shard's name, which its keys sign; the column beside it is there to find the shard by."""

    async def test_a_line_does_not_go_early_because_its_month_has_another_class(self, town: Town) -> None:
        """Nothing is erased anywhere, and whoever looks at the house is told why."""
        place = await told(town)
        await town.opened.shards.roll(datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC))
        database(town, "update shard set retention = '12m' where origin = ?", MONTH)
        with pytest.raises(JournalUnavailable, match=f"{MONTH} has another class than its name"):
            await run(town, datetime(2027, 12, 20, tzinfo=UTC))
        assert place.index in await left(town)
        bus = await town.opened.bus()
        with pytest.raises(JournalUnavailable, match="another class"):
            await look(town.opened.watchman(bus))
        await bus.close()
        named = [(one.key, one.column) for report in verify_log(town.root) for one in report.wrong]
        assert (MONTH, "retention") in named

    @pytest.mark.parametrize("said", ["36m", "\x1b[31m"])
    async def test_a_house_does_not_open_over_a_shard_of_another_class(self, town: Town, said: str) -> None:
        """No second shard is begun beside it under the same name, and no class is lost sight of."""
        database(town, "update shard set retention = ? where origin = ?", said, MONTH)
        with pytest.raises(JournalUnavailable, match="another class"):
            await open_house(town.root, town.clock)

    async def test_a_shard_without_a_name_is_not_read(self, town: Town) -> None:
        """What stands there instead is not shown."""
        database(town, "update shard set origin = 'no-name' where origin = ?", MONTH)
        with pytest.raises(JournalUnavailable, match="a shard's name is none"):
            await town.opened.store.shards()
