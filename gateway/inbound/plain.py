"""A record in the house's own words → the request it is. XEinmal and JSON bodies alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from consent.parties import Consumer
from consent.policy import Policy
from consent.vocabulary import BasisClaim, BasisKind, ReasonCode, Request, Subject
from gateway.inbound.misread import NotUnderstood
from xoev_schemas.records import EvidenceRequest, Party


def request(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Request:
    """In: evidence.request as nested dicts. Out: the request. Raises: NotUnderstood."""
    try:
        asked = EvidenceRequest.model_validate(record)
    except ValidationError:  # holds what was in the message
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID) from None
    if len(set(asked.fields_)) != len(asked.fields_):
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID)
    if asked.message_id != message_id:
        raise NotUnderstood(ReasonCode.MESSAGE_ID_MISMATCH)
    who, basis = asked.subject, asked.basis
    return Request(
        message=asked.message_id,
        consumer=consumer.id,
        language=language,
        evidence=asked.evidence,
        purpose=asked.purpose,
        procedure=asked.procedure,
        case=asked.case,
        subject=Subject(
            idnr=who.idnr,
            birth_date=None if who.birth_date is None else date.fromisoformat(who.birth_date),
            family_name=who.family_name,
            given_name=who.given_name,
            town=who.town,
            postcode=who.postcode,
        ),
        basis=BasisClaim(None if basis.kind is None else BasisKind(basis.kind), basis.record, basis.norm),
        fields=frozenset(asked.fields_),
        register=asked.register_,
        on_behalf_of=asked.on_behalf_of,
        representative=asked.representative,
        test=asked.test is True,
        context=MappingProxyType(_context(asked)),
    )


def _context(asked: EvidenceRequest) -> dict[str, str]:
    """Out: what the reply's header says again: who wrote to whom, and whether it was a test."""
    parties = {**_party("author", asked.author), **_party("reader", asked.reader)}
    return parties | {"test": "true"} if asked.test else parties


def _party(role: str, party: Party | None) -> dict[str, str]:
    said = {} if party is None else party.plain()
    return {f"{role}.{key}": value for key, value in said.items() if value is not None}
