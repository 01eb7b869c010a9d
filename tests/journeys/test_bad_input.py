"""Every way to ask wrongly ends once, is said clearly or kept in quarantine, and gives nothing away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import planted
import pytest
import pytest_asyncio
import town as towns
from journal_lines import ended, lines, owner, since
from letters import JSON, XML, asking, letter
from odd_register import guarded
from peopled import BLOCKED, NOBODY, ORDINARY, TWINS
from town import IDS, Town

from gateway import inbound, jws
from gateway.cli.demo.people import Person, anna
from gateway.client import verified
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply, Silent
from xoev_schemas.safe_xml import Limits, parse

pytestmark = pytest.mark.asyncio(loop_scope="module")

Make = Callable[[Town], Awaitable[Outbound]]
DEEP: Final = 10_000
REPLIES: Final = {
    "refused": "evidence.refusal",
    "no-data": "evidence.refusal",
    "failed": "evidence.failure",
    "expired": "evidence.failure",
}
"""The AMQP type of the reply for each kind of ending; none for what is quarantined (DOMAIN.md 5)."""
WORDS: Final = [(XML, "xeinmal/1.0"), (JSON, "json/1.0")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """One town for the table: every case is an exchange, a person's decision and an application of its own."""
    root = tmp_path_factory.mktemp("bad-input") / "home"
    copytree(founded, root)
    opened = await towns.opened(root)
    yield opened
    await opened.opened.close()


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the list: how to make the request, how its exchange must end and why, whose its line is."""

    name: str
    make: Make
    kind: str
    reason: str
    owner: str
    touched: bool = False


# --- right in itself ------------------------------------------------------------------------------------------
def record(town: Town, person: Person = ORDINARY, **changed: Any) -> dict[str, Any]:
    return town.asks(person, **({"case": f"WG-{IDS.new()}"} | changed))


def plain(town: Town) -> bytes:
    return town.body(record(town))[0]


async def decided(town: Town, person: Person = ORDINARY, **changed: Any) -> dict[str, Any]:
    """Out: a question that the person has decided for."""
    asked = record(town, person, **changed)
    await town.chooses(person, asked["case"])
    return asked


# --- how requests go wrong ------------------------------------------------------------------------------------
def bytes_of(make: Callable[[Town], bytes], content_type: str = XML) -> Make:
    """The body is wrong, the signature over it right."""

    async def made(town: Town) -> Outbound:
        return letter(town, make(town), content_type=content_type)

    return made


def signed(**how: Any) -> Make:
    """The body is right, the signature or what the bus is told is not."""

    async def made(town: Town) -> Outbound:
        return letter(town, plain(town), **{k: v(town) if callable(v) else v for k, v in how.items()})

    return made


def asked(language: str, person: Person = ORDINARY, chosen: bool = True, **changed: Any) -> Make:
    """The message is right, what it asks for is not."""

    async def made(town: Town) -> Outbound:
        question = await decided(town, person, **changed) if chosen else record(town, person, **changed)
        return asking(town, question, language)

    return made


async def late_about_somebody(town: Town) -> Outbound:
    """All is right but the hour."""
    return asking(town, await decided(town), issued_seconds_ago=3601)


def routed(rest: str) -> Make:
    """The message is right, the way it came is another's."""

    async def made(town: Town) -> Outbound:
        return asking(town, await decided(town), routing_key=f"wohngeldstelle.{rest}")

    return made


def json_of(change: Callable[[dict[str, Any]], object]) -> Callable[[Town], bytes]:
    def made(town: Town) -> bytes:
        said = record(town)
        change(said)
        return json.dumps(said).encode()

    return made


def with_type(document_type: str, text: str) -> Callable[[Town], bytes]:
    """The right message with a document type before it and an entity in it."""

    def made(town: Town) -> bytes:
        head, rest = plain(town).split(b"?>", 1)
        return head + b"?>" + document_type.encode() + rest.replace(b">WG-", f">{text}".encode(), 1)

    return made


def namespace(town: Town) -> bytes:
    return plain(town).replace(b"urn:einmal:xeinmal:1.0", b"urn:einmal:xeinmal:9.9")


