"""Whether everything in an export says what its proof proves. Runs at the reader's, offline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from gateway.audit import proof
from gateway.audit.losses import read_losses
from gateway.person.beside import with_beside
from gateway.views.agreement import Agreement, compare
from gateway.views.auskunft import JournalLine
from gateway.views.export import Export, Proof


def agreement(export: Export) -> Agreement:
    """In: an export whose proof was found true. Out: whether its pages, its sheets and the files beside the proof agree
    with it."""
    parsed = proof.Proof.parse(export.proof.document)
    forms = tuple(dict.fromkeys(subject.subject for shard in parsed.shards for subject in shard.subjects))
    period = (parsed.from_, parsed.to)
    agreed = compare(export, tuple(_lines(parsed)), forms, period, tuple(_lost(parsed)))
    beside = with_beside(export.proof.document, parsed)
    return replace(agreed, wrong=(*agreed.wrong, *_otherwise(export.proof, beside)))


def _lines(parsed: proof.Proof) -> Iterator[JournalLine]:
    """Out: the lines the proof opens, and those it names only."""
    for shard in parsed.shards:
        for subject in shard.subjects:
            for entry in subject.entries:
                event = json.loads(entry.event) if entry.event else None
                yield JournalLine(shard.origin, entry.index, event, entry.withheld)


def _lost(parsed: proof.Proof) -> Iterator[str]:
    """Out: which lines its shards say were lost in a restore."""
    for shard in parsed.shards:
        if (told := shard.restored) is not None:
            yield from read_losses(shard.origin, told.leaf, told.salt, told.event).told


def _otherwise(found: Proof, due: Proof) -> Iterator[tuple[str, str]]:
    if found.vkeys != due.vkeys:
        yield "proof/vkeys.txt", "is not what proof.json says"
    for name in sorted(found.inclusion.keys() | due.inclusion.keys()):
        if name not in due.inclusion:
            yield "proof/", "a file does not belong to an export"
        elif found.inclusion.get(name) != due.inclusion[name]:
            yield (
                f"proof/{name}",
                "is missing" if name not in found.inclusion else "is not what proof.json says",
            )
