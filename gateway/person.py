"""What the house holds about one person, gathered, proved and told: the export of CONTRACT.md 6.

1 every form under which the registers know the person · 2 what a law kept back until today is released · 3 a line
says that an export is made, before anything is gathered · 4 the lines of each form in each shard, with their proofs
under one signed head, the records and powers about the person · 5 told in plain words.
A register that does not answer stops the export: a form that is missing would be left out unseen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from consent import held
from consent.parties import Title
from consent.policy import Policy
from consent.vocabulary import Held, Record, Subject
from gateway.audit import labels, proof
from gateway.audit.note import parse_vkey
from gateway.audit.record import Event, Kind
from gateway.audit.shard import Origin
from gateway.journal import Journal
from gateway.journal.releasing import release_due
from gateway.journal.shards import OpenShard, Shards
from gateway.ports import ConsentStore, Head, JournalStore, Keys, Register, StoredLine
from gateway.stages import Position
from gateway.views.auskunft import JournalLine, Kept
from gateway.views.citizen import fold
from gateway.views.export import Proof, assemble, tlog_proof_name
from gateway.views.titles import titles

ERASED: Final = "erased: IDNrG § 9"
_ABOUT_THEM: Final = "subject"
"""The role of whom evidence is about (`consent.vocabulary.Person`)."""
_IDNR: Final = "idnr:"


@dataclass(frozen=True, slots=True)
class Holdings:
    """Where a person's data may be, and who vouches for it."""

    journal: Journal
    shards: Shards
    store: JournalStore
    consents: ConsentStore
    registers: Mapping[str, Register]
    keys: Keys
    policy: Policy
    authority: Title


@dataclass(frozen=True, slots=True)
class _Part:
    """One shard's part of the export."""

    proof: proof.ShardProof
    lines: tuple[JournalLine, ...]
    inclusion: Mapping[str, bytes]
    log_vkey: str


async def export(subject: Subject, house: Holdings, now: datetime) -> bytes | None:
    """In: whom it is about, sufficiently named and identified by the caller. Out: the ZIP; None: known to nobody.

    Raises: Fault when a register can't be asked or what was kept back can't be opened, JournalUnavailable.
    """
    forms = await forms_of(subject, house)
    if not forms:
        return None
    await release_due(house.journal, house.store, now)
    for form in forms[:1]:
        await house.journal.house_event(Event(kind=Kind.EXPORT_MADE, time=now), now, subject=form)
    shards = sorted(await house.shards.headed(), key=lambda found: Origin.parse(found[0].origin).retention)
    parts = [await _shard(shard, head, note, forms, house.store) for shard, head, note in shards]
    identity = parse_vkey(house.keys.identity_vkey)
    start = min(_first_day(part.proof.origin) for part in parts)
    document = proof.Proof.make(
        proof.Authority(name=identity.name, vkey=identity.vkey), start, now, [part.proof for part in parts]
    )
    lines = [line for part in parts for line in part.lines]
    auskunft = fold(
        lines,
        await _kept(_numbered(subject, forms), lines, house.consents),
        forms,
        titles(house.policy, house.authority),
        datetime(start.year, start.month, start.day, tzinfo=UTC),
        now,
    )
    vkeys = "".join(f"{vkey}\n" for vkey in (identity.vkey, *(part.log_vkey for part in parts)))
    inclusion = {name: body for part in parts for name, body in part.inclusion.items()}
    return assemble(auskunft, Proof(document.render(), inclusion, vkeys.encode()))


async def forms_of(subject: Subject, house: Holdings) -> tuple[str, ...]:
    """Out: every form (LOG.md 5) the person's lines may stand under: their number, each register's own key. Nobody's,
    when the registers know people with different numbers by that name: they are not told of each other."""
    forms = [f"{_IDNR}{subject.idnr}"] if subject.idnr else []
    for register in house.registers.values():
        forms += [person.subject for person in await register.persons(subject) if person.subject is not None]
    found = tuple(dict.fromkeys(forms))
    return found if sum(form.startswith(_IDNR) for form in found) <= 1 else ()


def _numbered(subject: Subject, forms: Sequence[str]) -> Subject:
    """Out: the person with the number a register knows them by: their records may be kept under either."""
    number = next((form.removeprefix(_IDNR) for form in forms if form.startswith(_IDNR)), None)
    return replace(subject, idnr=number)


