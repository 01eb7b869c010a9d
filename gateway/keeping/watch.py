"""The watch over the exchanges: accepted = terminal + in flight, at all times (DOMAIN.md 5).

Counted in ways that know nothing of each other: the lines of the log, the rows of the exchanges, and what the bus still
has. Each new line is held against its exchange's row, and a part of the rows at a time against their lines; what is
under way by the rows must be under way by the lines, and with the bus. A gap names its exchange. A look reads what is
new and no more: how far the last one came is `Seen`, which follows from the log and may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.audit.record import ends
from gateway.audit.shard import Origin
from gateway.keeping.said import Said, said, unread
from gateway.keeping.seen import Gap, Look, Seen, Stuck
from gateway.ports import JournalStore
from gateway.ports.entries import StoredLine
from gateway.ports.watch import BusView, Watched, WatchStore
from gateway.stages import Position

_PART: Final = 256
"""Lines that are read at once."""
_MOST_PERSONS: Final = 256
"""Lines that may end one exchange: one for each person in the evidence."""


class Watch:
    """Looks at the journal of one house; changes nothing."""

    def __init__(self, rows: WatchStore, store: JournalStore, patience: timedelta) -> None:
        """In: for how long after its first line an exchange can be under way by rights."""
        self._rows, self._store, self._patience = rows, store, patience

    async def look(self, before: Seen, now: datetime, bus: BusView | None) -> Look:
        """Out: what is wrong, and how far it is seen now. In: where the last look ended; None: the bus can't say.

        Raises: JournalUnavailable, BusUnavailable.
        """
        # The rows under way are read first: whatever has a row by now has its line by the time the lines are read.
        under_way = {row.key.exchange: row for row in await self._rows.under_way()}
        look = _Reading(self._rows, self._store, before)
        await look.lines()
        await look.rows(under_way)
        await look.suspects()
        await look.part()
        await self._late(look, now, bus)
        accepted, terminal, in_flight = await self._store.counts()
        stuck = tuple(sorted(look.found.values(), key=lambda one: (one.gap, one.exchange)))
        return Look(accepted, terminal, in_flight, len(look.open), stuck, look.seen(), look.begun)

    async def _late(self, look: _Reading, now: datetime, bus: BusView | None) -> None:
        """What is under way and will not end by itself."""
        flying = look.flying
        lost: set[str] = set()
        if bus is not None:
            held = await bus.holds({_request(row) for row in flying.values()})
            gone = [name for name, row in flying.items() if _request(row) not in held]
            # A delivery leaves the bus after its exchange has ended: what has not ended by now lost it.
            lost = {name for name, row in (await self._rows.exchanges(gone)).items() if row.kind is None}
        for name, row in flying.items():
            place, begun = look.open[name]
            if bus is not None and name not in lost:
                continue  # it comes back by itself, and ends then
            if now - begun > self._patience:
                look.found[name] = Stuck(Gap.OVERDUE, name, place, row)
            elif name in lost:
                look.found[name] = Stuck(Gap.LOST, name, place, row)


class _Reading:
    """One look on its way through the log."""

    def __init__(self, rows: WatchStore, store: JournalStore, before: Seen) -> None:
        self._rows, self._store, self._before = rows, store, before
        self._sizes: dict[str, int] = {}
        self._after = before.after
        self.open = dict(before.open)
        self.found: dict[str, Stuck] = {}
        self.flying: dict[str, Watched] = {}
        """The rows of what is under way by rows and lines."""
        self._newest = before.newest
        self.begun: datetime | None = None
        """The newest month that has a shard."""

    def seen(self) -> Seen:
        """Out: how far this look came."""
        suspects = {
            name: stuck.line for name, stuck in self.found.items() if stuck.gap not in (Gap.LOST, Gap.OVERDUE)
        }
        return Seen(self._sizes, self.open, suspects, self._after, self._newest)

    async def lines(self) -> None:
        """Hold what was written since against its rows."""
        for shard in await self._store.shards():
            origin, size = shard.head.origin, shard.head.size
            start = self._before.sizes.get(origin, 0)
            if start > size:  # another database than the one that was seen
                start = 0
            for at in range(start, size, _PART):
                await self._fold(await self._store.lines(origin, at, min(at + _PART, size)))
            self._sizes[origin] = size
            month = datetime(*Origin.parse(origin).month_number, 1, tzinfo=UTC)
            self.begun = max(month, self.begun or month)

    async def _fold(self, lines: Sequence[StoredLine]) -> None:
        told = [(line.position, read) for line in lines if (read := said(line)) is not None]
        rows = await self._rows.exchanges({read.exchange for _, read in told if read.exchange is not None})
        for place, read in told:
            time = read.time
            if time is not None and (self._newest is None or time > self._newest):
                self._newest = time
            if read.exchange is not None:
                row = rows.get(read.exchange)
                if row is not None and row.kind is None and time is not None:
                    self.open.setdefault(read.exchange, (place, time))
                await self._judge(place, read.exchange, read, row)

    async def _judge(self, place: Position, name: str, told: Said, row: Watched | None) -> None:
        """A line against the row of its exchange."""
        if row is None:
            self._add(Gap.NO_ROW, name, place, None)
        elif not ends(told.kind, by_message=True):
            return
        elif row.kind != told.kind:
            self._add(Gap.ENDS_DIFFER, name, place, row)
        elif row.terminal != place and not await self._continues(place, told, row):
            self._add(Gap.TWICE, name, place, row)

    async def _continues(self, place: Position, told: Said, row: Watched) -> bool:
        """Out: whether the line is one of several that end the exchange together, one for each person."""
        first = row.terminal
        if first is None or first.origin != place.origin or not 0 < place.index - first.index < _MOST_PERSONS:
            return False
        between = await self._store.lines(place.origin, first.index, place.index)
        same = (told.exchange, told.kind)
        # An erased one between them says nothing; it was written with the others.
        return all((other.exchange, other.kind) == same for line in between if (other := said(line)))

    async def rows(self, under_way: Mapping[str, Watched]) -> None:
        """What is under way by the lines against what is under way by the rows."""
        rows = await self._rows.exchanges(self.open.keys() | under_way.keys())
        for name in list(self.open):
            row = rows.get(name)
            if row is None:
                place, _ = self.open.pop(name)
                if await self._tells(place, name):
                    self._add(Gap.NO_ROW, name, place, None)
            elif row.kind is not None:
                del self.open[name]
                await self._judge_row(row)
            else:
                self.flying[name] = row
        for name in under_way.keys() - self.flying.keys():
            row = rows.get(name)
            if row is not None and row.kind is None:
                self._add(Gap.NO_LINE, name, None, row)

    async def part(self) -> None:
        """The next part of all rows against their lines; from the beginning again after the last one."""
        part = await self._rows.exchanges_after(self._after)
        self._after = part[-1].key.exchange if part else ""
        for row in part:
            await self._judge_row(row)

    async def _judge_row(self, row: Watched) -> None:
        if row.terminal is None:
            return
        line = await self._store.line(row.terminal)
        told = said(line) if line is not None else None
        name = row.key.exchange
        if line is None and not await self._kept(row.terminal.origin):
            return
        if line is None or unread(line) or (told is not None and told.exchange != name):
            self._add(Gap.NO_LINE, name, row.terminal, row)
        elif told is not None and told.kind != row.kind:
            self._add(Gap.ENDS_DIFFER, name, row.terminal, row)
        elif row.reserved:
            self._add(Gap.RESERVED, name, row.terminal, row)

    async def _kept(self, origin: str) -> bool:
        """Out: whether the shard's lines are still due to be there (LOG.md 8)."""
        return any(shard.head.origin == origin and shard.secrets for shard in await self._store.shards())

    async def suspects(self) -> None:
        """What was wrong the last time, once more: it may have been mended, or erased."""
        again = self._before.suspects.keys() - self.found.keys()
        rows = await self._rows.exchanges(again)
        for name in again:
            row, place = rows.get(name), self._before.suspects[name]
            line = await self._store.line(place) if place is not None else None
            told = said(line) if line is not None else None
            if place is not None and told is not None and told.exchange == name:
                await self._judge(place, name, told, row)
            if row is not None:
                await self._judge_row(row)
                if row.kind is None and name not in self.open:
                    self._add(Gap.NO_LINE, name, None, row)

    async def _tells(self, place: Position, name: str) -> bool:
        """Out: whether the line there still speaks of the exchange; a damaged one did."""
        line = await self._store.line(place)
        told = said(line) if line is not None else None
        return (told is not None and told.exchange == name) or (line is not None and unread(line))

    def _add(self, gap: Gap, name: str, line: Position | None, row: Watched | None) -> None:
        self.found.setdefault(name, Stuck(gap, name, line, row))


def _request(row: Watched) -> tuple[str, str]:
    return row.key.consumer, row.key.message_id
