"""Requests that are wrong in one thing: in their bytes, their signature, the way they came, or what they ask for."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

from letters import XML, asking, letter
from peopled import BLOCKED, ORDINARY
from town import IDS, Town

from gateway import jose, jws
from gateway.cli.demo.people import Person
from gateway.exchange import handle
from gateway.ports import Outbound
from gateway.stages import Reply

Make: TypeAlias = Callable[[Town], Awaitable[Outbound]]
"""In: the town. Out: a request to it."""


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
    header = json.loads(jose.decode(good.partition("..")[0]))
    return jose.encode(json.dumps(header | {"alg": "none"}, separators=(",", ":")).encode()) + ".."
