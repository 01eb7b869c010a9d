"""An index auditor's work on a folder of tiles (LOG.md 6): every tile and every epoch computed again from the leaves.

1 leaf 0 opens and names the keys · 2 the output log is what its checkpoint says and continues what was seen · 3 so is
the log; its tiles are those of its leaves · 4 no epoch is dated ahead, and every one not yet audited names the log's
head and the index of the leaves below it · 5 of the newest index every label that differs is named, with its positions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from gateway.audit import labels, tiles
from gateway.audit.identity import Identity
from gateway.audit.index import CLOCK_SKEW, ROW_BYTES, IndexLeaf, stamp
from gateway.audit.note import Checkpoint, NoteInvalid
from gateway.audit.verify.outputs import Output, read_output
from gateway.audit.verify.published.folder import Files, Head, Unreadable
from gateway.audit.verify.published.rebuilding import Rebuilt, differences, index_root, told
from gateway.audit.verify.published.seen import State, forked, shrunk
from gateway.audit.verify.published.walking import Walk
from gateway.audit.verify.reading import Opening, read_opening

MOST_NAMED: Final = 20
"""Labels that differ are named one by one up to here."""
_MOST_OPENING: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Misfit:
    """What does not fit: the file or log, and what is wrong. A label says nothing about anybody; nothing else is
    quoted."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Audited:
    """What came out of a shard's audit."""

    head: Head
    opening: Opening | None
    epochs: int
    """How many there are."""
    checked: int
    """How many of them were rebuilt now."""
    indexed: int
    """How many lines the newest one covers."""
    times: tuple[datetime, datetime] | None
    """Of its first epoch and of its newest; None where there is none to be read."""
    misfits: tuple[Misfit, ...]
    continues: bool
    """Both of its logs are what they say, and continue what was seen of them."""


def audit(files: Files, head: Head, identity: Identity, state: State, now: datetime) -> Audited:
    """Out: what is wrong with a shard in a folder; the leaves are read once, and again to name what differs. In: `now`
    by the auditor's own clock.

    Raises nothing for what is in the folder. Memory: that of the index, some 300 bytes a label.
    """
    return _Audit(files, head, identity, state, now).run()