async def _kept(subject: Subject, lines: Sequence[JournalLine], consents: ConsentStore) -> Sequence[Kept]:
    """Out: every record and power that names the person in one of these forms and contradicts none; and those on
    which their data left or was put on file, in whatever words they name the person."""
    named = {one.id: one for one in await consents.of_subject(subject) if one.subject.agrees_with(subject)}
    for record in _stood_on(lines):
        await _add(record, named, consents)
    for one in tuple(named.values()):
        if isinstance(one, Record) and one.representative is not None:
            await _add(one.representative, named, consents)
    return [
        Kept(found, tuple(held.read(event.body) for event in await consents.events(found.id)))
        for found in named.values()
    ]


async def _add(record: str, known: dict[str, Held], consents: ConsentStore) -> None:
    found = await consents.record(record) if record not in known else None
    if found is not None:
        known[record] = found


def _stood_on(lines: Sequence[JournalLine]) -> Sequence[str]:
    """Out: the records on which evidence about the person left, or data about them was put on file. What they
    occur in beside somebody else stood on that one's decision, of which they are not told; what was refused, on
    whatever its asker claimed."""
    events = [line.event for line in lines if line.event is not None]
    found = [
        str(event.get("basis", {}).get("record", ""))
        for event in events
        if event["kind"] in (Kind.ANSWERED, Kind.SUBMITTED) and event.get("concerned") == _ABOUT_THEM
    ]
    return tuple(dict.fromkeys(record for record in found if record))


async def _shard(shard: OpenShard, head: Head, note: str, forms: Sequence[str], store: JournalStore) -> _Part:
    """Everything in one shard, up to its head."""
    opening = await store.line(Position(shard.origin, 0))
    assert opening is not None
    assert opening.line.salt is not None
    assert opening.line.event is not None
    subjects: list[proof.Subject] = []
    lines: list[JournalLine] = []
    inclusion: dict[str, bytes] = {}
    for form in forms:
        label, pi = labels.prove_label(shard.keys.vrf, shard.origin, form)
        entries: list[proof.Entry] = []
        for stored in await store.labelled(shard.origin, label):
            if stored.position.index >= head.size:
                continue
            path = await store.inclusion(stored.position, head.size)
            entries.append(_entry(stored, path))
            lines.append(_told(stored))
            inclusion[tlog_proof_name(shard.origin, stored.position.index)] = (
                proof.TlogProof(stored.position.index, tuple(path), note).render().encode()
            )
        subjects.append(proof.Subject(subject=form, vrf_proof=pi, label=label, entries=tuple(entries)))
    return _Part(
        proof.ShardProof(
            origin=shard.origin,
            log=proof.LogHead(checkpoint=note),
            start=proof.Start(
                leaf=opening.line.leaf,
                salt=opening.line.salt,
                event=opening.line.event,
                proof=tuple(await store.inclusion(opening.position, head.size)),
            ),
            subjects=tuple(subjects),
        ),
        tuple(lines),
        inclusion,
        shard.keys.public.log.vkey,
    )


def _entry(stored: StoredLine, path: Sequence[bytes]) -> proof.Entry:
    line = stored.line
    opening = ERASED if line.salt is None or line.event is None else (line.salt, line.event)
    return proof.entry(stored.position.index, line.leaf, opening, path)


def _told(stored: StoredLine) -> JournalLine:
    place, event = stored.position, stored.line.event
    if event is None:
        return JournalLine(place.origin, place.index, None, ERASED)
    return JournalLine(place.origin, place.index, json.loads(event))


def told_lines(document: bytes) -> tuple[tuple[JournalLine, ...], tuple[str, ...]]:
    """In: a proof.json that was found true. Out: the lines it opens, the forms it proves them for."""
    parsed = proof.Proof.parse(document)
    lines = tuple(
        JournalLine(
            shard.origin, entry.index, json.loads(entry.event) if entry.event else None, entry.withheld
        )
        for shard in parsed.shards
        for subject in shard.subjects
        for entry in subject.entries
    )
    forms = tuple(dict.fromkeys(subject.subject for shard in parsed.shards for subject in shard.subjects))
    return lines, forms


def _first_day(origin: str) -> date:
    year, month = Origin.parse(origin).month_number
    return date(year, month, 1)
