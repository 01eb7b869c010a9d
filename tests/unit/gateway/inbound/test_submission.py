"""From bytes to a submission: what is understood, and which reason says why something isn't."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

import pytest
from law_sample import sample as policy
from spoken import JSON, XML, contents, delivery, languages, sample, sender

from consent.vocabulary import Action, BasisClaim, BasisKind, ReasonCode, Submission
from gateway import inbound
from gateway.inbound import body
from gateway.stages import Delivery, Errand, Misread

WAY: Final = "buergerportal.submit.residence"
VALUES: Final = {
    "street": "Lindenallee",
    "house_number": "12a",
    "postcode": "01234",
    "town": "Musterstadt",
    "moved_in": "2026-11-15",
    "previous_postcode": "09876",
    "previous_town": "Beispielstadt",
}
REPLACES: Final = {
    "street": "Alter Weg",
    "house_number": "3",
    "postcode": "09876",
    "town": "Beispielstadt",
    "moved_in": "2019-04-01",
}


@cache
def record() -> dict[str, Any]:
    """Out: the sample submission as a record."""
    said = body.parse(XML, sample("submit.request"), languages())
    return dict(body.record(said, "submit.request"))


def at_the_door(content: bytes, content_type: str = XML, way: str = WAY) -> Delivery:
    return delivery(content, content_type, record()["message_id"], way)


def as_json(**changes: Any) -> Delivery:
    """Out: the sample in JSON; a change to None leaves a key out."""
    changed = {key: value for key, value in {**record(), **changes}.items() if value is not None}
    return at_the_door(json.dumps(changed).encode(), JSON)


def xml(old: str = "", new: str = "") -> Delivery:
    text = sample("submit.request").decode()
    assert old in text
    return at_the_door(text.replace(old, new, 1).encode())


def read(arrived: Delivery, consumer: str = "buergerportal") -> Errand | Misread:
    return inbound.read(contents(arrived), sender(consumer), policy(), languages())


def refused(arrived: Delivery) -> ReasonCode:
    found = read(arrived)
    assert isinstance(found, Misread), "it was understood"
    return found.refusal.code


@pytest.mark.parametrize("language", ["xeinmal/1.0", "json/1.0"])
def test_a_submission_is_understood_whole(language: str) -> None:
    """Every part of the sample arrives in its place, in either language; the fields wanted are those submitted."""
    found = read(xml() if language == "xeinmal/1.0" else as_json())
    assert isinstance(found, Submission), found
    assert (dict(found.values), dict(found.replaces)) == (VALUES, REPLACES)
    request = found.request
    assert request.action is Action.WRITE
    assert request.fields == VALUES.keys()
    assert (request.message, request.consumer, request.language) == (
        record()["message_id"], "buergerportal", language,
    )  # fmt: skip
    assert (request.evidence, request.register, request.purpose) == ("residence", "melderegister", "move")
    assert (request.procedure, request.case) == ("wohnsitz-ummeldung", "UM-2026-000077")
    norm, power = "BMG § 17", "b1b7c1a0-5a3e-4b64-9d53-6f2f6f0e7a12"
    assert request.basis == BasisClaim(BasisKind.STATUTORY, power, norm)
    assert (request.subject.idnr, request.representative) == ("02468135774", "vollmacht-0007")
    assert request.test


def test_what_replaces_nothing_need_not_say_so() -> None:
    """An empty field is filled without naming what was there."""
    found = read(as_json(replaces=None))
    assert isinstance(found, Submission)
    assert found.replaces == {}


def test_nothing_of_a_submission_is_printed() -> None:
    """Neither whom it is about nor what it says."""
    shown = repr(read(xml()))
    assert not any(word in shown for word in ("Beispiel", "02468135774", "Lindenallee", "Alter Weg"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"values": {"street": 7}, "replaces": {}}, ReasonCode.SCHEMA_INVALID),
        ({"values": {"street": ["A", "B"]}, "replaces": {}}, ReasonCode.SCHEMA_INVALID),
        ({"values": {"street": "A\u0000"}, "replaces": {}}, ReasonCode.SCHEMA_INVALID),
        ({"values": {}, "replaces": {}}, ReasonCode.SCHEMA_INVALID),
        ({"values": None, "replaces": None}, ReasonCode.SCHEMA_INVALID),
        ({"values": {f"field_{n}": "x" for n in range(201)}, "replaces": {}}, ReasonCode.SCHEMA_INVALID),
        ({"replaces": {"sex": "female"}}, ReasonCode.SCHEMA_INVALID),
        ({"replaces": {"street": 7}}, ReasonCode.SCHEMA_INVALID),
        ({"register": None}, ReasonCode.SCHEMA_INVALID),
        ({"fields": ["street"]}, ReasonCode.SCHEMA_INVALID),
        ({"message_id": "3f0d6a52-8c1e-4c63-9a55-0d7a6f0b1cff"}, ReasonCode.MESSAGE_ID_MISMATCH),
        ({"evidence": "birth"}, ReasonCode.ROUTING_MISMATCH),
    ],
    ids=lambda case: None if isinstance(case, ReasonCode) else "-".join(case),
)
def test_what_is_wrong_in_json_has_its_reason(changes: dict[str, Any], code: ReasonCode) -> None:
    """JSON is no way around the checks."""
    assert refused(as_json(**changes)) is code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<x:register>melderegister</x:register>", "", ReasonCode.SCHEMA_INVALID),
        (
            "<x:strasse>Lindenallee</x:strasse>",
            "<x:strasse>Lindenallee</x:strasse><x:strasse>Alter Weg</x:strasse>",
            ReasonCode.SCHEMA_INVALID,
        ),
        ("20:15:00.000Z", "20:15:00.000", ReasonCode.RULE_VIOLATED),
        ("<x:einreichung>", "<x:einreichung", ReasonCode.MALFORMED),
    ],
    ids=["no register", "a field twice", "a time without its zone", "half a tag"],
)
def test_what_is_wrong_in_xml_has_its_reason(old: str, new: str, code: ReasonCode) -> None:
    """Schema, rules and parser."""
    assert refused(xml(old, new)) is code


def test_a_submission_may_replace_only_what_it_says_anew() -> None:
    """In XML too, where the schema can't say so."""
    text = sample("submit.request").decode()
    start, end = text.index("<x:vorherigeAnschrift>"), text.index("</x:vorherigeAnschrift>")
    old = text[start : end + len("</x:vorherigeAnschrift>")]
    moved = text.replace(old, "").replace("</x:ersetzt>", f"{old}</x:ersetzt>")
    assert refused(at_the_door(moved.encode())) is ReasonCode.SCHEMA_INVALID


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("buergerportal.evidence.residence", ReasonCode.NOT_SUPPORTED),
        ("buergerportal.consent.give", ReasonCode.NOT_SUPPORTED),
        ("buergerportal.submit.household", ReasonCode.ROUTING_MISMATCH),
        ("buergerportal.submit", ReasonCode.ROUTING_MISMATCH),
        ("buergerportal.submit.residence.x", ReasonCode.ROUTING_MISMATCH),
        ("wohngeldstelle.submit.residence", ReasonCode.ROUTING_MISMATCH),
        ("buergerportal.Submit.residence", ReasonCode.NOT_SUPPORTED),
    ],
)
def test_a_submission_comes_its_own_way_only(way: str, code: ReasonCode) -> None:
    """Not as a question, not for another evidence type, not for another consumer."""
    assert refused(at_the_door(sample("submit.request"), way=way)) is code


def test_a_question_does_not_come_the_way_of_submissions() -> None:
    """In neither language; and JSON that asks is no submission of nothing."""
    asks = delivery(sample(), XML, routing_key="buergerportal.submit.residence")
    found = read(asks)
    assert isinstance(found, Misread)
    assert found.refusal.code is ReasonCode.NOT_SUPPORTED
    question = {key: value for key, value in record().items() if key not in ("values", "replaces")}
    assert refused(at_the_door(json.dumps(question).encode(), JSON)) is ReasonCode.SCHEMA_INVALID


def test_an_evidence_type_no_register_has_is_unknown() -> None:
    """Routed alike and still nobody's."""
    content = json.dumps(record() | {"evidence": "fishing-licence"}).encode()
    assert refused(at_the_door(content, JSON, "buergerportal.submit.fishing-licence")) is (
        ReasonCode.EVIDENCE_UNKNOWN
    )
