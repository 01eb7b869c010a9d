"""What may not be put on file, or is no submission, is refused before the register is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from journal_lines import lines, owner, since
from law_changes import edit, takes_over
from letters import asking, letter
from odd_register import guarded
from peopled import NOBODY, ORDINARY
from submitting import (
    PORTAL,
    WRITE_GRANT,
    by_name,
    content,
    decides,
    forbid_reading,
    named,
    said,
    settle,
    submits,
)
from town import NOW, Town

from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Reply, Silent

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
