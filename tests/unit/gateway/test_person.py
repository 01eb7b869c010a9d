"""A person's export: every form of them, nothing of anyone else, true by its own proof, and never silently short."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import town as towns
from town import Town

from consent.vocabulary import Found, NotFound, Subject
from consent.vocabulary import Person as Form
from gateway import person
from gateway.audit.note import parse_vkey
from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Outcome
from gateway.cli.demo.people import NAMESAKES, Person, anna, people
from gateway.errors import RegisterUnavailable
from gateway.exchange import handle
from gateway.stages import Mandate
from gateway.views.agreement import compare
from gateway.views.auskunft import Auskunft
from gateway.views.export import disassemble

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
    archive = await person.export(whom, town.opened.holdings(), town.clock.now())
    assert archive is not None
    export = disassemble(archive)
    fingerprint = parse_vkey(town.opened.keys.identity_vkey).fingerprint
    assert verify_export(export.proof.document, fingerprint).outcome is Outcome.TRUE_NOT_COMPLETE
    agreement = compare(export, *person.told_lines(export.proof.document))
    assert agreement.wrong == ()
    assert agreement.proved is not None
    assert len(export.proof.inclusion) == sum(len(entry.places) for entry in agreement.proved.entries)
    return agreement.proved


async def asked(town: Town, one: Person) -> None:
    """Resident parking asks about the person, by name, and is answered."""
    await handle(town.delivery(town.signed(town.parking(one), "parkraumbewirtschaftung")), town.opened.house)


async def test_a_person_without_number_finds_their_lines(town: Town) -> None:
    """What stands under the register's own key belongs to the person as well."""
    await asked(town, NUMBERLESS)
    town.clock.passes(minutes=1)
    told = await exported(town, by_name(NUMBERLESS))
    assert [entry.outcome for entry in told.entries] == ["export.made", "answered"]
    assert {form.code for form in told.forms} == {"melderegister", "personenstandsregister"}


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


async def test_namesakes_get_neither_ones_export(town: Town) -> None:
    """Two people with one name and birth date are told apart by number only."""
    one = people()[NAMESAKES[0] - 1]
    assert await person.export(by_name(one), town.opened.holdings(), town.clock.now()) is None
    whom = Subject(idnr=one.idnr, birth_date=one.birth_date)
    assert [entry.outcome for entry in (await exported(town, whom)).entries] == ["export.made"]


class Down:
    """Port `Register`: never answers."""

    id = "down"

    async def fetch(self, mandate: Mandate) -> Found | NotFound:
        raise RegisterUnavailable(self.id)

    async def persons(self, subject: Subject) -> Sequence[Form]:
        raise RegisterUnavailable(self.id)

    async def healthy(self) -> bool:
        return False


async def test_a_register_that_is_down_stops_the_export(town: Town) -> None:
    """A form that can't be asked for would be left out unseen: no export, and no line that says there was one."""
    holdings = town.opened.holdings()
    before = [head.size for _, head, _ in await town.opened.shards.headed()]
    with pytest.raises(RegisterUnavailable):
        await person.export(
            by_name(anna()),
            replace(holdings, registers={**holdings.registers, "down": Down()}),
            town.clock.now(),
        )
    assert [head.size for _, head, _ in await town.opened.shards.headed()] == before
