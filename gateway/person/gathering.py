"""A person's lines in one shard, up to an epoch of its index: proved, and as they are told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.audit import labels, proof
from gateway.audit.index import Absence, Neighbour, Presence
from gateway.audit.record import Kind
from gateway.errors import Fault
from gateway.ports import JournalStore, Line, StoredLine
from gateway.proving.epochs import Epochs, Indexed
from gateway.stages import Position
from gateway.views.auskunft import JournalLine


@dataclass(frozen=True, slots=True)
class Part:
    """One shard's part of the export."""

    proof: proof.ShardProof
    lines: tuple[JournalLine, ...] = field(repr=False)
    time: datetime
    """Of the epoch."""


async def gather(indexed: Indexed, forms: Sequence[str], store: JournalStore, epochs: Epochs) -> Part:
    """Out: what the shard holds under these forms. Raises: IndexWrong, JournalUnavailable; Fault, when the shard was
    destroyed since it was indexed."""
    origin = indexed.shard.origin
    start = await _opened(origin, 0, indexed.head.size, store)
    if start is None:
        raise Fault(f"proof of {origin}: it was destroyed meanwhile")
    restored = await _restored(indexed, store)
    subjects: list[proof.Subject] = []
    lines: list[JournalLine] = []
    proved = [labels.prove_label(indexed.shard.keys.vrf, origin, form) for form in forms]
    places = await epochs.find(indexed, [label for label, _ in proved])
    for form, (label, pi), place in zip(forms, proved, places, strict=True):
        theirs = [
            one for one in await store.labelled(origin, label) if one.position.index < indexed.head.size
        ]
        paths = await store.inclusions(origin, [one.position.index for one in theirs], indexed.head.size)
        entries = tuple(_entry(stored, path) for stored, path in zip(theirs, paths, strict=True))
        lines += [_told(stored) for stored in theirs]
        subjects.append(_subject(form, label, pi, entries, place))
    return Part(
        proof.ShardProof(
            origin=origin,
            log=proof.LogHead(checkpoint=indexed.checkpoint),
            start=start,
            **({"restored": restored} if restored is not None else {}),
            index=proof.IndexHead(
                checkpoint=indexed.output,
                leaf=indexed.epoch.leaf,
                position=indexed.epoch.number,
                proof=indexed.output_path,
                root=indexed.index.root,
                size=indexed.index.size,
            ),
            subjects=tuple(subjects),
        ),
        tuple(lines),
        indexed.time,
    )


async def _restored(indexed: Indexed, store: JournalStore) -> proof.Start | None:
    """Out: the shard's line 1, where the house tells in it what a restore has lost."""
    shard, size = indexed.shard, indexed.head.size
    found = await _opened(shard.origin, 1, size, store) if size > 1 else None
    if found is None or not shard.wrote(Line(found.leaf, found.salt, found.event)):
        return None
    return found if json.loads(found.event)["kind"] == Kind.RESTORED else None


async def _opened(origin: str, index: int, size: int, store: JournalStore) -> proof.Start | None:
    """Out: a line of the house's own, with what opens it; None when that is gone."""
    found = await store.line(Position(origin, index))
    if found is None or found.line.salt is None or found.line.event is None:
        return None
    (path,) = await store.inclusions(origin, [index], size)
    return proof.Start(leaf=found.line.leaf, salt=found.line.salt, event=found.line.event, proof=tuple(path))


def _subject(
    form: str, label: bytes, pi: bytes, entries: tuple[proof.Entry, ...], place: Presence | Absence
) -> proof.Subject:
    """Out: one form, with its place in the index, or its neighbours there."""
    if isinstance(place, Presence):
        return proof.Subject(
            subject=form,
            vrf_proof=pi,
            label=label,
            label_position=place.position,
            label_proof=place.proof,
            entries=entries,
        )
    absence = proof.Absent(left=_side(place.left), right=_side(place.right))
    return proof.Subject(subject=form, vrf_proof=pi, label=label, entries=entries, absence=absence)


def _side(neighbour: Neighbour | None) -> proof.Side | None:
    if neighbour is None:
        return None
    return proof.Side(leaf=neighbour.leaf, position=neighbour.position, proof=neighbour.proof)


def _entry(stored: StoredLine, path: Sequence[bytes]) -> proof.Entry:
    line = stored.line
    opening = (stored.withheld or "") if line.salt is None or line.event is None else (line.salt, line.event)
    return proof.entry(stored.position.index, line.leaf, opening, path)


def _told(stored: StoredLine) -> JournalLine:
    place, event = stored.position, stored.line.event
    if event is None:
        return JournalLine(place.origin, place.index, None, stored.withheld)
    return JournalLine(place.origin, place.index, json.loads(event))
