"""Comparing the receipts that the other side kept with the log, both ways, a part at a time (LOG.md 10).

1 each receipt of their file is ours and the only one of its exchange · 2 the log has that exchange, with the same two
bodies · 3 every exchange of theirs that the log says was replied to in the period has a receipt in the file.
What was erased when its time was over is told as that: neither side can show more of it. What is gone before its time,
or is not what its leaf commits to, is a difference.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from typing import Final

from gateway.audit import labels, record
from gateway.audit.german_time import german_time
from gateway.audit.receipt import Promise
from gateway.audit.reconcile import Difference, Finding, Logged, differences, receipt_in
from gateway.audit.retention import Rule
from gateway.audit.shard import Origin
from gateway.jws import Find
from gateway.ports import Ended, ExchangeStore

_PART: Final = 512


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared. Times are those of receipts: RFC 3339, UTC, three decimals; `stop` is not in it."""

    consumer: str | None = None
    """Whose receipts they are; None: of whoever is found in the file."""
    start: str | None = None
    """None: from the first receipt on."""
    stop: str | None = None
    """None: to the last receipt."""

    def __contains__(self, time: str) -> bool:
        return (self.start is None or time >= self.start) and (self.stop is None or time < self.stop)


@dataclass(frozen=True, slots=True)
class Ours:
    """Whose log it is: its name, its gateway's keys by kid, by which law each class is kept."""

    authority: str
    find: Find
    rules: Mapping[str, Rule]


@dataclass(slots=True)
class Tally:
    """What was compared so far."""

    receipts: int = 0
    agree: int = 0
    again: int = 0
    """The very same receipt once more."""
    erased: int = 0
    """Their time was over here."""
    outside: int = 0
    """Not of the period."""
    differ: int = 0
    consumers: set[str] = field(default_factory=set)
    first: str | None = None
    last: str | None = None
    """Times of the first and last receipt that is ours."""


