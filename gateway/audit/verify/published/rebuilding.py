"""The completeness index, rebuilt from the leaves by who trusts nobody's (LOG.md 6); what another index differs in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit import tree
from gateway.audit.index import IndexLeaf
from gateway.audit.verify.growing import folded, root

_MOST_TRIED: Final = 4096
"""Entries of one label among which the one that was left out is looked for."""


class Rebuilt:
    """The index over the lines so far. Memory: some 300 bytes a label."""

    def __init__(self) -> None:
        self._labels: dict[bytes, tuple[int, tuple[bytes, ...]]] = {}
        """How many entries a label has, and the roots of the full subtrees over their positions."""
        self._hashes: dict[bytes, bytes] = {}
        self._order: list[bytes] = []
        self._changed: set[bytes] = set()

    def add(self, label: bytes, position: int) -> None:
        """In: a line's label and its position, which is higher than any before."""
        count, peaks = self._labels.get(label, (0, ()))
        kept, node, bit = list(peaks), tree.leaf_hash(position.to_bytes(8, "big")), count
        while bit & 1:
            node = tree.node_hash(kept.pop(), node)
            bit >>= 1
        self._labels[label] = count + 1, (*kept, node)
        self._changed.add(label)

    @property
    def size(self) -> int:
        """Out: how many labels there are."""
        return len(self._labels)

    def root(self) -> bytes:
        """Out: the index's root."""
        for label in self._changed:
            if label not in self._hashes:
                self._order.append(label)
            self._hashes[label] = tree.leaf_hash(self.row(label).to_bytes())
        self._changed.clear()
        self._order.sort()
        return root([self._hashes[label] for label in self._order])

    def row(self, label: bytes) -> IndexLeaf:
        """Out: a label's leaf."""
        count, peaks = self._labels[label]
        return IndexLeaf(label, count, folded(peaks))

    def rows(self) -> Iterator[IndexLeaf]:
        """Out: every label's leaf, by label."""
        return (self.row(label) for label in sorted(self._labels))


@dataclass(frozen=True, slots=True)
class Differs:
    """A label of which another index says something else than the leaves."""

    label: bytes
    mine: IndexLeaf | None
    """None: no line has it."""
    theirs: IndexLeaf | None
    """None: that index leaves it out."""


def differences(mine: Rebuilt, theirs: Sequence[IndexLeaf]) -> Iterator[Differs]:
    """Out: what differs, by label. In: the other index's rows, one a label."""
    others = {leaf.label: leaf for leaf in theirs}
    for leaf in mine.rows():
        other = others.pop(leaf.label, None)
        if other != leaf:
            yield Differs(leaf.label, leaf, other)
    for label in sorted(others):
        yield Differs(label, None, others[label])


def index_root(rows: Sequence[IndexLeaf]) -> bytes:
    """Out: the root of an index of these rows."""
    return root([tree.leaf_hash(leaf.to_bytes()) for leaf in rows])


def left_out(positions: Sequence[int], said: IndexLeaf) -> tuple[int, ...] | None:
    """Out: the entries that the other index leaves out of a label: one anywhere, or the newest ones; None when it is
    not just that. In: the positions of the label's lines; what the other index says of it."""
    hashes = [tree.leaf_hash(position.to_bytes(8, "big")) for position in positions]
    if said.count < len(hashes) and root(hashes[: said.count]) == said.root:
        return tuple(positions[said.count :])
    if said.count == len(hashes) - 1 and len(hashes) <= _MOST_TRIED:
        for at, position in enumerate(positions):
            if root(hashes[:at] + hashes[at + 1 :]) == said.root:
                return (position,)
    return None


def told(differs: Differs, positions: Collection[int], most: int = 20) -> str:
    """Out: what differs, for a person. In: the positions of the label's lines."""
    name, at = differs.label.hex(), sorted(positions)
    shown = ", ".join(map(str, at[:most])) + (", …" if len(at) > most else "")
    lines = f"{len(at)} " + ("line" if len(at) == 1 else "lines")
    if differs.mine is None:
        return f"label {name} is in the index and on no line"
    if differs.theirs is None:
        return f"label {name} is not in the index; it has {lines}: {shown}"
    missing = left_out(at, differs.theirs)
    said = f"label {name} has {lines} ({shown}), the index says {differs.theirs.count}"
    if missing is None:
        return f"{said}: other entries than these"
    return f"{said}: left out is " + ", ".join(map(str, missing[:most]))
