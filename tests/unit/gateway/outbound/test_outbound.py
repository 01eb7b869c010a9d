"""Replies: in the asker's language, valid by its schema, and always possible when the answer is no."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from law_sample import NOW, RECORD, REQUEST, policy, request
from law_sample import sample as law
from spoken import EXCHANGE, JSON, MESSAGE, REPLY, XML, case, languages, read_back

from consent.decide import decide
from consent.minimise import minimise
from consent.policy import Policy
from consent.vocabulary import Check, Evidence, Found, Permit, Person, ReasonCode, Refusal, Request
from gateway import outbound
from gateway.errors import AnswerInvalid, FaultCode
from gateway.outbound.said import Setting
from gateway.stages import ReplyType, Written

CONTEXT = {
    "author.directory": "einmal",
    "author.id": "wohngeldstelle",
    "author.name": "Wohngeldstelle Musterstadt",
    "reader.directory": "einmal",
    "reader.id": "melderegister",
    "reader.name": "Bürgeramt Musterstadt",
}
VALUES = {
    "family_name": "Beispiel",
    "given_names": "Anna <&> \"'",
    "street": "Lindenallee",
    "town": "Musterstadt",
}
LANGUAGES = ["xeinmal/1.0", "json/1.0"]


def evidence(
    asked: Request = REQUEST, values: dict[str, str] | None = None, by: Policy | None = None
) -> Evidence:
    permit = decide(asked, by or law(), [RECORD], NOW)
    assert isinstance(permit, Permit), permit
    found = minimise(Found(VALUES if values is None else values, (Person("reg:melderegister:1"),)), permit)
    assert isinstance(found, Evidence), found
    return found


def answered(found: Evidence, by: Policy | None = None) -> Written:
    asked = found.permit.request
    setting = Setting(case(asked.message), asked.language, asked.context, languages(), REPLY, NOW)
    return outbound.answer(found, by or law(), setting)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_says_what_may_leave_and_where_it_is_from(language: str) -> None:
    """The same record in every language, valid by the schema where there is one."""
    written = answered(evidence(request(language=language, context=CONTEXT)))
    assert written.type is ReplyType.EVIDENCE_ANSWER
    assert written.message_id == REPLY
    kind, said = read_back(written.content_type, written.body)
    assert kind in ("evidence.answer", "")
    assert said["values"] == VALUES
    assert said["issuer"] == {"id": "melderegister", "name": "Bürgeramt Musterstadt"}
    assert (said["in_reply_to"], said["exchange_id"]) == (REQUEST.message, EXCHANGE)
    assert (said["message_id"], said["created"]) == (REPLY, "2026-11-22T12:00:00.000Z")
    assert (said["purpose"], said["procedure"], said["case"]) == (
        "housing-benefit", "wohngeld-antrag", "WG-2026-1",
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_left_out_is_told_with_its_rule(language: str) -> None:
    """The asker learns that a field was removed and why, not what stood in it."""
    found = evidence(request(language=language, fields=frozenset({"town", "street"})), {**VALUES})
    _, said = read_back(*_body(answered(found)))
    assert set(said["values"]) == {"town", "street"}
    assert {"field": "family_name", "rule": "not-asked"} in said["removed"]


def test_an_answer_in_xml_goes_back_to_its_author() -> None:
    """Author and reader change places; the reader is the request's author, word for word."""
    _, said = read_back(*_body(answered(evidence(request(context=CONTEXT)))))
    assert said["reader"] == {
        "directory": "einmal",
        "id": "wohngeldstelle",
        "name": "Wohngeldstelle Musterstadt",
    }
    assert said["author"]["id"] == "melderegister"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_to_a_test_message_is_marked_as_one(language: str) -> None:
    """Answers and refusals alike; and no other."""
    for context, mark in ((CONTEXT | {"test": "true"}, True), (CONTEXT, None)):
        refusal = Refusal(ReasonCode.TEST_MESSAGE)
        no = outbound.refusal(refusal, Setting(case(), language, context, languages(), REPLY, NOW))
        yes = answered(evidence(request(language=language, context=context)))
        assert [read_back(*_body(written))[1].get("test") for written in (no, yes)] == [mark, mark]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_block_is_told_where_the_grant_delivers_with_a_notice(language: str) -> None:
    """The notice stands beside the values."""
    noticed = replace(evidence(request(language=language)), notice="blocked")
    assert read_back(*_body(answered(noticed)))[1]["notice"] == "blocked"


def test_json_has_no_header_of_parties() -> None:
    """Who speaks is the signature's affair there."""
    said = json.loads(answered(evidence(request(language="json/1.0"))).body)
    assert "author" not in said
    assert "reader" not in said


