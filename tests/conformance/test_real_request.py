"""The published birth-certificate request of OOTS-EDM 1.0, byte for byte and signed, through the whole house."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import pytest
import town as towns
import xmlschema
from journal_lines import Told, ended, is_of, lines, owner, since
from law_changes import edit, takes_over
from letters import XML, letter
from lxml import etree
from odd_register import guarded
from town import Town

from consent.ledger import Named
from gateway.cli.demo.people import anna
from gateway.client import verified
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply
from xoev_schemas import multipart, sets
from xoev_schemas.catalogue import Catalogue, Listed, MessageKey
from xoev_schemas.safe_xml import Limits, parse

APPLICATION: Final = "4ffb5281-179d-4578-adf2-39fd13ccc797"
"""QueryRequest/@id of the sample."""
GRANTED: Final = [
    "birth_date",
    "birth_place",
    "family_name",
    "given_names",
    "issued_on",
    "register_number",
    "register_office",
]
ELSEWHERE: Final = {
    "http://www.w3.org/XML/1998/namespace": "xml.xsd",
    "http://www.w3.org/1999/xlink": "xlink.xsd",
    "http://www.w3.org/2005/08/addressing": "ws-addr.xsd",
}
"""Where the namespaces are that query.xsd imports without saying where."""
JOHN: Final = Named(birth_date=date(1970, 3, 1), family_name="Smith", given_name="John")
ASKED: Final = {"consumer": "hochschulportal", "content_type": XML}
RETENTION: Final = "12m"


@pytest.fixture(scope="session")
def installed(standards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Out: a closed home that knows requester and provider, its administrator having installed RegRep."""
    root = tmp_path_factory.mktemp("oots") / "home"

    def install(schemas: Path) -> None:
        sets.install(standards / "regrep-4.0", schemas, Catalogue(sets.packaged()).flaws_with)

    async def found() -> None:
        town = await towns.found(root, oots=install)
        await town.opened.close()

    asyncio.run(found())
    return root


@pytest.fixture
async def town(installed: Path, tmp_path: Path) -> AsyncIterator[Town]:
    copytree(installed, tmp_path / "home")
    opened = await towns.opened(tmp_path / "home")
    yield opened
    await opened.opened.close()


@pytest.fixture(scope="session")
def sample(standards: Path) -> bytes:
    return (standards / "oots-edm-1.0/samples/oots_request.xml").read_bytes()


@dataclass(frozen=True, slots=True)
class Judge:
    """OASIS's query.xsd as another library reads it: nothing of the house between the files and the verdict."""

    schema: xmlschema.XMLSchema10

    def holds(self, body: bytes) -> bool:
        return self.schema.is_valid(body.decode("utf-8"))


@pytest.fixture(scope="session")
def regrep(standards: Path) -> Judge:
    folder = standards / "regrep-4.0"
    elsewhere = [(namespace, str(folder / file)) for namespace, file in ELSEWHERE.items()]
    return Judge(
        xmlschema.XMLSchema10(
            str(folder / "query.xsd"), base_url=str(folder), allow="sandbox", locations=elsewhere
        )
    )


def request(town: Town, body: bytes, **different: Any) -> Outbound:
    """Out: the sample as the portal signs and sends it."""
    return letter(town, body, **({"routing_key": "hochschulportal.evidence.birth"} | ASKED | different))


async def decides(town: Town, **changed: Any) -> str:
    """John Smith decides, at the recorder the grant accepts, for this very application."""
    terms: dict[str, Any] = {
        "subject": JOHN,
        "recipient": "hochschulportal",
        "register": "personenstandsregister",
        "evidence": "birth",
        "fields": frozenset(GRANTED),
        "purpose": "study-abroad",
        "procedure": "studienbewerbung",
        "norm": "Verordnung (EU) 2018/1724 Art. 14",
    }
    return await town.chooses(anna(), APPLICATION, **(terms | changed))


async def sent(town: Town, message: Outbound) -> tuple[Outgoing, list[Told]]:
    """Out: the signed reply, and the lines of its exchange, which ended once; no register before `asked`."""
    house, doors = guarded(town.opened.house, town.opened.store)
    before = await lines(town.opened.store)
    result = await handle(town.delivery(message), house)
    assert isinstance(result, Reply)
    reply = verified(result.message, message, town.consumer("hochschulportal"), town.gateway)
    assert reply.promise is not None
    told = await since(before, town.opened.store)
    assert {line.exchange for line in told} == {result.exchange}
    ended(told, result.exchange)
    touched = [result.exchange] if told[0].kind == "asked" else []
    assert doors["personenstandsregister"].touched == touched
    again = await handle(town.delivery(message), house)
    assert isinstance(again, Reply)
    assert again.message == result.message
    assert await since(before, town.opened.store) == told
    return result.message, told


