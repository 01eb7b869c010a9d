"""Messages at the door for tests of the languages: the packaged samples, in XML and as JSON."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Final

from law_sample import NOW

from gateway.inbound import body
from gateway.stages import Case, Contents, Delivery, Sender
from xoev_schemas import safe_xml, sets, standards
from xoev_schemas.languages import Languages
from xoev_schemas.safe_xml import Limits

XML: Final = "application/xml"
JSON: Final = "application/json"
MESSAGE: Final = "3f0d6a52-8c1e-4c63-9a55-0d7a6f0b1c01"
"""The id of the packaged sample request."""
REPLY: Final = "7b0f2f0c-2d6e-4e8c-8a7a-0c7c1f6d2e99"
EXCHANGE: Final = "7b0f2f0c-2d6e-4e8c-8a7a-0c7c1f6d2e01"
HOUSE: Final = ("musterstadt.example", "Stadt Musterstadt")


@cache
def languages() -> Languages:
    """Out: what a fresh home speaks."""
    return Languages.of(sets.packaged(), Limits(), HOUSE)


@cache
def sample(record: str = "evidence.request") -> bytes:
    """Out: the packaged sample message of the house's own standard that carries this record."""
    for standard in standards.packaged():
        message = standard.by_record.get(record)
        if message is not None and message.sample is not None:
            return message.sample.read_bytes()
    raise LookupError(record)


def record() -> dict[str, Any]:
    """Out: the sample request as a record."""
    said = body.parse(XML, sample(), languages())
    return dict(body.record(said, "evidence.request"))


def as_json(**changes: Any) -> bytes:
    """Out: the sample request as JSON; a change to None leaves a key out."""
    changed = {key: value for key, value in {**record(), **changes}.items() if value is not None}
    return json.dumps(changed).encode()


def delivery(
    content: bytes,
    content_type: str = XML,
    message_id: str = MESSAGE,
    routing_key: str = "wohngeldstelle.evidence.residence",
) -> Delivery:
    """Out: bytes at the door."""
    return Delivery(
        "1", message_id, routing_key, content_type, content, None, "wohngeldstelle", "q", None, NOW, 1
    )


def contents(arrived: Delivery, encrypted: bool = False) -> Contents:
    """Out: what is read of them."""
    return Contents(arrived.message_id, arrived.routing_key, arrived.content_type, arrived.body, encrypted)


def sender(consumer: str = "wohngeldstelle") -> Sender:
    """Out: who the signature named."""
    return Sender(consumer, "kid", "EdDSA", NOW, NOW, "0" * 64, MESSAGE, "q")


def case(message_id: str = MESSAGE) -> Case:
    """Out: the exchange under way."""
    return Case(EXCHANGE, 1, message_id, "wohngeldstelle", "0" * 64, NOW)


def read_back(content_type: str, content: bytes) -> tuple[str, dict[str, Any]]:
    """In: one of our own replies. Out: its record's name and the record; checks the schema on the way."""
    if content_type == JSON:
        return "", json.loads(content)
    root = safe_xml.parse(content, Limits())
    spoken = languages().of_root(root)
    assert spoken is not None
    assert spoken.schema.valid(root)
    return spoken.message.record, spoken.message.mapping.read(root)
