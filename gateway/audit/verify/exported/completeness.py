"""The index of a shard in an export (LOG.md 7, step 4), and what it says of a label (step 5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.audit import index, tree
from gateway.audit.note import NoteInvalid, Verifier, encode64, open_checkpoint, split
from gateway.audit.proof import IndexHead, Side, Subject
from gateway.audit.verify.reading import Findings, ReadShard, strict_json

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_LEAF_KEYS = {"v", "epoch", "index_root", "index_size", "log", "time"}


@dataclass(frozen=True, slots=True)
class Epoch:
    """An index that belongs to this very head of the log."""

    root: bytes
    size: int
    time: datetime
    checked_by: tuple[Verifier, ...]
    """Which of the reader's auditors cosigned it, when it was made or later: who signs before the time it claims to
    reach can't have seen what was written until then."""


def check_index(shard: ReadShard, auditors: Sequence[Verifier], found: Findings) -> Epoch | None:
    """Out: the shard's index; None when the export has none, or after a finding."""
    head = shard.part.index
    if head is None:
        return None
    try:
        checkpoint, opened = open_checkpoint(head.checkpoint, shard.opening.statement.index, auditors)
        time = _read_leaf(head, shard.checkpoint.text)
    except NoteInvalid as wrong:
        found.add(4, str(shard.origin), f"its index: {wrong}")
        return None
    if head.position != checkpoint.size - 1 or not tree.verify_inclusion(
        tree.leaf_hash(head.leaf), head.position, checkpoint.size, head.proof, checkpoint.root
    ):
        found.add(4, str(shard.origin), "its index is not the newest of the output log")
        return None
    seen = {signed.by for signed in opened.signed if (signed.time or 0) >= time.timestamp()}
    return Epoch(head.root, head.size, time, tuple(auditor for auditor in auditors if auditor in seen))


def _read_leaf(head: IndexHead, checkpoint_text: str) -> datetime:
    """Out: the time of an output leaf that names this head and this index. Raises: NoteInvalid."""
    said = strict_json(head.leaf)
    if said is None or said.keys() != _LEAF_KEYS or type(said["v"]) is not int or said["v"] != 1:
        raise NoteInvalid("not an output leaf")
    log, time = said["log"], said["time"]
    if not isinstance(log, str) or split(log)[0] != checkpoint_text:
        raise NoteInvalid("made for another head of the log")
    if said["index_root"] != encode64(head.root) or type(said["index_size"]) is not int:
        raise NoteInvalid("of another root")
    if said["index_size"] != head.size:
        raise NoteInvalid("of another size")
    if not isinstance(time, str) or not _TIME.match(time):
        raise NoteInvalid("without a time")
    try:
        return datetime.fromisoformat(time)
    except ValueError:
        raise NoteInvalid("of a day that never was") from None


def check_label(subject: Subject, epoch: Epoch | None, place: str, found: Findings) -> None:
    """Step 5, its end: the index says exactly these entries, or that there are none."""
    has_place = subject.label_position is not None or subject.label_proof is not None
    if epoch is None:
        if has_place or subject.absence is not None:
            found.add(5, place, "a place in an index that is not there")
        return
    if subject.entries:
        if subject.absence is not None or subject.label_position is None or subject.label_proof is None:
            found.add(5, place, "its place in the index is missing")
            return
        where = index.Presence(subject.label_position, subject.label_proof)
        positions = [entry.index for entry in subject.entries]
        if not index.verify_presence(subject.label, positions, where, epoch.root, epoch.size):
            found.add(5, place, "the index has other entries for this person")
        return
    if has_place or subject.absence is None:
        found.add(5, place, "no proof that the index has no entries for this person")
        return
    absence = index.Absence(_neighbour(subject.absence.left), _neighbour(subject.absence.right))
    if not index.verify_absence(subject.label, absence, epoch.root, epoch.size):
        found.add(5, place, "the index may have entries for this person")


def _neighbour(side: Side | None) -> index.Neighbour | None:
    return None if side is None else index.Neighbour(side.leaf, side.position, side.proof)
