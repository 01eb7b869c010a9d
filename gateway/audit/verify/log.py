"""The check of a kept log (LOG.md 1, 5): every line opened, everything derived computed again and compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.audit import labels, tree
from gateway.audit.note import Checkpoint, NoteInvalid, Verifier, open_checkpoint, parse_vkey
from gateway.audit.record import LABELLED, EventInvalid, Kind, Labelled, ShardOpened, from_bytes
from gateway.audit.shard import Origin
from gateway.audit.verify.columns import LineRow, LogReport, StoredLog, TerminalRow, TileRow, Wrong
from gateway.audit.verify.reading import Opening, read_opening
from gateway.audit.verify.truth import HASH, PlainTree, tiled_size, true_hashes, true_size

_MOST_MISSING = 1 << 20
"""Lines missing in one place that are counted one by one."""


def verify_log(log: StoredLog, identity: Verifier) -> LogReport:
    """Out: what is wrong with a shard, every place of it. In: its columns; the authority's identity key.

    Where columns disagree, the one that the rest of the log contradicts is named. Memory: some 300 bytes a line.
    Never raises for what is in the columns.
    """
    return _Check(log, identity).run()


@dataclass(slots=True)
class _Line:
    """A kept line, read."""

    hash: bytes | None = None
    """None: there is no such line."""
    column: str = ""
    """The column at fault if the leaf is right; empty: none."""
    text: str = ""
    erased: bool = False


class _Check:
    """One run over one shard."""

    def __init__(self, log: StoredLog, identity: Verifier) -> None:
        self._log, self._row, self._identity = log, log.shard, identity
        self._name = log.shard.origin
        """The origin as kept: it names the rows."""
        self._system = labels.system(self._name)
        self._wrong: list[Wrong] = []
        self._lines: list[_Line] = []
        self._opening: Opening | None = None

    def run(self) -> LogReport:
        kept: dict[tuple[int, int], TileRow] = {(tile.level, tile.n): tile for tile in self._log.tiles}
        tiled = tiled_size(kept)
        terminals: dict[int, list[TerminalRow]] = {}
        for row in self._log.terminals:
            terminals.setdefault(row.idx, []).append(row)
        self._read(max(tiled, min(self._row.size, tiled + 256)), terminals)
        size = true_size(len(self._lines), tiled, self._row.size)
        own, firm = [line.hash for line in self._lines], [not line.column for line in self._lines]
        grown = PlainTree(true_hashes(own, firm, kept, size, self._row.root))
        self._judge(grown.rows[0])
        self._tiles(grown, kept)
        self._shard(grown)
        self._keys(grown)
        head = Checkpoint(self._name, size, grown.root(size)).text
        opened = sum(1 for line in self._lines if line.hash and not line.column and not line.erased)
        erased = sum(1 for line in self._lines if line.erased)
        return LogReport(self._name, len(self._lines), opened, erased, head, tuple(self._wrong))

    # --- lines -----------------------------------------------------------------------------------------------
    def _read(self, limit: int, terminals: dict[int, list[TerminalRow]]) -> None:
        """Read every line, and know which are missing. `limit`: as far as lines may be missing."""
        for row in self._log.lines:
            at = len(self._lines)
            if row.idx < at or (row.idx > at and not at < row.idx < min(limit, at + _MOST_MISSING)):
                self._add("line", self._key(row.idx), "idx", "no line belongs here")
                continue
            self._lines.extend(_Line() for _ in range(row.idx - at))
            self._lines.append(self._line(row, terminals.pop(row.idx, [])))
        for terminal in (terminal for rows in terminals.values() for terminal in rows):
            self._add("exchange", terminal.exchange, "terminal_idx", "there is no such line")

    def _line(self, row: LineRow, terminals: list[TerminalRow]) -> _Line:
        line = _Line(tree.leaf_hash(row.leaf))
        leaf = labels.parse_leaf(row.leaf)
        if leaf is None:
            line.column, line.text = "leaf", "not a leaf of version 1"
        elif row.salt is None and row.event is None and row.idx > 0:
            line.erased = True
        elif row.salt is None or row.event is None:
            line.column, line.text = (
                "event" if row.event is None else "salt",
                "gone, and not erased with the other",
            )
        else:
            line.column, line.text = self._open(row.idx, leaf, row.salt, row.event, terminals)
        if leaf is not None and not line.column and row.label != leaf.label:
            line.column, line.text = "label", "not the label in the leaf"
        return line

    def _open(
        self, idx: int, leaf: labels.Leaf, salt: bytes, event: bytes, terminals: list[TerminalRow]
    ) -> tuple[str, str]:
        """Out: the column at fault and what is wrong; two empty texts when all is well."""
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
                self._opening = read_opening(event, self._identity)
            except NoteInvalid as wrong:
                return "event", str(wrong)
            self._system = labels.system(self._opening.statement.origin)
        for terminal in terminals:
            if isinstance(read, ShardOpened) or (read.exchange, read.kind) != (
                terminal.exchange,
                terminal.kind,
            ):
                self._add(
                    "exchange", terminal.exchange, "kind, terminal_idx", "the line there is not its outcome"
                )
        if (leaf.label == self._system) is not (LABELLED[Kind(read.kind)] is Labelled.SYSTEM):
            return "leaf", f"not the label of a line of the kind {read.kind}"
        return "", ""

    def _judge(self, truth: Iterable[bytes]) -> None:
        """Name the wrong lines, now that it is known what their leaves are."""
        count = 0
        for at, right in enumerate(truth):
            count += 1
            line = self._lines[at] if at < len(self._lines) else _Line()
            if line.hash is None:
                self._add("line", self._key(at), "idx", "the line is missing")
            elif line.hash != right:
                line.column = "leaf"
                self._add("line", self._key(at), "leaf", "not the leaf the tree was grown with")
            elif line.column:
                self._add("line", self._key(at), line.column, line.text)
        for at in range(count, len(self._lines)):
            self._add("line", self._key(at), "idx", "the line is beyond the head")

    # --- what is derived from them ---------------------------------------------------------------------------
    def _tiles(self, grown: PlainTree, kept: dict[tuple[int, int], TileRow]) -> None:
        """Every cached node is what the leaves make it; none is missing, none is too many."""
        expected = grown.tiles() if grown.size else {}
        for (level, n), right in expected.items():
            tile = kept.get((level, n))
            if tile is None:
                self._add("tile", f"{self._name} {level}/{n}", "level, n", "the tile is missing")
            elif tile.hashes != right:
                self._add("tile", f"{self._name} {level}/{n}", "hashes", _difference(tile.hashes, right))
        for level, n in sorted(kept.keys() - expected.keys()):
            self._add("tile", f"{self._name} {level}/{n}", "level, n", "no such tile in a tree of this size")

    def _shard(self, grown: PlainTree) -> None:
        row = self._row
        if row.size != grown.size:
            self._add("shard", self._name, "size", f"{row.size}, but the tree has {grown.size} leaves")
        if row.root != grown.root(grown.size):
            self._add("shard", self._name, "root", "not the root over the leaves")
        if row.closed is not self._log.followed:
            said = "closed, but no shard follows" if row.closed else "open, but another shard follows"
            self._add("shard", self._name, "closed", said)
        try:
            origin = Origin.parse(self._name)
        except ValueError:
            self._add("shard", self._name, "origin", "not the origin of a shard")
            return
        if origin.authority != self._identity.name:
            self._add("shard", self._name, "origin", "another authority's")
        if origin.retention != row.retention:
            self._add("shard", self._name, "retention", "not the class in the origin")

    def _keys(self, grown: PlainTree) -> None:
        """Leaf 0 against the shard's row, its keys and the shard before; the checkpoints against the tree."""
        opening, keys = self._opening, self._log.keys
        log_key = parse_vkey(keys.log) if keys is not None else None
        if opening is not None:
            stated = opening.statement
            log_key = stated.log
            if stated.origin != self._name:
                self._add("shard", self._name, "origin", "not the origin leaf 0 was made for")
            if opening.previous != self._log.previous:
                self._add("line", self._key(0), "event", "it does not name the head of the shard before it")
            if keys is not None and (keys.log, keys.index, keys.vrf) != (
                stated.log.vkey,
                stated.index.vkey,
                stated.vrf,
            ):
                self._add("shard", self._name, "secrets", "not the keys that leaf 0 names")
        if log_key is not None:
            self._checkpoints(grown, log_key)

    def _checkpoints(self, grown: PlainTree, log_key: Verifier) -> None:
        for row in self._log.checkpoints:
            key = f"{self._name} {row.size}"
            try:
                checkpoint, _ = open_checkpoint(row.note, log_key)
            except NoteInvalid as wrong:
                self._add(row.table, key, "note", str(wrong))
                continue
            if checkpoint.size != row.size:
                self._add(row.table, key, "size", "not the size in the note")
            if checkpoint.size > grown.size:
                self._add(
                    "shard", self._name, "size", f"behind a signed checkpoint of {checkpoint.size} lines"
                )
            elif checkpoint.root != grown.root(checkpoint.size):
                self._add(row.table, key, "note", "the signed root is not that of the leaves")

    # --- saying it -------------------------------------------------------------------------------------------
    def _add(self, table: str, key: str, column: str, text: str) -> None:
        self._wrong.append(Wrong(table, key, column, text))

    def _key(self, idx: int) -> str:
        return f"{self._name} {idx}"


def _difference(kept: bytes, right: bytes) -> str:
    if len(kept) != len(right):
        return f"{len(kept) / HASH:g} hashes, but {len(right) // HASH} belong there"
    wrong = [
        str(at // HASH) for at in range(0, len(right), HASH) if kept[at : at + HASH] != right[at : at + HASH]
    ]
    return f"not what the leaves make it, at {', '.join(wrong[:8])}"
