"""A reply as it is kept: sealed under the master key until the bus has it, for repeats until its time is over."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime

import rfc8785

from gateway import jws
from gateway.audit import record
from gateway.jws import SigningKey
from gateway.ports import Keys
from gateway.stages import Case, Enclosed, Outgoing, Sender

CONTEXT = "einmal/outbox/v1|"


def addressed(case: Case, sender: Sender, written: Enclosed, issued: int, key: SigningKey) -> Outgoing:
    """In: words and whom they are for; `issued` in seconds since 1970. Out: the signed message (CONTRACT.md 4)."""
    claims: dict[str, str | int] = {
        "iat": issued,
        "aud": sender.consumer,
        "mid": written.message_id,
        "req": sender.digest,
    }
    trace = {"traceparent": case.traceparent} if case.traceparent else {}
    return Outgoing(
        reply_to=sender.reply_to,
        correlation_id=case.correlation_id or sender.message_id,
        message_id=written.message_id,
        type=str(written.type),
        content_type=written.content_type,
        body=written.body,
        headers={"jws": jws.sign_detached(written.body, claims, key), **trace},
        not_before=written.not_before,
    )


def promised(
    message: Outgoing, case: Case, sender: Sender, origin: str, now: datetime, key: SigningKey
) -> Outgoing:
    """Out: the message with the signed promise that the journal holds this exchange (LOG.md 10)."""
    promise: dict[str, str | int] = {
        "v": 1,
        "exchange": case.exchange,
        "request": sender.digest,
        "reply": jws.digest(message.body),
        "time": record.stamp(now),
        "origin": origin,
    }
    token = jws.sign_compact(rfc8785.dumps(dict(promise)), jws.RECEIPT_TYPE, key)
    return replace(message, headers={**message.headers, "receipt": token})


def seal(message: Outgoing, exchange: str, keys: Keys) -> bytes:
    """Out: the whole message, sealed for this exchange."""
    plain = {
        "reply_to": message.reply_to,
        "correlation_id": message.correlation_id,
        "message_id": message.message_id,
        "type": message.type,
        "content_type": message.content_type,
        "headers": dict(message.headers),
        "body": b64encode(message.body).decode("ascii"),
        "not_before": message.not_before.isoformat() if message.not_before else None,
    }
    return keys.wrap(json.dumps(plain).encode("utf-8"), CONTEXT + exchange)


def unseal(sealed: bytes, exchange: str, keys: Keys) -> Outgoing:
    """Undo `seal`: the very same bytes. Raises: gateway.errors.Fault when they are not those sealed."""
    plain = json.loads(keys.unwrap(sealed, CONTEXT + exchange))
    wait = plain.pop("not_before", None)  # replies kept by the first version have none
    not_before = datetime.fromisoformat(wait) if wait else None
    return Outgoing(**{**plain, "body": b64decode(plain["body"]), "not_before": not_before})
