"""Whether the house is well, and what to do when it is not (gateway.health)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.health import Doors, Machine, blind, judge
from gateway.keeping.seen import Gap, Look, Seen, Stuck
from gateway.ports import ExchangeKey
from gateway.ports.watch import Watched
from gateway.stages import Position

NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
WELL = Machine(1_000, 1_000, timedelta(seconds=60))
NOTHING = Look(3, 2, 1, 1, (), Seen(newest=NOW))


def kinds(look: Look, machine: Machine = WELL, now: datetime = NOW) -> list[str]:
    return [trouble.kind for trouble in judge(look, machine, now).troubles]


def test_nothing_wrong_is_green() -> None:
    """And the counts are told."""
    health = judge(NOTHING, WELL, NOW)
    assert health.green
    assert health.facts["accepted"] == health.facts["terminal"] + health.facts["in_flight"]


def test_the_machine_has_its_say() -> None:
    """Checkpoints that can't be kept, a disk that is nearly full, a clock that has gone back: red, with what to do."""
    assert kinds(NOTHING, replace(WELL, checkpoint_fault="checkpoint file (OSError)")) == ["checkpoint"]
    assert kinds(NOTHING, replace(WELL, free_bytes=999)) == ["disk"]
    assert kinds(NOTHING, now=NOW - timedelta(seconds=60)) == []
    [clock] = judge(NOTHING, WELL, NOW - timedelta(seconds=61)).troubles
    assert clock.kind == "clock"
    assert clock.mend.endswith("If it is right now, this stays until 2026-11-21T20:15:00.000Z.")


def test_what_was_not_erased_is_told() -> None:
    """With why, and what to do."""
    [trouble] = judge(NOTHING, WELL, NOW, "retention of 12m").troubles
    assert trouble.kind == "retention"
    assert "retention of 12m" in trouble.text


@pytest.mark.parametrize("door", ["storage", "keys", "bus"])
def test_a_door_that_does_not_open_is_told(door: str) -> None:
    """By its name, with why and what to do; also where nobody can look at anything else, and only as it is now."""
    [trouble] = judge(NOTHING, WELL, NOW, None, Doors(**{door: "somewhere (locked)"})).troubles
    assert trouble.kind == door
    assert "somewhere (locked)" in trouble.text
    known = judge(NOTHING, WELL, NOW, None, Doors(storage="somewhere"))
    health = blind(known, "storage", NOW, Doors(**{door: "elsewhere"}))
    assert [one.kind for one in health.troubles] == ["watch", door]
    assert "elsewhere" in health.troubles[1].text


def test_a_look_that_failed_is_red_and_keeps_what_was_known() -> None:
    """Once, however often it fails; before any look nothing was counted."""
    known = judge(replace(NOTHING, stuck=(Stuck(Gap.LOST, "e-1"),)), WELL, NOW)
    health = blind(blind(known, "storage", NOW), "bus", NOW)
    assert [(one.kind, one.exchange) for one in health.troubles] == [("watch", None), ("lost", "e-1")]
    assert health.accepted == known.accepted
    assert (blind(None, "bus", NOW).accepted, blind(None, "bus", NOW).green) == (None, False)


@pytest.mark.parametrize("gap", Gap)
def test_every_gap_is_told_with_its_exchange_and_a_mend(gap: Gap) -> None:
    """Each in a sentence of its own."""
    [trouble] = judge(replace(NOTHING, stuck=(Stuck(gap, "e-1"),)), WELL, NOW).troubles
    assert (trouble.kind, trouble.exchange) == (gap, "e-1")
    assert "e-1" in trouble.text
    assert trouble.mend


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("7d0a5b8e-8a4e-4a36-8a8f-3a8f5b0a2c11", "7d0a5b8e-8a4e-4a36-8a8f-3a8f5b0a2c11"),
        ("Anna Beispiel", None),
    ],
)
def test_a_message_id_is_told_only_where_it_is_one(message: str, told: str | None) -> None:
    """What an asker wrote instead may name a person."""
    row = Watched(ExchangeKey("e-1", "office", message, "d", 1), None, None, False, None)
    stuck = Stuck(Gap.LOST, "e-1", Position("town.example/24m/2026-11", 4), row)
    [trouble] = judge(replace(NOTHING, stuck=(stuck,)), WELL, NOW).troubles
    assert trouble.message == told
    assert (trouble.consumer, trouble.origin, trouble.index) == ("office", "town.example/24m/2026-11", 4)
    assert message in str(trouble.facts) or told is None
