"""Decisions and powers by message: recorded, ended, listed, used; and every wrong one refused, with nothing leaving."""

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
import racing
import town as towns
from consents import (
    acts_for_others,
    answered,
    decision,
    gives,
    lists,
    named,
    order,
    power,
    recorded,
    refused,
    settled,
    stamp,
    withdraws,
)
from journal_lines import Told, is_of, lines, owner, since
from law_changes import edit, takes_over
from letters import asking, letter
from odd_register import guarded
from peopled import NOBODY, ORDINARY, TWINS
from town import IDS, Town

from consent.held import read
from consent.ledger import Authentication
from consent.vocabulary import Found, NotFound, Record, RecordState
from gateway import assembly, jws, records
from gateway.audit.record import ends
from gateway.cli.demo.people import anna
from gateway.ports import Outbound, Register
from gateway.stages import Mandate
from xoev_schemas.records import ConsentReceipt, ConsentRecords

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for all of it, whose housing benefit lets guardians act: every case has an application of its own."""
    root = tmp_path_factory.mktemp("consents") / "home"
    copytree(founded, root)
    opened = await towns.opened(root)
    await acts_for_others(opened)
    yield opened
    await opened.opened.close()
    assert all(report.holds for report in assembly.verify_log(root)), "the books hold after all of it"


def question(town: Town, terms: dict[str, Any], **changed: Any) -> Outbound:
    """Out: what housing benefit asks on such a decision."""
    asked = {"case": terms["case"], "subject": terms["subject"]}
    return asking(town, town.asks(ORDINARY, **(asked | changed)), "json/1.0")


# --- given ----------------------------------------------------------------------------------------------------
async def test_a_receipt_is_the_records_own_and_proves_it_offline(
    town: Town, exceptions_watched: object
) -> None:
    """Who has the gateway's public key can check what was recorded, without asking anyone."""
    terms = decision(town)
    message, said, told = await settled(town, gives(town, terms))
    receipt = ConsentReceipt.model_validate(said)
    assert (message.type, receipt.state, receipt.revision) == ("consent.receipt", "given", 1)
    event = jws.verify_compact(receipt.receipt, records.RECORD_TYPE, town.gateway.find)
    (kept,) = await town.opened.store.events(receipt.record)
    assert (kept.body, kept.receipt) == (event, receipt.receipt)
    step = json.loads(event)
    own = {"v": 1, "record": receipt.record, "revision": 1, "state": "given", "recorded_by": "buergerportal"}
    assert step == terms | own | {"time": stamp(town.clock.now()), "fields": sorted(terms["fields"])}
    (line,) = told
    assert (line.kind, line.event["consumer"], line.event["case"]) == (
        "consent.given",
        "buergerportal",
        terms["case"],
    )
    assert line.event["digests"]["policy"] == town.opened.house.policies.current().hash
    assert await is_of(line, f"idnr:{ORDINARY.idnr}", town)
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)
    assert (await answered(town, question(town, terms))).type == "evidence.answer"


async def test_the_same_message_twice_is_one_record_and_the_same_bytes(town: Town) -> None:
    """Nothing is recorded again, whatever is delivered again; so with what ends and what lists."""
    terms = decision(town)
    given = gives(town, terms)
    first = await answered(town, given)
    record = json.loads(first.body)["record"]
    for request, reply in ((given, first), *[(ask, None) for ask in (withdraws(town, record), lists(town))]):
        reply = reply or await answered(town, request)
        before = await lines(town.opened.store)
        assert await answered(town, request) == reply
        assert await since(before, town.opened.store) == []
    assert len(await town.opened.store.events(record)) == 2


async def test_one_message_in_two_processes_is_one_record(founded: Path, tmp_path: Path) -> None:
    """Twelve decisions, each delivered to two processes at once: twelve records, the same bytes from both."""
    root = tmp_path / "home"
    copytree(founded, root)
    town = await towns.opened(root)
    deliveries = [town.delivery(gives(town, decision(town))) for _ in range(12)]
    before = await lines(town.opened.store)
    told = racing.in_two_processes(root, deliveries)
    assert told[0] == told[1]
    assert len(told[0]) == len(deliveries)
    new = await since(before, town.opened.store)
    assert [line.kind for line in new] == ["consent.given"] * len(deliveries)
    assert len({line.exchange for line in new}) == len(deliveries)
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(root))


