"""A person's export: every form of them, nothing of anyone else, true by its own proof, and never silently short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import exempting
import pytest
import town as towns
from town import Town

from consent.ledger import Named
from consent.vocabulary import Person as Form
from consent.vocabulary import Subject
from gateway import person
from gateway.audit.note import parse_vkey
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.cli.demo.people import NAMESAKES, Person, anna, people
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.views.auskunft import Auskunft
from gateway.views.export import disassemble
from gateway.views.render import from_json

NUMBERLESS = next(one for one in people() if one.idnr is None)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    opened = await towns.found(tmp_path / "home")
    yield opened
    await opened.opened.close()


def by_name(one: Person) -> Subject:
    return Subject(birth_date=one.birth_date, family_name=one.family_name, given_name=one.given_names)


async def exported(town: Town, whom: Subject) -> Auskunft:
    """Out: what the export tells, after its proof and its pages were checked."""
    made = await person.export(whom, town.opened.holdings(), town.clock.now())
    assert made is not None
    export = disassemble(made.archive)
    fingerprint = parse_vkey(town.opened.keys.identity_vkey).fingerprint
    verdict = verify_export(export.proof.document, fingerprint)
    assert (verdict.outcome, verdict.findings) == (Outcome.COMPLETE_IF_HONEST, ())
    assert made.to == town.clock.now()
    agreement = person.agreement(export)
    assert agreement.wrong == ()
    told = from_json(export.readable["auskunft.json"])
    places = [place for entry in told.entries for place in entry.places]
    places += [step.place for _, step in told.steps if step.place is not None]
    assert len(export.proof.inclusion) == len(places)
    return told


async def asked(town: Town, one: Person) -> None:
    """Resident parking asks about the person, by name, and is answered."""
    await handle(town.delivery(town.signed(town.parking(one), "parkraumbewirtschaftung")), town.opened.house)


async def test_a_person_without_number_finds_their_lines(town: Town) -> None:
    """What stands under the register's own key belongs to the person as well."""
    await asked(town, NUMBERLESS)
    town.clock.passes(minutes=1)
    told = await exported(town, by_name(NUMBERLESS))
    assert [entry.outcome for entry in told.entries] == ["export.made", "answered"]
    assert {form.code for form in told.forms} >= {"melderegister", "personenstandsregister"}


async def test_nobody_elses_lines_are_told(town: Town) -> None:
    """Anna's export holds nothing of what was asked about another."""
    await asked(town, NUMBERLESS)
    whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
    assert [entry.outcome for entry in (await exported(town, whom)).entries] == ["export.made"]


async def test_each_export_tells_of_the_one_before(town: Town) -> None:
    """That an export is made is itself a line, before anything is gathered."""
    whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
    await exported(town, whom)
    town.clock.passes(days=1)
    assert [entry.outcome for entry in (await exported(town, whom)).entries] == ["export.made"] * 2


async def test_an_export_spans_months(town: Town) -> None:
    """After the month's end the lines are in two shards, and the proof holds over both."""
    whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
    await exported(town, whom)
    town.clock.passes(days=20)
    told = await exported(town, whom)
    assert [month.month for month in told.months] == [12, 11]


async def test_a_decision_kept_under_the_number_is_found_for_who_names_themselves(town: Town) -> None:
    """The register knows the number: the record, its history and its place in the journal are in the export."""
    record = await town.chooses(anna())
    town.clock.passes(minutes=1)
    (consent,) = (await exported(town, by_name(anna()))).consents
    assert consent.id == record
    assert [(step.state.code, step.place is not None) for step in consent.steps] == [("given", True)]


async def test_a_decision_in_other_words_is_told_to_whom_it_was_used_on(town: Town) -> None:
    """Recorded and asked by name, so that its own line is sealed: whose evidence left on it sees it all the same,
    or somebody could decide in their name unseen."""
    one = anna()
    record = await town.chooses(
        one,
        subject=Named(family_name=one.family_name, given_name=one.given_names, birth_date=one.birth_date),
    )
    named = {
        "family_name": one.family_name,
        "given_name": one.given_names,
        "birth_date": one.birth_date.isoformat(),
    }
    request = town.signed(town.asks(one, subject=named), "wohngeldstelle")
    await handle(town.delivery(request), town.opened.house)
    town.clock.passes(minutes=1)
    told = await exported(town, Subject(idnr=one.idnr, birth_date=one.birth_date))
    assert [entry.outcome for entry in told.entries] == ["export.made", "answered"]
    assert [consent.id for consent in told.consents] == [record]


