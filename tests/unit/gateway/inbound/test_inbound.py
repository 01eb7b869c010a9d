"""From bytes to a request: what is understood, and which reason says why something isn't."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import Any

import pytest
from law_sample import read_texts
from law_sample import sample as policy_sample
from law_texts import changed
from spoken import JSON, MESSAGE, XML, as_json, contents, delivery, languages, sample, sender

from consent.policy import Policy
from consent.vocabulary import BasisClaim, BasisKind, Check, Fact, ReasonCode, Request
from gateway import inbound
from gateway.stages import Delivery, Errand, Misread
from xoev_schemas.multipart import Part, build


def read(at_the_door: Delivery, policy: Policy | None = None, encrypted: bool = False) -> Errand | Misread:
    return inbound.read(contents(at_the_door, encrypted), sender(), policy or policy_sample(), languages())


def understood(at_the_door: Delivery) -> Request:
    found = read(at_the_door)
    assert isinstance(found, Request), found
    return found


def refused(at_the_door: Delivery, policy: Policy | None = None) -> ReasonCode:
    found = read(at_the_door, policy)
    assert isinstance(found, Misread), "it was understood"
    return found.refusal.code


def xml(old: str = "", new: str = "") -> Delivery:
    text = sample().decode()
    assert old in text
    return delivery(text.replace(old, new, 1).encode())


def test_a_request_in_xml_is_understood_whole() -> None:
    """Every part of the sample arrives in its place."""
    request = understood(xml())
    assert (request.message, request.consumer, request.language) == (MESSAGE, "wohngeldstelle", "xeinmal/1.0")
    assert (request.evidence, request.register) == ("residence", "melderegister")
    assert (request.purpose, request.procedure) == ("housing-benefit", "wohngeld-antrag")
    assert request.case == "WG-2026-000123"
    assert request.basis == BasisClaim(BasisKind.CHOICE, "b1b7c1a0-5a3e-4b64-9d53-6f2f6f0e7a11", "EGovG § 5")
    assert request.fields == {"family_name", "given_names", "street", "house_number", "postcode", "town"}
    assert request.subject.idnr == "02468135774"
    assert request.subject.birth_date == date(1990, 2, 28)
    assert request.subject.town == "Musterstadt"
    assert request.on_behalf_of == "Stadt Musterstadt"
    assert request.representative == "vollmacht-0007"
    assert request.test
    assert request.context["author.name"] == "Wohngeldstelle Musterstadt"
    assert request.context["test"] == "true"


def test_the_same_record_in_json_is_the_same_request() -> None:
    """Only the language differs."""
    by_xml, by_json = understood(xml()), understood(delivery(as_json(), JSON))
    assert by_json.language == "json/1.0"
    same = [item.name for item in fields(Request) if item.name != "language"]
    assert all(getattr(by_xml, name) == getattr(by_json, name) for name in same)


def test_a_multipart_body_is_read_by_its_first_part() -> None:
    """The message may travel with others beside it."""
    header, body = build([Part("m@x", "application/xml", sample()), Part("e@x", "text/plain", b"x")])
    assert understood(delivery(body, header)).case == "WG-2026-000123"


def test_what_a_json_request_need_not_say_may_be_left_out() -> None:
    """Register, basis, fields, header parties and the test mark are optional."""
    optional: dict[str, Any] = dict.fromkeys(
        ("register", "basis", "fields", "on_behalf_of", "representative", "test", "author", "reader")
    )
    request = understood(delivery(as_json(**optional), JSON))
    assert request.register is None
    assert request.basis == BasisClaim()
    assert request.fields == frozenset()
    assert not request.test
    assert request.context == {}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<x:anfrage>", "<x:anfrage", ReasonCode.MALFORMED),
        ('encoding="UTF-8"?>', 'encoding="UTF-8"?><!DOCTYPE x [<!ENTITY e "e">]>', ReasonCode.MALFORMED),
        ('encoding="UTF-8"', 'encoding="UTF-7"', ReasonCode.MALFORMED),
        ("<x:anfrage>", "<x:anfrage>" + "<x:a>" * 10_000, ReasonCode.TOO_LARGE),
        ("<x:anfrage>", "<x:anfrage>" + "<x:a/>" * 60_000, ReasonCode.TOO_LARGE),
        ("urn:einmal:xeinmal:1.0", "urn:einmal:xeinmal:9.9", ReasonCode.STANDARD_UNKNOWN),
        (">wahl<", ">belieben<", ReasonCode.SCHEMA_INVALID),
        ("<x:aktenzeichen>WG-2026-000123</x:aktenzeichen>", "", ReasonCode.SCHEMA_INVALID),
        (">residence<", ">Residence Permit<", ReasonCode.SCHEMA_INVALID),
        ("20:15:00.000Z", "20:15:00.000", ReasonCode.RULE_VIOLATED),
        (MESSAGE, "3f0d6a52-8c1e-4c63-9a55-0d7a6f0b1cff", ReasonCode.MESSAGE_ID_MISMATCH),
        (">residence<", ">birth<", ReasonCode.ROUTING_MISMATCH),
    ],
)
def test_what_is_wrong_in_xml_has_its_reason(old: str, new: str, code: ReasonCode) -> None:
    """Parser, standard, schema, rules, ids and routing: each says its own no."""
    assert refused(xml(old, new)) is code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", ReasonCode.MALFORMED),
        (b"[]", ReasonCode.SCHEMA_INVALID),
        (b"[" * 5000, ReasonCode.TOO_LARGE),
        (as_json()[:-1] + b',"case":"other"}', ReasonCode.MALFORMED),
        (as_json().decode().encode("utf-16"), ReasonCode.MALFORMED),
        (as_json(unknown="x"), ReasonCode.SCHEMA_INVALID),
        (as_json(case=None), ReasonCode.SCHEMA_INVALID),
        (as_json(case=""), ReasonCode.SCHEMA_INVALID),
        (as_json(case="a\u0000b"), ReasonCode.SCHEMA_INVALID),
        (as_json(case=7), ReasonCode.SCHEMA_INVALID),
        (as_json(test="true"), ReasonCode.SCHEMA_INVALID),
        (as_json(created="2026-11-21T20:15:00"), ReasonCode.SCHEMA_INVALID),
        (as_json(created="2026-13-41T20:15:00Z"), ReasonCode.SCHEMA_INVALID),
        (as_json(subject={"birth_date": "1990-02-30"}), ReasonCode.SCHEMA_INVALID),
        (as_json(subject={"birth_date": 7}), ReasonCode.SCHEMA_INVALID),
        (as_json(subject={"idnr": "0246813577"}), ReasonCode.SCHEMA_INVALID),
        (as_json(fields=["town", "town"]), ReasonCode.SCHEMA_INVALID),
        (as_json(fields="town"), ReasonCode.SCHEMA_INVALID),
        (as_json(basis={"kind": "whim"}), ReasonCode.SCHEMA_INVALID),
        (as_json(message_id="3f0d6a52-8c1e-4c63-9a55-0d7a6f0b1cff"), ReasonCode.MESSAGE_ID_MISMATCH),
    ],
)
def test_what_is_wrong_in_json_has_its_reason(content: bytes, code: ReasonCode) -> None:
    """JSON is no way around the checks."""
    assert refused(delivery(content, JSON)) is code


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("text/plain", ReasonCode.CONTENT_TYPE_UNKNOWN),
        ("", ReasonCode.CONTENT_TYPE_UNKNOWN),
        ("application/xml; charset=utf-16", ReasonCode.CONTENT_TYPE_UNKNOWN),
        ("application/xml; charset", ReasonCode.CONTENT_TYPE_UNKNOWN),
        ("application/jose", ReasonCode.NOT_SUPPORTED),
        ("multipart/related; boundary=b", ReasonCode.MALFORMED),
        ("application/json", ReasonCode.MALFORMED),
    ],
)
def test_a_body_is_what_its_content_type_says_or_is_refused(content_type: str, code: ReasonCode) -> None:
    """Nobody sniffs at the bytes."""
    assert refused(delivery(sample(), content_type)) is code


def test_a_charset_that_says_utf_8_changes_nothing() -> None:
    """It is what the house reads anyway."""
    assert understood(delivery(sample(), 'application/xml; charset="UTF-8"')).case


@pytest.mark.parametrize(
    ("routing_key", "code"),
    [
        ("buergerportal.evidence.residence", ReasonCode.ROUTING_MISMATCH),
        ("wohngeldstelle.evidence.birth", ReasonCode.ROUTING_MISMATCH),
        ("wohngeldstelle.evidence", ReasonCode.ROUTING_MISMATCH),
        ("wohngeldstelle.evidence.residence.x", ReasonCode.ROUTING_MISMATCH),
        ("wohngeldstelle.Evidence.residence", ReasonCode.NOT_SUPPORTED),
        ("wohngeldstelle.submit.residence", ReasonCode.NOT_SUPPORTED),
        ("", ReasonCode.NOT_SUPPORTED),
    ],
)
def test_the_way_and_the_words_must_agree(routing_key: str, code: ReasonCode) -> None:
    """Authorised on one canonical form, compared once and exactly."""
    assert refused(delivery(sample(), routing_key=routing_key)) is code


def test_an_evidence_type_no_register_has_is_unknown() -> None:
    """Routed alike and still nobody's."""
    at_the_door = delivery(
        sample().replace(b">residence<", b">fishing-licence<"),
        routing_key="wohngeldstelle.evidence.fishing-licence",
    )
    assert refused(at_the_door) is ReasonCode.EVIDENCE_UNKNOWN


