"""Lines about the house: the check of a kept log names those that the house did not write (docs/decisions/0029)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from small_log import IDENTITY, SmallShard

from gateway.audit import labels
from gateway.audit.record import ONLY_HOUSE, Digests, Event, Kind, to_bytes
from gateway.audit.verify.stored.columns import StoredLog
from gateway.audit.verify.stored.log import verify_log

TIME = datetime(2026, 11, 20, 9, tzinfo=UTC)
LOADED = Event(kind=Kind.POLICY_LOADED, time=TIME, digests=Digests(policy="0" * 64))


def shard(event: Event, first: bool, own: bool) -> StoredLog:
    """Out: a shard with that line about the house. In: whether leaf 0, and the line, have the house's salt."""
    made = SmallShard.open("24m", 2026, 11, house=first)
    made.tell(event, house=own)
    made.sign()
    return made.stored()


def named(log: StoredLog) -> list[str]:
    return [wrong.told for wrong in verify_log(log, IDENTITY.verifier).wrong]


@pytest.mark.parametrize("kind", sorted(ONLY_HOUSE))
@pytest.mark.parametrize("first", [True, False])
def test_what_excuses_a_gap_has_the_houses_salt(kind: Kind, first: bool) -> None:
    """In every shard, whichever version opened it."""
    event = Event(kind=kind, time=TIME, reasons=("norm", "what"))
    assert named(shard(event, first, True)) == []
    [told] = named(shard(event, first, False))
    assert told == "line [musterstadt.example/24m/2026-11 1] salt: not written by this house"


def test_an_earlier_versions_lines_hold() -> None:
    """It opened its shards with random salts, and wrote others that excuse nothing; in a newer shard none may be."""
    assert named(shard(LOADED, False, False)) == []
    assert len(named(shard(LOADED, True, False))) == 1


def test_without_the_secret_nobody_can_tell() -> None:
    """A destroyed shard has none."""
    for event in (LOADED, Event(kind=Kind.HOLD_LIFTED, time=TIME, reasons=("norm", "h-1"))):
        assert named(replace(shard(event, True, False), seal=None)) == []


def test_the_other_salts_stay_random() -> None:
    """A person's line under the salt that the house would make of it is a line like any other."""
    made = SmallShard.open("24m", 2026, 11, house=True)
    made.add(3)
    made.sign()
    assert named(made.stored()) == []
    line = made.lines[1]
    assert not labels.by_house(made.keys.seal, line.salt, line.event)
    assert to_bytes(LOADED) != line.event
