"""The other side's kept receipts against what the log says of the same exchanges (LOG.md 10). Pure.

Each side holds what the other can't make up: we their signed request, they our signed receipt. Where the two part,
somebody's record is wrong, or an access was logged that nobody made, or made and not logged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from gateway.audit.receipt import Promise, ReceiptInvalid, claimed, promised
from gateway.audit.shard import Origin
from gateway.jws import Find


class Difference(StrEnum):
    """What is missing or differs, on either side."""

    DAMAGED = "damaged"
    """A line of their file that is no receipt."""
    NOT_OURS = "not-ours"
    """It names this house, and none of its keys signed it."""
    OTHER_HOUSE = "other-house"
    DOUBLED = "doubled"
    """Another receipt for an exchange that has one in the file."""
    MISSING = "missing"
    """The log does not have the exchange, or not its end."""
    UNREADABLE = "unreadable"
    """The log's line can't be read, or is not what its leaf commits to: `log verify` says more."""
    CONSUMER = "consumer"
    """The exchange was another consumer's."""
    REQUEST = "request"
    REPLY = "reply"
    ORIGIN = "origin"
    """It stands in another log than the receipt names."""
    NO_RECEIPT = "no-receipt"
    """The log has an exchange that was replied to, and they have no receipt for it."""


@dataclass(frozen=True, slots=True)
class Logged:
    """How an exchange ended, as its line in the log says."""

    exchange: str
    consumer: str
    kind: str
    origin: str
    time: str
    """As in the event: RFC 3339, UTC, three decimals."""
    request: str | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference."""

    what: Difference
    line: int | None = None
    """Of their file, from 1."""
    exchange: str | None = None
    consumer: str | None = None
    kind: str | None = None
    """How the exchange ended, as far as the log says."""
    time: str | None = None


def receipt_in(raw: bytes, find: Find, authority: str) -> Promise | Difference:
    """In: a line of their file: a receipt, or a JSON object with one under `receipt`; our keys by kid; whose house
    this is. Out: the receipt, signed by us; or why it is none."""
    token = _token(raw)
    try:
        said = claimed(token)
        house = Origin.parse(said.origin).authority
    except ValueError:
        return Difference.DAMAGED
    if house != authority:
        return Difference.OTHER_HOUSE
    try:
        return promised(token, find)
    except ReceiptInvalid:
        return Difference.NOT_OURS


def _token(raw: bytes) -> str:
    """Out: what may be a receipt."""
    try:
        text = raw.decode("ascii").strip()
        said = json.loads(text) if text.startswith("{") else {"receipt": text}
    except (ValueError, RecursionError):
        return ""
    token = said.get("receipt")
    return token if isinstance(token, str) else ""


def differences(receipt: Promise, logged: Logged, consumer: str | None) -> tuple[Difference, ...]:
    """In: a receipt and the exchange's line; whose receipts these are, if told. Out: in what they differ."""
    same = {
        Difference.CONSUMER: consumer in (None, logged.consumer),
        Difference.REQUEST: receipt.request == logged.request,
        Difference.REPLY: receipt.reply == logged.reply,
        Difference.ORIGIN: receipt.origin == logged.origin,
    }
    return tuple(what for what, agrees in same.items() if not agrees)