class _Audit:
    """One run over one shard."""

    def __init__(self, files: Files, head: Head, identity: Identity, state: State, now: datetime) -> None:
        self._files, self._head, self._identity, self._state = files, head, identity, state
        self._origin, self._latest = str(head.origin), now + CLOCK_SKEW
        self._misfits: list[Misfit] = []
        self._opening: Opening | None = None
        self._outputs: list[Output] = []
        self._checked = 0

    def run(self) -> Audited:
        continues = True
        try:
            self._not_shrunk()
            self._opening, salt, event = self._open()
            self._outputs = self._output_log()
            self._log(salt, event)
        except Unreadable as wrong:
            self._add(wrong.place, wrong.text)
            continues = False
        return Audited(
            head=self._head,
            opening=self._opening,
            epochs=len(self._outputs),
            checked=self._checked,
            indexed=self._outputs[-1].log.size if self._outputs else 0,
            times=(self._outputs[0].time, self._outputs[-1].time) if self._outputs else None,
            misfits=tuple(self._misfits),
            continues=continues,
        )

    # --- leaf 0 ------------------------------------------------------------------------------------------------
    def _open(self) -> tuple[Opening, bytes, bytes]:
        place = f"{self._origin}/{tiles.OPENING}"
        raw = self._files.read(place, _MOST_OPENING)
        if raw is None:
            raise Unreadable(place, "is missing: this is no auditors' folder")
        try:
            salt, event = tiles.parse_opening(raw)
            opening = read_opening(event, self._identity)
        except (NoteInvalid, ValueError) as wrong:
            raise Unreadable(place, str(wrong)) from None
        if opening.statement != self._head.statement:
            raise Unreadable(place, "leaf 0 names other keys than the folder")
        return opening, salt, event

    # --- the output log ----------------------------------------------------------------------------------------
    def _output_log(self) -> list[Output]:
        folder, checkpoint = f"{self._origin}/{tiles.INDEX}", self._head.index
        if checkpoint is None:
            raise Unreadable(f"{folder}/{tiles.CHECKPOINT}", "is missing: the log has no index")
        walk = self._walk(folder, checkpoint)
        found: list[Output] = []
        for leaf in walk.leaves():
            found.append(self._output(leaf, found, folder))
        self._continued(walk, checkpoint)
        if not found:
            raise Unreadable(folder, "there is no epoch")
        return found

    def _output(self, leaf: bytes, before: list[Output], folder: str) -> Output:
        place = f"{folder}, epoch {len(before) + 1}"
        try:
            output = read_output(leaf, self._head.statement.log)
        except NoteInvalid as wrong:
            raise Unreadable(place, str(wrong)) from None
        if output.number != len(before) + 1:
            raise Unreadable(place, f"it calls itself epoch {output.number}")
        if not 0 < output.log.size <= self._head.log.size:
            raise Unreadable(place, f"it is about {output.log.size} lines, the log has {self._head.log.size}")
        if before and (before[-1].log.size > output.log.size or before[-1].time > output.time):
            raise Unreadable(place, "it goes back behind the epoch before it")
        if output.time > self._latest:
            self._add(
                place, f"it is dated ahead, {stamp(output.time)}: nobody can have checked it until then"
            )
        return output

    # --- the log -----------------------------------------------------------------------------------------------
    def _log(self, salt: bytes, event: bytes) -> None:
        sizes = {output.log.size for output in self._outputs}
        walk = self._walk(self._origin, self._head.log, sizes)
        rebuilt, due = Rebuilt(), self._due()
        for raw in walk.leaves():
            leaf = labels.parse_leaf(raw)
            if leaf is None:
                raise Unreadable(f"{self._origin}, line {walk.size - 1}", "its leaf is none of version 1")
            if walk.size == 1 and not self._starts(leaf, salt, event):
                raise Unreadable(f"{self._origin}/{tiles.OPENING}", "it does not open leaf 0")
            rebuilt.add(leaf.label, walk.size - 1)
            while due and due[-1].log.size == walk.size:
                self._epoch(due.pop(), rebuilt, walk)
        self._continued(walk, self._head.log)

    def _starts(self, leaf: labels.Leaf, salt: bytes, event: bytes) -> bool:
        return leaf.label == labels.system(self._origin) and labels.opens(leaf, salt, event)

    def _due(self) -> list[Output]:
        """Out: the epochs not yet audited, at least the newest; the next one last."""
        audited = self._state.audited.get(self._origin, 0)
        return self._outputs[min(audited, len(self._outputs) - 1) :][::-1]

    def _epoch(self, output: Output, rebuilt: Rebuilt, walk: Walk) -> None:
        """Hold an epoch against the leaves below it."""
        self._checked += 1
        place = f"{self._origin}/{tiles.INDEX}, epoch {output.number}"
        if walk.root_at(walk.size) != output.log.root:
            self._add(place, f"the log's head of {walk.size} lines in it is not that of the leaves")
        if (rebuilt.size, rebuilt.root()) == (output.index_size, output.index_root):
            return
        self._add(place, f"its index is not that of the {walk.size} lines it is about")
        if output is self._outputs[-1]:
            self._name(output, rebuilt)

    # --- what differs ------------------------------------------------------------------------------------------
    def _name(self, output: Output, rebuilt: Rebuilt) -> None:
        """Name every label of which the newest index says something else than the leaves."""
        place = f"{self._origin}/{tiles.LEAVES}"
        try:
            rows = self._rows(output, place)
            found = list(islice(differences(rebuilt, rows), MOST_NAMED + 1))
            positions = self._positions({one.label for one in found}, output.log.size)
        except Unreadable as wrong:
            self._add(wrong.place, wrong.text)
            return
        for one in found[:MOST_NAMED]:
            self._add(place, told(one, positions[one.label]))
        if len(found) > MOST_NAMED:
            self._add(place, "and more labels")

    def _rows(self, output: Output, place: str) -> list[IndexLeaf]:
        raw = self._files.read(place, output.log.size * ROW_BYTES)
        if raw is None:
            raise Unreadable(place, "is missing: which label differs can't be said")
        try:
            rows = tiles.parse_rows(raw)
        except ValueError as wrong:
            raise Unreadable(place, str(wrong)) from None
        names = [row.label for row in rows]
        if (len(rows), index_root(rows)) != (output.index_size, output.index_root) or names != sorted(
            set(names)
        ):
            raise Unreadable(place, "not the index of the newest epoch: which label differs can't be said")
        return rows

    def _positions(self, wanted: set[bytes], size: int) -> dict[bytes, list[int]]:
        found: dict[bytes, list[int]] = {label: [] for label in wanted}
        walk = Walk(self._files, self._origin, self._head.log)
        for raw in islice(walk.leaves(), size):
            leaf = labels.parse_leaf(raw)
            if leaf is not None and leaf.label in found:
                found[leaf.label].append(walk.size - 1)
        return found

    # --- both trees --------------------------------------------------------------------------------------------
    def _not_shrunk(self) -> None:
        for checkpoint in (self._head.log, self._head.index):
            seen = self._state.logs.get(checkpoint.origin) if checkpoint is not None else None
            if checkpoint is not None and seen is not None and (text := shrunk(seen, checkpoint)):
                raise Unreadable(checkpoint.origin, text)

    def _walk(self, folder: str, checkpoint: Checkpoint, sizes: Collection[int] = ()) -> Walk:
        seen = self._state.logs.get(checkpoint.origin)
        return Walk(self._files, folder, checkpoint, {*sizes, *([seen.checkpoint.size] if seen else [])})

    def _continued(self, walk: Walk, checkpoint: Checkpoint) -> None:
        """Raises: Unreadable when the log contradicts what was seen of it."""
        for wrong in walk.wrong[:MOST_NAMED]:
            self._add(wrong.place, wrong.text)
        seen = self._state.logs.get(checkpoint.origin)
        if seen is not None and (text := forked(seen, walk.root_at(seen.checkpoint.size))):
            raise Unreadable(checkpoint.origin, text)

    def _add(self, place: str, text: str) -> None:
        self._misfits.append(Misfit(place, text))