def declared(encoding: str) -> Callable[[Town], bytes]:
    return lambda town: plain(town).replace(b"UTF-8", encoding.encode(), 1)


async def another_id_inside(town: Town) -> Outbound:
    return letter(town, plain(town), message_id=IDS.new())


async def captured(town: Town, **otherwise: Any) -> Outbound:
    """Somebody copies an answered message and sends it once more, changed in what is not the body."""
    first = asking(town, await decided(town))
    assert isinstance(await handle(town.delivery(first), town.opened.house), Reply)
    return replace(first, **otherwise)


async def under_another_id(town: Town) -> Outbound:
    return await captured(town, message_id=IDS.new())


async def by_another_user(town: Town) -> Outbound:
    return await captured(town, user_id="kitaverwaltung")


async def to_another_queue(town: Town) -> Outbound:
    return await captured(town, reply_to="einmal.reply.kitaverwaltung.replies")


async def same_id_other_bytes(town: Town) -> Outbound:
    first = asking(town, await decided(town))
    assert isinstance(await handle(town.delivery(first), town.opened.house), Reply)
    return asking(town, record(town, message_id=first.message_id))


async def withdrawn(town: Town) -> Outbound:
    question = record(town)
    await town.withdraws(await town.chooses(ORDINARY, question["case"]))
    return asking(town, question)


async def over(town: Town) -> Outbound:
    """The decision's time is over."""
    question, now = record(town), town.clock.now()
    ended_yesterday = {"not_before": now - timedelta(days=9), "not_after": now - timedelta(days=1)}
    await town.chooses(ORDINARY, question["case"], **ended_yesterday)
    return asking(town, question)


async def of_another_person(town: Town) -> Outbound:
    question = record(town)
    await town.chooses(BLOCKED, question["case"])
    return asking(town, question)


def parking(language: str, person: Person, **changed: Any) -> Make:
    """Resident parking asks by statute and by name."""

    async def made(town: Town) -> Outbound:
        return asking(town, town.parking(person, **changed), language, consumer="parkraumbewirtschaftung")

    return made


def stranger(kid: str) -> Callable[[Town], jws.SigningKey]:
    def made(town: Town) -> jws.SigningKey:
        members = town.consumer("wohngeldstelle").key.key.as_dict(private=True)
        known = {name: str(members[name]) for name in ("kty", "crv", "x", "d")}
        return jws.signing_key(kid, known)

    return made


def key_of(consumer: str, kid: str | None = None) -> Callable[[Town], jws.SigningKey]:
    return lambda town: replace(town.consumer(consumer).key, kid=kid or town.consumer(consumer).key.kid)


def unsigned_header(town: Town) -> str:
    """A token whose header says that nothing needs to hold."""
    good = letter(town, plain(town)).jws or ""
    header = json.loads(jws._decode(good.partition("..")[0]))
    return jws._encode(json.dumps(header | {"alg": "none"}, separators=(",", ":")).encode()) + ".."


