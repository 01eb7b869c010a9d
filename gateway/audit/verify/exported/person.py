"""One form of the person in one shard of an export (LOG.md 7, step 5)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from gateway.audit import labels, record, tree
from gateway.audit.proof import Entry, Subject
from gateway.audit.retention import ERASED, LOST, Span, erasing_norm
from gateway.audit.shard import Origin
from gateway.audit.verify.exported.completeness import Epoch, check_label
from gateway.audit.verify.exported.period import Period
from gateway.audit.verify.exported.verdict import Tally
from gateway.audit.verify.reading import Findings, ReadShard

_LONGEST: Final = 200
"""Characters of a norm or reason."""


def check_subject(
    shard: ReadShard,
    subject: Subject,
    epoch: Epoch | None,
    period: Period | None,
    place: str,
    found: Findings,
    tally: Tally,
    lost: Iterable[Span] = (),
) -> None:
    """The label is the person's own; every entry is in the log, has the label and opens; the index agrees.

    `epoch` is None when the shard has no index; `place` names the form without naming the person; `lost`: lines that
    the log says were put back after a restore without what opened them.
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
        elif entry.withheld is None:
            tally.lines += 1
        else:
            _count(entry, entry.withheld, shard.origin, period, tally, lost)
    if epoch is not None or shard.part.index is None:
        check_label(subject, epoch, place, found)


def _count(
    entry: Entry, why: str, origin: Origin, period: Period | None, tally: Tally, lost: Iterable[Span]
) -> None:
    """Count a line that is not shown, and whether it can be: it was due when the period ended, or is told as lost."""
    norm = erasing_norm(why)
    if norm is None:
        tally.withheld[why] += 1
        if why != LOST or not any(span.start <= entry.index < span.stop for span in lost):
            tally.unexplained[why] += 1
        return
    tally.erased[norm] += 1
    due = origin.first_due
    if period is not None and (due is None or due > period.due_by):
        tally.early += 1


def _wrong_with(entry: Entry, label: bytes, shard: ReadShard) -> str | None:
    leaf = labels.parse_leaf(entry.leaf)
    if leaf is None or leaf.label != label:
        return "its leaf is not this person's"
    head = shard.checkpoint
    if not tree.verify_inclusion(tree.leaf_hash(entry.leaf), entry.index, head.size, entry.proof, head.root):
        return "it is not in the log"
    if entry.salt is None and entry.event is None:
        return None if _is_reason(entry.withheld) else "it is withheld and names no norm"
    if entry.salt is None or entry.event is None or entry.withheld is not None:
        return "it is withheld in part"
    if not labels.opens(leaf, entry.salt, entry.event):
        return "it does not open: event or salt are not those committed to"
    try:
        record.from_bytes(entry.event)
    except record.EventInvalid:
        return "it opens to something that is no event of version 1"
    return None


def _is_reason(why: str | None) -> bool:
    """Out: whether it can be printed as it is: a few words on one line, with something to say."""
    return (
        why is not None
        and len(why) <= _LONGEST
        and why.isprintable()
        and bool(why.removeprefix(ERASED).strip())
    )