def exception(message: Outgoing, regrep: Judge) -> etree._Element:
    """Out: the one exception of a reply that is nothing but a valid QueryResponse to the sample."""
    assert message.content_type == XML
    root = parse(message.body, Limits())
    assert regrep.holds(message.body)
    assert root.get("requestId") == APPLICATION
    assert str(root.get("status")).endswith(":Failure")
    assert root.find("{*}RegistryObjectList") is None
    [found] = root.iter("{*}Exception")
    return found


async def test_the_real_request_is_answered_with_exactly_what_was_granted(
    town: Town, sample: bytes, regrep: Judge
) -> None:
    """Its issue time is years old and it wishes for a PDF: what counts is when it was signed and what the grant
    names. The RegRep part is valid by OASIS's own schema and answers the application's id; the evidence lies
    beside it, by cid."""
    await decides(town)
    message = request(town, sample)
    assert message.body == sample
    assert b"2022-05-19T17:08:10.872Z" in sample
    assert b"application/pdf" in sample

    reply, told = await sent(town, message)

    assert reply.type == "evidence.answer"
    assert reply.content_type.startswith("multipart/related")
    response, item = multipart.parse(reply.content_type, reply.body)
    root = parse(response.body, Limits())
    assert regrep.holds(response.body)
    assert root.tag == "{urn:oasis:names:tc:ebxml-regrep:xsd:query:4.0}QueryResponse"
    assert root.get("requestId") == APPLICATION
    assert str(root.get("status")).endswith(":Success")
    [reference] = root.iter("{*}RepositoryItemRef")
    assert reference.get("{http://www.w3.org/1999/xlink}href") == f"cid:{item.id}"
    [identifier] = [found.text for found in root.iter("{*}Identifier") if found.get("schemeID") == "0096"]
    assert identifier == "DK22233223"

    assert item.content_type.startswith("application/xml")
    document = parse(item.body, Limits())
    known = town.opened.house.languages.item("item.birth")
    assert known is not None
    assert known.schema.valid(document)
    assert known.message.mapping.read(document) == {
        "family_name": "Smith",
        "given_names": "John",
        "birth_date": "1970-03-01",
        "birth_place": "Hamburg",
        "register_office": "Standesamt Musterstadt",
        "register_number": "G 0/1970",
        "issued_on": "2000-05-23",
    }
    assert b"elternteil" not in reply.body

    assert [line.kind for line in told] == ["asked", "answered"]
    asked, answered = told
    assert answered.event["released"] == GRANTED
    assert answered.event["requested"] == GRANTED
    assert answered.event["case"] == APPLICATION
    assert answered.event["message"] == message.message_id
    assert (answered.event["standard"], answered.event["version"]) == ("oots-edm", "1.0")
    assert answered.event["grant"] == "hochschule-birth"
    assert answered.position.origin.split("/")[1] == asked.position.origin.split("/")[1] == RETENTION
    assert await owner(asked, town) == "sealed"
    assert await is_of(answered, "reg:personenstandsregister:G000000", town)


async def test_without_the_basis_the_real_request_gets_a_valid_exception(
    town: Town, sample: bytes, regrep: Judge
) -> None:
    """`ExplicitRequestGiven` is the asker's word; only a record of the house's own is a basis."""
    reply, told = await sent(town, request(town, sample))
    found = exception(reply, regrep)
    assert (found.get("code"), found.get("detail")) == ("EDM:ERR:0002", "no-basis")
    assert reply.type == "evidence.refusal"
    assert [line.kind for line in told] == ["refused"]
    assert told[0].event["reasons"] == ["no-basis"]
    assert told[0].event["case"] == APPLICATION
    assert await owner(told[0], town) == "sealed"


async def test_a_decision_that_was_withdrawn_gives_a_valid_exception(
    town: Town, sample: bytes, regrep: Judge
) -> None:
    """Withdrawn is told as withdrawn, with the code for want of authorisation."""
    await town.withdraws(await decides(town))
    reply, told = await sent(town, request(town, sample))
    assert exception(reply, regrep).get("detail") == "basis-withdrawn"
    assert [line.kind for line in told] == ["refused"]


async def test_a_decision_by_a_recorder_nobody_accepted_is_none(
    town: Town, sample: bytes, regrep: Judge
) -> None:
    """The grant names who may record; the portal that asks is not among them."""
    await decides(town, recorded_by="hochschulportal")
    reply, _ = await sent(town, request(town, sample))
    assert exception(reply, regrep).get("detail") == "recorder-not-accepted"


