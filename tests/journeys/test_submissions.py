"""Data put on file: written once, told as it happened, refused before the register is touched."""

from __future__ import annotations

import io
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any, Final
from zipfile import ZipFile

import planted
import pytest
from journal_lines import ended, is_of, lines, owner, since
from law_changes import edit, takes_over
from letters import asking, letter
from odd_register import guarded
from peopled import BLOCKED, MUDDLED, NOBODY, ORDINARY, TWINS
from submitting import (
    FIELDS,
    LANGUAGES,
    PORTAL,
    READ_GRANT,
    WRITE_GRANT,
    content,
    decides,
    entries,
    moved_in,
    on_file,
    resident,
    said,
    stamp,
    submits,
    told_alike,
)
from town import NOW, Town

from consent.ledger import Named
from consent.vocabulary import Subject
from gateway import assembly
from gateway import person as citizen
from gateway.audit.record import TERMINAL
from gateway.cli.demo.people import Person
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply, Silent
from gateway.views.render import from_json

DAY: Final = "2026-11-20"


async def settle(town: Town, request: Outbound) -> Outgoing:
    """Out: the reply to a message that is dealt with at once."""
    result = await handle(town.delivery(request), town.opened.house)
    assert isinstance(result, Reply)
    return result.message


def by_name(person: Person) -> dict[str, Any]:
    """In: a person. Out: how a submission and the decision for it name them without a number."""
    return {
        "family_name": person.family_name,
        "given_name": person.given_names,
        "birth_date": person.birth_date.isoformat(),
    }


def named(words: dict[str, Any]) -> Named:
    """Out: the same, as a decision has it."""
    return Named.model_validate_json(json.dumps(words))


