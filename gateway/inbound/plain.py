"""A record in the house's own words → the errand it is. XEinmal and JSON bodies alike; orders are JSON only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from consent.ledger import Terms
from consent.orders import Give, Listing, Order, Withdraw, giving
from consent.parties import Consumer
from consent.policy import Policy
from consent.powers import PowerTerms
from consent.vocabulary import Action, BasisClaim, BasisKind, ReasonCode, Request, Subject, Submission
from gateway.inbound.misread import NotUnderstood
from xoev_schemas import records
from xoev_schemas.records import (
    Asking,
    ConsentGive,
    ConsentList,
    ConsentWithdraw,
    EvidenceRequest,
    Message,
    Party,
    SubmitRequest,
)

_Said = TypeVar("_Said", bound=Message)


def request(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Request:
    """In: evidence.request as nested dicts. Out: the request. Raises: NotUnderstood."""
    asked = _validated(EvidenceRequest, record, message_id)
    if len(set(asked.fields_)) != len(asked.fields_):
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID)
    return replace(
        _asking(asked, language, consumer), fields=frozenset(asked.fields_), register=asked.register_
    )


def submission(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Submission:
    """In: submit.request as nested dicts. Out: what is to be put on file. Raises: NotUnderstood."""
    asked = _validated(SubmitRequest, record, message_id)
    wanted = replace(
        _asking(asked, language, consumer),
        fields=frozenset(asked.values),
        register=asked.register_,
        action=Action.WRITE,
    )
    return Submission(wanted, MappingProxyType(dict(asked.values)), MappingProxyType(dict(asked.replaces)))


def give(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Give:
    """In: consent.give as nested dicts. Out: the decision or power to record. Raises: NotUnderstood."""
    asked = _validated(ConsentGive, record, message_id)
    terms = _terms(asked.terms)
    return giving(_order(asked, language, consumer, terms.subject.subject()), terms)


def withdraw(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Withdraw:
    """In: consent.withdraw as nested dicts. Out: which record is to end. Raises: NotUnderstood."""
    asked = _validated(ConsentWithdraw, record, message_id)
    wanted = _order(asked, language, consumer, _subject(asked.subject))
    return Withdraw(replace(wanted, basis=BasisClaim(record=asked.record)), asked.record)


def listing(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Listing:
    """In: consent.list as nested dicts. Out: whose records are to be listed. Raises: NotUnderstood."""
    asked = _validated(ConsentList, record, message_id)
    return Listing(_order(asked, language, consumer, _subject(asked.subject)))


ORDERS: Final[Mapping[str, Callable[[Mapping[str, Any], str, str, Consumer, Policy], Order]]] = (
    MappingProxyType({"give": give, "withdraw": withdraw, "list": listing})
)
"""How each question about records is read."""


def _validated(model: type[_Said], record: Mapping[str, Any], message_id: str) -> _Said:
    try:
        asked = model.model_validate(record)
    except ValidationError:  # holds what was in the message
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID) from None
    if asked.message_id != message_id:
        raise NotUnderstood(ReasonCode.MESSAGE_ID_MISMATCH)
    return asked


def _asking(asked: Asking, language: str, consumer: Consumer) -> Request:
    basis = asked.basis
    return Request(
        message=asked.message_id,
        consumer=consumer.id,
        language=language,
        evidence=asked.evidence,
        purpose=asked.purpose,
        procedure=asked.procedure,
        case=asked.case,
        subject=_subject(asked.subject),
        basis=BasisClaim(None if basis.kind is None else BasisKind(basis.kind), basis.record, basis.norm),
        on_behalf_of=asked.on_behalf_of,
        representative=asked.representative,
        test=asked.test is True,
        context=MappingProxyType(_context(asked)),
    )


def _order(asked: Message, language: str, consumer: Consumer, who: Subject) -> Request:
    """Out: what an order says at least; the rest is empty, as no order names it."""
    return Request(
        message=asked.message_id,
        consumer=consumer.id,
        language=language,
        evidence="",
        purpose="",
        procedure="",
        case="",
        subject=who,
        test=asked.test is True,
        action=Action.RECORD,
        context=MappingProxyType(_context(asked)),
    )


def _terms(said: Mapping[str, Any]) -> Terms | PowerTerms:
    model = PowerTerms if said.get("kind") == "representation" else Terms
    try:
        return model.model_validate_json(json.dumps(said))
    except ValidationError:  # holds what was in the message
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID) from None


def _subject(who: records.Subject) -> Subject:
    return Subject(
        idnr=who.idnr,
        birth_date=None if who.birth_date is None else date.fromisoformat(who.birth_date),
        family_name=who.family_name,
        given_name=who.given_name,
        town=who.town,
        postcode=who.postcode,
    )


def _context(asked: Message) -> dict[str, str]:
    """Out: what the reply's header says again: who wrote to whom, and whether it was a test."""
    parties = {**_party("author", asked.author), **_party("reader", asked.reader)}
    return parties | {"test": "true"} if asked.test else parties


def _party(role: str, party: Party | None) -> dict[str, str]:
    said = {} if party is None else party.plain()
    return {f"{role}.{key}": value for key, value in said.items() if value is not None}
