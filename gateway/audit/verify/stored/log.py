"""The check of a kept log (LOG.md 1, 5, 6): every line opened, everything derived computed again and compared."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.audit import tree
from gateway.audit.identity import Identity
from gateway.audit.note import Checkpoint, NoteInvalid, Verifier, parse_checkpoint, parse_vkey, split
from gateway.audit.shard import Origin
from gateway.audit.verify.reading import Opening
from gateway.audit.verify.stored.columns import LogReport, StoredLog, Wrong
from gateway.audit.verify.stored.epochs import check_epochs, check_index
from gateway.audit.verify.stored.heads import check_cosignatures, check_heads, check_kept, check_roots
from gateway.audit.verify.stored.rows import RowWalk
from gateway.audit.verify.stored.truth import PlainTree, TileTree

_ANY: Final = 1 << 63


def verify_log(log: StoredLog, identity: Verifier | Identity, now: datetime | None = None) -> LogReport:
    """Out: what is wrong with a shard, every place of it. In: its columns; the authority's identity key; by what clock
    an epoch is dated ahead, None: by none.

    Where columns disagree, the one that the rest of the log contradicts is named. Memory: an eighth of a byte a line,
    and what is wrong. Never raises for what is in the columns.
    """
    return _Check(log, identity, now).run()


class _Check:
    """One run over one shard."""

    def __init__(self, log: StoredLog, identity: Verifier | Identity, now: datetime | None) -> None:
        self._log, self._row, self._identity, self._now = log, log.shard, identity, now
        self._name = log.shard.origin
        """The origin as kept: it names the rows."""
        self._checkpoints = list(log.checkpoints)
        self._epochs, self._cosignatures = list(log.epochs), list(log.cosignatures)
        self._wrong: list[Wrong] = []

    def run(self) -> LogReport:
        sizes = {row.size for row in self._epochs} | {row.size for row in self._cosignatures}
        walk = RowWalk(self._log, self._identity, sizes | _sizes([row.note for row in self._checkpoints]))
        grown, size, wrong = walk.run()
        self._wrong += wrong
        self._shard(grown, size)
        keys = self._keys(walk.reader.opening)
        epochs = cosignatures = 0
        if keys is not None:
            log_key, index_key = keys
            outputs = PlainTree([tree.leaf_hash(row.leaf) for row in self._epochs])
            start, stop = self._log.lost or (0, 0)
            lost = stop if start == size else 0
            self._wrong += check_heads(self._name, self._checkpoints, log_key, grown.root, size, lost)
            # How many epochs went with the lines is not told: any number may have.
            gone = _ANY if self._log.index_lost else 0
            outside = self._log.outputs
            self._wrong += check_heads(self._name, outside, index_key, outputs.root, outputs.size, gone)
            epochs = self._index(walk, grown, size, log_key)
            found = list(check_cosignatures(self._name, self._cosignatures, grown, size, outputs))
            cosignatures = len(self._cosignatures) - len(found)
            self._wrong += found
            if not (self._log.lost or self._log.index_lost):
                due = {row.size for row in self._epochs} | ({size} if self._log.followed else set())
                self._wrong += check_kept(self._name, self._checkpoints, due)
        elif self._log.erasures.destroyed:  # the line that named the keys went with the next shard's
            self._wrong += check_roots(self._name, self._checkpoints, grown.root, size)
        return LogReport(
            self._name,
            walk.count,
            walk.opened,
            walk.erased,
            Checkpoint(self._name, size, grown.root(size) or b"").text,
            tuple(self._wrong),
            epochs,
            cosignatures,
            destroyed=self._log.keys is None and self._log.erasures.destroyed,
        )

    def _shard(self, grown: TileTree, size: int) -> None:
        row = self._row
        if row.size != size:
            self._add("shard", self._name, "size", f"{row.size}, but the tree has {size} leaves")
        if row.root != grown.root(size):
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

    def _keys(self, opening: Opening | None) -> tuple[Verifier, Verifier] | None:
        """Leaf 0 against the shard's row, its keys and the shard before. Out: the log's and the index's key, if
        anything says them."""
        keys = self._log.keys
        if opening is None:
            return (parse_vkey(keys.log), parse_vkey(keys.index)) if keys is not None else None
        stated = opening.statement
        if stated.origin != self._name:
            self._add("shard", self._name, "origin", "not the origin leaf 0 was made for")
        if opening.previous != self._log.previous:
            self._add("line", f"{self._name} 0", "event", "it does not name the head of the shard before it")
        if keys is not None and (keys.log, keys.index, keys.vrf) != (
            stated.log.vkey,
            stated.index.vkey,
            stated.vrf,
        ):
            self._add("shard", self._name, "secrets", "not the keys that leaf 0 names")
        behind = isinstance(self._identity, Identity) and opening.stated_by != self._identity.current
        if behind and not self._log.followed:
            mend = "stated by a former identity key: run `einmal keys rotate identity` to its end"
            self._add("line", f"{self._name} 0", "event", mend)
        return stated.log, stated.index

    def _index(self, walk: RowWalk, grown: TileTree, size: int, log_key: Verifier) -> int:
        """Out: how many epochs were held against the lines. None is where leaves are wrong: those are named."""
        true, wrong = check_epochs(self._name, self._epochs, log_key, grown, size, self._now)
        self._wrong += wrong
        if not walk.leaves_hold:
            return 0
        self._wrong += check_index(self._name, true, self._log.labels)
        return len(true)

    def _add(self, table: str, key: str, column: str, text: str) -> None:
        self._wrong.append(Wrong(table, key, column, text))


def _sizes(notes: list[str]) -> set[int]:
    """Out: the sizes that notes speak of, whoever signed them."""
    found: set[int] = set()
    for note in notes:
        try:
            found.add(parse_checkpoint(split(note)[0]).size)
        except NoteInvalid:
            continue
    return found
