"""The index rebuilt from the leaves is the index, and what another one differs in has a name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.index import Index, IndexLeaf, sub_root
from gateway.audit.verify.published.rebuilding import Rebuilt, differences, index_root, left_out, told

LABELS = [bytes([number]) * 32 for number in range(6)]
ANNA, OTHER = LABELS[:2]


def rebuilt(labels: list[bytes]) -> Rebuilt:
    made = Rebuilt()
    for position, label in enumerate(labels):
        made.add(label, position)
    return made


def rows_of(entries: dict[bytes, list[int]]) -> list[IndexLeaf]:
    return [
        IndexLeaf(label, len(positions), sub_root(positions)) for label, positions in sorted(entries.items())
    ]


@given(labels=st.lists(st.sampled_from(LABELS), min_size=1, max_size=60), data=st.data())
def test_it_is_the_houses_own_index_at_every_size(labels: list[bytes], data: st.DataObject) -> None:
    """Reckoned in another way, line by line, asked for in between as epochs come."""
    asked = data.draw(st.sets(st.integers(1, len(labels))))
    made, entries = Rebuilt(), dict[bytes, list[int]]()
    for position, label in enumerate(labels):
        made.add(label, position)
        entries.setdefault(label, []).append(position)
        if position + 1 in asked | {len(labels)}:
            assert (made.root(), made.size) == (Index.of(entries).root, len(entries))
    assert list(made.rows()) == rows_of(entries)
    assert index_root(rows_of(entries)) == made.root()
    assert not list(differences(made, rows_of(entries)))


@given(
    labels=st.lists(st.sampled_from(LABELS), min_size=1, max_size=30),
    gone=st.integers(0, 29),
)
def test_an_entry_that_is_left_out_is_named(labels: list[bytes], gone: int) -> None:
    """Whatever its place among the label's entries: that label alone differs, and that entry is named."""
    gone %= len(labels)
    entries: dict[bytes, list[int]] = {}
    for position, label in enumerate(labels):
        entries.setdefault(label, []).append(position)
    mine = entries[labels[gone]][:]
    entries[labels[gone]].remove(gone)
    entries = {label: positions for label, positions in entries.items() if positions}
    (found,) = differences(rebuilt(labels), rows_of(entries))
    assert found.label == labels[gone]
    text = told(found, mine)
    assert labels[gone].hex() in text
    if found.theirs is None:
        assert text.endswith(f"is not in the index; it has 1 line: {gone}")
    else:
        assert left_out(mine, found.theirs) == (gone,)
        assert text.endswith(f"left out is {gone}")


def test_the_newest_entries_left_out_are_named() -> None:
    """An index that stopped being kept for somebody."""
    (found,) = differences(rebuilt([ANNA, OTHER, ANNA, ANNA]), rows_of({ANNA: [0], OTHER: [1]}))
    assert told(found, [0, 2, 3]).endswith("(0, 2, 3), the index says 1: left out is 2, 3")


def test_other_entries_are_said_to_be_others() -> None:
    """Somebody else's entry in place of one's own."""
    (found,) = differences(rebuilt([ANNA, OTHER, ANNA]), rows_of({ANNA: [0, 1], OTHER: [1]}))
    assert told(found, [0, 2]).endswith("the index says 2: other entries than these")


def test_a_label_that_no_line_has_is_named() -> None:
    """An invented person in the index."""
    (found,) = differences(rebuilt([ANNA]), rows_of({ANNA: [0], OTHER: [1]}))
    assert told(found, []) == f"label {OTHER.hex()} is in the index and on no line"