async def test_a_decision_hands_on_nobody_elses_evidence(town: Town) -> None:
    """Who decided by name did not decide for the number put beside it, born on the same day as they may be."""
    other = {"family_name": "Anders", "given_name": "Alex", "birth_date": ORDINARY.birth_date.isoformat()}
    terms = decision(town, subject=other)
    await recorded(town, terms)
    request = question(town, terms, subject={**other, "idnr": ORDINARY.idnr})
    message, said, _ = await settled(town, request)
    assert (message.type, said["code"]) == ("evidence.refusal", "no-data")
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)


# --- ended ----------------------------------------------------------------------------------------------------
async def test_a_withdrawal_by_message_acts_at_its_commit(town: Town, exceptions_watched: object) -> None:
    """The next question is refused, an answer given before is not repeated; a receipt shows the end."""
    terms = decision(town)
    record = await recorded(town, terms)
    before = question(town, terms)
    assert (await answered(town, before)).type == "evidence.answer"
    message, said, told = await settled(town, withdraws(town, record))
    assert (message.type, said["state"], said["revision"]) == ("consent.receipt", "withdrawn", 2)
    events = await town.opened.store.events(record)
    assert said["receipt"] == events[-1].receipt
    assert json.loads(events[-1].body)["recorded_by"] == "buergerportal"
    assert [line.kind for line in told] == ["consent.withdrawn"]
    assert json.loads((await answered(town, before)).body)["code"] == "withdrawn-since"
    _, said, told = await settled(town, question(town, terms))
    refused(said, told, "basis-withdrawn")


async def test_what_has_ended_can_not_end_again(town: Town) -> None:
    """Another message about the same record is told so, and nothing is appended."""
    record = await recorded(town, decision(town))
    await answered(town, withdraws(town, record))
    _, said, told = await settled(town, withdraws(town, record))
    refused(said, told, "basis-withdrawn")
    assert len(await town.opened.store.events(record)) == 2


async def test_nobody_learns_of_a_record_that_is_not_theirs(town: Town) -> None:
    """No record, another person's, another recorder's: the same words in the same size, for what stands and ended."""
    record, ended_one = await recorded(town, decision(town)), await recorded(town, decision(town))
    await answered(town, withdraws(town, ended_one))
    tries = [
        withdraws(town, IDS.new()),
        withdraws(town, record, anna()),
        withdraws(town, ended_one, anna()),
        withdraws(town, record, TWINS[0]),
        withdraws(town, record, consumer="kitaverwaltung"),
        withdraws(town, ended_one, consumer="kitaverwaltung"),
    ]
    seen = set()
    for request in tries:
        message, said, told = await settled(town, request)
        refused(said, told, "no-basis")
        own = {"message_id", "in_reply_to", "exchange_id", "created"}
        words = json.dumps({key: value for key, value in said.items() if key not in own})
        seen.add((message.type, len(message.body), words))
    assert len(seen) == 1
    assert len(await town.opened.store.events(record)) == 1


# --- listed ---------------------------------------------------------------------------------------------------
async def test_a_list_holds_what_its_sender_may_see_and_is_told_to_the_person(
    town: Town, exceptions_watched: object
) -> None:
    """How each record stands, without whom it is about; the person's own line says who looked."""
    person = NOBODY
    ids = [await recorded(town, decision(town, person)) for _ in "ab"]
    await answered(town, withdraws(town, ids[1], person))
    message, said, told = await settled(town, lists(town, person))
    listed = ConsentRecords.model_validate(said)
    assert message.type == "consent.receipt"
    assert {one.record: one.state for one in listed.records} == {ids[0]: "given", ids[1]: "withdrawn"}
    assert [line.kind for line in told] == ["read.by"]
    assert told[0].event["consumer"] == "buergerportal"
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)
    nothing = await settled(town, lists(town, TWINS[0]))
    assert nothing[1]["records"] == []
    _, said, told = await settled(town, lists(town, person, consumer="wohngeldstelle"))
    refused(said, told, "no-grant")


