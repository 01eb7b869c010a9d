"""What a recorded decision or power permits, and from when to when; what it does not, with nothing leaving."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import planted
import pytest
import pytest_asyncio
import town as towns
from consents import (
    acts_for_others,
    answered,
    decision,
    gives,
    named,
    one_town,
    power,
    question,
    recorded,
    refused,
    settled,
    soon,
    withdraws,
)
from journal_lines import is_of, lines, since
from law_changes import edit, takes_over
from odd_register import guarded
from peopled import ORDINARY
from town import Town

from consent.ledger import Authentication
from consent.vocabulary import Found, NotFound, Record, RecordState
from gateway import assembly, jws, records
from gateway.cli.demo.people import anna
from gateway.ports import Register
from gateway.stages import Mandate

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for all of it: every case has an application of its own."""
    async with one_town(founded, tmp_path_factory.mktemp("consents-used") / "home") as opened:
        yield opened


# --- decisions that do not permit -----------------------------------------------------------------------------
Made = Callable[[Town, dict[str, Any]], Awaitable[dict[str, Any]]]


async def _as_recorded(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    await recorded(town, terms)
    return {}


def _past_the_law(**changed: Any) -> Made:
    """Out: such a record as only somebody past the law of recording could have made."""

    async def make(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
        return {"basis": {"kind": "choice", "record": await town.chooses(ORDINARY, terms["case"], **changed)}}

    return make


async def _ended(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    await answered(town, withdraws(town, await recorded(town, terms)))
    return {}


async def _used(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    await recorded(town, terms | {"max_uses": 1})
    await answered(town, question(town, terms))
    return {}


async def _other_receipt(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    record, other = await recorded(town, terms), await recorded(town, decision(town))
    (receipt,) = [event.receipt for event in await town.opened.store.events(other)]
    _rewrite(town, "update record_event set receipt = ? where record = ?", receipt, record)
    return {}


async def _own_signature(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    record = await recorded(town, terms)
    (event,) = await town.opened.store.events(record)
    forged = jws.sign_compact(event.body, records.RECORD_TYPE, town.consumer("wohngeldstelle").key)
    _rewrite(town, "update record_event set receipt = ? where record = ?", forged, record)
    return {}


async def _other_body(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    record = await recorded(town, terms | {"fields": ["town"]})
    (event,) = await town.opened.store.events(record)
    wider = event.body.replace(b'["town"]', b'["family_name","street","town"]')
    _rewrite(town, "update record_event set body = ? where record = ?", wider, record)
    return {}


async def _lost_step(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    record = await recorded(town, terms)
    opened, now = town.opened, town.clock.now()
    await records.move(
        record, RecordState.RENEWED, "buergerportal", opened.store, opened.journal, opened.keys.gateway, now
    )
    _rewrite(town, "delete from record_event where record = ? and revision = 1", record)
    return {}


async def _of_another(town: Town, terms: dict[str, Any]) -> dict[str, Any]:
    """Anna's own decision for her own application, named in a question about somebody else."""
    record = await recorded(town, terms | {"subject": named(anna())})
    return {"basis": {"kind": "choice", "record": record}, "subject": named(ORDINARY)}


def _rewrite(town: Town, statement: str, *values: str | bytes) -> None:
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database, database:
        database.execute(statement, values)


DENIED: Final[dict[str, tuple[Made, str, str]]] = {
    "another person": (
        _of_another,
        "basis-mismatch",
        "basis-match",
    ),
    "another purpose": (_past_the_law(purpose="day-care"), "basis-mismatch", "basis-match"),
    "another procedure": (_past_the_law(procedure="kita-anmeldung"), "basis-mismatch", "basis-match"),
    "another register": (
        _past_the_law(register="personenstandsregister"),
        "basis-mismatch",
        "basis-match",
    ),
    "another evidence": (_past_the_law(evidence="household"), "basis-mismatch", "basis-match"),
    "another recipient": (_past_the_law(recipient="kitaverwaltung"), "basis-mismatch", "basis-match"),
    "a recorder who may not": (
        _past_the_law(recorded_by="kitaverwaltung"),
        "recorder-not-accepted",
        "basis-record",
    ),
    "identified too weakly": (
        _past_the_law(authentication=Authentication(level="low", event="test")),
        "assurance-insufficient",
        "basis-record",
    ),
    "only asked for": (_past_the_law(state=RecordState.REQUESTED), "basis-not-given", "basis-state"),
    "refused": (_past_the_law(state=RecordState.REFUSED), "basis-not-given", "basis-state"),
    "withdrawn": (_ended, "basis-withdrawn", "basis-state"),
    "used up": (_used, "basis-used-up", "basis-uses"),
}
FORGED: Final[dict[str, Made]] = {
    "another one's receipt": _other_receipt,
    "a receipt of somebody else's key": _own_signature,
    "more fields than were signed": _other_body,
    "a step taken out": _lost_step,
}


@pytest.mark.parametrize("name", DENIED)
async def test_a_decision_that_does_not_permit_this_lets_nothing_out(
    town: Town, name: str, exceptions_watched: object
) -> None:
    """The reason, a line with the failed check, no register touched, no evidence anywhere."""
    make, code, check = DENIED[name]
    await denies(town, make, code, check)


@pytest.mark.parametrize("name", FORGED)
async def test_what_the_house_did_not_sign_is_no_decision(
    founded: Path, tmp_path: Path, name: str, exceptions_watched: object
) -> None:
    """Whoever writes to the database, and to nothing else, decides for nobody; and the check of the log says where."""
    copytree(founded, tmp_path / "home")
    town = await towns.opened(tmp_path / "home")
    await denies(town, FORGED[name], "record-not-authentic", "basis-record")
    await town.opened.close()
    wrong = [found for report in assembly.verify_log(town.root) for found in report.wrong]
    assert {found.table for found in wrong} <= {"record", "record_event", "record_subject"}
    assert wrong


async def denies(town: Town, make: Made, code: str, check: str) -> None:
    terms = decision(town)
    asked = question(town, terms, **(await make(town, terms)))
    house, doors = guarded(town.opened.house, town.opened.store)
    message, said, told = await settled(town, asked, house)
    assert message.type == "evidence.refusal"
    refused(said, told, code)
    assert told[-1].event["facts"][check] == "failed"
    assert not any(door.touched for door in doors.values())
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)


async def test_a_decision_counts_from_its_beginning_to_its_end(town: Town) -> None:
    """One second before either side it does not; recorded ahead of its time it may be."""
    start = town.clock.now()
    terms = decision(town, not_before=soon(town, hours=1), not_after=soon(town, hours=2))
    await recorded(town, terms)
    try:
        for moment, code in (
            (3599, "basis-outside-period"),
            (3600, None),
            (7199, None),
            (7200, "basis-outside-period"),
        ):
            town.clock.moment = start + timedelta(seconds=moment)
            message, said, told = await settled(town, question(town, terms))
            assert (message.type == "evidence.answer") is (code is None)
            if code:
                refused(said, told, code)
    finally:
        town.clock.moment = start


async def test_a_renewal_is_a_new_record_that_names_the_old_one(town: Town) -> None:
    """The new one permits, also after the old one was withdrawn; a renewal of somebody else's is refused."""
    terms = decision(town)
    old = await recorded(town, terms)
    await answered(town, withdraws(town, old))
    new = await recorded(town, terms | {"previous": old})
    found = await town.opened.store.record(new)
    assert isinstance(found, Record)
    assert found.previous == old
    asked = question(town, terms, basis={"kind": "choice", "record": new})
    assert (await answered(town, asked)).type == "evidence.answer"
    _, said, told = await settled(town, gives(town, decision(town, anna(), previous=old)))
    refused(said, told, "basis-mismatch")


# --- powers ---------------------------------------------------------------------------------------------------
async def test_a_guardian_decides_and_asks_until_the_power_ends(
    town: Town, exceptions_watched: object
) -> None:
    """Under a power that stands a decision is recorded and evidence leaves; when it ends by message, neither does."""
    message, said, told = await settled(town, gives(town, power(town)))
    assert (message.type, [line.kind for line in told]) == ("consent.receipt", ["consent.given"])
    held = said["record"]
    assert await is_of(told[0], f"idnr:{ORDINARY.idnr}", town)
    under = {"representative": {"record": held, "proof": "guardianship"}}
    terms = decision(town, **under)
    await recorded(town, terms)
    assert (await answered(town, question(town, terms, representative=held))).type == "evidence.answer"
    _, said, told = await settled(town, withdraws(town, held))
    assert (said["state"], [line.kind for line in told]) == ("withdrawn", ["consent.withdrawn"])
    for asked in (question(town, terms), gives(town, decision(town, **under))):
        _, said, told = await settled(town, asked)
        refused(said, told, "not-represented")
        assert told[-1].event["facts"]["representation"] == "failed"


async def test_a_power_that_ends_while_the_register_answers_keeps_the_evidence_inside(
    town: Town, exceptions_watched: object
) -> None:
    """Between decision and settlement: asked, and refused; named by the request alone, or by the record alone."""
    for by_request in (True, False):
        held = await recorded(town, power(town))
        under = {} if by_request else {"representative": {"record": held, "proof": "guardianship"}}
        terms = decision(town, **under)
        await recorded(town, terms)

        async def meanwhile(mandate: Mandate, real: Register, held: str = held) -> Found | NotFound:
            answer = await real.fetch(mandate)
            await answered(town, withdraws(town, held))
            return answer

        house, doors = guarded(town.opened.house, town.opened.store, meanwhile)
        before = await lines(town.opened.store)
        asked = question(town, terms, **({"representative": held} if by_request else {}))
        message = await answered(town, asked, house)
        told = [
            line
            for line in await since(before, town.opened.store)
            if line.kind in {"asked", "refused", "answered"}
        ]
        refused(json.loads(message.body), told, "not-represented")
        assert [line.kind for line in told] == ["asked", "refused"]
        assert len(doors["melderegister"].touched) == 1


WEAK_POWERS: Final[dict[str, Callable[[Town], dict[str, Any]]]] = {
    "for another person": lambda town: power(town, anna(), representative=named(ORDINARY)),
    "not begun": lambda town: power(town, not_before=soon(town, days=1)),
}


@pytest.mark.parametrize("name", WEAK_POWERS)
async def test_a_power_that_does_not_reach_this_far_represents_nobody(town: Town, name: str) -> None:
    """Recorded rightly, and of no use here."""
    held = await recorded(town, WEAK_POWERS[name](town))
    terms = decision(town)
    await recorded(town, terms)
    _, said, told = await settled(town, question(town, terms, representative=held))
    refused(said, told, "not-represented")


@pytest.mark.parametrize(
    ("law", "instead"),
    [
        ('"guardianship", "power-of-attorney"', '"power-of-attorney"'),
        ('recorded_by = ["buergerportal"]', 'recorded_by = ["parkraumbewirtschaftung"]'),
    ],
    ids=["its proof is no longer taken", "its recorder is no longer trusted"],
)
async def test_a_power_counts_as_long_as_the_law_takes_it(
    founded: Path, tmp_path: Path, law: str, instead: str
) -> None:
    """What was recorded under an older law is held against the one in force."""
    root = tmp_path / "home"
    copytree(founded, root)
    town = await towns.opened(root)
    await acts_for_others(town)
    held = await recorded(town, power(town))
    terms = decision(town)
    await recorded(town, terms)
    edit(town, "grants/wohngeld.toml", law, instead)
    await takes_over(town)
    _, said, told = await settled(town, question(town, terms, representative=held))
    await town.opened.close()
    assert said["code"] in {"not-represented", "recorder-not-accepted"}
    refused(said, told, said["code"])