@pytest.mark.parametrize(
    "values",
    [{"family_name": "\u0001"}, {"family_name": "漢字"}, {"sex": "w"}],
    ids=["control character", "script outside DIN 91379", "code outside the list"],
)
def test_an_answer_that_breaks_the_schema_never_leaves(values: dict[str, str]) -> None:
    """The register's value or the mapping is wrong: a fault of configuration, without content."""
    by = policy({"fields": ["family_name", "given_names", "street", "town", "sex"]})
    record = replace(RECORD, fields=RECORD.fields | {"sex"})
    permit = decide(REQUEST, by, [record], NOW)
    assert isinstance(permit, Permit), permit
    found = minimise(Found(VALUES | values, (Person("reg:melderegister:1"),)), permit)
    assert isinstance(found, Evidence)
    with pytest.raises(AnswerInvalid) as caught:
        answered(found, by)
    assert str(caught.value) == "answer-invalid at xeinmal/1.0, register melderegister"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("nonsense", [7, None, ["x"], {"x": "y"}, b"x"])
def test_a_value_that_is_no_text_never_leaves(language: str, nonsense: Any) -> None:
    """Whatever a register made of it, in every language."""
    with pytest.raises(AnswerInvalid):
        answered(replace(evidence(request(language=language)), values={**VALUES, "town": nonsense}))


@pytest.mark.parametrize("language", [*LANGUAGES, "oots-edm/1.0", "unknown/0", ""])
@pytest.mark.parametrize("context", [{}, CONTEXT], ids=["unread", "read"])
def test_every_reason_can_be_said_in_every_language(language: str, context: dict[str, str]) -> None:
    """Whatever the language and however little was read: a no always finds words, at worst in JSON."""
    for code in ReasonCode:
        refusal = Refusal(code, checks=(Check.MESSAGE,))
        written = outbound.refusal(refusal, Setting(case(), language, context, languages(), REPLY, NOW))
        _, said = read_back(*_body(written))
        assert said["code"] == code
        assert said["message"]["de"]
        assert said["in_reply_to"] == MESSAGE
        late = code in (ReasonCode.DEADLINE_PASSED, ReasonCode.NOT_FRESH)
        assert written.type is (ReplyType.EVIDENCE_FAILURE if late else ReplyType.EVIDENCE_REFUSAL)
        assert late or said["checks"] == ["message"]
        assert written.content_type == (XML if language == "xeinmal/1.0" else JSON)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_can_be_said(language: str) -> None:
    """Ours or the register's: the asker is told which kind and what to do."""
    for code in FaultCode:
        written = outbound.failure(code, Setting(case(), language, CONTEXT, languages(), REPLY, NOW))
        kind, said = read_back(*_body(written))
        assert kind in ("evidence.failure", "")
        assert written.type is ReplyType.EVIDENCE_FAILURE
        assert said["code"] == code
        assert "checks" not in said


@pytest.mark.parametrize("message_id", ["", "x" * 5000, "\u0001", "漢字", '"<&>', "id"])
def test_a_message_id_that_no_schema_allows_stops_no_refusal(message_id: str) -> None:
    """Somebody chose it before anything was checked; JSON can say it."""
    refusal = Refusal(ReasonCode.MALFORMED)
    written = outbound.refusal(refusal, Setting(case(message_id), "xeinmal/1.0", {}, languages(), REPLY, NOW))
    _, said = read_back(*_body(written))
    assert said.get("in_reply_to", "") == message_id


def test_the_same_evidence_is_written_in_the_same_bytes() -> None:
    """Nothing random, no order of a set."""
    found = evidence(request(context=CONTEXT))
    assert answered(found).body == answered(found).body


def _body(written: Written) -> tuple[str, bytes]:
    return written.content_type, written.body


class Speechless:
    """Languages that break where they are used, as no one foresaw."""

    house = ("einmal", "Einmal")

    def message(self, language: str, record: str) -> object:
        raise LookupError("nobody foresaw this")


@pytest.mark.parametrize("language", ["xeinmal/1.0", "oots-edm/1.0"])
def test_a_no_is_said_whatever_breaks(language: str) -> None:
    """In JSON, when the asker's language fails in a way of its own."""
    broken: Any = Speechless()
    written = outbound.refusal(
        Refusal(ReasonCode.NO_GRANT), Setting(case(), language, {}, broken, REPLY, NOW)
    )
    assert (written.type, written.content_type) == (ReplyType.EVIDENCE_REFUSAL, "application/json")
    assert json.loads(written.body)["code"] == "no-grant"
