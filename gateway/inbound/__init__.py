"""What is asked? From the bytes of a known sender to a `Request`, whatever language they are in.

Check 3 of DOMAIN.md 3: well-formed, in an agreed standard, schema-valid, by the rules; routing key and body
agree. What fails is a `Misread`: a refusal, and the language to say it in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from consent.parties import Consumer
from consent.policy import Policy
from consent.vocabulary import Check, Fact, ReasonCode, Refusal, Request
from gateway.inbound import body, edm, plain
from gateway.inbound.misread import NotUnderstood
from gateway.stages import Delivery, Misread, Sender
from xoev_schemas.languages import JSON, Languages

_KIND: Final = "evidence"
_RECORD: Final = "evidence.request"

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")

Reader: TypeAlias = Callable[[Mapping[str, Any], str, str, Consumer, Policy], Request]
"""In: a record, the id it was sent under, its language, who asks, the policy. Out: the request.

Raises: NotUnderstood.
"""

READERS: Final[Mapping[str, Reader]] = MappingProxyType({"oots-edm/1.0": edm.request})
"""Languages whose records are not the house's own words."""


def read(delivery: Delivery, sender: Sender, policy: Policy, languages: Languages) -> Request | Misread:
    """In: bytes whose signature holds, and who signed them. Out: what they ask, or why nobody can tell."""
    consumer = policy.consumers[sender.consumer]
    language = None
    try:
        if consumer.encrypt:  # encryption is not spoken yet: who demands it is not served in the clear
            raise NotUnderstood(ReasonCode.ENCRYPTION_REQUIRED)
        if not _UUID.fullmatch(delivery.message_id):
            raise NotUnderstood(ReasonCode.RULE_VIOLATED)
        said = body.parse(delivery.content_type, delivery.body, languages)
        language = said.language
        if language not in consumer.standards:
            raise NotUnderstood(ReasonCode.STANDARD_NOT_AGREED)
        record = body.record(said, _RECORD)
        reader = READERS.get(language, plain.request)
        request = reader(record, delivery.message_id, language, consumer, policy)
        _routed(delivery.routing_key, request)
        _known(request, policy)
    except NotUnderstood as why:
        guessed = language or body.guess(delivery.content_type, languages)
        return Misread(_refusal(why), _agreed(guessed, consumer, languages))
    return request


def language_of(delivery: Delivery, languages: Languages) -> str:
    """In: bytes nobody understood or will read. Out: the language to answer in, as far as can be told.

    Never raises: whatever stopped the reading may well stop it here again.
    """
    try:
        return body.parse(delivery.content_type, delivery.body, languages).language
    except Exception:  # noqa: BLE001
        return body.guess(delivery.content_type, languages)


def _agreed(guessed: str, consumer: Consumer, languages: Languages) -> str:
    """Out: the guess if the consumer speaks it, else the first language both speak, else JSON."""
    if guessed in consumer.standards:
        return guessed
    return next((one for one in consumer.standards if one in languages.spoken), JSON)


def _routed(routing_key: str, request: Request) -> None:
    """The way a message came and what it says must agree (CONTRACT.md 4). Raises: NotUnderstood."""
    consumer, _, rest = routing_key.partition(".")
    kind, _, evidence = rest.partition(".")
    if kind != _KIND:
        raise NotUnderstood(ReasonCode.NOT_SUPPORTED)
    if (consumer, evidence) != (request.consumer, request.evidence):
        raise NotUnderstood(ReasonCode.ROUTING_MISMATCH)


def _known(request: Request, policy: Policy) -> None:
    """Some register can prove that. Raises: NotUnderstood."""
    if not any(policy.evidence(register, request.evidence) for register in policy.registers):
        raise NotUnderstood(ReasonCode.EVIDENCE_UNKNOWN)


def _refusal(why: NotUnderstood) -> Refusal:
    facts = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.PASSED, Check.MESSAGE: Fact.FAILED}
    return Refusal(why.code, MappingProxyType(facts), checks=(Check.MESSAGE,))
