"""One kept line, read by itself: does it open, is it what its leaf commits to, does the books' row fit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.audit import labels, tree
from gateway.audit.identity import Identity
from gateway.audit.note import NoteInvalid, Verifier
from gateway.audit.record import (
    LABELLED,
    ONLY_HOUSE,
    EventInvalid,
    Kind,
    Labelled,
    ShardOpened,
    from_bytes,
)
from gateway.audit.verify.erasures import Erasures
from gateway.audit.verify.reading import Opening, read_opening
from gateway.audit.verify.stored.columns import LineRow, TerminalRow, Wrong


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A kept line, read."""

    hash: bytes
    column: str = ""
    """The column at fault if the leaf is right; empty: none."""
    text: str = ""
    erased: bool = False


class LineReader:
    """Reads the lines of one shard; knows what its first one says."""

    def __init__(
        self, origin: str, identity: Verifier | Identity, erasures: Erasures, seal: bytes | None = None
    ) -> None:
        """In: the shard's seal secret; None once destroyed."""
        self._identity, self._erasures, self._seal = identity, erasures, seal
        self._every = False
        """All of its lines about the house have the house's salt: its first one has."""
        self._system = labels.system(origin)
        self.opening: Opening | None = None
        self.wrong: list[Wrong] = []
        """What rows of table `exchange` say of a line and is not so."""

    def read(self, row: LineRow, terminals: Sequence[TerminalRow]) -> ReadLine:
        """In: a row, and the exchanges that say they ended with it."""
        hash_ = tree.leaf_hash(row.leaf)
        leaf = labels.parse_leaf(row.leaf)
        if leaf is None:
            return ReadLine(hash_, "leaf", "not a leaf of version 1")
        column, text = self._opened(row, leaf, terminals)
        if not column and row.label != leaf.label:
            column, text = "label", "not the label in the leaf"
        return ReadLine(hash_, column, text, row.event is None and not column)

    def _opened(self, row: LineRow, leaf: labels.Leaf, terminals: Sequence[TerminalRow]) -> tuple[str, str]:
        """Out: the column at fault and what is wrong; two empty texts when all is well."""
        if row.salt is None or row.event is None:
            if row.salt is not None or row.event is not None:
                return "event" if row.event is None else "salt", "gone, and not erased with the other"
            if row.idx == 0:
                return "event, salt", "what opens the shard is never erased"
            if not row.withheld:
                return "event, salt, withheld", "gone, and no norm is named"
            if not self._erasures.allow(row.idx, row.withheld):
                return (
                    "event, salt, withheld",
                    "gone, and no line says that it was erased by this norm in its time, or lost in a restore",
                )
            return "", ""
        if row.withheld is not None:
            return "withheld", "a norm is named, and the line is there"
        return self._said(row.idx, leaf, row.salt, row.event, terminals)

    def _said(
        self, idx: int, leaf: labels.Leaf, salt: bytes, event: bytes, terminals: Sequence[TerminalRow]
    ) -> tuple[str, str]:
        try:
            read = from_bytes(event)
        except EventInvalid as wrong:
            return "event", str(wrong)
        if not labels.opens(leaf, salt, event):
            return "event, salt", "not what the leaf commits to"
        if isinstance(read, ShardOpened) is not (idx == 0):
            return "event", "a shard is opened by its first line and by no other"
        if isinstance(read, ShardOpened):
            try:
                self.opening = read_opening(event, self._identity)
            except NoteInvalid as wrong:
                return "event", str(wrong)
            self._system = labels.system(self.opening.statement.origin)
        for terminal in terminals:
            if isinstance(read, ShardOpened) or (read.exchange, read.kind) != (
                terminal.exchange,
                terminal.kind,
            ):
                text = "the line there is not its outcome"
                self.wrong.append(Wrong("exchange", terminal.exchange, "kind, terminal_idx", text))
        if (leaf.label == self._system) is not (LABELLED[Kind(read.kind)] is Labelled.SYSTEM):
            return "leaf", f"not the label of a line of the kind {read.kind}"
        own = self._seal is None or labels.by_house(self._seal, salt, event)
        if idx == 0:  # a shard that an earlier version opened has lines of most kinds with other salts
            self._every = own
        elif not own and leaf.label == self._system and (self._every or read.kind in ONLY_HOUSE):
            return "salt", "not written by this house"
        return "", ""
