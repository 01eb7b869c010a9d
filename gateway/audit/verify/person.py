"""One form of the person in one shard of an export (LOG.md 7, step 5)."""

from __future__ import annotations

from itertools import pairwise

from gateway.audit import labels, tree
from gateway.audit.proof import Entry, Subject
from gateway.audit.verify.completeness import Epoch, check_label
from gateway.audit.verify.reading import Findings, ReadShard
from gateway.audit.verify.verdict import Tally


def check_subject(
    shard: ReadShard, subject: Subject, epoch: Epoch | None, place: str, found: Findings, tally: Tally
) -> None:
    """The label is the person's own; every entry is in the log, has the label and opens; the index agrees.

    `epoch` is None when the shard has no index; `place` names the form without naming the person.
    """
    if not labels.is_subject(subject.subject):
        found.add(5, place, "not a form of a person")
    shown = labels.verify_label(
        shard.opening.statement.vrf, str(shard.origin), subject.subject, subject.vrf_proof
    )
    if shown is None:
        found.add(5, place, "the proof of the label does not hold for this person")
    elif shown != subject.label:
        found.add(5, place, "the label is not this person's")
    if any(before.index >= after.index for before, after in pairwise(subject.entries)):
        found.add(5, place, "the entries are not in order")
    for number, entry in enumerate(subject.entries, start=1):
        wrong = _wrong_with(entry, subject.label, shard)
        if wrong is not None:
            found.add(5, f"{place}, entry {number}", wrong)
        elif entry.event is None:
            tally.withheld += 1
        else:
            tally.lines += 1
    if epoch is not None or shard.part.index is None:
        check_label(subject, epoch, place, found)


def _wrong_with(entry: Entry, label: bytes, shard: ReadShard) -> str | None:
    leaf = labels.parse_leaf(entry.leaf)
    if leaf is None or leaf.label != label:
        return "its leaf is not this person's"
    head = shard.checkpoint
    if not tree.verify_inclusion(tree.leaf_hash(entry.leaf), entry.index, head.size, entry.proof, head.root):
        return "it is not in the log"
    if entry.salt is None and entry.event is None:
        return None if entry.withheld else "it is withheld and names no norm"
    if entry.salt is None or entry.event is None or entry.withheld is not None:
        return "it is withheld in part"
    if not labels.opens(leaf, entry.salt, entry.event):
        return "it does not open: event or salt are not those committed to"
    return None