async def test_a_list_by_number_is_the_persons_own_line(town: Town) -> None:
    """Also when it is the record that knows the number."""
    await recorded(town, decision(town))
    _, _, (line,) = await settled(town, lists(town))
    assert await is_of(line, f"idnr:{ORDINARY.idnr}", town)
    whole = {**named(ORDINARY), "family_name": "Beispielfrau", "given_name": "Nur Einmal"}
    await recorded(town, decision(town, subject=whole))
    by_name = {key: value for key, value in whole.items() if key != "idnr"}
    _, said, (line,) = await settled(town, order(town, "list", {"subject": by_name}))
    assert len(said["records"]) == 1
    assert await is_of(line, f"idnr:{ORDINARY.idnr}", town)


async def test_namesakes_are_not_told_of_each_other(town: Town) -> None:
    """A name that fits two people, by the numbers of their records, lists nobody's."""
    both = {"family_name": "Doppelbeispiel", "given_name": "Gleichnam"}
    for person in (ORDINARY, anna()):
        subject = {**named(person), **both, "birth_date": "1980-01-01"}
        await recorded(town, decision(town, subject=subject))
    _, said, told = await settled(town, order(town, "list", {"subject": both | {"birth_date": "1980-01-01"}}))
    refused(said, told, "subject-insufficient")


async def test_a_list_is_told_under_the_law_in_force(founded: Path, tmp_path: Path) -> None:
    """A recorder who is none any more, as another process knows and this one does not yet, is told nothing."""
    copytree(founded, tmp_path / "home")
    town = await towns.opened(tmp_path / "home")
    await town.chooses(ORDINARY, recorded_by="parkraumbewirtschaftung")
    _, said, _ = await settled(town, lists(town))
    assert len(said["records"]) == 1
    edit(town, "grants/wohngeld.toml", '"buergerportal"', '"parkraumbewirtschaftung"')
    await takes_over(town)
    _, said, told = await settled(town, lists(town))
    law = await town.opened.store.policy()
    await town.opened.close()
    assert said["records"] == []
    assert law is not None
    assert told[-1].event["digests"]["policy"] == law[0]


# --- refused at the door --------------------------------------------------------------------------------------
async def test_records_are_spoken_of_in_json_only(town: Town) -> None:
    """An XEinmal message on that way is refused in XEinmal."""
    body, content_type = town.body(town.asks(ORDINARY))
    for what in ("give", "withdraw", "list", "forget"):
        request = letter(
            town,
            body,
            consumer="buergerportal",
            content_type=content_type,
            message_id=IDS.new(),
            routing_key=f"buergerportal.consent.{what}",
        )
        message, _, told = await settled(town, request)
        assert (message.type, message.content_type) == ("consent.refusal", "application/xml")
        assert told[-1].event["reasons"] == ["not-supported"]
        assert b"not-supported" in message.body


async def test_a_test_message_changes_and_tells_nothing(town: Town) -> None:
    """The ledger has no twin for tests: given, ended, listed, each is refused."""
    record = await recorded(town, decision(town))
    requests = (gives(town, decision(town), test=True), withdraws(town, record, test=True))
    for request in (*requests, lists(town, test=True)):
        _, said, told = await settled(town, request)
        refused(said, told, "test-message")
        assert said["test"] is True
    assert len(await town.opened.store.events(record)) == 1


def _soon(town: Town, **time: float) -> str:
    return stamp(town.clock.now() + timedelta(**time))