BOMB: Final = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 10))
    + "]>"
)
QUARANTINE: Final = [
    Case("unsigned", signed(jws=None), "quarantined", "unsigned", "system"),
    Case("an empty signature", signed(jws=""), "quarantined", "unsigned", "system"),
    Case("signed over other bytes", signed(signed=b"<other/>"), "quarantined", "signature-invalid", "system"),
    Case("signed with alg none", signed(jws=unsigned_header), "quarantined", "signature-invalid", "system"),
    Case(
        "signed by an unknown key",
        signed(key=stranger("unknown-2026")),
        "quarantined",
        "key-unknown",
        "system",
    ),
    Case(
        "signed by another's key under one's own name",
        signed(key=key_of("kitaverwaltung", "wohngeldstelle-2026")),
        "quarantined",
        "signature-invalid",
        "system",
    ),
    Case(
        "signed by another consumer",
        signed(key=key_of("kitaverwaltung")),
        "quarantined",
        "sender-mismatch",
        "system",
    ),
    Case(
        "signed for someone else",
        signed(claims={"aud": "einmal.anderswo.example"}),
        "quarantined",
        "not-for-us",
        "system",
    ),
    Case(
        "the answer goes to another's queue",
        signed(reply_to="einmal.reply.kitaverwaltung.x", claims={"rto": "einmal.reply.kitaverwaltung.x"}),
        "quarantined",
        "reply-queue-foreign",
        "system",
    ),
    Case("captured, under another id", under_another_id, "quarantined", "message-id-mismatch", "system"),
    Case("captured, by another user", by_another_user, "quarantined", "sender-mismatch", "system"),
    Case("captured, to another queue", to_another_queue, "quarantined", "reply-queue-foreign", "system"),
    Case("oversized", bytes_of(lambda _: b"<a>" + b" " * 2_000_000), "quarantined", "too-large", "system"),
]
UNREADABLE: Final = [
    Case("malformed XML", bytes_of(lambda town: plain(town)[:-9]), "refused", "malformed", "sealed"),
    Case("no bytes at all", bytes_of(lambda _: b""), "refused", "malformed", "sealed"),
    Case("malformed JSON", bytes_of(lambda _: b'{"a":', JSON), "refused", "malformed", "sealed"),
    Case("a key twice", bytes_of(lambda _: b'{"a":1,"a":2}', JSON), "refused", "malformed", "sealed"),
    Case("JSON that is no object", bytes_of(lambda _: b"[]", JSON), "refused", "schema-invalid", "sealed"),
    Case("XML as JSON", bytes_of(plain, JSON), "refused", "malformed", "sealed"),
    Case("deep XML", bytes_of(lambda _: b"<a>" * DEEP + b"</a>" * DEEP), "refused", "too-large", "sealed"),
    Case("deep JSON", bytes_of(lambda _: b"[" * DEEP + b"]" * DEEP, JSON), "refused", "too-large", "sealed"),
    Case(
        "wide XML", bytes_of(lambda _: b"<a>" + b"<b/>" * 60_000 + b"</a>"), "refused", "too-large", "sealed"
    ),
    Case(
        "many attributes",
        bytes_of(lambda _: b"<a " + b" ".join(b"b%d='c'" % n for n in range(500)) + b"/>"),
        "refused",
        "too-large",
        "sealed",
    ),
    Case("an entity bomb", bytes_of(with_type(BOMB, "&a9;")), "refused", "malformed", "sealed"),
    Case(
        "an entity from a file",
        bytes_of(with_type('<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>', "&a;")),
        "refused",
        "malformed",
        "sealed",
    ),
    Case(
        "an entity from the network",
        bytes_of(with_type('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">', "WG-")),
        "refused",
        "malformed",
        "sealed",
    ),
    Case(
        "a parameter entity",
        bytes_of(with_type("<!DOCTYPE a [<!ENTITY % p \"<!ENTITY a 'b'>\"> %p;]>", "&a;")),
        "refused",
        "malformed",
        "sealed",
    ),
    Case("wrong namespace", bytes_of(namespace), "refused", "standard-unknown", "sealed"),
    Case(
        "no namespace",
        bytes_of(lambda _: b"<nachweis.anfrage.0101/>"),
        "refused",
        "standard-unknown",
        "sealed",
    ),
    Case("UTF-16", bytes_of(lambda t: plain(t).decode().encode("utf-16")), "refused", "malformed", "sealed"),
    Case(
        "UTF-16 without mark",
        bytes_of(lambda t: plain(t).decode().encode("utf-16-le")),
        "refused",
        "malformed",
        "sealed",
    ),
    Case("UTF-16, declared", bytes_of(declared("UTF-16")), "refused", "malformed", "sealed"),
    Case(
        "UTF-32", bytes_of(lambda t: plain(t).decode().encode("utf-32-be")), "refused", "malformed", "sealed"
    ),
    Case("UTF-7", bytes_of(lambda t: plain(t).replace(b"<", b"+ADw-")), "refused", "malformed", "sealed"),
    Case("UTF-7, declared", bytes_of(declared("UTF-7")), "refused", "malformed", "sealed"),
    Case(
        "overlong UTF-8", bytes_of(lambda _: b"<a>\xc0\xbcb/\xc0\xbe</a>"), "refused", "malformed", "sealed"
    ),
    Case("UTF-16 JSON", bytes_of(lambda _: "{}".encode("utf-16-le"), JSON), "refused", "malformed", "sealed"),
    Case(
        "UTF-16 by its header",
        bytes_of(plain, "application/xml; charset=utf-16"),
        "refused",
        "content-type-unknown",
        "sealed",
    ),
    Case("unknown content", bytes_of(plain, "text/plain"), "refused", "content-type-unknown", "sealed"),
    Case("no content type", bytes_of(plain, ""), "refused", "content-type-unknown", "sealed"),
    Case("empty multipart", bytes_of(lambda _: b"", "multipart/related"), "refused", "malformed", "sealed"),
    Case(
        "an element too many",
        bytes_of(lambda t: plain(t).replace(b"</x:anfrage>", b"<x:mehr/></x:anfrage>")),
        "refused",
        "schema-invalid",
        "sealed",
    ),
    Case(
        "a key too many",
        bytes_of(json_of(lambda r: r.update(more="x")), JSON),
        "refused",
        "schema-invalid",
        "sealed",
    ),
    Case("another id inside", another_id_inside, "refused", "message-id-mismatch", "sealed"),
    Case("same id, other bytes", same_id_other_bytes, "refused", "message-id-reused", "person"),
]
UNTIMELY: Final = [
    Case("late about somebody", late_about_somebody, "expired", "deadline-passed", "person"),
    Case("past its deadline", signed(issued_seconds_ago=3601), "expired", "deadline-passed", "sealed"),
    Case("signed in the future", signed(issued_seconds_ago=-120), "expired", "not-fresh", "sealed"),
    Case("good for too long", signed(lifetime_seconds=86_401), "expired", "not-fresh", "sealed"),
    Case("ended before it began", signed(lifetime_seconds=-1), "expired", "not-fresh", "sealed"),
]
MISDIRECTED: Final = [
    Case(
        "asks for another than it came as", routed("evidence.birth"), "refused", "routing-mismatch", "sealed"
    ),
    Case("comes as something else", routed("submit.residence"), "refused", "not-supported", "sealed"),
]


