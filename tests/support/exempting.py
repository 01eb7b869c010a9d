"""A town in which resident parking is kept from the people it asks about, for some days (DOMAIN.md 5, `exempt`)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import law_changes
from letters import asking
from town import Town

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit import proof
from gateway.cli.demo.people import Person
from gateway.journal.releasing import release_due
from gateway.ports import Outbound
from gateway.views.export import disassemble

DAYS: Final = 5
DUE: Final = datetime(2026, 11, 26, tzinfo=UTC)
"""Five days after the town's 21 November; the month does not end in between."""
LAW: Final = "BDSG § 33 Abs. 1 Nr. 1"
GRANTS: Final = "grants/parken.toml"
_BASIS: Final = 'basis = ["statutory"]\n'


async def parking_is_exempt(town: Town, days: int = 30, *, by_number: bool = False) -> None:
    """Change the grant, and take the new law over. `by_number`: the register may be asked with the IDNr as well."""
    more = "idnr = true\n" if by_number else ""
    law_changes.edit(town, GRANTS, _BASIS, f'{_BASIS}exempt = "{LAW}"\nexempt_days = {days}\n{more}')
    await _in_force(town)


async def parking_is_open(town: Town, days: int = 30) -> None:
    """Undo it for what comes."""
    law_changes.edit(town, GRANTS, f'exempt = "{LAW}"\nexempt_days = {days}\n', "")
    await _in_force(town)


async def parking_is_granted_no_more(town: Town) -> None:
    """The grant ended yesterday."""
    law_changes.edit(town, GRANTS, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await _in_force(town)


async def _in_force(town: Town) -> None:
    await law_changes.takes_over(town)
    await town.opened.house.policies.refresh()


def by_number(one: Person, town: Town, **changed: Any) -> Outbound:
    subject = {"idnr": one.idnr, "birth_date": one.birth_date.isoformat()}
    return by_name(one, town, **({"subject": subject} | changed))


def by_name(one: Person, town: Town, **changed: Any) -> Outbound:
    letter = changed.pop("letter", {})
    record = town.parking(one, **changed)
    return asking(town, record, "json/1.0", consumer="parkraumbewirtschaftung", **letter)


def form_of(one: Person) -> str:
    return f"idnr:{one.idnr}"


async def exported(town: Town, one: Person) -> list[dict[str, Any]]:
    """Out: every event in the person's export."""
    whom = Subject(idnr=one.idnr, birth_date=one.birth_date)
    made = await person.export(whom, town.opened.holdings(), town.clock.now())
    assert made is not None
    document = proof.Proof.parse(disassemble(made.archive).proof.document)
    entries = [entry for shard in document.shards for subject in shard.subjects for entry in subject.entries]
    return [json.loads(entry.event) for entry in entries if entry.event is not None]


async def released(town: Town) -> int:
    return await release_due(town.opened.journal, town.opened.store, town.clock.now())


def holds(town: Town) -> bool:
    """Out: whether the log and every table beside it hold."""
    return all(report.holds for report in assembly.verify_log(town.root))