NOT_RECORDED: Final[dict[str, tuple[Callable[[Town], dict[str, Any]], str]]] = {
    "an unknown key": (lambda town: decision(town, remark="x"), "schema-invalid"),
    "a key of the house": (lambda town: decision(town, state="given"), "schema-invalid"),
    "no case": (lambda town: decision(town, case=None), "schema-invalid"),
    "a case without end": (lambda town: decision(town, case="x" * 501), "schema-invalid"),
    "a case of two lines": (lambda town: decision(town, case="a\nb"), "schema-invalid"),
    "ends before it begins": (
        lambda town: decision(town, not_after="2020-01-01T00:00:00Z"),
        "schema-invalid",
    ),
    "paper without its scan": (lambda town: decision(town, channel="paper"), "schema-invalid"),
    "nobody in particular": (lambda t: decision(t, subject={"birth_date": "1980-01-01"}), "schema-invalid"),
    "another recipient": (lambda town: decision(town, recipient="stadtkasse"), "no-grant"),
    "another register": (lambda t: decision(t, register="personenstandsregister"), "no-grant"),
    "another purpose": (lambda town: decision(town, purpose="day-care"), "no-grant"),
    "another kind of basis": (lambda town: decision(town, kind="consent"), "basis-kind-not-allowed"),
    "more fields than granted": (lambda t: decision(t, fields=["town", "religion"]), "fields-not-permitted"),
    "another norm": (lambda town: decision(town, norm="EGovG § 6"), "basis-mismatch"),
    "a choice for half a year": (lambda t: decision(t, not_after=_soon(t, days=180)), "basis-outside-period"),
    "longer than the grant": (
        lambda t: decision(t, not_after="2031-01-01T00:00:00Z"),
        "basis-outside-period",
    ),
    "over already": (lambda t: decision(t, not_after=_soon(t, seconds=-1)), "basis-outside-period"),
    "identified too weakly": (
        lambda t: decision(t, authentication={"level": "low", "event": "test"}),
        "assurance-insufficient",
    ),
    "a power nobody knows": (
        lambda t: decision(t, representative={"record": IDS.new(), "proof": "guardianship"}),
        "not-represented",
    ),
    "renews nothing": (lambda town: decision(town, previous=IDS.new()), "basis-mismatch"),
    "a number that is issued": (
        lambda t: decision(t, subject={"idnr": "86095742719", "birth_date": "1980-01-01"}),
        "identity-not-permitted",
    ),
    "a power of a proof not taken": (lambda town: power(town, proof="court-order"), "no-grant"),
    "a power for another procedure": (lambda t: power(t, procedures=["bewohnerparkausweis"]), "no-grant"),
    "a power over oneself": (lambda town: power(town, representative=named(ORDINARY)), "schema-invalid"),
    "a power without end": (
        lambda t: power(t, not_after="2090-01-01T00:00:00Z"),
        "basis-outside-period",
    ),
}


@pytest.mark.parametrize("name", NOT_RECORDED)
async def test_what_could_permit_nothing_is_not_recorded(
    town: Town, name: str, exceptions_watched: object
) -> None:
    """Each is refused with its reason; no record begins."""
    make, code = NOT_RECORDED[name]
    count = _records(town)
    message, said, told = await settled(town, gives(town, make(town)))
    assert message.type == "consent.refusal"
    refused(said, told, code)
    assert _records(town) == count


async def test_who_records_for_no_grant_records_nothing(town: Town) -> None:
    """The recipient itself, too: nobody says for the citizen that they agreed, but who is trusted to."""
    for consumer in ("wohngeldstelle", "kitaverwaltung"):
        for terms in (decision(town), power(town)):
            _, said, told = await settled(town, gives(town, terms, consumer))
            refused(said, told, "recorder-not-accepted")


def _records(town: Town) -> int:
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database:
        return int(database.execute("select count(*) from record").fetchone()[0])


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
    terms = decision(town, not_before=_soon(town, hours=1), not_after=_soon(town, hours=2))
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
    "not begun": lambda town: power(town, not_before=_soon(town, days=1)),
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


# --- the books ------------------------------------------------------------------------------------------------
async def test_every_order_ends_its_exchange_in_one_line(town: Town) -> None:
    """Given, ended and listed by message: terminal, once each; accepted is terminal and nothing in flight."""
    before = await lines(town.opened.store)
    record = await recorded(town, decision(town))
    await answered(town, withdraws(town, record))
    await answered(town, lists(town))
    told: list[Told] = await since(before, town.opened.store)
    assert [line.kind for line in told] == ["consent.given", "consent.withdrawn", "read.by"]
    assert all(ends(line.kind, by_message=bool(line.exchange)) for line in told)
    assert {await owner(line, town) for line in told} == {"person"}
    accepted, terminal, in_flight = await town.opened.store.counts()
    assert (accepted, in_flight) == (terminal, 0)
    assert read((await town.opened.store.events(record))[0].body).recorded_by == "buergerportal"
