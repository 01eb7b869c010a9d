"""Whether the readable files of an export say what its proof proves. Runs at the reader's, offline.

A proof covers journal lines, not pages. So the lines are told again from the proof and compared with what
`auskunft.json` tells, and the pages and sheets are written again from `auskunft.json` and compared byte by byte.
The plain names of authorities, registers and purposes are the authority's word; so are the consents' states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.views.auskunft import Auskunft, Entry, JournalLine, Named, Office, Titles
from gateway.views.citizen import fold
from gateway.views.entries import last_kept
from gateway.views.export import Export
from gateway.views.lines import CONSENT
from gateway.views.render import from_json, readable
from gateway.views.words import Text, edition


@dataclass(frozen=True, slots=True)
class Agreement:
    """What does not agree (file and what is wrong, never content), and whether the pages could be compared."""

    wrong: tuple[tuple[str, str], ...]
    compared: bool
    """False: told in another edition's words; only the codes in auskunft.json were compared."""
    proved: Auskunft | None
    """What the proof itself tells, with the names as auskunft.json gives them; None when that can't be read."""


def compare(
    export: Export,
    lines: Sequence[JournalLine],
    subjects: Sequence[str],
    period: tuple[str, str],
    lost: Sequence[str] = (),
) -> Agreement:
    """In: an export, the lines its proof opened, the subjects and the period it proves them for (LOG.md 7, `from` and
    `to`), the lines it says were lost."""
    try:
        told = from_json(export.readable["auskunft.json"])
    except (KeyError, ValueError):
        return Agreement((("auskunft.json", "is missing or can't be read"),), False, None)
    proved = fold(lines, (), subjects, _titles(told), told.start, told.to, lost)
    wrong = [*_of_another_period(told, period), *_told_otherwise(told, proved)]
    same_words = told.edition == edition()
    if same_words:
        wrong += _written_otherwise(export.readable, told)
    return Agreement(tuple(wrong), same_words, proved)


def _of_another_period(told: Auskunft, period: tuple[str, str]) -> Iterator[tuple[str, str]]:
    said = tuple(f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (told.start, told.to))
    if said != (f"{period[0]}T00:00:00Z", period[1]):
        yield "auskunft.json", "the period is another than that of the proof"


def _told_otherwise(told: Auskunft, proved: Auskunft) -> Iterator[tuple[str, str]]:
    known = {entry.places: entry for entry in proved.entries}
    for number, entry in enumerate(told.entries, start=1):
        other = known.pop(entry.places, None)
        if other is None:
            yield "auskunft.json", f"entry {number} stands at a place the proof does not hold"
        elif _claims(entry) != _claims(other) or (told.edition == edition() and entry != other):
            yield "auskunft.json", f"entry {number} says something else than the proof"
    # What is told of no entry is told as a step: nowhere else, and of the same record and the same thing.
    steps = {(place, *_step(entry)): entry for places, entry in known.items() for place in places}
    said = [(step.place, of, step.state.code) for of, step in told.steps if step.place is not None]
    if any(steps.pop(step, None) is None for step in said):
        yield "auskunft.json", "a step of a record stands at a place where the proof does not hold it"
    if steps:
        yield "auskunft.json", f"{len(steps)} proved lines are not told"
    if told.closed != proved.closed:
        yield "auskunft.json", "the entries not shown are others than those of the proof"
    if told.lost != proved.lost:
        yield "auskunft.json", "the lines lost in a restore are others than those of the proof"
    if [form.title for form in told.forms] != [form.title for form in proved.forms]:
        yield "auskunft.json", "the forms of the person are others than those of the proof"


def _step(entry: Entry) -> tuple[str | None, str]:
    """Out: the record or power an entry would be a step of, and which."""
    return entry.of, entry.outcome.removeprefix(CONSENT)


def _written_otherwise(files: Mapping[str, bytes], told: Auskunft) -> Iterator[tuple[str, str]]:
    again = readable(told)
    for name in sorted(again.keys() | files.keys()):
        if name not in again:
            yield name, "does not belong to an export"
        elif files.get(name) != again[name]:
            yield name, "is missing" if name not in files else "is not what auskunft.json says"


def _claims(entry: Entry) -> tuple[object, ...]:
    """Out: everything an entry says in codes."""
    named = (entry.consumer, entry.on_behalf_of, entry.register, entry.evidence, entry.purpose)
    return (
        entry.exchange,
        entry.time,
        entry.outcome,
        entry.tone,
        entry.filing,
        entry.grant,
        entry.of,
        entry.represented,
        entry.secrecy and entry.secrecy.until,
        entry.kept_until,
        tuple(_code(item) for item in (*named, entry.procedure, entry.concerned)),
        entry.case,
        entry.basis and (entry.basis.kind.code, entry.basis.norm, entry.basis.record),
        tuple(reason.code for reason in entry.reasons),
        {data.code for data in entry.handed_over},
        {(item.data.code, item.rule) for item in entry.kept_back},
        {data.code for data in entry.covered},
    )


def _code(named: Named | None) -> str | None:
    return named.code if named else None


def _titles(told: Auskunft) -> Titles:
    """Out: the names auskunft.json uses, so that only what is proved can differ."""
    consumers: dict[str, Office] = {}
    registers: dict[str, Office] = {}
    evidence: dict[str, Text] = {}
    purposes: dict[str, Text] = {}
    procedures: dict[str, Text] = {}
    filing: set[str] = set()
    secrecy: dict[str, str] = {}
    yearly: set[str] = set()
    for entry in told.entries:
        yearly |= _yearly(entry)
        for office, named in (
            (consumers, entry.consumer),
            (consumers, entry.on_behalf_of),
            (registers, entry.register),
        ):
            if named:
                office[named.code] = Office(named.title, named.part)
        for words, named in (
            (evidence, entry.evidence),
            (purposes, entry.purpose),
            (procedures, entry.procedure),
        ):
            if named:
                words[named.code] = named.title
        if entry.grant and entry.filing:
            filing.add(entry.grant)
        if entry.grant and entry.secrecy and entry.secrecy.norm:
            secrecy[entry.grant] = entry.secrecy.norm
    for form in told.forms:
        if form.part is not None:
            registers.setdefault(form.code, Office(form.part))
    return Titles(
        told.authority,
        consumers,
        registers,
        evidence,
        purposes,
        procedures,
        frozenset(filing),
        secrecy,
        frozenset(yearly),
    )


def _yearly(entry: Entry) -> set[str]:
    """Out: the classes of an entry that is told to be kept to the end of a calendar year: the authority's word, as the
    law behind a class is."""
    classes = {place.origin.split("/")[-2] for place in entry.places if place.origin.count("/") >= 2}
    by_year = entry.kept_until == last_kept(entry.places, classes) != last_kept(entry.places)
    return classes if by_year else set()
