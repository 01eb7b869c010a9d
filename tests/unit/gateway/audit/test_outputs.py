"""A leaf of an output log is read in its one form, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.index import Index, output_leaf
from gateway.audit.note import Checkpoint, NoteInvalid, Signer, sign
from gateway.audit.verify.outputs import read_output

ORIGIN = "town.example/24m/2026-11"
LOG = Signer.from_seed(ORIGIN, b"\x01" * 32)
NOTE = sign(Checkpoint(ORIGIN, 3, b"\x02" * 32).text, LOG)
LEAF = output_leaf(7, Index.of({b"\x03" * 32: [0, 1, 2]}), NOTE, "2026-11-21T20:15:00Z")


def test_what_the_house_writes_is_read() -> None:
    """Number, head of the log, root and size of the index, time."""
    read = read_output(LEAF, LOG.verifier)
    assert (read.number, read.log.size, read.index_size) == (7, 3, 1)
    assert read.index_root == Index.of({b"\x03" * 32: [0, 1, 2]}).root
    assert read.time.isoformat() == "2026-11-21T20:15:00+00:00"


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another version": lambda said: said.update(v=2),
    "a version that is no number": lambda said: said.update(v=True),
    "a key more": lambda said: said.update(more=1),
    "a key less": lambda said: said.pop("time"),
    "a number below zero": lambda said: said.update(epoch=-1),
    "a number with decimals": lambda said: said.update(epoch=1.5),
    "a number in words": lambda said: said.update(index_size="1"),
    "a root that is too short": lambda said: said.update(index_root="AAAA"),
    "a root that is none": lambda said: said.update(index_root="?"),
    "no note": lambda said: said.update(log="hello"),
    "a note of another log": lambda said: said.update(
        log=sign(
            Checkpoint("x.example/24m/2026-11", 3, b"\x02" * 32).text, Signer.from_seed("x", b"\x09" * 32)
        )
    ),
    "a day that never was": lambda said: said.update(time="2026-02-30T00:00:00Z"),
    "a time with decimals": lambda said: said.update(time="2026-11-21T20:15:00.000Z"),
    "a time elsewhere": lambda said: said.update(time="2026-11-21T20:15:00+01:00"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_other_form_is_refused(change: str) -> None:
    """Each in canonical spelling, and wrong."""
    said = json.loads(LEAF)
    CHANGES[change](said)
    with pytest.raises(NoteInvalid):
        read_output(rfc8785.dumps(said), LOG.verifier)


@pytest.mark.parametrize(
    "leaf",
    [
        LEAF + b" ",
        LEAF.replace(b'"v":1', b'"v":1,"v":1'),
        LEAF.replace(b'"epoch":7', b'"epoch":7.0'),
        LEAF.replace(b'"epoch":7', b'"epoch":NaN'),
        LEAF.replace(b'"epoch":7', b'"epoch":' + b"9" * 5000),
        LEAF.replace(b"2026-11-21", b"\\ud800"),
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_any_other_spelling_is_refused(leaf: bytes) -> None:
    """Never another exception than the one."""
    with pytest.raises(NoteInvalid):
        read_output(leaf, LOG.verifier)


@given(at=st.integers(0, len(LEAF) - 1), byte=st.integers(0, 255))
@settings(deadline=None)
def test_no_flipped_byte_changes_what_its_note_says(at: int, byte: int) -> None:
    """It is refused, or it is a leaf with another number, root or time: the head of the log stays the signed one."""
    flipped = LEAF[:at] + bytes([byte]) + LEAF[at + 1 :]
    try:
        read = read_output(flipped, LOG.verifier)
    except NoteInvalid:
        return
    assert read.log == Checkpoint(ORIGIN, 3, b"\x02" * 32)
