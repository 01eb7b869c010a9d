"""Orders to the house's own ledger as a portal sends them: decisions and powers given, ended, listed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any, Final

import town as towns
from journal_lines import Told, ended, lines, since
from law_changes import edit, takes_over
from letters import JSON, asking, letter
from peopled import ORDINARY
from town import IDS, Town

from gateway import assembly
from gateway.cli.demo.people import Person, anna
from gateway.client import verified
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply

PORTAL: Final = "buergerportal"
GRANT: Final = "grants/wohngeld.toml"


@asynccontextmanager
async def one_town(founded: Path, root: Path) -> AsyncIterator[Town]:
    """In: a closed home, where its copy is to be. Out: an open town whose housing benefit lets guardians act; its
    books hold in the end."""
    copytree(founded, root)
    town = await towns.opened(root)
    await acts_for_others(town)
    yield town
    await town.opened.close()
    assert all(report.holds for report in assembly.verify_log(root)), "the books hold after all of it"


async def acts_for_others(town: Town) -> None:
    """The law of the town: housing benefit accepts guardians and attorneys, and asks for a good identification."""
    powers = 'representation = ["guardianship", "power-of-attorney"]'
    edit(town, GRANT, "idnr = true", f'idnr = true\nassurance = "substantial"\n{powers}')
    await takes_over(town)
    await town.opened.house.policies.refresh()


def named(person: Person) -> dict[str, str]:
    """Out: the person by number; by name where they have none."""
    born = {"birth_date": person.birth_date.isoformat()}
    if person.idnr:
        return {"idnr": person.idnr, **born}
    return {"family_name": person.family_name, "given_name": person.given_names, **born}


def decision(town: Town, person: Person = ORDINARY, /, **changed: Any) -> dict[str, Any]:
    """Out: terms of a choice for housing benefit, unless changed. None leaves a key out."""
    now = town.clock.now()
    said: dict[str, Any] = {
        "kind": "choice",
        "subject": named(person),
        "controller": "Stadt Musterstadt",
        "recipient": "wohngeldstelle",
        "register": "melderegister",
        "evidence": "residence",
        "fields": ["family_name", "street", "town"],
        "purpose": "housing-benefit",
        "procedure": "wohngeld-antrag",
        "case": f"WG-{IDS.new()}",
        "norm": "EGovG § 5",
        "notice": {"version": "1", "sha256": "0" * 64, "language": "de"},
        "channel": "online",
        "authentication": {"level": "substantial", "event": "test"},
        "not_before": stamp(now - timedelta(minutes=1)),
        "not_after": stamp(now + timedelta(days=30)),
    }
    return {key: value for key, value in (said | changed).items() if value is not None}


def power(town: Town, person: Person = ORDINARY, /, **changed: Any) -> dict[str, Any]:
    """Out: terms of a guardianship for the person, unless changed. None leaves a key out."""
    now = town.clock.now()
    said: dict[str, Any] = {
        "kind": "representation",
        "subject": named(person),
        "representative": named(anna()),
        "proof": "guardianship",
        "document_sha256": "1" * 64,
        "norm": "BGB § 1814",
        "authentication": {"level": "high", "event": "test"},
        "not_before": stamp(now - timedelta(minutes=1)),
        "not_after": stamp(now + timedelta(days=300)),
    }
    return {key: value for key, value in (said | changed).items() if value is not None}


def question(town: Town, terms: Mapping[str, Any], **changed: Any) -> Outbound:
    """Out: what housing benefit asks on such a decision."""
    asked = {"case": terms["case"], "subject": terms["subject"]}
    return asking(town, town.asks(ORDINARY, **(asked | changed)), "json/1.0")


def stamp(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def soon(town: Town, **time: float) -> str:
    """Out: when so much time will have passed."""
    return stamp(town.clock.now() + timedelta(**time))


def order(
    town: Town, question: str, said: Mapping[str, Any], consumer: str = PORTAL, **different: Any
) -> Outbound:
    """Out: the message of a recorder. In: give, withdraw or list; what it says beside its head."""
    message_id = IDS.new()
    head = {"message_id": message_id, "created": f"{town.clock.now():%Y-%m-%dT%H:%M:%S}.000Z"}
    body = json.dumps(head | dict(said), ensure_ascii=False).encode()
    told = {
        "consumer": consumer,
        "content_type": JSON,
        "message_id": message_id,
        "routing_key": f"{consumer}.consent.{question}",
    }
    return letter(town, body, **(told | different))


def gives(town: Town, terms: Mapping[str, Any], consumer: str = PORTAL, **more: Any) -> Outbound:
    return order(town, "give", {"terms": dict(terms)} | more, consumer)


def withdraws(
    town: Town, record: str, person: Person = ORDINARY, consumer: str = PORTAL, **more: Any
) -> Outbound:
    return order(town, "withdraw", {"record": record, "subject": named(person)} | more, consumer)


def lists(town: Town, person: Person = ORDINARY, consumer: str = PORTAL, **more: Any) -> Outbound:
    return order(town, "list", {"subject": named(person)} | more, consumer)


async def answered(town: Town, request: Outbound, house: House | None = None) -> Outgoing:
    """Out: the reply to a message, checked as its sender checks it."""
    result = await handle(town.delivery(request), house or town.opened.house)
    assert isinstance(result, Reply)
    verified(result.message, request, town.consumer(request.routing_key.split(".")[0]), town.gateway)
    return result.message


async def settled(
    town: Town, request: Outbound, house: House | None = None
) -> tuple[Outgoing, dict[str, Any], list[Told]]:
    """Out: the reply, what it says if it is JSON, and the lines of its exchange, which ends once."""
    before = await lines(town.opened.store)
    message = await answered(town, request, house)
    told = [line for line in await since(before, town.opened.store) if line.exchange]
    assert len({line.exchange for line in told}) == 1
    said = json.loads(message.body) if message.content_type == JSON else {}
    return message, said, told


async def recorded(town: Town, terms: Mapping[str, Any]) -> str:
    """The portal records it. Out: the id."""
    message = await answered(town, gives(town, terms))
    assert message.type == "consent.receipt", message.body
    return str(json.loads(message.body)["record"])


def refused(said: Mapping[str, Any], told: list[Told], code: str) -> None:
    """Reply and one line say why; the line has a failed fact."""
    assert said["code"] == code
    assert [line.kind for line in told if line.kind != "asked"] == ["refused"]
    assert told[-1].event["reasons"] == [code]
    assert "failed" in told[-1].event["facts"].values()
    assert "released" not in told[-1].event
    assert ended_once(told)


def ended_once(told: list[Told]) -> bool:
    return bool(ended(told, str(told[-1].exchange)))