class Reconciliation:
    """One comparison. Memory: some bytes for each receipt, to know it again."""

    def __init__(self, ours: Ours, store: ExchangeStore, scope: Scope, now: datetime) -> None:
        self._ours, self._store, self._scope = ours, store, scope
        self._today = german_time(now).date()
        self._seen: dict[bytes, bytes] = {}
        self.tally = Tally()

    async def theirs(self, lines: Iterable[tuple[int, bytes]]) -> AsyncIterator[Finding]:
        """In: the lines of their file with their numbers. Out: what is wrong with them, or with the log."""
        for part in _parts(lines):
            ours: list[tuple[int, Promise]] = []
            for number, raw in part:
                self.tally.receipts += 1
                for finding in self._heard(number, raw, ours):
                    yield self._counted(finding)
            ended = {one.exchange: one for one in await self._store.ended([one.exchange for _, one in ours])}
            for number, receipt in ours:
                for finding in self._compared(number, receipt, ended.get(receipt.exchange)):
                    yield self._counted(finding)

    async def lacking(self) -> AsyncIterator[Finding]:
        """Out: what the log says they were sent in the period, and they have no receipt for. After `theirs`."""
        scope = self._scope
        start, last = scope.start or self.tally.first, self.tally.last
        consumers = {scope.consumer} if scope.consumer is not None else self.tally.consumers
        for consumer in sorted(consumers):
            after: tuple[str, str] | None = None
            while part := await self._store.ended_of(consumer, after):
                after = part[-1].place
                for ended in part:
                    logged = _logged(ended)
                    if logged is None:
                        for finding in self._unread(ended, start):
                            yield self._counted(finding)
                        continue
                    early = start is not None and logged.time < start
                    late = last is not None and scope.stop is None and logged.time > last
                    if early or late or logged.time not in scope or logged.reply is None:
                        continue
                    if _key(logged.exchange) not in self._seen:
                        yield self._counted(_finding(Difference.NO_RECEIPT, None, logged))

    def _heard(self, number: int, raw: bytes, ours: list[tuple[int, Promise]]) -> Iterator[Finding]:
        """A receipt that is ours and new goes to `ours`."""
        said = receipt_in(raw, self._ours.find, self._ours.authority)
        if isinstance(said, Difference):
            yield Finding(said, number)
            return
        token = blake2b(said.token.encode(), digest_size=8).digest()
        known = self._seen.get(_key(said.exchange))
        self._seen.setdefault(_key(said.exchange), token)
        if known == token:
            self.tally.again += 1
        elif known is not None:
            yield Finding(Difference.DOUBLED, number, said.exchange)
        elif said.time not in self._scope:
            self.tally.outside += 1
        else:
            ours.append((number, said))

    def _compared(self, number: int, receipt: Promise, ended: Ended | None) -> Iterator[Finding]:
        tally = self.tally
        tally.first = min(tally.first or receipt.time, receipt.time)
        tally.last = max(tally.last or receipt.time, receipt.time)
        if ended is None or ended.line is None or ended.line.line.event is None:
            if self._is_due(receipt):
                tally.erased += 1
            else:
                yield Finding(Difference.MISSING, number, receipt.exchange, time=receipt.time)
            return
        logged = _logged(ended)
        if logged is None:
            yield Finding(Difference.UNREADABLE, number, receipt.exchange)
            return
        tally.consumers.add(logged.consumer)
        found = differences(receipt, logged, self._scope.consumer)
        tally.agree += not found
        for what in found:
            yield _finding(what, number, logged)

    def _unread(self, ended: Ended, start: str | None) -> Iterator[Finding]:
        """Out: an end that can't be read, of which no receipt told, in a month of the period; none, where it is due."""
        line = ended.line
        if line is None or _key(ended.exchange) in self._seen:
            return
        origin = Origin.parse(line.position.origin)
        month, stop = f"{origin.year:04}-{origin.month:02}", self._scope.stop or self.tally.last
        if (start is not None and month < start[:7]) or (stop is not None and month > stop[:7]):
            return
        if line.line.event is None and self._is_over(origin.retention, date(origin.year, origin.month, 1)):
            return
        yield Finding(Difference.UNREADABLE, None, ended.exchange, ended.consumer)

    def _is_due(self, receipt: Promise) -> bool:
        """Out: whether a line of the receipt's time is erased by now, by the law of its class."""
        written = german_time(datetime.fromisoformat(receipt.time)).date()
        return self._is_over(Origin.parse(receipt.origin).retention, written)

    def _is_over(self, retention: str, written: date) -> bool:
        rule = self._ours.rules.get(retention)
        return rule is not None and rule.erased_on(written) <= self._today

    def _counted(self, finding: Finding) -> Finding:
        self.tally.differ += 1
        return finding


def _logged(ended: Ended) -> Logged | None:
    """Out: what the terminal line says; None where it can't be read, or is not what its leaf commits to."""
    if ended.line is None:
        return None
    line = ended.line.line
    opened = labels.opened(line.leaf, line.salt, line.event)
    if opened is None:
        return None
    try:
        event = record.from_bytes(opened[1])
    except record.EventInvalid:
        return None
    if not isinstance(event, record.Event):
        return None
    digests = event.digests or record.Digests()
    return Logged(
        ended.exchange,
        event.consumer or ended.consumer,
        event.kind,
        ended.line.position.origin,
        record.stamp(event.time),
        digests.request,
        digests.reply,
    )


def _finding(what: Difference, number: int | None, logged: Logged) -> Finding:
    return Finding(what, number, logged.exchange, logged.consumer, logged.kind, logged.time)


def _key(exchange: str) -> bytes:
    return blake2b(exchange.encode(), digest_size=16).digest()


def _parts(lines: Iterable[tuple[int, bytes]]) -> Iterator[Sequence[tuple[int, bytes]]]:
    part: list[tuple[int, bytes]] = []
    for line in lines:
        part.append(line)
        if len(part) == _PART:
            yield part
            part = []
    if part:
        yield part
