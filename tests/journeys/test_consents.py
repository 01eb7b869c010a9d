"""Decisions by message: recorded once, ended, listed to who may see them; each order ends in one line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree

import planted
import pytest
import pytest_asyncio
import racing
import town as towns
from consents import (
    answered,
    decision,
    gives,
    lists,
    named,
    one_town,
    order,
    question,
    recorded,
    refused,
    settled,
    stamp,
    withdraws,
)
from journal_lines import Told, is_of, lines, owner, since
from law_changes import edit, takes_over
from peopled import NOBODY, ORDINARY, TWINS
from town import IDS, Town

from consent.held import read
from gateway import assembly, jws, records
from gateway.audit.record import ends
from gateway.cli.demo.people import anna
from xoev_schemas.records import ConsentReceipt, ConsentRecords

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for all of it: every case has an application of its own."""
    async with one_town(founded, tmp_path_factory.mktemp("consents") / "home") as opened:
        yield opened


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
