"""The completeness index: presence and absence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_log import chance

from gateway.audit import index, tree
from gateway.audit.index import EMPTY_INDEX, Absence, Index, IndexLeaf, Presence

ENTRIES = {chance("label", number): list(range(number, 1000, number + 3)) for number in range(300)}
INDEX = Index.of(ENTRIES)
ABSENT = [chance("absent", number) for number in range(60)] + [bytes(32), b"\xff" * 32]


def test_the_leaf_has_the_bytes_of_the_format() -> None:
    """Header, label, count, and the root over the entries' positions."""
    label = chance("label", 1)
    leaf = index.index_leaf(label, [5, 9])
    positions = [tree.leaf_hash((5).to_bytes(8, "big")), tree.leaf_hash((9).to_bytes(8, "big"))]
    assert leaf == b"einmal/index/v1\x00" + label + (2).to_bytes(8, "big") + tree.root(positions)
    assert IndexLeaf.parse(leaf) == IndexLeaf(label, 2, tree.root(positions))
    assert IndexLeaf.parse(leaf[:-1]) is None
    assert IndexLeaf.parse(b"einmal/index/v2" + leaf[15:]) is None


def test_the_tree_is_sorted_by_label() -> None:
    """Its root is that of the sorted leaves."""
    leaves = [tree.leaf_hash(index.index_leaf(label, ENTRIES[label])) for label in sorted(ENTRIES)]
    assert INDEX.root == tree.root(leaves)
    assert INDEX.size == 300


def test_every_label_is_shown_to_have_exactly_its_entries() -> None:
    """One entry more, one less, one other: not shown."""
    for label, entries in ENTRIES.items():
        place = INDEX.find(label)
        assert isinstance(place, Presence)
        assert index.verify_presence(label, entries, place, INDEX.root, INDEX.size)
        for other in (entries[:-1], [*entries, 5000], [entries[0] + 1, *entries[1:]]):
            assert not index.verify_presence(label, other, place, INDEX.root, INDEX.size)
        moved = replace(place, position=(place.position + 1) % 300)
        assert not index.verify_presence(label, entries, moved, INDEX.root, INDEX.size)


@pytest.mark.parametrize("number", range(len(ABSENT)))
def test_an_absent_label_is_shown_to_be_absent(number: int) -> None:
    """By its neighbours, at both ends too; and for no label that is there."""
    label = ABSENT[number]
    absence = INDEX.find(label)
    assert isinstance(absence, Absence)
    assert index.verify_absence(label, absence, INDEX.root, INDEX.size)
    assert not index.verify_absence(label, absence, chance("root"), INDEX.size)
    for side in (absence.left, absence.right):
        if side is not None:
            assert not index.verify_absence(side.leaf[16:48], absence, INDEX.root, INDEX.size)
    assert (absence.left is None, absence.right is None) == (label < min(ENTRIES), label > max(ENTRIES))
    for without in ({"left": None}, {"right": None}, {"left": None, "right": None}):
        less = replace(absence, **without)
        assert index.verify_absence(label, less, INDEX.root, INDEX.size) == (less == absence)


def test_neighbours_that_are_not_adjacent_show_nothing() -> None:
    """A gap between them could hide the label."""
    labels = sorted(ENTRIES)
    left = INDEX.find(labels[10][:-1] + bytes([labels[10][-1] ^ 1]))
    right = INDEX.find(labels[13][:-1] + bytes([labels[13][-1] ^ 1]))
    assert isinstance(left, Absence)
    assert isinstance(right, Absence)
    wide = Absence(left.left, right.right)
    assert not index.verify_absence(labels[12], wide, INDEX.root, INDEX.size)


def test_an_empty_index_has_nobody() -> None:
    """Its root is the empty one; with any other root or size nothing is shown."""
    empty = EMPTY_INDEX
    absence = empty.find(bytes(32))
    assert absence == Absence(None, None)
    assert index.verify_absence(bytes(32), Absence(None, None), empty.root, 0)
    assert not index.verify_absence(bytes(32), Absence(None, None), INDEX.root, INDEX.size)
    assert not index.verify_absence(bytes(32), Absence(None, None), INDEX.root, 0)


def test_the_output_leaf_has_the_keys_of_the_format() -> None:
    """RFC 8785 with exactly six keys."""
    leaf = index.output_leaf(7, INDEX, "note", "2026-11-21T20:15:00Z")
    assert leaf.startswith(b'{"epoch":7,"index_root":"')
    assert leaf.endswith(b'"index_size":300,"log":"note","time":"2026-11-21T20:15:00Z","v":1}')
