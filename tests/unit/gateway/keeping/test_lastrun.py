"""What is written down of the last run of erasing, and what the shards' names say against it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.audit.retention import Rule
from gateway.keeping.lastrun import RECENT, LastRun, left_behind
from gateway.ports import Head, Shard

NOW = datetime(2029, 1, 2, 12, tzinfo=UTC)
RULES = (Rule("24m", "IDNrG § 9", 24),)


@pytest.mark.parametrize(
    ("ago", "recent"),
    [
        (timedelta(), True),
        (timedelta(hours=20), True),
        (RECENT, True),
        (RECENT + timedelta(seconds=1), False),
        (timedelta(seconds=-1), False),
        (timedelta(days=-900), False),
    ],
)
def test_a_run_is_recent_for_a_day_and_never_ahead(ago: timedelta, recent: bool) -> None:
    """What is said to have been done at a time to come was not done."""
    assert LastRun(NOW - ago).recent(NOW) is recent


def shards(month: str, *, closed: bool = True, secrets: bytes | None = b"x") -> list[Shard]:
    """Out: a shard of that month, and the open one that follows."""
    return [
        Shard(Head(f"a.example/24m/{month}", 9, b""), "24m", closed, secrets),
        Shard(Head("a.example/24m/2029-01", 9, b""), "24m", False, b"x"),
    ]


def test_a_shard_that_is_over_is_left_behind() -> None:
    """Whatever is written down, and whether or not its month was closed. One whose last stray line may still be kept is
    not, nor one whose keys are gone, or one of a class without a rule."""
    assert left_behind(shards("2026-10"), RULES, NOW)
    assert not left_behind(shards("2026-11"), RULES, NOW)
    assert not left_behind(shards("2026-10", secrets=None), RULES, NOW)
    assert left_behind(shards("2026-10", closed=False)[:1], RULES, NOW)
    assert not left_behind(shards("2026-10"), (), NOW)
    assert not left_behind(shards("2026-10"), (Rule("24m", "ewig", 12 * 9_000),), NOW)
    assert left_behind(shards("2026-11"), RULES, NOW + timedelta(days=31))
