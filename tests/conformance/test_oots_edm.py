"""What is read from and written to OOTS-EDM 1.0, against its real messages, its schema and its Schematron."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from schematron import violated

from xoev_schemas import sets
from xoev_schemas.catalogue import Catalogue, Listed, MessageKey
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.standards import Standard, packaged

SCH = "{http://purl.oclc.org/dsdl/schematron}"
SAMPLES = Path("oots-edm-1.0/samples")
AGENT = {"scheme": "9930", "id": "DE00000000", "name": "Standesamt Musterstadt", "lang": "de"}
ADDRESS = {"full": "Lindenallee 12a", "postcode": "01234", "town": "Musterstadt", "country": "DE"}
CONSUMER = {"scheme": "0096", "id": "DK00000000", "name": "Universität <Beispiel> & Söhne"}
PERSON = {"level": "High", "family_name": "Beispiel", "given_name": "Zoë", "birth_date": "1990-02-28"}
HEAD = {
    "in_reply_to": "4ffb5281-179d-4578-adf2-39fd13ccc797",
    "specification": "oots-edm:v1.0",
    "message_id": "7b0f2f0c-2d6e-4e8c-8a7a-0c7c1f6d2e01",
    "created": "2026-11-21T20:15:00.000Z",
    "requester": CONSUMER,
}
ANSWER: dict[str, Any] = HEAD | {
    "providers": [AGENT | {"classification": "EvidenceProvider", "address": ADDRESS}],
    "objects": [
        {
            "id": "9c1f0a52-8c1e-4c63-9a55-0d7a6f0b1c09",
            "evidence": {
                "id": "0e0f0a52-8c1e-4c63-9a55-0d7a6f0b1c10",
                "person": PERSON,
                "issuer": AGENT,
                "classification": "CertificateOfBirth",
                "titles": [{"lang": "de", "text": "Geburtsurkunde"}],
                "descriptions": [{"lang": "de", "text": "Aus dem Geburtenregister"}],
                "issued_on": "2026-11-20",
                "format": "application/xml",
                "conforms_to": "urn:einmal:xeinmal:1.0",
            },
            "href": "cid:evidence@einmal.musterstadt.example",
            "title": "geburtsnachweis",
        }
    ],
}
EXCEPTION = {
    "severity": "failure",
    "message": "Object not found",
    "detail": "no-data \"'<&>",
    "code": "EDM:ERR:0004",
    "timestamp": "2026-11-21T20:15:00.000Z",
}
TYPES = [
    "authentication",
    "authorization",
    "invalid-request",
    "object-not-found",
    "timeout",
    "unresolved-reference",
    "unsupported-capability",
    "query",
]


def refusal(kind: str) -> dict[str, Any]:
    return HEAD | {"provider": AGENT, "exceptions": [EXCEPTION | {"type": kind}]}


@pytest.fixture(scope="session")
def edm() -> Standard:
    [found] = [standard for standard in packaged() if standard.language == "oots-edm/1.0"]
    return found


@pytest.fixture(scope="session")
def regrep(standards: Path) -> Catalogue:
    return Catalogue([*sets.packaged(), sets.read(standards / "regrep-4.0")])


def written(edm: Standard, record: str, said: dict[str, Any]) -> etree._Element:
    return parse(edm.by_record[record].mapping.write(said), Limits())


def valid(regrep: Catalogue, root: etree._Element) -> bool:
    listed = regrep.find(MessageKey.of(root))
    assert isinstance(listed, Listed)
    return listed.schema.valid(root)


def test_the_real_request_is_read_byte_for_byte(standards: Path, edm: Standard) -> None:
    """Everything the gateway asks of a request is found in the published birth-certificate request."""
    root = parse((standards / SAMPLES / "oots_request.xml").read_bytes(), Limits())
    message = edm.message_of(root)
    assert message is not None
    assert message.record == "evidence.request"
    request = message.mapping.read(root)
    assert request["message_id"] == "4ffb5281-179d-4578-adf2-39fd13ccc797"
    assert request["specification"] == "oots-edm:v1.0"
    assert request["created"] == "2022-05-19T17:08:10.872Z"
    assert request["explicit"] is True
    assert request["preview_possible"] is False
    assert [need["id"] for need in request["requirements"]] == ["315cfd75-6605-49c4-b0fe-799833b41099"]
    assert [(who["scheme"], who["id"]) for who in request["requesters"]] == [("0096", "DK22233223")]
    assert (request["provider"]["scheme"], request["provider"]["id"]) == ("9930", "DE73524311")
    assert request["query"] == "DocumentQuery"
    assert request["person"]["birth_date"] == "1970-03-01"
    assert request["evidence"]["id"] == "2af27699-f131-4411-8fdb-9e8cd4e8bded"
    assert [form["type"] for form in request["evidence"]["formats"]] == ["application/pdf"]
    assert "representative" not in request
    assert "organisation" not in request


@pytest.mark.parametrize("sample", ["oots_request.xml", "oots_response.xml"])
def test_a_real_message_is_written_again_as_it_was_read(
    standards: Path, edm: Standard, regrep: Catalogue, sample: str
) -> None:
    """Reading, writing and reading a published message loses nothing that is mapped, and what is written is valid."""
    root = parse((standards / SAMPLES / sample).read_bytes(), Limits())
    message = edm.message_of(root)
    assert message is not None
    record = message.mapping.read(root)
    again = parse(message.mapping.write(record), Limits())
    assert valid(regrep, again)
    assert message.mapping.read(again) == record
    assert edm.message_of(again) is message


def test_a_written_response_is_valid_and_keeps_the_schematron(
    standards: Path, edm: Standard, regrep: Catalogue
) -> None:
    """RegRep's schema and EDM's own rules hold for evidence that we hand on."""
    root = written(edm, "evidence.answer", ANSWER)
    assert valid(regrep, root)
    count, failed = violated(root, standards / "oots-edm-1.0/schematron/evidence_response.sch")
    assert count > 20
    assert failed == []


@pytest.mark.parametrize("kind", TYPES)
def test_a_written_exception_is_valid_and_keeps_the_schematron(
    standards: Path, edm: Standard, regrep: Catalogue, kind: str
) -> None:
    """Each type of exception is schema-valid, holds EDM's rules, and is read back as itself."""
    root = written(edm, "evidence.exception", refusal(kind))
    assert valid(regrep, root)
    count, failed = violated(root, standards / "oots-edm-1.0/schematron/evidence_exception.sch")
    assert count > 10
    assert failed == []
    message = edm.message_of(root)
    assert message is not None
    assert message.mapping.read(root) == refusal(kind)


def test_the_schematron_of_this_test_finds_what_is_missing(standards: Path, edm: Standard) -> None:
    """An exception without its time and its provider breaks the rules that ask for them."""
    said = refusal("query")
    del said["provider"], said["exceptions"][0]["timestamp"]
    _, failed = violated(
        written(edm, "evidence.exception", said), standards / "oots-edm-1.0/schematron/evidence_exception.sch"
    )
    assert {"R-EDM-ERR-S11", "R-EDM-ERR-S12"} <= set(failed)


def test_the_item_beside_the_response_is_xeinmal(edm: Standard) -> None:
    """OOTS carries no evidence itself; the item is a document of XEinmal 1.0 with a schema of its own."""
    [xeinmal] = [standard for standard in packaged() if standard.language == "xeinmal/1.0"]
    assert "item.birth" in xeinmal.by_record
    assert xeinmal.schema is not None
    assert edm.schema is None
