"""A shard's epochs as they are kept, against its tree and its lines (LOG.md 6).

Every index root is computed again, in one pass over the lines by label: each epoch's tree grows beside the others, and
of each no more is held than its right edge.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

from gateway.audit import tree
from gateway.audit.index import CLOCK_SKEW, IndexLeaf
from gateway.audit.note import NoteInvalid, Verifier
from gateway.audit.verify.growing import Edge
from gateway.audit.verify.outputs import Output, read_output
from gateway.audit.verify.stored.columns import EpochRow, Wrong
from gateway.audit.verify.stored.truth import TileTree


def check_epochs(
    origin: str,
    rows: Sequence[EpochRow],
    log_key: Verifier,
    grown: TileTree,
    size: int,
    now: datetime | None,
) -> tuple[dict[EpochRow, Output], list[Wrong]]:
    """Out: the epochs that name a true head of the log; and what is wrong with the others, and with their order.

    In: the shard's tree and its size; the tree knows the roots of the epochs' sizes; by what clock an epoch is dated
    ahead, None: by none.
    """
    wrong: list[Wrong] = []
    true: dict[EpochRow, Output] = {}
    before, latest = 0, None
    for number, row in enumerate(rows):
        key = f"{origin} {row.number}"
        try:
            said = read_output(row.leaf, log_key)
        except NoteInvalid as invalid:
            wrong.append(Wrong("epoch", key, "leaf", str(invalid)))
            continue
        found = [*_place(number, before, latest, row, said), *_head(row, said, grown, size)]
        wrong += [Wrong("epoch", key, column, text) for column, text in found]
        if now is not None and said.time > now + CLOCK_SKEW:
            wrong.append(Wrong("epoch", key, "leaf", "dated ahead of now: it claims what it can't know yet"))
        if not found:
            true[row] = said
        before, latest = max(before, row.size), said.time
    return true, wrong


def _place(
    number: int, before: int, latest: datetime | None, row: EpochRow, said: Output
) -> Iterator[tuple[str, str]]:
    if row.number != number:
        yield "number", f"number {number} belongs here"
    if said.number != row.number + 1:
        yield "leaf, number", "not the number in the leaf"
    if row.size < before:
        yield "size", "an earlier epoch has more lines"
    if latest is not None and said.time < latest:
        yield "leaf", "an earlier epoch has a later time"


def _head(row: EpochRow, said: Output, grown: TileTree, size: int) -> Iterator[tuple[str, str]]:
    if said.log.size != row.size:
        yield "leaf, size", "not the size in the leaf"
    elif row.size > size or said.log.root != grown.root(row.size):
        yield "leaf", "the root it names is not that of the lines"


def check_index(
    origin: str, epochs: Mapping[EpochRow, Output], labels: Iterable[tuple[bytes, int]]
) -> Iterator[Wrong]:
    """Out: the epochs whose index is not that of the lines. In: label and index of every line, by label."""
    sizes = sorted({row.size for row in epochs})
    made = dict(zip(sizes, _indexes(sizes, labels), strict=True)) if sizes else {}
    for row, said in epochs.items():
        right = made[row.size]
        if (said.index_root, said.index_size) != right:
            text = "the index it names is not that of the lines"
            if said.index_size != right[1]:
                text += f": {said.index_size} labels, but they have {right[1]}"
            yield Wrong("epoch", f"{origin} {row.number}", "leaf", text)


def _indexes(sizes: Sequence[int], labels: Iterable[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    """Out: root and size of the index over the first lines, for each of the ascending sizes."""
    grown = [Edge() for _ in sizes]
    label, at, entries, ends = b"", 0, Edge(), list[tuple[int, bytes]]()
    for name, position in chain(labels, [(None, 0)]):
        first = bisect_left(sizes, position + 1)
        if entries.size and (name != label or first != at):
            # The entries so far are what the epochs before `first` have of the label.
            leaf = IndexLeaf(label, entries.size, entries.root()).to_bytes()
            ends.append((at, tree.leaf_hash(leaf)))
        if name != label:
            _close(grown, ends)
            entries, ends = Edge(), []
        if name is not None:
            label, at = name, first
            entries.add(tree.leaf_hash(position.to_bytes(8, "big")))
    return [(one.root(), one.size) for one in grown]


def _close(grown: Sequence[Edge], ends: Sequence[tuple[int, bytes]]) -> None:
    """A label has no more entries: add its leaf to every index that has it. In: from which one on it has which."""
    for at, (first, leaf) in enumerate(ends):
        last = ends[at + 1][0] if at + 1 < len(ends) else len(grown)
        for one in grown[first:last]:
            one.add(leaf)
