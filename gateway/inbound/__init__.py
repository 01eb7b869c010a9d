"""What is wanted? From the bytes of a known sender to an errand, whatever language they are in.

Check 3 of DOMAIN.md 3: well-formed, in an agreed standard, schema-valid, by the rules; routing key and body
agree. What fails is a `Misread`: a refusal, and the language to say it in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from consent.parties import Consumer
from consent.policy import Policy
from consent.vocabulary import Action, Check, Fact, ReasonCode, Refusal, Request, Submission
from gateway.inbound import body, edm, plain
from gateway.inbound.misread import NotUnderstood
from gateway.stages import About, Contents, Errand, Misread, Sender, Unopened, request_of
from xoev_schemas.languages import JSON, Languages

_ABOUT: Final[Mapping[str, About]] = MappingProxyType({"submit": "submit", "consent": "consent"})
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")

Reader: TypeAlias = Callable[[Mapping[str, Any], str, str, Consumer, Policy], Errand]
"""In: a record, the id it was sent under, its language, who asks, the policy. Out: what is wanted.

Raises: NotUnderstood.
"""

READERS: Final[Mapping[str, Reader]] = MappingProxyType({"oots-edm/1.0": edm.request})
"""Languages whose records are not the house's own words."""


def read(contents: Contents, sender: Sender, policy: Policy, languages: Languages) -> Errand | Misread:
    """In: what bytes hold whose signature holds, and who signed them. Out: what is wanted, or why nobody can tell."""
    consumer = policy.consumers[sender.consumer]
    language = None
    try:
        if consumer.encrypt and not contents.encrypted:  # whatever it is: not even read
            raise NotUnderstood(ReasonCode.ENCRYPTION_REQUIRED)
        if not _UUID.fullmatch(contents.message_id):
            raise NotUnderstood(ReasonCode.RULE_VIOLATED)
        said = body.parse(contents.content_type, contents.body, languages)
        language = said.language
        if language not in consumer.standards:
            raise NotUnderstood(ReasonCode.STANDARD_NOT_AGREED)
        kind, reads = reader(contents.routing_key, language)
        errand = reads(body.record(said, kind), contents.message_id, language, consumer, policy)
        _routed(contents.routing_key, errand)
        _known(errand, policy)
    except NotUnderstood as why:
        guessed = language or body.guess(contents.content_type, languages)
        return Misread(_refusal(why), _agreed(guessed, consumer, languages))
    return _encrypted(errand) if contents.encrypted else errand


def unopened(contents: Unopened, sender: Sender, policy: Policy, languages: Languages) -> Misread:
    """In: what nobody here can open, and who signed it. Out: that, and a language its sender speaks."""
    return Misread(contents.refusal, _agreed(JSON, policy.consumers[sender.consumer], languages))


def _encrypted(errand: Errand) -> Errand:
    """Out: the same, said to have come encrypted. Orders are not held against a grant."""
    match errand:
        case Request():
            return replace(errand, encrypted=True)
        case Submission(request=request):
            return replace(errand, request=replace(request, encrypted=True))
        case _:
            return errand


def about(routing_key: str) -> About:
    """In: the way a message came. Out: what its replies are about; evidence, where that can't be told."""
    said = routing_key.split(".")[1:2]
    return _ABOUT.get(said[0] if said else "", "evidence")


def language_of(contents: Contents, languages: Languages) -> str:
    """In: bytes nobody understood or will read. Out: the language to answer in, as far as can be told.

    Never raises: whatever stopped the reading may well stop it here again.
    """
    try:
        return body.parse(contents.content_type, contents.body, languages).language
    except Exception:  # noqa: BLE001
        return body.guess(contents.content_type, languages)


def _agreed(guessed: str, consumer: Consumer, languages: Languages) -> str:
    """Out: the guess if the consumer speaks it, else the first language both speak, else JSON."""
    if guessed in consumer.standards:
        return guessed
    return next((one for one in consumer.standards if one in languages.spoken), JSON)


def reader(routing_key: str, language: str) -> tuple[str, Reader]:
    """Out: the record that belongs into a message that came this way, and how it is read. Raises: NotUnderstood."""
    _, _, rest = routing_key.partition(".")
    kind, _, question = rest.partition(".")
    if kind == "evidence":
        return "evidence.request", READERS.get(language, plain.request)
    if kind == "submit" and language not in READERS:
        return "submit.request", plain.submission
    if kind == "consent" and language == JSON and question in plain.ORDERS:
        return f"consent.{question}", plain.ORDERS[question]
    raise NotUnderstood(ReasonCode.NOT_SUPPORTED)


def _routed(routing_key: str, errand: Errand) -> None:
    """The way a message came and what it says must agree (CONTRACT.md 4). Raises: NotUnderstood."""
    consumer, _, rest = routing_key.partition(".")
    request = request_of(errand)
    if consumer != request.consumer:
        raise NotUnderstood(ReasonCode.ROUTING_MISMATCH)
    if request.action is not Action.RECORD and rest.partition(".")[2] != request.evidence:
        raise NotUnderstood(ReasonCode.ROUTING_MISMATCH)


def _known(errand: Errand, policy: Policy) -> None:
    """Some register can prove that. Raises: NotUnderstood."""
    request = request_of(errand)
    if request.action is Action.RECORD:
        return
    if not any(policy.evidence(register, request.evidence) for register in policy.registers):
        raise NotUnderstood(ReasonCode.EVIDENCE_UNKNOWN)


def _refusal(why: NotUnderstood) -> Refusal:
    facts = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.PASSED, Check.MESSAGE: Fact.FAILED}
    return Refusal(why.code, MappingProxyType(facts), checks=(Check.MESSAGE,))
