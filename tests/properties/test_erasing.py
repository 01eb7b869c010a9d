"""Whatever was written when, and whenever erasing runs: each line goes on its day, never before it, and is told of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit import labels
from gateway.audit.german_time import german_time
from gateway.audit.record import Event, Kind
from gateway.audit.retention import Rule, Span, Until, heard
from gateway.keeping.retention import Retention
from gateway.ports import Head, Line, Shard, StoredLine
from gateway.stages import Position

ORIGIN = "a.example/3m/2026-11"
START = datetime(2026, 11, 1, tzinfo=UTC)
PART = 7


def _exchange(at: int) -> str:
    return f"x-{at // 3}"


@dataclass
class Memory:
    """Every port that erasing needs, over a list of times."""

    times: Sequence[datetime]
    erased: set[int] = field(default_factory=set)
    told: list[Event] = field(default_factory=list)
    most: int = 0

    async def shards(self) -> Sequence[Shard]:
        return [Shard(Head(ORIGIN, len(self.times) + 1, b""), "3m", False, b"secrets")]

    async def whole(self) -> Sequence[Shard]:
        return await self.shards()

    async def unerased(self, origin: str, start: int) -> Sequence[StoredLine]:
        left = [at for at in range(max(start, 1), len(self.times) + 1) if at not in self.erased]
        return [self._line(at) for at in left[:PART]]

    def _line(self, at: int) -> StoredLine:
        said = {"kind": "asked", "time": self.times[at - 1].isoformat(), "exchange": _exchange(at)}
        event, salt = json.dumps(said).encode(), bytes(labels.SALT_BYTES)
        leaf = labels.leaf(bytes(labels.LABEL_BYTES), labels.commit(salt, event))
        return StoredLine(Position(ORIGIN, at), Line(leaf, salt, event))

    async def erase(
        self, origin: str, span: Span, withheld: str, exchanges: Any, holds: Collection[str]
    ) -> bool:
        self.most = max(self.most, span.stop - span.start)
        due = next((one for one in self.due() if one.start <= span.start and span.stop <= one.stop), None)
        assert due is not None, "told of before it goes"
        assert span.stop == due.stop or _exchange(span.stop - 1) != _exchange(span.stop), "goes together"
        self.erased |= set(range(span.start, span.stop))
        return True

    def due(self) -> Sequence[Span]:
        return [span for event in self.told if (found := heard(event)) is not None for span in found.spans]

    async def house_event(self, told: Event, now: datetime) -> None:
        self.told.append(told)

    async def roll(self, now: datetime) -> None: ...

    async def expire(self, today: object, now: datetime) -> int:
        return 0

    async def standing(self) -> tuple[()]:
        return ()

    async def all_there(self) -> None: ...

    async def clear(self, origin: str, most: int) -> bool:
        return False

    async def over(self, over: object, after: str) -> tuple[list[str], None]:
        return [], None

    def last_run(self) -> str:
        return ""

    def keep_run(self, text: str) -> None: ...

    async def settle(self, vacuum: bool) -> bool:
        return True


MOMENTS = st.integers(-12 * 60, 31 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(MOMENTS, max_size=40),
    st.lists(st.integers(0, 140 * 24 * 60), min_size=1, max_size=4).map(sorted),
    st.sampled_from(Until),
)
def test_each_line_goes_on_its_day(times: list[datetime], runs: list[int], until: Until) -> None:
    """In whatever order lines were written, whatever runs were missed; and every line that went was told of first."""
    rule, memory = Rule("3m", "norm", 3, until), Memory(times)
    ports: Any = memory
    retention = Retention(
        (rule,), ports, ports, ports, ports, ports, lambda _: None, 2, timedelta(days=31), ports
    )
    for minutes in runs:
        now = START + timedelta(days=50, minutes=minutes)
        asyncio.run(retention.run(now, clock_is_right=True))
        today = german_time(now).date()
        due = {
            at for at, time in enumerate(times, start=1) if rule.erased_on(german_time(time).date()) <= today
        }
        assert memory.erased == due
    assert {at for span in memory.due() for at in range(span.start, span.stop)} == memory.erased
    assert all(event.kind is Kind.RETENTION_ERASED for event in memory.told)
    assert memory.most <= 4  # two at once, and what ends an exchange stays together