# --- written -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_move_is_written_with_its_source_journalled_and_receipted(
    town: Town, language: str, exceptions_watched: object
) -> None:
    """New values with where they come from and when; a line before and a line after, the latter the person's, with
    the fields' names and no value; a receipt that says what was done."""
    before, old = await lines(town.opened.store), on_file(town, ORDINARY)
    request = await submits(town, ORDINARY, language, values=moved_in(DAY), replaces=old)
    reply = await settle(town, request)
    told = said(reply)
    assert reply.type == "submit.receipt"
    assert (told["outcome"], told["recorded"], told.get("since")) == ("recorded", stamp(NOW), None)
    assert (told["register"], told["evidence"], told["in_reply_to"]) == (
        "melderegister",
        "residence",
        request.message_id,
    )

    row = resident(town.root, ORDINARY)
    assert on_file(town, ORDINARY) == moved_in(DAY)
    assert (row["quelle"], row["stand"][:19]) == (PORTAL, stamp(NOW)[:19])
    assert row["familienname"] == ORDINARY.family_name

    first, last = [line for line in await since(before, town.opened.store) if line.exchange]
    assert (first.kind, last.kind) == ("asked", "submitted")
    assert first.exchange == last.exchange == told["exchange_id"]
    for line in (first, last):
        assert await is_of(line, f"idnr:{planted.IDNR}", town)
        assert line.event["requested"] == sorted(FIELDS)
        assert "released" not in line.event, "nothing has left a register"
        raw = json.dumps(line.event, ensure_ascii=False)
        assert not any(value in raw for value in (*planted.MARKERS, *moved_in(DAY).values()) if value != "7b")
    assert last.event["concerned"] == "subject"
    assert last.event["grant"] == "ummeldung-submit"
    assert last.event["facts"]["answer"] == "passed"
    assert "reasons" not in last.event


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_person_sees_it_in_their_export(town: Town, language: str) -> None:
    """As an entry of its own: entered, by whom, which data by name."""
    request = await submits(town, ORDINARY, language, replaces={"house_number": ORDINARY.house_number})
    exchange = said(await settle(town, request))["exchange_id"]
    whom = Subject(idnr=ORDINARY.idnr, birth_date=ORDINARY.birth_date)
    archive = await citizen.export(whom, town.opened.holdings(), town.clock.now())
    assert archive is not None
    with ZipFile(io.BytesIO(archive)) as packed:
        report = from_json(packed.read("auskunft.json"))
    [entry] = [entry for entry in report.entries if entry.exchange == exchange]
    assert (entry.outcome, entry.tone, entry.filing) == ("submitted", "filed", True)
    assert entry.consumer is not None
    assert entry.consumer.code == PORTAL
    assert {data.code for data in entry.handed_over} == {"street", "house_number"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_same_facts_again_are_on_file_since_then(town: Town, language: str) -> None:
    """Another message, another exchange: nothing is written, and who may ask for the fields is told since when."""
    request = await submits(town, ORDINARY, language, values=moved_in(DAY), replaces=on_file(town, ORDINARY))
    await settle(town, request)
    before, written = await lines(town.opened.store), content(town.root)
    town.clock.passes(hours=30)
    again = await submits(town, ORDINARY, language, values=moved_in(DAY), replaces={})
    told = said(await settle(town, again))
    assert (told["outcome"], told["since"]) == ("already-on-file", stamp(NOW))
    assert told["recorded"] == stamp(NOW + timedelta(hours=30))
    assert content(town.root) == written
    last = (await since(before, town.opened.store))[-1]
    assert (last.kind, last.event["reasons"]) == ("submitted", ["already-on-file"])
    assert await is_of(last, f"idnr:{planted.IDNR}", town)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_may_not_ask_is_not_told_that_it_was_there(town: Town, language: str) -> None:
    """The receipt is the one of a new fact: the same bytes but ids and times."""
    await forbid_reading(town)
    old = on_file(town, ORDINARY)
    new = await submits(
        town, ORDINARY, language, case="UM-1", values=moved_in(DAY), replaces=old, chosen=False
    )
    again = await submits(town, ORDINARY, language, case="UM-2", values=moved_in(DAY), chosen=False)
    for case in ("UM-1", "UM-2"):
        await decides(town, ORDINARY, case)
    bodies = []
    for request, case in ((new, "UM-1"), (again, "UM-2")):
        reply = await settle(town, request)
        assert said(reply)["outcome"] == "recorded"
        bodies.append(
            (told_alike(reply, case), len(reply.body), {k: len(v) for k, v in reply.headers.items()})
        )
        town.clock.passes(minutes=5)
    assert bodies[0] == bodies[1]


async def test_a_read_grant_without_its_basis_tells_nothing(town: Town) -> None:
    """To be able to ask, one needs both: here the decision covers the submission alone."""
    edit(town, READ_GRANT, 'recorded_by = ["buergerportal"]', 'recorded_by = ["wohngeldstelle"]')
    await takes_over(town)
    same = {"street": ORDINARY.street}
    told = said(await settle(town, await submits(town, ORDINARY, values=same, replaces={})))
    assert (told["outcome"], "since" in told) == ("recorded", False)


# --- conflicts ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "replaces", [{}, {"house_number": "1000"}], ids=["nothing named", "another value named"]
)
@pytest.mark.parametrize("reads", [True, False], ids=["may ask", "may not"])
async def test_a_conflict_changes_nothing(
    town: Town, language: str, replaces: dict[str, str], reads: bool, exceptions_watched: object
) -> None:
    """It is said that there is one; in which fields, only to who could ask for them."""
    if not reads:
        await forbid_reading(town)
    before, written = await lines(town.opened.store), content(town.root)
    request = await submits(town, ORDINARY, language, replaces=replaces)
    reply = await settle(town, request)
    told = said(reply)
    assert (reply.type, told["code"]) == ("submit.refusal", "conflict")
    assert told.get("fields") == (["house_number"] if reads else None)
    assert ORDINARY.house_number not in told.values()
    assert content(town.root) == written
    last = (await since(before, town.opened.store))[-1]
    assert (last.kind, last.event["reasons"]) == ("refused", ["conflict"])
    assert await is_of(last, f"idnr:{planted.IDNR}", town)
    named = await submits(town, ORDINARY, language, replaces={"house_number": ORDINARY.house_number})
    assert said(await settle(town, named))["outcome"] == "recorded"
    assert resident(town.root, ORDINARY)["hausnummer"] == "99z"


# --- people of whom nothing is told ------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LANGUAGES)
async def test_blocked_unknown_and_ambiguous_are_one_refusal(
    town: Town, language: str, exceptions_watched: object
) -> None:
    """Same words, same size, the same time to leave; nothing is written."""
    written, heard, owners = content(town.root), [], []
    for number, person in enumerate((BLOCKED, NOBODY, TWINS[0])):
        words = by_name(person)
        case = f"UM-{number}"
        await decides(town, person, case, subject=named(words))
        request = await submits(town, person, language, chosen=False, case=case, subject=words)
        before = await lines(town.opened.store)
        reply = await settle(town, request)
        told = await since(before, town.opened.store)
        assert ended(told, said(reply)["exchange_id"]) == "no-data"
        owners.append(await owner(told[-1], town))
        sizes = tuple(len(header) for header in reply.headers.values())
        heard.append((reply.type, told_alike(reply, case), len(reply.body), sizes, reply.not_before))
    assert heard[0] == heard[1] == heard[2]
    assert heard[0][0] == "submit.refusal"
    assert owners == ["person", "sealed", "sealed"]
    assert content(town.root) == written


