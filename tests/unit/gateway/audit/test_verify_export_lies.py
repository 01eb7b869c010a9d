"""The offline check of an export finds every lie: told in the file, signed for true, or made by chance (LOG.md 7)."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from export_lies import (
    ABOUT_THE_INDEX,
    AUDITOR_VKEY,
    LIES,
    OMISSION,
    PLAIN,
    TRUE,
    VKEY,
    Lie,
    drop_entry,
    flip,
    told,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import PERSON, SmallShard, small_proof

from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Outcome, Verdict


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_every_lie_is_found_at_its_step(lie: Lie) -> None:
    """The verdict is `false`, shows nothing, and its first finding is of the step of LOG.md 7 that checks it."""
    verdict = told(lie)
    assert verdict.outcome is Outcome.FALSE
    assert not verdict.true
    assert verdict.shown == ()
    assert verdict.findings[0].step == LIES[lie]
    assert not any(PERSON in f"{finding.place} {finding.text}" for finding in verdict.findings)


@pytest.mark.parametrize(
    "lie", [lie for lie in LIES if lie not in OMISSION | ABOUT_THE_INDEX], ids=lambda lie: lie.__name__
)
def test_every_lie_but_those_of_omission_is_found_without_an_index_too(lie: Lie) -> None:
    """Only what is left out of the entries, or at the end, needs the index to be seen."""
    assert told(lie, PLAIN).outcome is Outcome.FALSE


def test_without_an_index_omission_is_not_seen_and_not_denied() -> None:
    """Which is why completeness is never claimed then."""
    assert told(drop_entry, PLAIN).outcome is Outcome.TRUE_NOT_COMPLETE


def house_of(*shards: SmallShard) -> bytes:
    return small_proof({str(at): shard for at, shard in enumerate(shards)}, indexed=False).render()


def steps(file: bytes) -> set[int]:
    return {finding.step for finding in verify_export(file, VKEY).findings}


def test_a_month_left_out_of_the_middle_is_found() -> None:
    """The shard after it names it as the one before."""
    september = SmallShard.open("24m", 2026, 10, classes=("24m",))
    october = SmallShard.open("24m", 2026, 11, september.close(), classes=("24m",))
    november = SmallShard.open("24m", 2026, 12, october.close(), classes=("24m",))
    november.sign()
    assert steps(house_of(september, october, november)) == set()
    assert steps(house_of(september, november)) == {3}


def test_a_head_signed_twice_is_found() -> None:
    """The next shard names another closing head than the one shown."""
    october = SmallShard.open("24m", 2026, 10, classes=("24m",))
    first = october.close()
    october.add(1)
    october.close()
    november = SmallShard.open("24m", 2026, 11, first, classes=("24m",))
    november.sign()
    assert steps(house_of(october, november)) == {3}


def test_leaf_0_must_be_this_authoritys_and_this_shards() -> None:
    """Another authority's shard, another label, another shard's key statement: each truly signed, each found."""
    other = SmallShard.open("24m", 2026, 10, classes=("24m",))
    lies = (
        SmallShard.open("24m", 2026, 10, classes=("24m",), authority="other.example"),
        SmallShard.open("24m", 2026, 10, classes=("24m",), label_of="other"),
        SmallShard.open("24m", 2026, 10, classes=("24m",), keys_of=SmallShard.open("24m", 2026, 9).keys),
    )
    other.sign()
    assert steps(house_of(other)) == set()
    for lie in lies:
        lie.sign()
        assert 2 in steps(house_of(lie))


def test_the_index_must_be_the_newest_and_made_for_this_head() -> None:
    """An older epoch that is truly in the output log, and an index made for an older head: found."""
    shard = SmallShard.open("24m", 2026, 11, classes=("24m",))
    older_head = shard.sign()
    shard.add(4)
    head = shard.sign()
    true = small_proof({"24m/11": shard}, start=date(2026, 11, 1))
    part = true.shards[0]
    assert steps(true.render()) == set()
    for index in (shard.older_index(head), shard.index_for(older_head)):
        lie = true.model_copy(update={"shards": (part.model_copy(update={"index": index}),)})
        assert 4 in steps(lie.render())


@pytest.mark.parametrize(
    ("part", "key"),
    [("start", "leaf"), ("start", "salt"), ("start", "event"), ("index", "leaf"), ("index", "root")],
)
def test_a_flipped_byte_of_a_shards_part_is_found(part: str, key: str) -> None:
    """Leaf 0 and the index."""

    def lie(said: dict[str, Any]) -> None:
        flip(said["shards"][1][part], key)

    assert told(lie).outcome is Outcome.FALSE


def _binaries(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Out: where every text and number of the file stands."""
    if isinstance(node, dict):
        return [found for key, value in node.items() for found in _binaries(value, (*path, key))]
    if isinstance(node, list):
        return [found for at, value in enumerate(node) for found in _binaries(value, (*path, at))]
    return [path] if isinstance(node, str | int) and node is not None else []


SLACK = {"from", "to"}
"""A period may be claimed shorter than what is proved."""
PLACES = [path for path in _binaries(json.loads(TRUE)) if path[-1] not in SLACK]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PLACES), st.data())
def test_any_flipped_byte_of_any_text_or_number_is_found(
    place: tuple[str | int, ...], data: st.DataObject
) -> None:
    """Whatever is changed anywhere in the file: it is false, or (an auditor's line only) no longer checked."""
    said = json.loads(TRUE)
    node = said
    for step in place[:-1]:
        node = node[step]
    value = node[place[-1]]
    if isinstance(value, int):
        node[place[-1]] = value ^ data.draw(st.integers(1, 7))
    else:
        at = data.draw(st.integers(0, len(value) - 1))
        node[place[-1]] = value[:at] + chr(ord(value[at]) ^ data.draw(st.integers(1, 127))) + value[at + 1 :]
    verdict = verify_export(json.dumps(said).encode(), VKEY, [AUDITOR_VKEY])
    if place[-1] == "checkpoint" and place[-2] == "index":
        assert verdict.outcome in (Outcome.FALSE, Outcome.COMPLETE_IF_HONEST)
    else:
        assert verdict.outcome is Outcome.FALSE


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_file_is_a_finding_never_an_exception(data: st.DataObject) -> None:
    """Any byte of the raw file flipped, any piece cut out: a verdict comes back."""
    raw = bytearray(TRUE)
    start = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw[start] ^= data.draw(st.integers(1, 255))
    else:
        del raw[start : start + data.draw(st.integers(1, 400))]
    assert isinstance(verify_export(bytes(raw), VKEY), Verdict)
    assert verify_export(b"", VKEY).findings[0].step == 0
