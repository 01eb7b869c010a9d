"""Encrypted letters to a town: a consumer with a key of its own, a demand for encryption, requests made of JWEs and
what comes of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import law_changes
import planted
from journal_lines import ended, lines, since
from letters import JSON, asking, letter
from peopled import ORDINARY
from town import IDS, Town

from adapters.keys import new_encryption_key
from gateway import client, jose, jwe
from gateway.exchange import handle
from gateway.house import House
from gateway.ports import Outbound
from gateway.stages import Outgoing, Reply

CONSUMER = "wohngeldstelle"
GRANTS = "grants/wohngeld.toml"
NOTICE: Final = "encryption-key-missing"


async def has_key(
    town: Town, name: str = "enc-1", consumer: str = CONSUMER, **validity: timedelta
) -> jwe.OpeningKey:
    """The consumer publishes a key to encrypt to, valid around now unless said otherwise. Out: the secret one."""
    key, now = new_encryption_key(IDS, name), town.clock.now()
    members = ", ".join(f'{part} = "{said}"' for part, said in jose.public_members(key.key).items())
    times = {"valid_from": -timedelta(days=1), "valid_to": timedelta(days=30), **validity}
    rows = [f"{part} = {(now + far).strftime('%Y-%m-%dT%H:%M:%SZ')}" for part, far in times.items()]
    block = "\n".join(["", "[[key]]", f'kid = "{name}"', 'use = "enc"', *rows, f"jwk = {{ {members} }}", ""])
    file = town.root / file_of(consumer)
    file.write_text(file.read_text("utf-8") + block, "utf-8")
    await in_force(town)
    return key


async def revokes_key(town: Town, name: str = "enc-1") -> None:
    """From now on nothing is encrypted to it."""
    now = town.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    law_changes.edit(town, file_of(CONSUMER), f'kid = "{name}"\n', f'kid = "{name}"\nrevoked_at = {now}\n')
    await in_force(town)


async def consumer_demands(town: Town, consumer: str = CONSUMER) -> None:
    """Everything to and from it."""
    law_changes.edit(town, file_of(consumer), "standards = ", "encrypt = true\nstandards = ")
    await in_force(town)


async def grant_demands(town: Town) -> None:
    """Everything under the first grant for housing benefit."""
    law_changes.edit(town, GRANTS, "norm = ", "encrypt = true\nnorm = ")
    await in_force(town)


def file_of(consumer: str) -> str:
    return f"consumers/{consumer}.toml"


async def in_force(town: Town) -> None:
    await law_changes.takes_over(town)
    await town.opened.house.policies.refresh()


def enclosed(town: Town, plain: Outbound, **sent: Any) -> Outbound:
    """Out: the same request, encrypted to the house and signed as sent."""
    token = jwe.encrypt(plain.body, plain.content_type, town.opened.keys.encryption(town.clock.now())[0])
    told: dict[str, Any] = {
        "content_type": jwe.MEDIA_TYPE,
        "consumer": plain.routing_key.partition(".")[0],
        "message_id": plain.message_id,
        "routing_key": plain.routing_key,
    }
    told |= sent
    return letter(town, told.pop("body", token), **told)


def read(message: Outgoing, *keys: jwe.OpeningKey) -> tuple[str, bytes]:
    """Out: type and body of an encrypted reply, as its consumer opens it."""
    assert message.content_type == jwe.MEDIA_TYPE
    found = {key.kid: key for key in keys}
    return jwe.decrypt(message.body, found.get, client.MAX_REPLY_BYTES)


async def question(town: Town, chosen: bool = True, **changed: Any) -> Outbound:
    """Out: in the clear."""
    asked = town.asks(ORDINARY, case=f"WG-{IDS.new()}", **changed)
    if chosen:
        await town.chooses(ORDINARY, asked["case"])
    return asking(town, asked, "json/1.0")


async def settle(
    town: Town, request: Outbound, house: House | None = None
) -> tuple[Outgoing, str, list[str]]:
    """Out: the reply, checked as received; how the exchange ended; the reasons in its last line."""
    before = await lines(town.opened.store)
    result = await handle(town.delivery(request), house or town.opened.house)
    assert isinstance(result, Reply)
    told = [line for line in await since(before, town.opened.store) if line.exchange]
    [exchange] = {line.exchange for line in told}
    believed(town, result.message, request)
    end = told[-1].kind
    assert ".consent." in request.routing_key or ended(told, exchange or "") == end
    return result.message, end, told[-1].event.get("reasons", [])


def believed(town: Town, message: Outgoing, request: Outbound) -> None:
    """Signature and receipt are over the bytes as they were sent."""
    consumer = town.consumer(request.routing_key.partition(".")[0])
    promise = client.verified(replace(message, content_type=JSON), request, consumer, town.gateway).promise
    assert promise is not None


def is_notice(message: Outgoing) -> bool:
    """Out: whether it says in the clear that there is no key, and nothing about anybody or anything."""
    said = json.loads(message.body)
    assert not any(marker.encode() in message.body for marker in planted.MARKERS)
    return (message.content_type, said["code"], said["checks"]) == (JSON, NOTICE, ["message"])
