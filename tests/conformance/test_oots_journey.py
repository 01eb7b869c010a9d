"""The published birth-certificate request, byte for byte: understood, answered by cid, refused by exception."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from law_sample import NOW, RECORD, SETTINGS, documents, verify
from law_texts import TEXTS
from lxml import etree
from schematron import violated
from spoken import HOUSE, REPLY, XML, case, contents, delivery, sender

from consent.decide import decide
from consent.minimise import minimise
from consent.policy import Policy, read
from consent.vocabulary import (
    Evidence,
    Found,
    NotFound,
    Permit,
    Person,
    ReasonCode,
    Refusal,
    Request,
    Withheld,
)
from gateway import inbound, outbound
from gateway.errors import AnswerInvalid, FaultCode
from gateway.outbound.said import Setting
from gateway.stages import Contents, Misread, Written
from xoev_schemas import multipart, sets
from xoev_schemas.languages import Languages
from xoev_schemas.safe_xml import Limits, parse

SENT_AS = "0d9d6b7e-0000-4000-8000-00000000a001"
APPLICATION = "4ffb5281-179d-4578-adf2-39fd13ccc797"
ROUTED = "wohngeldstelle.evidence.birth"
VALUES = {"family_name": "Smith"}
ELEMENT = '<rim:Element xsi:type="rim:AnyValueType">'
OTHER_NEED = f"{ELEMENT}<sdg:Requirement><sdg:Identifier>x</sdg:Identifier></sdg:Requirement></rim:Element>"
REPRESENTED = (
    '<rim:Slot name="AuthorizedRepresentative"><rim:SlotValue xsi:type="rim:AnyValueType"><sdg:Person>'
    "<sdg:FamilyName>Muster</sdg:FamilyName></sdg:Person></rim:SlotValue></rim:Slot>"
    '<rim:Slot name="NaturalPerson">'
)
CHANGES = {
    "consumers/wohngeldstelle.toml": (
        ('"xeinmal/1.0", "json/1.0"', '"oots-edm/1.0"'),
        ('scheme = "0096", value = "wohngeldstelle"', 'scheme = "0096", value = "DK22233223"'),
    ),
    "registers/melderegister.toml": (('value = "DE73524311"', 'value = "DE00000000"'),),
    "registers/personenstandsregister.toml": (
        ('adapter = "sql"', 'adapter = "sql"\nidentifiers = [{ scheme = "9930", value = "DE73524311" }]'),
        ('type = "birth"', 'type = "birth"\nidentifiers = ["2af27699-f131-4411-8fdb-9e8cd4e8bded"]'),
    ),
    "purposes.toml": (("urn:example:requirement", "315cfd75-6605-49c4-b0fe-799833b41099"),),
    "grants/wohngeld.toml": (
        ('register = "melderegister"', 'register = "personenstandsregister"\nitem = "item.birth"'),
        ('evidence = "residence"', 'evidence = "birth"'),
        ('"family_name", "given_names", "street", "town"', '"family_name", "parent1_family_name"'),
        ('recorded_by', 'default_fields = ["family_name"]\nrecorded_by'),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def law() -> Policy:
    return lawful("item.birth")


def lawful(item: str) -> Policy:
    """Out: a home where the sample's requester, provider, requirement and evidence type are configured."""
    texts = dict(TEXTS)
    for file, changes in CHANGES.items():
        for old, new in changes:
            assert old in texts[file]
            texts[file] = texts[file].replace(old, new.replace("item.birth", item), 1)
    found = read(documents(texts), SETTINGS, verify, NOW)
    assert isinstance(found, Policy), found
    return found


@pytest.fixture(scope="module")
def spoken(standards: Path) -> Languages:
    return Languages.of((*sets.packaged(), sets.read(standards / "regrep-4.0")), Limits(), HOUSE)


@pytest.fixture(scope="module")
def sample(standards: Path) -> str:
    return (standards / "oots-edm-1.0" / "samples" / "oots_request.xml").read_text("utf-8")


def at_the_door(body: str) -> Contents:
    return contents(delivery(body.encode(), XML, SENT_AS, ROUTED))


def understood(body: str, law: Policy, spoken: Languages) -> Request:
    found = inbound.read(at_the_door(body), sender(), law, spoken)
    assert isinstance(found, Request), found
    return found


def valid(spoken: Languages, root: etree._Element) -> bool:
    known = spoken.of_root(root)
    assert known is not None
    return known.schema.valid(root)