def test_a_standard_that_is_not_agreed_is_refused_in_one_that_is() -> None:
    """Known to the house is not agreed with this consumer."""
    policy = read_texts(changed("consumers/wohngeldstelle.toml", '"xeinmal/1.0", ', ""))
    assert isinstance(policy, Policy)
    found = read(xml(), policy)
    assert isinstance(found, Misread)
    assert (found.refusal.code, found.language) == (ReasonCode.STANDARD_NOT_AGREED, "json/1.0")


def test_an_answer_is_not_a_question() -> None:
    """The house's own replies are no requests."""
    assert refused(delivery(sample("evidence.answer"))) is ReasonCode.NOT_SUPPORTED


def test_a_refusal_names_the_check_and_a_language_to_say_it_in() -> None:
    """What is known by then: the sender; what failed: the message."""
    found = read(xml("<x:anfrage>", ""))
    assert isinstance(found, Misread)
    assert found.refusal.checks == (Check.MESSAGE,)
    assert found.refusal.facts[Check.SENDER] is Fact.PASSED
    assert found.refusal.facts[Check.MESSAGE] is Fact.FAILED
    assert found.language == "xeinmal/1.0"
    assert "Beispiel" not in repr(found)


@pytest.mark.parametrize(
    ("content", "content_type", "language"),
    [
        (sample(), XML, "xeinmal/1.0"),
        (b"<", XML, "xeinmal/1.0"),
        (b"{}", JSON, "json/1.0"),
        (b"{", JSON, "json/1.0"),
        (b"", "", "json/1.0"),
        (b"x", "multipart/related", "xeinmal/1.0"),
    ],
)
def test_the_language_of_anything_is_guessed(content: bytes, content_type: str, language: str) -> None:
    """Somebody has to be told no in some language."""
    assert inbound.language_of(contents(delivery(content, content_type)), languages()) == language


def test_nothing_of_a_request_is_printed() -> None:
    """Neither a request nor its delivery shows whom it is about."""
    at_the_door = xml()
    shown = repr(understood(at_the_door)) + repr(at_the_door)
    assert not any(word in shown for word in ("Beispiel", "Anna", "02468135774", "1990"))
    assert json.loads(as_json())["subject"]["family_name"] == "Beispiel"


def test_the_language_is_guessed_whatever_breaks() -> None:
    """What stops the reading in a way nobody foresaw does not stop the refusal of it."""

    class Broken:
        default_xml = XML

        @property
        def limits(self) -> object:
            raise LookupError("nobody foresaw this")

    broken: Any = Broken()
    assert inbound.language_of(contents(delivery(b"<a/>", "application/xml")), broken) == XML
