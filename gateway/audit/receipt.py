"""The gateway's promise to whoever asked: its journal holds the exchange (LOG.md 10).

A compact JWS of the type `einmal-receipt+jws`; its payload is RFC 8785 JSON of exactly `v exchange request reply time
origin`. No label and no proof: nobody but the person can count accesses with it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any, Final

import rfc8785

from gateway import jws

_MEMBERS: Final = frozenset({"v", "exchange", "request", "reply", "time", "origin"})


class ReceiptInvalid(ValueError):
    """Not a receipt, or not one signed by whom it must be. Nothing of it is carried."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The gateway's signed word that its journal holds the exchange; keep `token` and compare (`reconcile`)."""

    exchange: str
    request: str
    """Digest of the request's body as sent."""
    reply: str
    """Digest of the reply's."""
    time: str
    origin: str
    token: str = field(repr=False)


def promised(token: str, find: jws.Find) -> Promise:
    """In: a receipt, at any later time, and the gateway's keys by kid. Raises: ReceiptInvalid."""
    try:
        payload = jws.verify_compact(token, jws.RECEIPT_TYPE, find)
    except jws.SignatureInvalid:
        raise ReceiptInvalid("not signed by this gateway") from None
    return _read(payload, token)


def claimed(token: str) -> Promise:
    """Out: what a receipt says, whoever signed it: to tell a foreign one from a damaged one, and nothing else.
    Raises: ReceiptInvalid."""
    try:
        _, payload, _ = token.split(".")
        said = urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    except ValueError:
        raise ReceiptInvalid("not a receipt") from None
    return _read(said, token)


def _read(payload: bytes, token: str) -> Promise:
    try:
        said: Any = json.loads(payload)
        whole = isinstance(said, dict) and said.keys() == _MEMBERS and rfc8785.dumps(said) == payload
    except (ValueError, RecursionError):
        raise ReceiptInvalid("not a receipt") from None
    if not whole or said.pop("v") != 1 or not all(isinstance(text, str) for text in said.values()):
        raise ReceiptInvalid("not a receipt")
    return Promise(**said, token=token)