def evidence(asked: Request, law: Policy) -> Evidence:
    record = replace(
        RECORD, subject=asked.subject, register="personenstandsregister", evidence="birth",
        fields=frozenset({"family_name"}), case=APPLICATION,
    )  # fmt: skip
    permit = decide(asked, law, [record], NOW)
    assert isinstance(permit, Permit), permit
    found = minimise(Found(VALUES, (Person("reg:personenstandsregister:1"),)), permit)
    assert isinstance(found, Evidence), found
    return found


def test_the_real_request_is_understood_byte_for_byte(law: Policy, spoken: Languages, sample: str) -> None:
    """Configuration fills in what EDM lacks; its IssueDateTime of 2022 plays no part."""
    asked = understood(sample, law, spoken)
    assert (asked.message, asked.case, asked.language) == (SENT_AS, APPLICATION, "oots-edm/1.0")
    assert (asked.register, asked.evidence) == ("personenstandsregister", "birth")
    assert (asked.procedure, asked.purpose) == ("wohngeld-antrag", "housing-benefit")
    assert (asked.subject.family_name, asked.subject.birth_date) == ("Smith", date(1970, 3, 1))
    assert asked.fields == frozenset()
    assert asked.document
    assert asked.on_behalf_of is None


def test_blocked_unknown_and_ambiguous_are_one_exception(law: Policy, spoken: Languages, sample: str) -> None:
    """The same message, byte for byte, where its id, exchange and time are the same: EDM:ERR:0004."""
    asked = understood(sample, law, spoken)
    permit = evidence(asked, law).permit
    hidden = Found({}, (Person("reg:personenstandsregister:1"),), blocked=True)
    told = set()
    for found in (hidden, NotFound("unknown"), NotFound("ambiguous")):
        outcome = minimise(found, permit)
        refusal = outcome.refusal if isinstance(outcome, Withheld) else outcome
        assert isinstance(refusal, Refusal)
        setting = Setting(case(SENT_AS), asked.language, asked.context, spoken, REPLY, NOW)
        told.add(outbound.refusal(refusal, setting))
    [written] = told
    assert b"EDM:ERR:0004" in written.body


def written_of(found: Evidence, by: Policy, spoken: Languages) -> Written:
    asked = found.permit.request
    return outbound.answer(
        found, by, Setting(case(SENT_AS), asked.language, asked.context, spoken, REPLY, NOW)
    )


def test_the_answer_carries_the_item_by_cid(
    law: Policy, spoken: Languages, sample: str, standards: Path
) -> None:
    """The RegRep part is valid and keeps EDM's own rules; the item is valid by its own schema; they refer."""
    found = evidence(understood(sample, law, spoken), law)
    written = written_of(found, law, spoken)
    message, item = multipart.parse(written.content_type, written.body)
    root, document = parse(message.body, Limits()), parse(item.body, Limits())
    assert valid(spoken, root)
    assert valid(spoken, document)
    count, failed = violated(root, standards / "oots-edm-1.0/schematron/evidence_response.sch")
    assert count > 20
    assert failed == []
    assert root.get("requestId") == APPLICATION
    [reference] = root.iter("{*}RepositoryItemRef")
    assert reference.get("{http://www.w3.org/1999/xlink}href") == f"cid:{item.id}"
    assert [name.text for name in document.iter("{*}familienname")] == ["Smith"]


def test_the_item_is_the_one_the_grant_names(spoken: Languages, sample: str) -> None:
    """Whichever document of whichever standard; a name that no standard has is a fault of configuration."""
    for item, root in (("item.residence", "meldenachweis"), ("item.birth", "geburtsnachweis")):
        by = lawful(item)
        found = evidence(understood(sample, by, spoken), by)
        written = written_of(found, by, spoken)
        parts = multipart.parse(written.content_type, written.body)
        assert etree.QName(parse(parts[1].body, Limits())).localname == root
    by = lawful("item.unknown")
    with pytest.raises(AnswerInvalid):
        written_of(evidence(understood(sample, by, spoken), by), by, spoken)


@pytest.mark.parametrize("unread", [False, True])
def test_every_no_is_a_schema_valid_exception(
    law: Policy, spoken: Languages, sample: str, standards: Path, unread: bool
) -> None:
    """Refusals and failures alike, whether or not the request was understood."""
    context = {} if unread else understood(sample, law, spoken).context
    words: list[Written] = [
        outbound.refusal(Refusal(code), Setting(case(SENT_AS), "oots-edm/1.0", context, spoken, REPLY, NOW))
        for code in ReasonCode
    ]
    words += [
        outbound.failure(code, Setting(case(SENT_AS), "oots-edm/1.0", context, spoken, REPLY, NOW))
        for code in FaultCode
    ]
    for written in words:
        assert written.content_type == XML
        root = parse(written.body, Limits())
        assert valid(spoken, root)
        assert root.get("requestId") == (None if unread else APPLICATION)
        _, failed = violated(root, standards / "oots-edm-1.0/schematron/evidence_exception.sch")
        assert failed == []


