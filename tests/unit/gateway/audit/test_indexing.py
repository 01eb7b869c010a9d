"""An index that grows is the one that would be made of all lines; as a file it shows nothing false."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import chance

from gateway.audit import index, index_file, tree
from gateway.audit.index import EMPTY_INDEX, Index, IndexDamaged, Presence
from gateway.audit.indexing import Growing, LinesMissing, grown

ORIGIN = "musterstadt.example/24m/2026-11"
Entries = Sequence[tuple[bytes, int]]
logs = st.lists(st.integers(0, 40), max_size=300).map(lambda names: [chance(name) for name in names])
"""The label of each line."""


def entries(log: Sequence[bytes], start: int, stop: int) -> Entries:
    """Out: what a store tells of the labels that have a line in there (`EpochStore.labels`)."""
    changed = set(log[start:stop])
    return sorted((label, at) for at, label in enumerate(log[:stop]) if label in changed)


def anew(log: Sequence[bytes]) -> Index:
    """Out: the index of these lines, made in the plainest way."""
    return Index.of({label: [at for at, one in enumerate(log) if one == label] for label in log})


@given(st.lists(st.integers(0, 2**63), max_size=600))
def test_a_sub_root_is_the_root_of_the_positions(positions: list[int]) -> None:
    """RFC 6962, whatever their number."""
    hashes = [tree.leaf_hash(position.to_bytes(8, "big")) for position in positions]
    assert index.sub_root(positions) == tree.root(hashes)


@given(logs, st.lists(st.integers(0, 300), max_size=4), st.integers(1, 50))
def test_grown_is_made_anew(log: list[bytes], stops: list[int], part: int) -> None:
    """In any steps, told in parts of any size: the same rows, the same tree."""
    older = EMPTY_INDEX
    for stop in [*sorted(min(stop, len(log)) for stop in stops), len(log)]:
        told = entries(log, older.lines, stop)
        growing = Growing(older, b"".join(log[older.lines : stop]))
        for at in range(0, len(told), part):
            growing.add(told[at : at + part])
        older = growing.done(stop)
        plain = anew(log[:stop])
        assert (older.lines, older.size, older.root) == (stop, plain.size, plain.root)
        assert bytes(older.rows()) == bytes(plain.rows())
        assert [bytes(level) for level in older.levels()] == [bytes(level) for level in plain.levels()]


@given(logs, st.sets(st.integers(0, 80), max_size=20))
def test_what_is_found_is_verified(log: list[bytes], wanted: set[int]) -> None:
    """Presence for what is there, with all its entries; absence for what isn't."""
    made = anew(log)
    for label in map(chance, wanted):
        found = made.find(label)
        positions = [at for at, one in enumerate(log) if one == label]
        if positions:
            assert isinstance(found, Presence)
            assert index.verify_presence(label, positions, found, made.root, made.size)
        else:
            assert not isinstance(found, Presence)
            assert index.verify_absence(label, found, made.root, made.size)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 65_536, 65_793])