def in_each_language(language: str) -> list[Case]:
    """Out: the cases that are about what is asked, not about how it is written."""
    person = "person"
    return [
        Case(
            "unknown evidence type",
            asked(language, evidence="wealth"),
            "refused",
            "evidence-unknown",
            "sealed",
        ),
        Case("unknown person", parking(language, NOBODY), "no-data", "no-data", "sealed", True),
        Case(
            "another's number",
            asked(language, replace(ORDINARY, idnr=anna().idnr)),
            "no-data",
            "no-data",
            "sealed",
            True,
        ),
        Case("two matching persons", parking(language, TWINS[0]), "no-data", "no-data", "sealed", True),
        Case("blocked person", asked(language, BLOCKED), "no-data", "no-data", person, True),
        Case("blocked person by name", parking(language, BLOCKED), "no-data", "no-data", person, True),
        Case(
            "fields not granted",
            asked(language, fields=["street", "religion"]),
            "refused",
            "fields-not-permitted",
            person,
        ),
        Case(
            "fields nobody knows",
            asked(language, fields=["street", "shoe_size"]),
            "refused",
            "fields-not-permitted",
            person,
        ),
        Case(
            "fields not decided for",
            asked(language, fields=["street", "moved_in"]),
            "refused",
            "fields-not-permitted",
            person,
        ),
        Case("no decision", asked(language, chosen=False), "refused", "no-basis", person),
        Case(
            "a decision for another application",
            asked(language, chosen=False, case="WG-2026-1"),
            "refused",
            "no-basis",
            person,
        ),
        Case("another purpose", asked(language, purpose="resident-parking"), "refused", "no-grant", person),
        Case(
            "another register",
            asked(language, register="personenstandsregister"),
            "refused",
            "no-grant",
            person,
        ),
        Case(
            "another basis",
            asked(language, basis={"kind": "statutory"}),
            "refused",
            "basis-kind-not-allowed",
            person,
        ),
        Case(
            "for someone else", asked(language, on_behalf_of="Stadt Nebenan"), "refused", "no-grant", person
        ),
        Case("a test message", asked(language, test=True), "refused", "test-message", person),
        Case(
            "a wrong check digit",
            asked(language, replace(ORDINARY, idnr="01234567811")),
            "refused",
            "subject-insufficient",
            "sealed",
        ),
        Case(
            "hardly named",
            asked(language, subject={"birth_date": planted.BIRTH_DATE}),
            "refused",
            "basis-mismatch",
            "sealed",
        ),
    ]