def test_the_exceptions_have_the_codes_and_severities_of_the_table(spoken: Languages) -> None:
    """no-data is 0004; no grant is 0002; an invalid message 0003; a fault of ours has severity Failure."""

    def exception(written: Written) -> tuple[Any, ...]:
        [found] = parse(written.body, Limits()).iter("{*}Exception")
        severity = str(found.get("severity")).rpartition(":")[2]
        return found.get("code"), found.get("detail"), severity

    def refused(code: ReasonCode) -> tuple[Any, ...]:
        return exception(
            outbound.refusal(Refusal(code), Setting(case(SENT_AS), "oots-edm/1.0", {}, spoken, REPLY, NOW))
        )

    assert refused(ReasonCode.NO_DATA) == ("EDM:ERR:0004", "no-data", "Error")
    assert refused(ReasonCode.NO_GRANT) == ("EDM:ERR:0002", "no-grant", "Error")
    assert refused(ReasonCode.SCHEMA_INVALID) == ("EDM:ERR:0003", "schema-invalid", "Error")
    failed = outbound.failure(
        FaultCode.REGISTER_TIMEOUT, Setting(case(), "oots-edm/1.0", {}, spoken, REPLY, NOW)
    )
    assert exception(failed) == ("EDM:ERR:0005", "register-timeout", "Failure")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("oots-edm:v1.0", "oots-edm:v2.0", ReasonCode.STANDARD_UNKNOWN),
        ("<rim:Value>true</rim:Value>", "<rim:Value>false</rim:Value>", ReasonCode.RULE_VIOLATED),
        ("DocumentQuery", "OtherQuery", ReasonCode.RULE_VIOLATED),
        ("DK22233223", "DK99999999", ReasonCode.SENDER_MISMATCH),
        ("DE73524311", "DE99999999", ReasonCode.NOT_FOR_US),
        ("315cfd75-6605-49c4-b0fe-799833b41099", "other", ReasonCode.NO_GRANT),
        ("2af27699-f131-4411-8fdb-9e8cd4e8bded", "other", ReasonCode.EVIDENCE_UNKNOWN),
        ("1970-03-01", "1970-02-30", ReasonCode.SCHEMA_INVALID),
        ('id="4ffb5281-179d-4578-adf2-39fd13ccc797"', "", ReasonCode.SCHEMA_INVALID),
        ('<rim:Slot name="NaturalPerson">', '<rim:Slot name="Somebody">', ReasonCode.NOT_SUPPORTED),
        (
            '<rim:Slot name="NaturalPerson">',
            '<rim:Slot name="PreviewLocation"/><rim:Slot name="NaturalPerson">',
            None,
        ),
        (
            ELEMENT + "\n\t\t\t\t<sdg:Requirement>",
            OTHER_NEED + ELEMENT + "<sdg:Requirement>",
            ReasonCode.NO_GRANT,
        ),
        ('<rim:Slot name="NaturalPerson">', REPRESENTED, ReasonCode.NOT_REPRESENTED),
        ("</query:QueryRequest>", "", ReasonCode.MALFORMED),
        ("<query:ResponseOption", "<query:Surprise", ReasonCode.SCHEMA_INVALID),
    ],
)
def test_what_is_wrong_in_it_has_its_reason(
    law: Policy, spoken: Languages, sample: str, old: str, new: str, code: ReasonCode | None
) -> None:
    """Each change of the real request is refused for what it is; a slot in a place without meaning changes nothing."""
    assert old in sample
    found = inbound.read(at_the_door(sample.replace(old, new, 1)), sender(), law, spoken)
    if code is None:
        assert isinstance(found, Request)
        return
    assert isinstance(found, Misread), found
    assert (found.refusal.code, found.language) == (code, "oots-edm/1.0")


def test_a_wish_for_a_structured_format_is_no_wish_for_a_document(
    law: Policy, spoken: Languages, sample: str
) -> None:
    """Only who asks for nothing but documents needs a grant that names an item."""
    asked = understood(sample.replace("application/pdf", "application/xml"), law, spoken)
    assert not asked.document


def test_without_the_schemas_the_standard_is_not_spoken(law: Policy, sample: str) -> None:
    """The administrator installs them; until then the house says that it doesn't know the standard."""
    bare = Languages.of(sets.packaged(), Limits(), HOUSE)
    found = inbound.read(at_the_door(sample), sender(), law, bare)
    assert isinstance(found, Misread)
    assert (found.refusal.code, found.language) == (ReasonCode.STANDARD_UNKNOWN, "json/1.0")
