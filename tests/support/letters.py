"""Letters to the house, right and wrong: a request signed as told, whatever its body says."""

from __future__ import annotations

from typing import Any, Final

from town import IDS, Town, about

from gateway import jws
from gateway.ports import Outbound

XML: Final = "application/xml"
JSON: Final = "application/json"


def letter(
    town: Town,
    body: bytes,
    *,
    consumer: str = "wohngeldstelle",
    content_type: str = XML,
    message_id: str | None = None,
    routing_key: str | None = None,
    issued_seconds_ago: int = 0,
    lifetime_seconds: int = 3600,
    key: jws.SigningKey | None = None,
    signed: bytes | None = None,
    claims: dict[str, str | int] | None = None,
    **sent: Any,
) -> Outbound:
    """Out: a request. In: `signed` is what the signature is over, if not the body; `claims` and `sent` replace
    what is signed and what the bus is told."""
    sender = town.consumer(consumer)
    message_id = message_id or IDS.new()
    reply_to = f"einmal.reply.{consumer}.replies"
    issued = int(town.clock.now().timestamp()) - issued_seconds_ago
    told: dict[str, str | int] = {
        "iat": issued,
        "exp": issued + lifetime_seconds,
        "aud": town.gateway.audience,
        "mid": message_id,
        "rto": reply_to,
    }
    properties: dict[str, Any] = {
        "routing_key": routing_key or f"{consumer}.evidence.residence",
        "message_id": message_id,
        "user_id": sender.bus_user,
        "reply_to": reply_to,
        "content_type": content_type,
        "body": body,
        "jws": jws.sign_detached(signed or body, told | (claims or {}), key or sender.key),
    }
    return Outbound(**(properties | sent))


def asking(town: Town, record: dict[str, Any], language: str = "xeinmal/1.0", **different: Any) -> Outbound:
    """Out: the request a record is, signed as told."""
    body, content_type = town.body(record, language)
    told = {"content_type": content_type, "message_id": record["message_id"]}
    consumer = different.get("consumer", "wohngeldstelle")
    told["routing_key"] = f"{consumer}.{about(record)}.{record['evidence']}"
    return letter(town, body, **(told | different))
