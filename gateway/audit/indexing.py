"""How an index becomes that of a larger log (LOG.md 6). Pure.

Only labels with new lines are reckoned anew; what stands between them is copied with its leaf hashes, in whole runs.
What a store tells of labels is believed of none of them: the new lines are those of the leaves, the older ones those
of the older index.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter, lt

from gateway.audit.index import Index, leaf_hash, row
from gateway.audit.labels import LABEL_BYTES

_label, _position = itemgetter(0), itemgetter(1)


class LinesMissing(Exception):
    """The lines told are not all of the log, or not its own: their index would be a lie."""


class Growing:
    """An index on its way to a later size. Takes the entries in parts, so that they never stand in memory at once."""

    def __init__(self, older: Index, labels: bytes) -> None:
        """In: the index of the log's first `older.lines` lines, and the labels of the lines that follow, in their
        order, one after the other: both are believed."""
        self._older, self._taken = older, 0
        self._labels, self._new = labels, 0
        self._rows, self._hashes = bytearray(), bytearray()
        self._label: bytes | None = None
        self._last: tuple[tuple[bytes, int], ...] = ()
        self._positions: list[int] = []

    def add(self, entries: Sequence[tuple[bytes, int]]) -> None:
        """In: label and position of the next entries, by label and then position: every entry of every label that has
        one beyond the older index. A label may go on in the next part. Raises: LinesMissing."""
        self._check(entries)
        for label, group in groupby(entries, _label):
            if label != self._label:
                self._end()
                self._label = label
            self._positions += [position for _, position in group]

    def done(self, lines: int) -> Index:
        """Out: the index of the first `lines` lines. Raises: LinesMissing, when it has not so many entries."""
        self._end()
        self._take(self._older.size)
        if self._new != lines - self._older.lines:
            raise LinesMissing
        rows, hashes = (memoryview(flat).toreadonly() for flat in (self._rows, self._hashes))
        return Index.of_rows(lines, rows, hashes)

    def _end(self) -> None:
        """The label's entries are all told: its row goes to its place, instead of an older one."""
        if self._label is None:
            return
        known = bisect_left(self._positions, self._older.lines)
        made, older = row(self._label, self._positions), b""
        if self._taken < self._older.size:
            self._take(self._older.place(self._label, self._taken))
            if self._taken < self._older.size and self._older.label(self._taken) == self._label:
                older = bytes(self._older.rows(self._taken, self._taken + 1))
                self._taken += 1
        if older != (row(self._label, self._positions[:known]) if known else b""):
            raise LinesMissing
        self._rows += made
        self._hashes += leaf_hash(made)
        self._positions = []

    def _check(self, entries: Sequence[tuple[bytes, int]]) -> None:
        """Each new entry has the label that its line has, and none is told twice."""
        start, labels = self._older.lines, self._labels
        try:
            new = [entry for entry in entries if entry[1] >= start]
            places = [(position - start) * LABEL_BYTES for _, position in new]
            true = [labels[at : at + LABEL_BYTES] for at in places]
            told = (*self._last, *entries)
            in_order = all(map(lt, told, told[1:])) and min(map(_position, told), default=0) >= 0
        except TypeError:  # a label that is a text, a position that is a fraction
            raise LinesMissing from None
        if true != [label for label, _ in new] or not in_order:
            raise LinesMissing
        self._new += len(new)
        self._last = told[-1:]

    def _take(self, stop: int) -> None:
        """Copy the older rows before that place, and their leaf hashes."""
        self._rows += self._older.rows(self._taken, stop)
        self._hashes += self._older.leaf_hashes(self._taken, stop)
        self._taken = stop


def grown(older: Index, labels: bytes, entries: Sequence[tuple[bytes, int]]) -> Index:
    """Out: the index of the older lines and those of the labels, in one go. In: as `Growing`, and `Growing.add`.
    Raises: LinesMissing."""
    growing = Growing(older, labels)
    growing.add(entries)
    return growing.done(older.lines + len(labels) // LABEL_BYTES)
