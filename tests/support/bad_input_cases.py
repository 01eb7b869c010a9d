"""The list of ways to ask wrongly, with how each must end, why, and whose its line is (DOMAIN.md 5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import planted
from bad_requests import (
    Make,
    another_id_inside,
    asked,
    by_another_user,
    bytes_of,
    declared,
    json_of,
    key_of,
    late_about_somebody,
    namespace,
    of_another_person,
    over,
    parking,
    plain,
    routed,
    same_id_other_bytes,
    signed,
    stranger,
    to_another_queue,
    under_another_id,
    unsigned_header,
    with_type,
    withdrawn,
)
from letters import JSON, XML
from peopled import BLOCKED, NOBODY, ORDINARY, TWINS

from gateway.cli.demo.people import anna

DEEP: Final = 10_000
WORDS: Final = [(XML, "xeinmal/1.0"), (JSON, "json/1.0")]


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the list: how to make the request, how its exchange must end and why, whose its line is."""

    name: str
    make: Make
    kind: str
    reason: str
    owner: str
    touched: bool = False


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