def test_its_tree_is_that_of_the_leaves(size: int) -> None:
    """On every border of a tile, and of a tile of tiles."""
    labels = sorted(chance(size, at) for at in range(size))
    made = Index.of({label: (at,) for at, label in enumerate(labels)})
    leaves = [tree.leaf_hash(index.index_leaf(label, (at,))) for at, label in enumerate(labels)]
    assert made.root == tree.root(leaves)
    assert [len(level) for level in made.levels()] == index.level_bytes(size)
    for at in range(0, size, max(size // 9, 1)):
        found = made.find(labels[at])
        assert isinstance(found, Presence)
        assert tree.verify_inclusion(leaves[at], found.position, size, found.proof, made.root)


@given(logs.filter(len), st.data())
def test_an_entry_left_out_is_no_index(log: list[bytes], data: st.DataObject) -> None:
    """What is told has to be as many entries as the log has lines, the older ones included."""
    start = data.draw(st.integers(0, len(log) - 1))
    told = list(entries(log, start, len(log)))
    del told[data.draw(st.integers(0, len(told) - 1))]
    with pytest.raises(LinesMissing):
        grown(anew(log[:start]), b"".join(log[start:]), told)


# --- the file --------------------------------------------------------------------------------------------------
LOG = [chance(number % 300) for number in range(700)]
INDEX = anew(LOG)
FILE = b"".join(index_file.parts(ORIGIN, INDEX))
SOUGHT = [chance(number) for number in (0, 7, 150, 299, 300, 301)] + [bytes(32), b"\xff" * 32]


def test_a_file_is_read_in_place_as_it_was_written() -> None:
    """The same size, root, rows and proofs."""
    read = index_file.parse(ORIGIN, memoryview(FILE))
    assert read is not None
    assert (read.lines, read.size, read.root) == (700, 300, INDEX.root)
    assert isinstance(read.rows(), memoryview)
    assert [read.find(label) for label in SOUGHT] == [INDEX.find(label) for label in SOUGHT]
    empty = index_file.parse(ORIGIN, memoryview(b"".join(index_file.parts(ORIGIN, EMPTY_INDEX))))
    assert empty is not None
    assert empty.find(bytes(32)) == EMPTY_INDEX.find(bytes(32))


@settings(max_examples=400)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_flipped_byte_shows_nothing_false(at: int, flip: int) -> None:
    """The file is refused, or the proof is, or it is the true one."""
    data = bytearray(FILE)
    data[at] ^= flip
    read = index_file.parse(ORIGIN, memoryview(data))
    if read is None:
        return
    assert (read.lines, read.size, read.root) == (700, 300, INDEX.root)
    for label in SOUGHT:
        try:
            found = read.find(label)
        except IndexDamaged:
            continue
        assert found == INDEX.find(label)


@pytest.mark.parametrize("where", ["count", "root", "sibling"])
def test_a_damage_in_the_way_of_a_proof_is_named(where: str) -> None:
    """In the row itself or beside it, far below the root that the file is known by."""
    rows = len(FILE) - len(INDEX.rows()) - sum(map(len, INDEX.levels()))
    hashes = rows + len(INDEX.rows())
    at = {"count": rows + 10 * 72 + 39, "root": rows + 10 * 72 + 71, "sibling": hashes + 11 * 32}[where]
    data = bytearray(FILE)
    data[at] ^= 1
    read = index_file.parse(ORIGIN, memoryview(data))
    assert read is not None
    with pytest.raises(IndexDamaged):
        read.find(INDEX.label(10))


def test_the_hashes_under_the_root_belong_to_the_head() -> None:
    """A tile's root that was changed is seen at once."""
    data = bytearray(FILE)
    data[-1] ^= 1
    assert index_file.parse(ORIGIN, memoryview(data)) is None


@pytest.mark.parametrize("length", [0, 1, 16, 96, 127, 128, 129, len(FILE) // 2, len(FILE) - 1])
def test_a_file_cut_short_is_none(length: int) -> None:
    """Nor is one with more at its end."""
    assert index_file.parse(ORIGIN, memoryview(FILE[:length])) is None
    assert index_file.parse(ORIGIN, memoryview(FILE + bytes(length + 1))) is None


def test_another_shards_file_is_none() -> None:
    """A file is one shard's, whatever its name on the disk."""
    assert index_file.parse("musterstadt.example/12m/2026-11", memoryview(FILE)) is None


def test_a_head_of_any_numbers_is_none() -> None:
    """A checksum that fits is no reason to believe a length."""
    for number in (0, 1, 299, 301, 2**40, 2**64 - 1):
        head = bytearray(FILE[:96])
        head[24:32] = number.to_bytes(8, "big")
        forged = bytes(head) + sha256(head).digest() + FILE[128:]
        assert index_file.parse(ORIGIN, memoryview(forged)) is None
