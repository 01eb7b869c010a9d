"""Receipts of submissions: what was done, in the sender's language; what was there before, only to who may know."""

from __future__ import annotations

import json
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import pytest
from law_sample import NOW, RECORD, REQUEST, request
from law_sample import sample as law
from spoken import EXCHANGE, JSON, REPLY, XML, case, languages, read_back

from consent.decide import decide
from consent.receive import receive, resumed
from consent.vocabulary import (
    Action,
    Blocked,
    Conflict,
    Filed,
    NotFound,
    OnFile,
    Permit,
    Person,
    ReasonCode,
    Refusal,
    Request,
    Submitted,
    Withheld,
)
from gateway import outbound
from gateway.outbound.said import Setting
from gateway.stages import ReplyType, Written

SUBJECT: Final = (Person("idnr:02468135774"),)
SINCE: Final = NOW - timedelta(days=400)
AT: Final = NOW - timedelta(minutes=10)
LANGUAGES: Final = {"xeinmal/1.0": XML, "json/1.0": JSON}
FIELDS: Final = frozenset({"street", "town"})


def permit(asked: Request) -> Permit:
    """Out: any permit; what it permits is not the question here."""
    found = decide(asked, law(), [RECORD], NOW)
    assert isinstance(found, Permit), found
    return found


def asked(language: str) -> Request:
    return request(language=language, action=Action.WRITE, fields=FIELDS)


def received(did: Filed | OnFile | Conflict | Blocked | NotFound, *, may_ask: bool) -> object:
    return receive(did, permit(REQUEST), may_ask, NOW)


def submitted(did: Filed | OnFile, *, may_ask: bool = True) -> Submitted:
    found = received(did, may_ask=may_ask)
    assert isinstance(found, Submitted)
    return found


def receipt(done: Submitted, language: str, where: object = None) -> Written:
    spoken: Any = where or languages()
    setting = Setting(case(REQUEST.message), language, {}, spoken, REPLY, NOW)
    return outbound.receipt(done, asked(language), law(), setting)


def told(done: Submitted, language: str) -> dict[str, Any]:
    written = receipt(done, language)
    assert (written.type, written.message_id) == (ReplyType.SUBMIT_RECEIPT, REPLY)
    assert written.content_type == LANGUAGES[language]
    kind, said = read_back(written.content_type, written.body)
    assert kind in ("submit.receipt", "")
    return said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_says_what_was_written_where_and_when(language: str) -> None:
    """And names the message, the exchange and the application it is for; no value, no person."""
    said = told(submitted(Filed(SUBJECT, AT)), language)
    assert (said["outcome"], said["recorded"]) == ("recorded", "2026-11-22T11:50:00.000Z")
    assert "since" not in said
    assert (said["in_reply_to"], said["exchange_id"], said["message_id"]) == (
        REQUEST.message, EXCHANGE, REPLY,
    )  # fmt: skip
    assert (said["register"], said["evidence"]) == ("melderegister", "residence")
    assert (said["purpose"], said["procedure"], said["case"]) == (
        "housing-benefit", "wohngeld-antrag", "WG-2026-1",
    )  # fmt: skip
    assert "02468135774" not in json.dumps(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_there_already_is_told_with_its_since(language: str) -> None:
    """If the register knows since when."""
    said = told(submitted(OnFile(SUBJECT, SINCE)), language)
    assert (said["outcome"], said["since"]) == ("already-on-file", "2025-10-18T12:00:00.000Z")
    said = told(submitted(OnFile(SUBJECT, None)), language)
    assert (said["outcome"], "since" in said) == ("already-on-file", False)


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_may_not_ask_gets_the_receipt_of_a_new_fact(language: str) -> None:
    """Byte by byte: what was on file is no business of theirs."""
    bodies = {
        receipt(submitted(did, may_ask=False), language).body
        for did in (Filed(SUBJECT, NOW), OnFile(SUBJECT, SINCE), OnFile(SUBJECT, None))
    }
    assert len(bodies) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_written_before_an_interruption_has_the_same_receipt(language: str) -> None:
    """Although nothing is known of its permit any more."""
    filed = Filed(SUBJECT, AT)
    again = resumed(filed, "melderegister")
    assert (again.permit, again.at) == (None, AT)
    assert receipt(again, language).body == receipt(submitted(filed), language).body


@pytest.mark.parametrize("may_ask", [True, False])
def test_which_fields_are_in_conflict_is_told_to_who_could_ask(may_ask: bool) -> None:
    """That nothing was written is told to everyone."""
    found = received(Conflict(SUBJECT, FIELDS), may_ask=may_ask)
    assert isinstance(found, Withheld)
    assert found.refusal.code is ReasonCode.CONFLICT
    assert found.refusal.fields == (FIELDS if may_ask else frozenset())
    assert found.persons == SUBJECT


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("may_ask", [True, False])
def test_nobody_several_and_the_blocked_are_refused_alike(may_ask: bool, language: str) -> None:
    """The same words in the same bytes, whatever the sender may ask."""
    bodies = set()
    for did in (NotFound("unknown"), NotFound("ambiguous"), Blocked(SUBJECT)):
        found = received(did, may_ask=may_ask)
        assert isinstance(found, Refusal | Withheld)
        refusal = found.refusal if isinstance(found, Withheld) else found
        assert (refusal.code, refusal.fields) == (ReasonCode.NO_DATA, frozenset())
        setting = Setting(case(REQUEST.message), language, {}, languages(), REPLY, NOW)
        written = outbound.refusal(refusal, setting, "submit")
        assert written.type is ReplyType.SUBMIT_REFUSAL
        bodies.add(written.body)
    assert len(bodies) == 1


class Speechless:
    """Languages that break where they are used, as no one foresaw."""

    house = ("einmal", "Einmal")

    def message(self, language: str, record: str) -> object:
        raise LookupError("nobody foresaw this")


@pytest.mark.parametrize(("language", "where"), [("oots-edm/1.0", None), ("xeinmal/1.0", Speechless())])
def test_what_was_written_is_told_whatever_breaks(language: str, where: object) -> None:
    """In JSON, where the sender's language has no words for it: it can't be taken back for want of them."""
    written = receipt(submitted(Filed(SUBJECT, AT)), language, where)
    assert (written.type, written.content_type) == (ReplyType.SUBMIT_RECEIPT, JSON)
    assert json.loads(written.body)["outcome"] == "recorded"


def test_facts_say_that_the_hold_and_the_answer_were_checked() -> None:
    """Beside those of the decision, which stay as they were."""
    done = submitted(Filed(SUBJECT, AT))
    before = permit(REQUEST).facts
    assert isinstance(done.facts, MappingProxyType)
    assert {check: done.facts[check] for check in before} == dict(before)
    assert {str(check) for check in done.facts.keys() - before.keys()} == {"hold", "answer"}
