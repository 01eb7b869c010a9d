"""The offline check of an export finds what is changed in it, by whomever and with or without an index (LOG.md 7)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from export_lies import ABOUT_THE_INDEX, LIES, OMISSION
from export_sample import AUDITOR_VKEY, PLAIN, TRUE, VKEY, Lie, flip, told
from hypothesis import given, settings
from hypothesis import strategies as st
from lies_of_entries import drop_entry

from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome, Verdict


@pytest.mark.parametrize(
    "lie", [lie for lie in LIES if lie not in OMISSION | ABOUT_THE_INDEX], ids=lambda lie: lie.__name__
)
def test_every_lie_but_those_of_omission_is_found_without_an_index_too(lie: Lie) -> None:
    """Only what is left out of the entries, or at the end, needs the index to be seen."""
    assert told(lie, PLAIN).outcome is Outcome.FALSE


def test_without_an_index_omission_is_not_seen_and_not_denied() -> None:
    """Which is why completeness is never claimed then."""
    assert told(drop_entry, PLAIN).outcome is Outcome.TRUE_NOT_COMPLETE


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