async def test_a_row_that_makes_no_sense_elsewhere_can_be_corrected_where_it_does(town: Town) -> None:
    """Only the fields submitted are read and written."""
    await decides(town, MUDDLED, "UM-1", subject=named(by_name(MUDDLED)))
    request = await submits(town, MUDDLED, chosen=False, case="UM-1", subject=by_name(MUDDLED))
    assert said(await settle(town, request))["outcome"] == "recorded"


# --- refused before the register is touched ----------------------------------------------------------------------
REFUSED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a field that is not granted": ({"values": {"previous_town": "Probeberg"}}, "fields-not-permitted"),
    "one of several": ({"values": {"street": "A", "previous_town": "Probeberg"}}, "fields-not-permitted"),
    "a field nobody may write": ({"values": {"family_name": "Anders"}}, "fields-not-permitted"),
    "another purpose": ({"purpose": "housing-benefit"}, "no-grant"),
    "another procedure": ({"procedure": "wohngeld-antrag"}, "no-grant"),
    "another evidence type": ({"evidence": "household"}, "no-grant"),
    "a register without a grant": (
        {"register": "personenstandsregister", "evidence": "birth", "values": {"birth_place": "A"}},
        "no-grant",
    ),
    "no register of that name": ({"register": "kein-register"}, "no-grant"),
    "another basis": ({"basis": {"kind": "statutory"}}, "basis-kind-not-allowed"),
    "a record there is not": ({"basis": {"record": "b1b7c1a0-5a3e-4b64-9d53-6f2f6f0e7a12"}}, "no-basis"),
    "a power there is not": ({"representative": "vollmacht-1"}, "not-represented"),
    "a subject nobody can find": ({"subject": {"idnr": ORDINARY.idnr}}, "basis-mismatch"),
    "a test": ({"test": True}, "test-message"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_may_not_be_written_is_refused_before_the_register_is_touched(
    town: Town, case: str, exceptions_watched: object
) -> None:
    """Each with its reason, in a reply and in a line; the register hears nothing of it."""
    changed, reason = REFUSED[case]
    written, before = content(town.root), await lines(town.opened.store)
    request = await submits(town, ORDINARY, **({"replaces": {}} | changed))
    await untouched(town, request, reason)
    assert content(town.root) == written
    [told] = [line for line in await since(before, town.opened.store) if line.exchange]
    assert (told.kind, told.event["reasons"]) == ("refused", [reason])


async def untouched(town: Town, request: Outbound, reason: str) -> None:
    """Fails unless the submission is refused for that reason with no register touched."""
    house, doors = guarded(town.opened.house, town.opened.store)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    assert (result.message.type, said(result.message)["code"]) == ("submit.refusal", reason)
    assert not any(door.touched for door in doors.values())


async def test_a_decision_that_does_not_stand_writes_nothing(town: Town, exceptions_watched: object) -> None:
    """None, one for another application, one withdrawn, one over, one of somebody else, one for fewer fields."""
    await untouched(town, await submits(town, ORDINARY, chosen=False), "no-basis")
    await decides(town, ORDINARY, "UM-other")
    await untouched(town, await submits(town, ORDINARY, chosen=False), "no-basis")
    for case, terms, reason in (
        ("UM-2", {"not_after": NOW}, "basis-outside-period"),
        ("UM-3", {"subject": named(by_name(NOBODY))}, "basis-mismatch"),
        ("UM-4", {"fields": frozenset({"town"})}, "fields-not-permitted"),
        ("UM-5", {"recorded_by": "wohngeldstelle"}, "recorder-not-accepted"),
    ):
        await decides(town, ORDINARY, case, **terms)
        await untouched(town, await submits(town, ORDINARY, chosen=False, case=case), reason)
    await town.withdraws(await decides(town, ORDINARY, "UM-6"))
    await untouched(town, await submits(town, ORDINARY, chosen=False, case="UM-6"), "basis-withdrawn")


async def test_who_may_only_ask_may_not_submit_and_the_other_way_round(town: Town) -> None:
    """A grant to write is none to read; a grant to read none to write."""
    await decides(town, ORDINARY, "UM-1")
    edit(town, WRITE_GRANT, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await takes_over(town)
    await untouched(town, await submits(town, ORDINARY, chosen=False, case="UM-1"), "no-grant")
    edit(town, WRITE_GRANT, "valid_to = 2026-11-20", "valid_to = 2027-12-31")
    await forbid_reading(town)
    question = {"purpose": "move", "procedure": "wohnsitz-ummeldung", "case": "UM-1", "fields": ["street"]}
    asked = asking(town, town.asks(ORDINARY, **question), "json/1.0", consumer=PORTAL)
    assert said(await settle(town, asked))["code"] == "no-grant"
    reply = await settle(town, await submits(town, ORDINARY, chosen=False, case="UM-1"))
    assert reply.type == "submit.receipt"


async def test_a_choice_for_one_use_is_used_up_by_a_submission(town: Town) -> None:
    """Written or there already: the next one is refused. A conflict gives the use back."""
    await decides(town, ORDINARY, "UM-1", max_uses=1)
    conflict = await submits(town, ORDINARY, chosen=False, case="UM-1", replaces={})
    assert said(await settle(town, conflict))["code"] == "conflict"
    named = await submits(town, ORDINARY, chosen=False, case="UM-1")
    assert said(await settle(town, named))["outcome"] == "recorded"
    await untouched(town, await submits(town, ORDINARY, chosen=False, case="UM-1"), "basis-used-up")
    await decides(town, ORDINARY, "UM-2", max_uses=1)
    again = await submits(town, ORDINARY, chosen=False, case="UM-2", replaces={})
    assert said(await settle(town, again))["outcome"] == "already-on-file"
    await untouched(town, await submits(town, ORDINARY, chosen=False, case="UM-2"), "basis-used-up")


async def test_each_message_writes_once(town: Town) -> None:
    """Sent again, it gets the same bytes; under the same id, other values are refused."""
    request = await submits(town, ORDINARY, case="UM-1")
    first = await settle(town, request)
    written = content(town.root)
    assert (await settle(town, request)) == first
    other = await submits(
        town, ORDINARY, chosen=False, case="UM-1", message_id=request.message_id, values={"town": "Probeberg"},
        replaces={},
    )  # fmt: skip
    reply = await settle(town, other)
    assert (reply.type, said(reply)["code"]) == ("submit.refusal", "message-id-reused")
    assert content(town.root) == written
    assert len(entries(town.root)) == 1


async def forbid_reading(town: Town) -> None:
    """From now on the portal may not ask for what it submits."""
    edit(town, READ_GRANT, "valid_to = 2027-12-31", "valid_to = 2026-11-20")
    await takes_over(town)


# --- bad input ---------------------------------------------------------------------------------------------------
def _xml(town: Town, old: str = "", new: str = "", **changed: Any) -> Outbound:
    record = town.moves(ORDINARY, **changed)
    body = town.body(record)[0].decode()
    assert old in body
    return _sent(town, body.replace(old, new, 1).encode(), record, "application/xml")


def _json(town: Town, **changed: Any) -> Outbound:
    record = town.moves(ORDINARY, **changed)
    return _sent(town, json.dumps(record).encode(), record, "application/json")


def _sent(
    town: Town, body: bytes, record: dict[str, Any], content_type: str, way: str = "submit"
) -> Outbound:
    return letter(
        town,
        body,
        consumer=PORTAL,
        content_type=content_type,
        message_id=record["message_id"],
        routing_key=f"{PORTAL}.{way}.{record['evidence']}",
    )


def _astray(town: Town, language: str, way: str) -> Outbound:
    """A submission sent as a question, or a question sent as a submission."""
    question = {"purpose": "move", "procedure": "wohnsitz-ummeldung"}
    record = town.moves(ORDINARY) if way == "evidence" else town.asks(ORDINARY, **question)
    return _sent(town, *_of(town, record, language), way)


def _of(town: Town, record: dict[str, Any], language: str) -> tuple[bytes, dict[str, Any], str]:
    body, content_type = town.body(record, language)
    return body, record, content_type


WRONG: Final[dict[str, tuple[Callable[[Town], Outbound], str]]] = {
    "a value that is a number": (lambda town: _json(town, values={"street": 7}), "schema-invalid"),
    "a value that is a list": (lambda town: _json(town, values={"street": ["A"]}), "schema-invalid"),
    "a value that is nothing": (lambda town: _json(town, values={"street": None}), "schema-invalid"),
    "no value": (lambda town: _json(town, values={}, replaces={}), "schema-invalid"),
    "201 fields": (
        lambda town: _json(town, values={f"f{n}": "x" for n in range(201)}, replaces={}),
        "schema-invalid",
    ),
    "a field twice": (
        lambda town: _xml(town, "<x:hausnummer>", "<x:hausnummer>1</x:hausnummer><x:hausnummer>"),
        "schema-invalid",
    ),
    "a field that the standard does not have": (
        lambda town: _xml(town, "<x:hausnummer>", "<x:farbe>1</x:farbe><x:hausnummer>"),
        "schema-invalid",
    ),
    "a replacement of what is not submitted": (
        lambda town: _json(town, replaces={"postcode": "00123"}),
        "schema-invalid",
    ),
    "no register": (lambda town: _json(town, register=None), "schema-invalid"),
    "an evidence type there is not": (
        lambda town: _json(town, evidence="fishing-licence"),
        "evidence-unknown",
    ),
    "a submission as a question, XML": (lambda t: _astray(t, "xeinmal/1.0", "evidence"), "not-supported"),
    "a submission as a question, JSON": (lambda t: _astray(t, "json/1.0", "evidence"), "schema-invalid"),
    "a question as a submission, XML": (lambda t: _astray(t, "xeinmal/1.0", "submit"), "not-supported"),
    "a question as a submission, JSON": (lambda t: _astray(t, "json/1.0", "submit"), "schema-invalid"),
    "a body as deep as a well": (
        lambda town: _sent(town, b"[" * 10_000, town.moves(ORDINARY), "application/json"),
        "too-large",
    ),
    "half a body": (
        lambda town: _sent(town, b'{"values":', town.moves(ORDINARY), "application/json"),
        "malformed",
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_no_submission_is_refused_with_its_reason(
    town: Town, case: str, exceptions_watched: object
) -> None:
    """A reply, one sealed line, no register touched; although the person has decided."""
    make, reason = WRONG[case]
    await decides(town, ORDINARY, "UM-2026-1")
    written, before = content(town.root), await lines(town.opened.store)
    request = make(town)
    house, doors = guarded(town.opened.house, town.opened.store)
    result = await handle(town.delivery(request), house)
    assert isinstance(result, Reply)
    kind = "evidence.refusal" if ".evidence." in request.routing_key else "submit.refusal"
    assert (result.message.type, said(result.message)["code"]) == (kind, reason)
    assert not any(door.touched for door in doors.values())
    assert content(town.root) == written
    [told] = [line for line in await since(before, town.opened.store) if line.exchange]
    assert (told.kind, told.event["reasons"]) == ("refused", [reason])
    assert await owner(told, town) == "sealed"


async def test_a_submission_too_large_to_be_read_is_quarantined(town: Town) -> None:
    """Nothing of it is looked at, nobody is answered."""
    before = await lines(town.opened.store)
    request = _sent(town, b" " * 2_000_001, town.moves(ORDINARY), "application/json")
    assert isinstance(await handle(town.delivery(request), town.opened.house), Silent)
    [told] = await since(before, town.opened.store)
    assert (told.kind, told.event["reasons"]) == ("quarantined", ["too-large"])


async def test_a_submission_that_comes_too_late_is_told_so(town: Town) -> None:
    """A failure of the asker's own conversation: no register was asked."""
    written, request = content(town.root), await submits(town, ORDINARY)
    town.clock.passes(hours=2)
    reply = await settle(town, request)
    assert (reply.type, said(reply)["code"]) == ("submit.failure", "deadline-passed")
    assert content(town.root) == written


async def test_the_log_accepts_every_way_a_submission_can_end(town: Town) -> None:
    """Written, there already, in conflict, refused, about nobody: lines, exchanges and uses agree."""
    await decides(town, ORDINARY, "UM-1", max_uses=3)
    ways: list[dict[str, Any]] = [{}, {"replaces": {}}, {"values": {"town": "Probeberg"}, "replaces": {}}]
    for changed in ways:
        await settle(town, await submits(town, ORDINARY, chosen=False, case="UM-1", **changed))
    await settle(town, await submits(town, ORDINARY, chosen=False))
    await decides(town, NOBODY, "UM-2", subject=named(by_name(NOBODY)))
    await settle(town, await submits(town, NOBODY, chosen=False, case="UM-2", subject=by_name(NOBODY)))
    kinds = [line.kind for line in await lines(town.opened.store) if line.kind in TERMINAL]
    assert Counter(kinds) == {"submitted": 2, "refused": 2, "no-data": 1}
    assert all(report.holds for report in assembly.verify_log(town.root))
    with closing(sqlite3.connect(town.root / "data/einmal.sqlite3")) as database:
        uses = database.execute("SELECT count(*) FROM use").fetchone()[0]
    assert uses == 2, "one for each that had its effect"
