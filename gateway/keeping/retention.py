"""What is past its time is erased, to the day and while others write (LOG.md 8).

1 classes without traffic get their month · 2 holds whose last day is over end · 3 for each shard: a line tells which
lines go, by which norm · every hold that stands has its copy · the lines go, a few at a time · 4 a shard none of whose
lines can be opened any more loses its keys, then its lines; tiles and checkpoints stay · 5 decisions that nothing needs
any more go · 6 the files hold nothing of it.
What a crash leaves at any step is gone on with the next time; what was done is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from consent import held as ledger
from consent.vocabulary import PERMITTING, RecordState
from gateway.audit import labels
from gateway.audit.german_time import german_time
from gateway.audit.record import Event, Kind
from gateway.audit.retention import Erased, Rule, Span, spans_of, told
from gateway.audit.shard import Origin
from gateway.errors import Fault, JournalUnavailable
from gateway.journal.book import Journal
from gateway.journal.shards import Shards
from gateway.keeping.holding import Headed, Hold, Holds, concerns, held_labels
from gateway.keeping.lastrun import STRAY, LastRun, RunSlate, left_behind
from gateway.keeping.leaping import ClockLeap, refuse_leap
from gateway.keeping.said import said
from gateway.ports import JournalStore, RecordEvent, RetentionStore, Shard, StoredLine

_SPANS: Final = 500
"""Told in one line."""
_TRIES: Final = 20
_OPEN: Final = PERMITTING | {RecordState.REQUESTED, RecordState.DEFERRED}
"""States in which a decision lasts as long as it says."""


class NoRule(Fault):
    """A class with lines has no rule: nothing of it is erased."""


class Damaged(Fault):
    """Something of a shard can't be read: what can't be said to be due waits for the shard's last day."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is due in a shard."""

    origin: str
    rule: Rule
    spans: tuple[Span, ...]
    next: date | None
    """When the oldest line that stays is due; None: no line stays."""
    over: bool
    """Its keys and the rest of it go as well."""
    unread: bool = False
    """A line that stays can't be read: it goes with the shard."""
    astray: bool = False
    """A line that stays is dated outside its month, by a clock that was wrong: it goes with the shard."""

    @property
    def lines(self) -> int:
        return sum(span.stop - span.start for span in self.spans)


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did."""

    lines: int
    destroyed: tuple[str, ...]
    records: int
    lifted: int
    settled: bool
    """False: a reader was in the way; something of it may still be in the files until the next run."""
    astray: tuple[str, ...] = ()
    """Shards with lines dated outside their month."""


@dataclass(frozen=True, slots=True)
class Retention:
    """The only eraser of lines."""

    rules: Sequence[Rule]
    shards: Shards
    journal: Journal
    lines: JournalStore
    store: RetentionStore
    holds: Holds
    forget_index: Callable[[str], None]
    """A shard's cached index."""
    at_once: int
    """Lines erased in one transaction: whoever appends waits for so many."""
    leap: timedelta
    """How far the clock may be ahead of the log (`gateway.keeping.leaping`)."""
    slate: RunSlate

    async def plan(self, now: datetime) -> Sequence[Due]:
        """Out: what is due in each shard that has keys, by class and age. Nothing is changed. Raises: NoRule."""
        today = german_time(now).date()
        shards = await self.lines.shards()
        return [await self._due(shard, shards, today) for shard in shards if shard.secrets is not None]

    async def run(self, now: datetime, *, vacuum: bool = False, clock_is_right: bool = False) -> Done:
        """Erase what is due. In: whether somebody looked at the clock and says that it is right, for this run.

        Raises: ClockLeap: nothing is erased; NoRule or Damaged, once all else is done; Fault, when a hold
        can't be opened, or is gone that the log placed: nothing is erased beside it; JournalUnavailable; OSError,
        when its end can't be written down."""
        last = LastRun.parse(self.slate.last_run())
        try:
            if not clock_is_right:
                await refuse_leap(self.lines, now, self.leap, last.believed)
            last = replace(last, believed=now)
            done = await self._run(now, vacuum)
        except Exception as error:
            where = error.where if isinstance(error, Fault) else type(error).__name__
            if isinstance(error, ClockLeap):
                last = replace(last, believed=last.believed or error.before)
            self.slate.keep_run(replace(last, failed=where).render())
            raise
        # A crash here leaves the older word: what is due is counted, and nothing is.
        self.slate.keep_run(LastRun(now if done.settled else last.settled, believed=now).render())
        return done

    async def believe(self, now: datetime) -> None:
        """Raises: ClockLeap: by this clock nothing is erased or told; JournalUnavailable."""
        await refuse_leap(self.lines, now, self.leap, LastRun.parse(self.slate.last_run()).believed)

    async def late(self, now: datetime) -> str | None:
        """Out: why something may still be there that is due; None: nothing is. Raises: JournalUnavailable."""
        last = LastRun.parse(self.slate.last_run())
        if last.failed is not None:
            return last.failed
        if last.recent(now) and not left_behind(await self.lines.shards(), self.rules, now):
            return None
        try:
            plan = await self.plan(now)
        except JournalUnavailable:
            raise
        except Fault as fault:
            return fault.where
        lines, over = sum(due.lines for due in plan), sum(due.over for due in plan)
        return f"lines due: {lines}, shards due: {over}" if lines or over else None

    async def _run(self, now: datetime, vacuum: bool) -> Done:
        today = german_time(now).date()
        await self.shards.whole()
        await self.shards.roll(now)
        lifted = await self.holds.expire(today, now)
        await self.holds.all_there()
        shards = await self.lines.shards()
        wrong: list[Fault] = []
        lines, destroyed, astray = 0, list[str](), list[str]()
        for shard in shards:
            origin = shard.head.origin
            if shard.secrets is not None:
                try:
                    due = await self._due(shard, shards, today)
                    lines += await self._erase(due, now)
                    gone = due.over and await self._destroy(due, now)
                except JournalUnavailable:
                    raise
                except Fault as fault:  # what is due elsewhere goes all the same
                    wrong.append(fault)
                    continue
                except ValueError:
                    wrong.append(Damaged(f"lines of {origin}"))
                    continue
                if due.unread:
                    wrong.append(Damaged(f"lines of {origin}"))
                if due.astray:
                    astray.append(origin)
                if not gone:
                    continue
                destroyed.append(origin)
            self.forget_index(origin)
        for shard in shards:  # after all keys: the last line of one goes with the keys of the next
            if shard.secrets is None and not self._has_had_its_time(shard, today):
                wrong.append(Damaged(f"keys of {shard.head.origin}"))
                continue
            while await self.store.clear(shard.head.origin, self.at_once):
                pass
        records = await self._forget_records(today)
        settled = await self.store.settle(vacuum)
        done = Done(lines, tuple(destroyed), records, lifted, settled, tuple(astray))
        if wrong:
            raise wrong[0]
        return done

    # --- what is due -----------------------------------------------------------------------------------------
    async def _due(self, shard: Shard, shards: Sequence[Shard], today: date) -> Due:
        origin = Origin.parse(shard.head.origin)
        rule = self._rule(origin)
        first, late = date(origin.year, origin.month, 1), _latest(origin)
        last = [one.head.origin for one in shards if one.retention == shard.retention][-1]
        over = shard.closed and str(origin) != last and rule.erased_on(late) <= today
        begun = rule.erased_on(first - timedelta(days=1)) <= today
        indexes: list[int] = []
        stays: date | None = None
        unread = astray = False
        start = 1
        while found := await self.store.unerased(str(origin), start):
            for line in found:
                written = _day(line)
                clear = written is not None and first - STRAY <= written <= late + STRAY
                # What tells of a restore is needed for as long as the shard has keys (decision 0027).
                day = rule.erased_on(
                    late if written is None or not clear or self._tells_of_restore(line, shard) else written
                )
                if day <= today:
                    indexes.append(line.position.index)
                else:
                    unread = unread or written is None
                    astray = astray or not (clear or written is None)
                    stays = day if stays is None else min(stays, day)
            start = found[-1].position.index + 1
            if not begun:
                break
        gone = over and stays is None
        return Due(str(origin), rule, spans_of(indexes), stays, gone, unread, astray)

    def _has_had_its_time(self, shard: Shard, today: date) -> bool:
        """Out: whether every line of the shard is due: only then the house itself destroyed its keys. A class without a
        rule says nothing of it."""
        origin = Origin.parse(shard.head.origin)
        return any(
            rule.erased_on(_latest(origin)) <= today
            for rule in self.rules
            if rule.retention == origin.retention
        )

    def _tells_of_restore(self, line: StoredLine, shard: Shard) -> bool:
        read = said(line) if line.position.index == 1 else None
        if read is None or read.kind != Kind.RESTORED:
            return False
        return labels.by_house(self.shards.seal(shard), line.line.salt, line.line.event)

    def _rule(self, origin: Origin) -> Rule:
        for rule in self.rules:
            if rule.retention == origin.retention:
                return rule
        raise NoRule(f"retention of {origin.retention}")

    # --- lines -----------------------------------------------------------------------------------------------
    async def _erase(self, due: Due, now: datetime) -> int:
        if due.spans:  # a hold without its copy of what a line says is erased has lost it (`Holds.all_there`)
            await self._secured(due.origin, None)
        for at in range(0, len(due.spans), _SPANS):
            erased = Erased(due.rule.norm, due.origin, due.spans[at : at + _SPANS])
            await self._tell(Kind.RETENTION_ERASED, erased, now)
        # A crash here leaves lines that a line says are erased: they are due, and go the next time.
        for span in due.spans:
            await self._erase_span(due, span)
        return due.lines

    async def _erase_span(self, due: Due, span: Span) -> None:
        start = span.start
        while start < span.stop:
            found = [
                line
                for line in await self.store.unerased(due.origin, start)
                if line.position.index < span.stop
            ]
            if not found:
                return
            part = found[: _whole(found, self.at_once)]
            stop = part[-1].position.index + 1
            await self._erase_part(due, Span(start, stop), part)
            start = stop

    async def _erase_part(self, due: Due, span: Span, lines: Sequence[StoredLine]) -> None:
        exchanges = {exchange for line in lines if (exchange := _exchange(line)) is not None}
        for _ in range(_TRIES):
            holds = await self._secured(due.origin, lines)
            standing = [hold.id for hold in holds]
            if await self.store.erase(due.origin, span, due.rule.withheld, exchanges, standing):
                return
        raise JournalUnavailable("hold")

    async def _secured(self, origin: str, lines: Sequence[StoredLine] | None) -> Sequence[Hold]:
        """Out: the holds that stand; each has its copy of these lines, or with none given of all there is."""
        holds = await self.holds.standing()
        if holds:
            shard = await self._headed(origin)
            held = held_labels(holds, shard[0])
            mine = [line for line in lines or () if concerns(line, held, holds)]
            if mine or lines is None:
                await self.holds.secure(holds, shard, mine)
        return holds

    async def _headed(self, origin: str) -> Headed:
        for shard in await self.shards.headed():
            if shard[0].origin == origin:
                return shard
        raise JournalUnavailable(origin)

    # --- shards ----------------------------------------------------------------------------------------------
    async def _destroy(self, due: Due, now: datetime) -> bool:
        await self._secured(due.origin, None)
        await self._tell(Kind.RETENTION_DESTROYED, Erased(due.rule.norm, due.origin, ()), now)
        # A crash here leaves a shard that a line says is destroyed: it is over, and goes the next time.
        for _ in range(_TRIES):
            holds = await self._secured(due.origin, None)
            if await self.store.destroy(due.origin, [hold.id for hold in holds]):
                return True
            if await self.store.unerased(due.origin, 1):  # somebody's clock lags: a line was added since
                return False
        return False

    async def _tell(self, kind: Kind, erased: Erased, now: datetime) -> None:
        await self.journal.house_event(Event(kind=kind, time=now, reasons=told(erased)), now)

    # --- records ---------------------------------------------------------------------------------------------
    async def _forget_records(self, today: date) -> int:
        """Decisions and powers that ended so long ago that every line they were for is erased."""

        def over(event: RecordEvent) -> bool:
            ended = _ended(event)
            try:
                return ended is not None and all(rule.erased_on(ended) <= today for rule in self.rules)
            except ValueError:  # kept beyond the calendar's last year
                return False

        if not self.rules:  # of no period nothing can be said to be over
            return 0

        forgotten = 0
        after: str | None = ""
        while after is not None:
            found, after = await self.store.over(over, after)
            for event in found:
                forgotten += await self.store.forget_record(event.record, event.revision)
        return forgotten


def _day(line: StoredLine) -> date | None:
    """Out: the German day a line was written; None where it can't be read."""
    read = said(line)
    return german_time(read.time).date() if read is not None and read.time is not None else None


def _exchange(line: StoredLine) -> str | None:
    read = said(line)
    return read.exchange if read is not None else None


def _whole(lines: Sequence[StoredLine], most: int) -> int:
    """Out: how many of the lines to erase at once: the lines that end an exchange stand together, and go together."""
    count = min(most, len(lines))
    while count < len(lines):
        exchange = _exchange(lines[count])
        if exchange is None or exchange != _exchange(lines[count - 1]):
            break
        count += 1
    return count


def _latest(origin: Origin) -> date:
    """Out: the last German day of which a line of the shard may be: that after its month. (A clock that lags may write
    the day before it.)"""
    return (date(origin.year, origin.month, 1) + timedelta(days=31)).replace(day=1)


def _ended(event: RecordEvent) -> date | None:
    """Out: the German day a record or power ended, or will; None for what can't be read (`log verify` names it)."""
    try:
        step = ledger.read(event.body)
    except ValueError:
        return None
    end = max(step.time, step.not_after) if event.state in _OPEN else step.time
    return german_time(end).date()
