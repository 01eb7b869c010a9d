"""One exchange told to the person: who, why, on which basis, what left by name, what did not and why."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from consent.vocabulary import Check, Fact
from gateway.audit import retention
from gateway.audit.german_time import german_time
from gateway.audit.record import Kind
from gateway.audit.retention import Until
from gateway.audit.shard import Origin
from gateway.views import lines
from gateway.views.auskunft import Basis, Entry, Event, JournalLine, KeptBack, Named, Place, Secrecy
from gateway.views.meaning import ON_FILE, Meaning, meaning
from gateway.views.naming import Names
from gateway.views.words import Outcome, Text, Tone

_NOT_LAST: Final = frozenset({"asked", "postponed", "preview.shown", "notified", "confirmed"})
_SUBJECT: Final = "subject"


def entry(group: Sequence[JournalLine], names: Names) -> Entry:
    """In: one exchange's lines, oldest first. What the last word leaves out, an earlier line says."""
    last = next((line for line in reversed(group) if lines.kind(line) not in _NOT_LAST), group[-1])
    said = _said(group, last)
    meant = meaning(lines.event(last), names.titles)
    outcome = _outcome(said, meant, names)
    role = said.get("concerned")
    own = role in (None, _SUBJECT)
    handed, back = _data(said, lines.event(last), meant, outcome.tone)
    places = tuple(lines.place(line) for line in group)

    def named(key: str, name: Any) -> Named | None:
        return None if said.get(key) is None else name(said[key])

    return Entry(
        exchange=said.get("exchange"),
        time=_happened(last),
        outcome=meant.kind,
        tone=outcome.tone,
        title=outcome.title,
        sentence=outcome.sentence,
        reasons=_reasons(lines.event(last), meant, names),
        filing=meant.filing,
        consumer=named("consumer", names.consumer),
        on_behalf_of=named("on_behalf_of", names.consumer),
        register=named("register", names.register),
        evidence=named("evidence", names.evidence),
        purpose=named("purpose", names.purpose),
        procedure=named("procedure", names.procedure),
        case=said.get("case"),
        basis=_basis(said, outcome.tone, own, names),
        grant=said.get("grant"),
        of=lines.record(last) if lines.is_step(last) else None,
        concerned=named("concerned", names.concerned),
        represented=own and said.get("facts", {}).get(Check.REPRESENTATION) == Fact.PASSED,
        handed_over=names.data(handed),
        kept_back=tuple(
            KeptBack(data, back[data.code], names.words.text("rule", back[data.code]))
            for data in names.data(back)
        ),
        covered=names.data(said.get("requested", ()) if outcome.tone in ("open", "note") else ()),
        secrecy=_secrecy(last, names),
        kept_until=last_kept(places, names.titles.calendar_year),
        places=places,
    )


def last_kept(places: Iterable[Place], calendar_year: Container[str] = ()) -> date | None:
    """Out: the last day one of the lines is kept. In: the classes kept to the end of a calendar year."""
    return max((day for found in places if (day := kept_until(found, calendar_year))), default=None)


def kept_until(place: Place, calendar_year: Container[str] = ()) -> date | None:
    """Out: the last day a line is kept, by the months its class says (gateway.audit.retention); None for a class that
    says nothing."""
    try:
        origin = Origin.parse(place.origin)
        until = Until.CALENDAR_YEAR if origin.retention in calendar_year else Until.DAY
        day = german_time(place.time).date()
        return None if origin.months is None else retention.kept_until(day, origin.months, until)
    except ValueError:  # no shard's name; a day beyond the calendar's end, in a file somebody made up
        return None


def _said(group: Sequence[JournalLine], last: JournalLine) -> dict[str, Any]:
    """Out: everything the lines say together. Who is in the evidence in two parts is told the first: their own."""
    said: dict[str, Any] = {}
    for line in (*group, last):
        said.update(lines.event(line))
    if any(lines.event(line).get("concerned") == _SUBJECT for line in group):
        said["concerned"] = _SUBJECT
    return said


def _happened(last: JournalLine) -> datetime:
    """Out: when it was settled; of a released line, not when it was told."""
    said = lines.event(last)
    settled = said.get("times", {}).get("answered") if said["kind"] == Kind.RELEASED else None
    return datetime.fromisoformat(settled) if settled else lines.time(last)


def _outcome(said: Event, meant: Meaning, names: Names) -> Outcome:
    if not meant.kind.startswith(lines.CONSENT):
        return names.words.outcome(meant.words)
    kind = lines.basis(said).get("kind")
    step = names.words.text("step" if kind else "power_step", meant.kind.removeprefix(lines.CONSENT))
    thing = names.words.text("recorded", kind or "power")
    return Outcome("note", Text(f"{thing.de}: {step.de}", f"{thing.en}: {step.en}"), Text("", ""))


def _reasons(last: Event, meant: Meaning, names: Names) -> tuple[Named, ...]:
    codes = [str(code) for code in last.get("reasons", ())]
    if meant.blocked:  # why the person was not told of: the asker learns less, the person may know
        return tuple(Named(code, names.words.text("rule", "blocked")) for code in codes)
    return tuple(names.word("reason", code) for code in codes)


def _basis(said: Event, tone: Tone, own: bool, names: Names) -> Basis | None:
    basis = lines.basis(said)
    kind = basis.get("kind")
    if kind is None:
        return None
    if str(said["kind"]).startswith(lines.CONSENT):
        section = "basis_recorded"
    elif tone in ("given", "filed"):
        section = "basis_other" if not own else "basis_stood" if tone == "given" else "basis_filed"
    else:
        section = "basis_claimed" if own else "basis_claimed_other"
    told = names.words.text(section, kind)
    return Basis(names.word("basis", kind), told, basis.get("norm"), basis.get("record") if own else None)


def _data(said: Event, last: Event, meant: Meaning, tone: Tone) -> tuple[Iterable[str], Mapping[str, str]]:
    """Out: what was handed over, or put into the register; what was not, and by which rule. What no rule removed
    and nothing else explains was asked for and is not in the register."""
    asked = [str(name) for name in said.get("requested", ())]
    if meant.kind.startswith(lines.CONSENT):
        return (), {}
    if meant.words == Kind.SUBMITTED:
        return asked, {}
    handed = [str(name) for name in last.get("released", ())]
    rules = {str(item["field"]): str(item["rule"]) for item in said.get("removed", ())}
    if tone in ("given", "kept"):
        left = "not-on-file" if tone == "given" else "nothing-filed" if meant.filing else "nothing-left"
        left = ON_FILE if meant.words == f"{Kind.SUBMITTED}/{ON_FILE}" else left
        rules |= dict.fromkeys((name for name in asked if name not in (*handed, *rules)), left)
    return handed, rules


def _secrecy(last: JournalLine, names: Names) -> Secrecy | None:
    said = lines.event(last)
    if said["kind"] != Kind.RELEASED:
        return None
    return Secrecy(german_time(lines.time(last)).date(), names.titles.secrecy.get(str(said.get("grant"))))
