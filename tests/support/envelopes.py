"""Encrypted letters to a town: a consumer with a key of its own, a demand for encryption, requests made of JWEs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import law_changes
from letters import letter
from town import IDS, Town

from adapters.keys import new_encryption_key
from gateway import client, jose, jwe
from gateway.ports import Outbound
from gateway.stages import Outgoing

CONSUMER = "wohngeldstelle"
GRANTS = "grants/wohngeld.toml"


async def has_key(
    town: Town, name: str = "enc-1", consumer: str = CONSUMER, **validity: timedelta
) -> jwe.OpeningKey:
    """The consumer publishes a key to encrypt to, valid around now unless said otherwise. Out: the secret one."""
    key, now = new_encryption_key(IDS, name), town.clock.now()
    members = ", ".join(f'{part} = "{said}"' for part, said in jose.public_members(key.key).items())
    times = {"valid_from": -timedelta(days=1), "valid_to": timedelta(days=30), **validity}
    lines = [f"{part} = {(now + far).strftime('%Y-%m-%dT%H:%M:%SZ')}" for part, far in times.items()]
    block = "\n".join(["", "[[key]]", f'kid = "{name}"', 'use = "enc"', *lines, f"jwk = {{ {members} }}", ""])
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
