"""A person's journal lines, told to that person: a pure fold, never in a message's way.

In: the lines that stand under the person's labels, the records of choice and consent, the policy's titles.
Out: an `Auskunft`, newest first. It names data and never holds a value of evidence; nor do the lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from consent.ledger import state_at
from consent.vocabulary import PERMITTING, Record
from gateway.views.auskunft import (
    Auskunft,
    Basis,
    Closed,
    Consent,
    Entry,
    Event,
    JournalLine,
    KeptBack,
    Month,
    Named,
    Office,
    Place,
    Step,
    Titles,
)
from gateway.views.german_time import german_time
from gateway.views.words import Text, Tone, Words, edition, words

_NOT_LAST: Final = frozenset({"asked", "postponed", "preview.shown", "notified", "confirmed"})
_CONSENT: Final = "consent."
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def fold(
    lines: Iterable[JournalLine],
    records: Sequence[Record],
    subjects: Sequence[str],
    titles: Titles,
    start: datetime,
    to: datetime,
) -> Auskunft:
    """In: a person's lines in any order, records, subjects as in LOG.md 5, the period as aware times.

    Every line is told: in an entry, as a step of a record, or as closed.
    """
    teller = _Teller(titles, words())
    shown = [line for line in lines if line.event is not None]
    closed = [line for line in lines if line.event is None]
    known = {record.id for record in records}
    steps = [line for line in shown if _kind(line).startswith(_CONSENT) and _record(line) in known]
    entries = [teller.entry(group) for group in _exchanges(line for line in shown if line not in steps)]
    return Auskunft(
        edition=edition(),
        authority=titles.authority,
        forms=tuple(teller.form(subject) for subject in subjects),
        start=start,
        to=to,
        months=_months(entries, teller.words),
        consents=tuple(teller.consent(record, steps, to) for record in sorted(records, key=_newest_record)),
        closed=tuple(
            Closed(line.origin, line.index, line.withheld or "")
            for line in sorted(closed, key=lambda line: (line.origin, line.index))
        ),
    )


def _newest_record(record: Record) -> tuple[float, str]:
    return (-record.not_before.timestamp(), record.id)


def _exchanges(lines: Iterable[JournalLine]) -> list[tuple[JournalLine, ...]]:
    """Out: the lines of one exchange together, oldest first; a line without exchange alone."""
    groups: dict[tuple[str, ...], list[JournalLine]] = {}
    for line in lines:
        exchange = _event(line).get("exchange")
        key = (exchange,) if exchange else (line.origin, str(line.index))
        groups.setdefault(key, []).append(line)
    return [tuple(sorted(group, key=_when)) for group in groups.values()]


def _months(entries: Iterable[Entry], told: Words) -> tuple[Month, ...]:
    newest = sorted(entries, key=lambda entry: (entry.time, entry.places[-1].index), reverse=True)

    def month(entry: Entry) -> tuple[int, int]:
        local = german_time(entry.time)
        return (local.year, local.month)

    return tuple(
        Month(year, number, told.text("month", str(number)), tuple(group))
        for (year, number), group in groupby(newest, key=month)
    )


def _event(line: JournalLine) -> Event:
    return line.event if line.event is not None else _NOTHING


def _kind(line: JournalLine) -> str:
    return str(_event(line)["kind"])


def _time(line: JournalLine) -> datetime:
    return datetime.fromisoformat(_event(line)["time"])


def _place(line: JournalLine) -> Place:
    return Place(line.origin, line.index, _kind(line), _time(line))


def _when(line: JournalLine) -> tuple[datetime, str, int]:
    return (_time(line), line.origin, line.index)


class _Teller:
    """Codes into words: the policy's for what the authority named, ours for the rest."""

    def __init__(self, titles: Titles, told: Words) -> None:
        self.titles = titles
        self.words = told

    def entry(self, lines: Sequence[JournalLine]) -> Entry:
        """In: one exchange's lines, oldest first. What the last word leaves out, an earlier line says."""
        last = next((line for line in reversed(lines) if _kind(line) not in _NOT_LAST), lines[-1])
        said: dict[str, Any] = {}
        for line in lines:
            said.update(_event(line))
        said.update(_event(last))
        outcome = self.words.outcome(_kind(last))
        released = tuple(_event(last).get("released", ()))
        return Entry(
            exchange=said.get("exchange"),
            time=_time(last),
            outcome=_kind(last),
            tone=outcome.tone,
            title=outcome.title,
            sentence=outcome.sentence,
            reasons=tuple(self.word("reason", code) for code in _event(last).get("reasons", ())),
            consumer=self.office(self.titles.consumers, said.get("consumer")),
            on_behalf_of=self.office(self.titles.consumers, said.get("on_behalf_of")),
            register=self.office(self.titles.registers, said.get("register")),
            evidence=self.titled(self.titles.evidence, said.get("evidence")),
            purpose=self.titled(self.titles.purposes, said.get("purpose")),
            procedure=self.titled(self.titles.procedures, said.get("procedure")),
            case=said.get("case"),
            basis=self.basis(said, outcome.tone),
            concerned=self.concerned(said.get("concerned")),
            handed_over=self.data(released),
            kept_back=self.kept_back(said, released, outcome.tone),
            places=tuple(_place(line) for line in lines),
        )

    def consent(self, record: Record, steps: Sequence[JournalLine], now: datetime) -> Consent:
        state = state_at(record, now)
        return Consent(
            id=record.id,
            kind=self.word("basis", record.kind),
            state=self.word("state", state),
            valid=state in PERMITTING,
            recipient=self.known_office(self.titles.consumers, record.recipient),
            register=self.known_office(self.titles.registers, record.register),
            evidence=self.known(self.titles.evidence, record.evidence),
            fields=self.data(record.fields),
            purpose=self.known(self.titles.purposes, record.purpose),
            procedure=self.known(self.titles.procedures, record.procedure),
            case=record.case,
            norm=record.norm,
            recorded_by=self.known_office(self.titles.consumers, record.recorded_by),
            not_before=record.not_before,
            not_after=record.not_after,
            uses=record.uses,
            max_uses=record.max_uses,
            steps=tuple(self.step(line) for line in sorted(steps, key=_when) if _record(line) == record.id),
        )

    def step(self, line: JournalLine) -> Step:
        return Step(self.word("state", _kind(line).removeprefix(_CONSENT)), _place(line))

    def kept_back(self, said: Event, released: Iterable[str], tone: Tone) -> tuple[KeptBack, ...]:
        """Out: what a rule removed, then what was asked for and nothing else explains."""
        rules = {str(item["field"]): str(item["rule"]) for item in said.get("removed", ())}
        if tone in ("given", "kept"):
            rest = "not-on-file" if tone == "given" else "nothing-left"
            unexplained = set(said.get("requested", ())) - set(released) - rules.keys()
            rules |= dict.fromkeys(unexplained, rest)
        return tuple(
            KeptBack(data, rules[data.code], self.words.text("rule", rules[data.code]))
            for data in self.data(rules)
        )

    def basis(self, said: Event, tone: Tone) -> Basis | None:
        basis = said.get("basis", _NOTHING)
        kind = basis.get("kind")
        if kind is None:
            return None
        own = said.get("concerned", "subject") == "subject"
        section = "basis_claimed" if tone != "given" else "basis_stood" if own else "basis_other"
        told = self.words.text(section, kind)
        return Basis(self.word("basis", kind), told, basis.get("norm"), basis.get("record"))

    def concerned(self, role: str | None) -> Named | None:
        if role is None:
            return None
        known = role if role in self.words.codes("concerned") else "other"
        return Named(role, self.words.text("concerned", known))

    def form(self, subject: str) -> Named:
        """Out: a form of the person, told so that the person recognises it and a stranger learns little."""
        scheme, _, rest = subject.partition(":")
        if scheme == "idnr":
            end = rest[-3:]
            return Named(
                scheme,
                Text(f"Identifikationsnummer, die auf {end} endet", f"Identification number ending in {end}"),
            )
        register = self.known_office(self.titles.registers, rest.partition(":")[0])
        return Named(
            register.code,
            Text(f"Ihr Eintrag: {register.title.de}", f"Your entry: {register.title.en}"),
            register.title,
        )

    def data(self, names: Iterable[str]) -> tuple[Named, ...]:
        """Out: fields in the order of the word list, as they stand on a form."""
        order = {code: place for place, code in enumerate(self.words.codes("field"))}
        return tuple(
            self.word("field", name) for name in sorted(names, key=lambda name: (order.get(name, 999), name))
        )

    def word(self, section: str, code: str) -> Named:
        return Named(str(code), self.words.text(section, code))

    def titled(self, titles: Mapping[str, Text], code: str | None) -> Named | None:
        return None if code is None else self.known(titles, code)

    def known(self, titles: Mapping[str, Text], code: str) -> Named:
        return Named(code, titles.get(code, Text(code, code)))

    def office(self, offices: Mapping[str, Office], code: str | None) -> Named | None:
        return None if code is None else self.known_office(offices, code)

    def known_office(self, offices: Mapping[str, Office], code: str) -> Named:
        office = offices.get(code, Office(Text(code, code)))
        return Named(code, office.title, office.part)


def _record(line: JournalLine) -> str | None:
    record = (_event(line).get("basis") or _NOTHING).get("record")
    return None if record is None else str(record)
