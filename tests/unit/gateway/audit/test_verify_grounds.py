"""What was answered, against the laws and steps that the lines told by then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.audit.verify.stored.grounds import Grounds

NOON = datetime(2026, 12, 5, 12, tzinfo=UTC)
OLD, NEW = "a" * 64, "b" * 64


def tell(grounds: Grounds, retention: str, minute: float, kind: str, **said: Any) -> None:
    time = (NOON + timedelta(minutes=minute)).isoformat()
    grounds.hear(f"t.example/{retention}/2026-12", retention, {"kind": kind, "time": time, **said})


def law(grounds: Grounds, retention: str, minute: float, digest: str) -> None:
    tell(grounds, retention, minute, "policy.loaded", digests={"policy": digest})


def answer(grounds: Grounds, retention: str, minute: float, digest: str = OLD) -> None:
    basis = {"record": "r", "revision": 1}
    tell(grounds, retention, minute, "answered", exchange="x", digests={"policy": digest}, basis=basis)


def withdrawn(grounds: Grounds, retention: str, minute: float) -> None:
    tell(grounds, retention, minute, "consent.withdrawn", basis={"record": "r", "revision": 2})


def found(grounds: Grounds) -> list[str]:
    return [wrong.column for wrong in grounds.check()]


@pytest.mark.parametrize(
    ("retention", "minute", "wrong"),
    [
        ("24m", 0, ["basis"]),  # behind it, whatever the clock said
        ("12m", 10, ["basis"]),
        ("12m", 5.5, []),  # a line may wait that long to be written
        ("12m", 0, []),
    ],
)
def test_an_answer_after_a_step(retention: str, minute: float, wrong: list[str]) -> None:
    grounds = Grounds()
    withdrawn(grounds, "24m", 5)
    answer(grounds, retention, minute)
    assert found(grounds) == wrong


def test_an_answer_before_a_step() -> None:
    grounds = Grounds()
    answer(grounds, "24m", 5)
    withdrawn(grounds, "24m", 5)
    assert found(grounds) == []


@pytest.mark.parametrize(
    ("retention", "minute", "digest", "wrong"),
    [
        ("24m", 20, NEW, []),
        ("24m", 20, OLD, ["policy"]),
        ("12m", 5, OLD, []),
        ("12m", 5, NEW, ["policy"]),
        ("12m", 10.5, OLD, []),
        ("12m", 10.5, NEW, []),
        ("12m", 20, OLD, ["policy"]),
        ("12m", -5, NEW, []),  # before any that is known
    ],
)
def test_an_answer_by_a_law(retention: str, minute: float, digest: str, wrong: list[str]) -> None:
    grounds = Grounds()
    law(grounds, "24m", 0, OLD)
    law(grounds, "24m", 10, NEW)
    answer(grounds, retention, minute, digest)
    assert found(grounds) == wrong


@pytest.mark.parametrize(("of_house", "wrong"), [(False, ["policy"]), (True, [])])
def test_a_law_whose_line_is_erased_may_have_been_any(of_house: bool, wrong: list[str]) -> None:
    grounds = Grounds()
    law(grounds, "24m", 0, OLD)
    grounds.erased("24m", of_house)
    answer(grounds, "24m", 5, NEW)
    assert found(grounds) == wrong


def test_a_default_class_that_changed() -> None:
    """Laws are told in one class, then in another."""
    grounds = Grounds()
    law(grounds, "24m", 0, OLD)
    law(grounds, "12m", 10, NEW)
    answer(grounds, "24m", 20, NEW)
    assert found(grounds) == []
    answer(grounds, "24m", 20, OLD)
    assert found(grounds) == ["policy"]


def test_a_clock_that_leapt_accuses_nobody() -> None:
    """Two hours ahead, then right again: the lines behind show it."""
    grounds = Grounds()
    answer(grounds, "12m", 120)
    tell(grounds, "12m", 2, "asked")
    withdrawn(grounds, "24m", 5)
    assert found(grounds) == []
    grounds = Grounds()
    tell(grounds, "24m", 120, "asked")
    withdrawn(grounds, "24m", 5)
    answer(grounds, "12m", 60)
    assert found(grounds) == []
