"""On what evidence left, against what the log had told by then (LOG.md 9.3; docs/decisions/0029).

A line `answered` is committed only while its decision's last step and the law in force are those it was decided by.
The tables that say so can be set back while somebody asks, and put right afterwards; the lines can't. Within a class
what came first is known by place, between classes by time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.audit.record import Kind
from gateway.audit.shard import Origin
from gateway.audit.verify.stored.columns import Wrong

_LAG: Final = timedelta(minutes=1)
"""How long a line may wait to be written, between its time and its place."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Moment:
    """When a line was written, as far as its class tells."""

    retention: str
    place: int
    earliest: datetime
    """No line of its class behind it is older."""
    latest: datetime
    """No line of its class before it is newer."""

    def before(self, other: _Moment) -> bool:
        """Out: whether this line was surely written before the other."""
        if self.retention == other.retention:
            return self.place < other.place
        return other.earliest - self.latest > _LAG


@dataclass(frozen=True, slots=True)
class _Step:
    """Of a record."""

    at: _Moment
    revision: int


@dataclass(frozen=True, slots=True)
class _Law:
    """In force from there on."""

    at: _Moment
    digest: str | None
    """None: the line is erased."""


@dataclass(frozen=True, slots=True)
class _Answer:
    at: _Moment
    exchange: str
    record: str | None
    revision: int
    policy: str | None


class Grounds:
    """What lines say of laws, steps of records and answers, gathered line by line, then held against each other."""

    def __init__(self) -> None:
        self._place = 0
        self._newest: dict[str, datetime] = {}
        """By class: the latest time that a line told."""
        self._moments: dict[str, list[_Moment]] = {}
        self._laws: dict[str, list[_Law]] = {}
        self._steps: dict[str, list[_Step]] = {}
        self._answers: list[_Answer] = []

    def erased(self, retention: str, of_house: bool) -> None:
        """In: a line that can't be read: its shard's class, and whether it is about the house. Such a one may have
        told of a law."""
        laws = self._laws.setdefault(retention, [])
        if of_house and not (laws and laws[-1].digest is None):
            laws.append(_Law(self._written(retention, self._newest.get(retention, _NEVER)), None))

    def hear(self, origin: str, retention: str, said: Mapping[str, Any]) -> None:
        """In: a line's shard and class, and its event, opened. Lines come shard by shard, in order."""
        if "time" not in said:
            return
        time = _no_later(datetime.fromisoformat(said["time"]), origin)
        basis, digests = said.get("basis") or {}, said.get("digests") or {}
        record, revision = basis.get("record"), basis.get("revision") or 0
        kind: str = said["kind"]
        if kind == Kind.POLICY_LOADED and "policy" in digests:
            law = _Law(self._written(retention, time), digests["policy"])
            self._laws.setdefault(retention, []).append(law)
        elif kind.startswith("consent.") and record is not None:
            self._steps.setdefault(record, []).append(_Step(self._written(retention, time), revision))
        elif kind == Kind.ANSWERED and "exchange" in said:
            at = self._written(retention, time)
            self._answers.append(_Answer(at, said["exchange"], record, revision, digests.get("policy")))
        else:
            self._passes(retention, time)

    def _written(self, retention: str, time: datetime) -> _Moment:
        self._passes(retention, time)
        self._place += 1
        moment = _Moment(retention, self._place, time, self._newest[retention])
        self._moments.setdefault(retention, []).append(moment)
        return moment

    def _passes(self, retention: str, time: datetime) -> None:
        self._newest[retention] = max(self._newest.get(retention, _NEVER), time)
        for moment in reversed(self._moments.get(retention, ())):
            if moment.earliest <= time:
                break
            moment.earliest = time

    def check(self) -> Iterator[Wrong]:
        """Out: every exchange that was answered on what no longer held."""
        named: set[tuple[str, str]] = set()
        for answer in self._answers:
            for column, text in self._wrong(answer):
                if (answer.exchange, column) not in named:
                    named.add((answer.exchange, column))
                    yield Wrong("exchange", answer.exchange, column, text)

    def _wrong(self, answer: _Answer) -> Iterator[tuple[str, str]]:
        steps: Sequence[_Step] = self._steps.get(answer.record, ()) if answer.record is not None else ()
        if any(step.revision > answer.revision and step.at.before(answer.at) for step in steps):
            yield "basis", "answered on a decision after the log told of a later step of it"
        laws = self._in_force(answer.at)
        if laws and None not in laws and answer.policy is not None and answer.policy not in laws:
            yield "policy", "answered by another law than the one that was loaded last"

    def _in_force(self, at: _Moment) -> set[str | None]:
        """Out: the laws that may have been in force at that moment; none: no line tells."""
        surely: list[_Law] = []
        maybe: list[_Law] = []
        for laws in self._laws.values():
            since = bisect_left(laws, True, key=lambda law: not law.at.before(at))
            surely += laws[since - 1 : since] if since else []
            for law in laws[since:]:
                if at.before(law.at):
                    break
                maybe.append(law)
        if not surely:
            return set()
        last = [law for law in surely if not any(law.at.before(other.at) for other in surely)]
        return {law.digest for law in (*last, *maybe)}


def _no_later(time: datetime, origin: str) -> datetime:
    try:
        return min(time, Origin.parse(origin).end)
    except ValueError:  # no origin of a shard: `verify_log` names it
        return time
