"""The check's own tree and index: plainly made, and the same as the writer's at every size."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import IDENTITY, SmallShard

from gateway.audit import tree
from gateway.audit.index import Index, output_leaf
from gateway.audit.note import Checkpoint, sign
from gateway.audit.verify.stored.columns import EpochRow, StoredLog
from gateway.audit.verify.stored.log import verify_log
from gateway.audit.verify.stored.truth import HASH, WIDTH, TileTree, Truth

SIZES = (0, 1, 255, 256, 257, 511, 512, 700)
HASHES = [sha256(bytes([at % 256, at // 256])).digest() for at in range(700)]


def grown(hashes: list[bytes], wanted: set[int]) -> TileTree:
    found = TileTree(wanted)
    for at in range(0, len(hashes), WIDTH):
        found.add(hashes[at : at + WIDTH])
    return found


def test_roots_are_those_of_rfc_6962_at_every_size_asked_for() -> None:
    """On both sides of a tile's border; and none where there are fewer leaves."""
    found = grown(HASHES, set(SIZES))
    assert [found.root(size) for size in SIZES] == [tree.root(HASHES[:size]) for size in SIZES]
    assert found.root(701) is None
    assert found.root(600) is None, "nobody had asked for it"


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 699), st.booleans())
def test_the_head_decides_whom_to_believe(at: int, lines_lie: bool) -> None:
    """One hash differs between the lines and the tiles: whoever has the head's root is right."""
    lie = [*HASHES[:at], bytes(HASH), *HASHES[at + 1 :]]
    own, kept = (lie, HASHES) if lines_lie else (HASHES, lie)
    truth = Truth({700})
    for start in range(0, 700, WIDTH):
        width = min(WIDTH, 700 - start)
        truth.add(own[start : start + width], kept[start : start + width], [1] * width)
    found, size, choice = truth.decide(700, 700, 700, tree.root(HASHES))
    assert (size, found.root(700)) == (700, tree.root(HASHES))
    assert choice([lie[at]], [HASHES[at]], [1]) == [lie[at] if not lines_lie else HASHES[at]]


def indexed(shard: SmallShard, sizes: list[int]) -> StoredLog:
    """Out: the shard with an epoch at each of these sizes."""
    rows: list[EpochRow] = []
    checkpoints = list(shard.stored().checkpoints)
    for number, size in enumerate(sizes):
        entries: dict[bytes, list[int]] = {}
        for line in shard.lines[:size]:
            entries.setdefault(line.label, []).append(line.idx)
        root = tree.root([tree.leaf_hash(line.leaf) for line in shard.lines[:size]])
        note = sign(Checkpoint(shard.origin, size, root).text, shard.keys.log)
        leaf = output_leaf(number + 1, Index.of(entries), note, f"2026-11-21T20:{number:02}:00Z")
        rows.append(EpochRow(number, size, leaf))
        checkpoints.append(replace(checkpoints[0], size=size, note=note))
    labels = sorted((line.label, line.idx) for line in shard.lines)
    return replace(shard.stored(), epochs=rows, labels=labels, checkpoints=checkpoints)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.integers(1, 61), min_size=1, max_size=6).map(sorted))
def test_the_index_of_every_epoch_is_made_again(sizes: list[int]) -> None:
    """Any number of epochs, several of one size too: all of them hold, in one pass."""
    shard = SmallShard.open("24m", 2026, 10)
    shard.add(30, every=3)
    shard.close()
    report = verify_log(indexed(shard, sizes), IDENTITY.verifier)
    assert (report.wrong, report.epochs) == ((), len(sizes))


@pytest.mark.parametrize("left_out", [1, 2, 7, 40])
def test_an_entry_that_an_index_leaves_out_is_found(left_out: int) -> None:
    """And only in the epochs that should have it."""
    shard = SmallShard.open("24m", 2026, 10)
    shard.add(30, every=3)
    shard.close()
    good = indexed(shard, [20, 50])
    labels = [one for one in good.labels if one[1] != left_out]
    wrong = verify_log(replace(good, labels=labels), IDENTITY.verifier).wrong
    assert {(found.table, found.key.split()[-1]) for found in wrong} == {
        ("epoch", str(number)) for number, size in ((0, 20), (1, 50)) if size > left_out
    }
