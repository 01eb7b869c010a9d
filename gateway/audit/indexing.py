"""How an index becomes that of a larger log (LOG.md 6). Pure.

Only labels with new lines are reckoned anew; what stands between them is copied with its leaf hashes, in whole runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from gateway.audit.index import EMPTY_INDEX, ROW_BYTES, Flat, Index, leaf_hash, row

_label = itemgetter(0)


class LinesMissing(Exception):
    """The lines told are not all of the log: their index would be a lie."""


class Growing:
    """An index on its way to a later size. Takes the entries in parts, so that they never stand in memory at once."""

    def __init__(self, older: Index = EMPTY_INDEX) -> None:
        """In: the index of the log's first `older.lines` lines; its rows are believed."""
        self._older, self._taken = older, 0
        self._rows, self._hashes = bytearray(), bytearray()
        self._label: bytes | None = None
        self._positions: list[int] = []

    def add(self, entries: Iterable[tuple[bytes, int]]) -> None:
        """In: label and position of the next entries, by label and then position: every entry of every label that has
        one beyond the older index. A label may go on in the next part."""
        for label, group in groupby(entries, _label):
            if label != self._label:
                self._end()
                self._label = label
            self._positions += [position for _, position in group]

    def done(self, lines: int) -> Index:
        """Out: the index of the first `lines` lines. Raises: LinesMissing, when it has not so many entries."""
        self._end()
        self._take(self._older.size)
        rows, hashes = (memoryview(flat).toreadonly() for flat in (self._rows, self._hashes))
        if sum(count(rows, at) for at in range(0, len(rows), ROW_BYTES)) != lines:
            raise LinesMissing
        return Index.of_rows(lines, rows, hashes)

    def _end(self) -> None:
        """The label's entries are all told: its row goes to its place, instead of an older one."""
        if self._label is None:
            return
        made = row(self._label, self._positions)
        if self._taken < self._older.size:
            self._take(self._older.place(self._label, self._taken))
            if self._taken < self._older.size and self._older.label(self._taken) == self._label:
                self._taken += 1
        self._rows += made
        self._hashes += leaf_hash(made)
        self._positions = []

    def _take(self, stop: int) -> None:
        """Copy the older rows before that place, and their leaf hashes."""
        self._rows += self._older.rows(self._taken, stop)
        self._hashes += self._older.leaf_hashes(self._taken, stop)
        self._taken = stop


def count(rows: Flat, at: int) -> int:
    """Out: how many entries the row there has."""
    return int.from_bytes(rows[at + 32 : at + 40], "big")


def grown(older: Index, lines: int, entries: Iterable[tuple[bytes, int]]) -> Index:
    """Out: the index of the first `lines` lines, in one go. In: as `Growing.add`. Raises: LinesMissing."""
    growing = Growing(older)
    growing.add(entries)
    return growing.done(lines)