async def test_what_a_law_kept_back_is_told_once_its_day_has_come(town: Town) -> None:
    """Before: not a word of it. On the day the export itself releases it, and tells it like any other answer."""
    await exempting.parking_is_exempt(town, days=3)
    await asked(town, NUMBERLESS)
    assert [entry.outcome for entry in (await exported(town, by_name(NUMBERLESS))).entries] == ["export.made"]
    town.clock.passes(days=4)
    told = await exported(town, by_name(NUMBERLESS))
    (late,) = [entry for entry in told.entries if entry.secrecy is not None]
    assert (late.outcome, late.tone) == ("answered", "given")
    assert late.secrecy is not None
    assert late.secrecy.norm == exempting.LAW
    assert late.time < town.clock.now() - timedelta(days=3)


async def test_no_value_of_the_evidence_is_in_any_readable_file(town: Town) -> None:
    """What parking learned of the person's home is not in the report about it; the names of that data are."""
    await asked(town, anna())
    town.clock.passes(minutes=1)
    whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
    made = await person.export(whom, town.opened.holdings(), town.clock.now())
    assert made is not None
    written = b"".join(disassemble(made.archive).readable.values()).decode()
    assert "Hausnummer" in written
    values = (anna().street, anna().given_names, anna().birth_date.isoformat(), anna().idnr)
    assert not [at for at, value in enumerate(values) if value is not None and value in written]


async def test_namesakes_get_neither_ones_export(town: Town) -> None:
    """Two people with one name and birth date are told apart by number only."""
    one = people()[NAMESAKES[0] - 1]
    assert await person.export(by_name(one), town.opened.holdings(), town.clock.now()) is None
    whom = Subject(idnr=one.idnr, birth_date=one.birth_date)
    assert [entry.outcome for entry in (await exported(town, whom)).entries] == ["export.made"]


class Knows:
    """Port `Register`: knows exactly these forms of anybody."""

    id = "knows"

    def __init__(self, *forms: str | None) -> None:
        self.forms = forms

    async def persons(self, subject: Subject) -> Sequence[Form]:
        return [Form(form) for form in self.forms]


async def test_people_with_different_numbers_are_never_told_of_each_other(town: Town) -> None:
    """One register knows one of two namesakes, another the other: the name is nobody's, and no export is made."""
    one, other = (people()[number - 1] for number in NAMESAKES)
    registers: dict[str, Any] = {"a": Knows(f"idnr:{one.idnr}"), "b": Knows(f"idnr:{other.idnr}")}
    assert await person.forms_of(by_name(one), registers) == ()


async def test_somebody_a_register_cannot_tell_apart_has_no_form_there(town: Town) -> None:
    """What stands under nobody's key is nobody's."""
    registers: dict[str, Any] = {"a": Knows(None, "reg:a:7")}
    forms = await person.forms_of(by_name(anna()), registers)
    assert forms == ("reg:a:7",)


class Down:
    """Port `Register`: never answers."""

    id = "down"

    async def persons(self, subject: Subject) -> Sequence[Form]:
        raise RegisterUnavailable(self.id)


async def test_a_register_that_is_down_stops_the_export(town: Town) -> None:
    """A form that can't be asked for would be left out unseen: no export, and no line that says there was one."""
    holdings = town.opened.holdings()
    registers: dict[str, Any] = {**holdings.registers, "down": Down()}
    before = [head.size for _, head, _ in await town.opened.shards.headed()]
    with pytest.raises(RegisterUnavailable):
        await person.export(by_name(anna()), replace(holdings, registers=registers), town.clock.now())
    assert [head.size for _, head, _ in await town.opened.shards.headed()] == before