STANDING: Final = [
    Case("withdrawn basis", withdrawn, "refused", "basis-withdrawn", "person"),
    Case("a decision of the past", over, "refused", "basis-outside-period", "person"),
    Case("someone else's decision", of_another_person, "refused", "basis-mismatch", "person"),
]
TABLE: Final = [
    *QUARANTINE,
    *UNREADABLE,
    *UNTIMELY,
    *MISDIRECTED,
    *STANDING,
    *(case for _, language in WORDS for case in in_each_language(language)),
]
NAMES: Final = [
    *(case.name for case in (*QUARANTINE, *UNREADABLE, *UNTIMELY, *MISDIRECTED, *STANDING)),
    *(f"{case.name}, {language}" for _, language in WORDS for case in in_each_language(language)),
]


@pytest.mark.parametrize("case", TABLE, ids=NAMES)
async def test_it_ends_once_is_said_clearly_and_gives_nothing_away(
    shared: Town, case: Case, exceptions_watched: Any
) -> None:
    """One terminal line of the right kind and reason under the right label; a signed, valid reply without
    evidence, or none; the same again gives the same bytes and no line; no register before `asked`."""
    request = await case.make(shared)
    house, doors = guarded(shared.opened.house, shared.opened.store)
    before, seen = await lines(shared.opened.store), len(exceptions_watched.found)

    first = await handle(shared.delivery(request), house)

    told = await since(before, shared.opened.store)
    [exchange] = {line.exchange for line in told}
    assert exchange is not None
    assert ended(told, exchange) == case.kind
    end = told[-1]
    assert end.event["reasons"] == [case.reason]
    assert await owner(end, shared) == case.owner
    assert [line.kind for line in told] == [*(["asked"] if case.touched else []), case.kind]
    assert [door.touched for door in doors.values() if door.touched] == ([[exchange]] if case.touched else [])

    if case.kind in REPLIES:
        assert isinstance(first, Reply)
        believed(shared, first.message, request, case.kind, case.reason)
    else:
        assert isinstance(first, Silent)

    again = await handle(shared.delivery(request), house)
    assert await since(before, shared.opened.store) == told
    assert isinstance(again, type(first))
    if isinstance(first, Reply) and isinstance(again, Reply):
        assert again.message == first.message
    accepted, terminal, in_flight = await shared.opened.store.counts()
    assert (accepted, in_flight) == (terminal, 0)
    assert exceptions_watched.found[seen:] == []


def believed(town: Town, message: Outgoing, request: Outbound, kind: str, reason: str) -> None:
    """The reply is the gateway's, to this request, of the right type; valid by the house's schema; and says
    why, in both languages, and nothing about anybody."""
    consumer = town.consumer(request.routing_key.split(".")[0])
    assert verified(message, request, consumer, town.gateway).promise is not None
    assert message.type == REPLIES[kind].replace("evidence", inbound.about(request.routing_key))
    assert message.reply_to == request.reply_to
    if message.content_type == JSON:
        said = json.loads(message.body)
    else:
        spoken = town.opened.house.languages.message("xeinmal/1.0", REPLIES[kind])
        assert spoken is not None
        root = parse(message.body, Limits())
        assert spoken.schema.valid(root)
        said = spoken.message.mapping.read(root)
    assert said["code"] == reason
    assert said["in_reply_to"] == request.message_id
    assert said["message"]["de"] != said["message"]["en"]
    assert "values" not in said
    for marker in planted.MARKERS:
        assert marker.encode() not in message.body