async def test_a_decision_for_fewer_fields_gives_fewer(town: Town, sample: bytes) -> None:
    """EDM names no fields: of the grant's default ones, those decided for are handed on."""
    await decides(town, fields=frozenset({"family_name", "birth_date"}))
    reply, told = await sent(town, request(town, sample))
    _, item = multipart.parse(reply.content_type, reply.body)
    document = parse(item.body, Limits())
    assert {etree.QName(found).localname for found in document.iter() if not len(found)} == {
        "familienname",
        "geburtsdatum",
    }
    assert told[-1].event["released"] == ["birth_date", "family_name"]


async def test_the_grant_s_default_fields_are_what_is_handed_on(town: Town, sample: bytes) -> None:
    """More may be granted than is handed on unasked; EDM can't ask."""
    file = "grants/hochschule.toml"
    edit(town, file, "recorded_by", 'default_fields = ["birth_place", "family_name"]\nrecorded_by')
    await takes_over(town)
    await decides(town)
    reply, told = await sent(town, request(town, sample))
    assert reply.type == "evidence.answer"
    assert told[-1].event["released"] == ["birth_place", "family_name"]


async def test_a_person_the_register_does_not_have_is_object_not_found(
    town: Town, sample: bytes, regrep: Judge
) -> None:
    """EDM:ERR:0004, and a line under nobody's label."""
    with closing(sqlite3.connect(town.root / "registers/personenstandsregister.sqlite3")) as births, births:
        births.execute("DELETE FROM geburt WHERE familienname = 'Smith'")
    await decides(town)
    reply, told = await sent(town, request(town, sample))
    found = exception(reply, regrep)
    assert (found.get("code"), found.get("detail")) == ("EDM:ERR:0004", "no-data")
    assert [line.kind for line in told] == ["asked", "no-data"]
    assert await owner(told[-1], town) == "sealed"


@pytest.mark.parametrize(
    ("old", "new", "code", "detail"),
    [
        (b"DK22233223", b"DK00000000", "EDM:ERR:0001", "sender-mismatch"),
        (b"DE73524311", b"DE00000000", "EDM:ERR:0003", "not-for-us"),
        (b"<rim:Value>true</rim:Value>", b"<rim:Value>false</rim:Value>", "EDM:ERR:0003", "rule-violated"),
    ],
    ids=["another requester", "another provider", "no explicit request"],
)
async def test_a_changed_request_is_refused_in_its_own_language(
    town: Town, sample: bytes, old: bytes, new: bytes, code: str, detail: str
) -> None:
    """Requester and provider are the configured ones, and the explicit request is made, or nothing is asked."""
    await decides(town)
    reply, told = await sent(town, request(town, sample.replace(old, new)))
    [found] = parse(reply.body, Limits()).iter("{*}Exception")
    assert (found.get("code"), found.get("detail")) == (code, detail)
    assert [line.kind for line in told] == ["refused"]


async def test_past_its_signed_deadline_it_gets_a_failure(town: Town, sample: bytes, regrep: Judge) -> None:
    """The signed times are the ones that count."""
    await decides(town)
    reply, told = await sent(town, request(town, sample, issued_seconds_ago=7200))
    [found] = parse(reply.body, Limits()).iter("{*}Exception")
    assert found.get("code") == "EDM:ERR:0005"
    assert str(found.get("severity")).endswith(":Failure")
    assert [line.kind for line in told] == ["expired"]
    assert regrep.holds(reply.body)


async def test_the_same_application_freshly_signed_is_answered_again(town: Town, sample: bytes) -> None:
    """Another message id is another exchange, with an answer and lines of its own."""
    await decides(town)
    first, _ = await sent(town, request(town, sample))
    second, _ = await sent(town, request(town, sample))
    assert first.message_id != second.message_id


def test_the_schema_of_this_test_finds_what_is_wrong(regrep: Judge, sample: bytes) -> None:
    """The official sample is valid by it; without its query it is not."""
    assert regrep.holds(sample)
    start, end = sample.index(b"<query:Query "), sample.index(b"</query:QueryRequest>")
    assert not regrep.holds(sample[:start] + sample[end:])


def test_the_sample_is_found_by_its_namespace_in_what_was_installed(installed: Path, sample: bytes) -> None:
    """An administrator's folder is enough; nothing of the standard is packaged."""
    found = Catalogue((*sets.packaged(), *sets.installed(installed / "data/schemas"))).find(
        MessageKey.of(parse(sample, Limits()))
    )
    assert isinstance(found, Listed)
    bare = Catalogue(sets.packaged()).find(MessageKey.of(parse(sample, Limits())))
    assert not isinstance(bare, Listed)
