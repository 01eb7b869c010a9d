"""A record in the words of EU OOTS-EDM 1.0 → the request it is (DOMAIN.md 8).

What EDM lacks comes from configuration: the procedure from the Requirement's id, the register from the
provider's identifier, the evidence type from its identifier, the fields from the grant. The application is the
QueryRequest's id. Freshness is the signed times' affair, not IssueDateTime's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from consent.parties import Consumer, Procedure
from consent.policy import Policy
from consent.vocabulary import ReasonCode, Request, Subject
from gateway.inbound.misread import NotUnderstood
from xoev_schemas.records import Date, Text

_STRUCTURED: Final = frozenset({"application/xml", "application/json", "application/ld+json"})


class _Said(BaseModel):
    """What the house needs of it; the rest of EDM is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, hide_input_in_errors=True)


class _Agent(_Said):
    scheme: Text
    id: Text
    name: Text | None = None
    classification: Text | None = None


class _Need(_Said):
    id: Text


class _Address(_Said):
    postcode: Text | None = None
    town: Text | None = None


class _Person(_Said):
    level: Text | None = None
    scheme: Text | None = None
    id: Text | None = None
    family_name: Text
    given_name: Text
    birth_date: Date
    address: _Address = _Address()


class _Format(_Said):
    type: Text


class _Spoken(_Said):
    lang: Text
    text: Text


class _Evidence(_Said):
    id: Text
    classification: Text
    titles: list[_Spoken] = []
    formats: list[_Format] = []


class _Query(_Said):
    message_id: Text
    specification: Text
    explicit: bool
    requirements: Annotated[list[_Need], Field(min_length=1, max_length=50)]
    requesters: Annotated[list[_Agent], Field(min_length=1, max_length=10)]
    provider: _Agent
    query: Text
    person: _Person | None = Field(default=None, repr=False)
    organisation: dict[str, Any] | None = Field(default=None, repr=False)
    representative: dict[str, Any] | None = Field(default=None, repr=False)
    evidence: _Evidence
    preview_location: Text | None = None


def request(
    record: Mapping[str, Any], message_id: str, language: str, consumer: Consumer, policy: Policy
) -> Request:
    """In: QueryRequest as nested dicts. Out: the request; the QueryRequest's own id is the application's.

    Raises: NotUnderstood.
    """
    asked = _validated(record)
    if asked.specification != language.replace("/", ":v"):
        raise NotUnderstood(ReasonCode.STANDARD_UNKNOWN)
    if not asked.explicit or asked.query != "DocumentQuery":
        raise NotUnderstood(ReasonCode.RULE_VIOLATED)
    if asked.person is None or asked.organisation or asked.preview_location:
        raise NotUnderstood(ReasonCode.NOT_SUPPORTED)
    if asked.representative:
        raise NotUnderstood(ReasonCode.NOT_REPRESENTED)
    requester = _own(asked.requesters, consumer)
    register = policy.register_of_identifier(asked.provider.scheme, asked.provider.id)
    if register is None:
        raise NotUnderstood(ReasonCode.NOT_FOR_US)
    evidence = policy.evidence_of_identifier(asked.evidence.id)
    if evidence is None:
        raise NotUnderstood(ReasonCode.EVIDENCE_UNKNOWN)
    procedure = _procedure(asked.requirements, policy)
    others = [agent for agent in asked.requesters if agent is not requester]
    formats = {wish.type.lower() for wish in asked.evidence.formats}
    return Request(
        message=message_id,
        consumer=consumer.id,
        language=language,
        evidence=evidence,
        purpose=procedure.purpose,
        procedure=procedure.code,
        case=asked.message_id,
        subject=_subject(asked.person),
        register=register.id,
        on_behalf_of=f"{others[0].scheme}:{others[0].id}" if others else None,
        document=bool(formats) and not formats & _STRUCTURED,
        context=MappingProxyType(_context(asked, requester)),
    )


def _validated(record: Mapping[str, Any]) -> _Query:
    try:
        return _Query.model_validate(record)
    except ValidationError:  # holds what was in the message
        raise NotUnderstood(ReasonCode.SCHEMA_INVALID) from None


def _own(requesters: Sequence[_Agent], consumer: Consumer) -> _Agent:
    """Out: the requester that is the signed sender. Raises: NotUnderstood, when it is none of them."""
    own = {(identifier.scheme, identifier.value) for identifier in consumer.identifiers}
    for agent in requesters:
        if (agent.scheme, agent.id) in own:
            return agent
    raise NotUnderstood(ReasonCode.SENDER_MISMATCH)


def _procedure(needs: Sequence[_Need], policy: Policy) -> Procedure:
    """Out: the one procedure the requirements mean here. Raises: NotUnderstood."""
    meant = {need.id: policy.procedure_of_requirement(need.id) for need in needs}
    found = {procedure.code: procedure for procedure in meant.values() if procedure is not None}
    if None in meant.values() or len(found) != 1:
        raise NotUnderstood(ReasonCode.NO_GRANT)
    return next(iter(found.values()))


def _subject(person: _Person) -> Subject:
    return Subject(
        birth_date=date.fromisoformat(person.birth_date),
        family_name=person.family_name,
        given_name=person.given_name,
        town=person.address.town,
        postcode=person.address.postcode,
    )


def _context(asked: _Query, requester: _Agent) -> dict[str, str]:
    """Out: what the answer has to name again."""
    told = {
        "request": asked.message_id,
        "specification": asked.specification,
        "requester.scheme": requester.scheme,
        "requester.id": requester.id,
        "requester.name": requester.name,
        "provider.scheme": asked.provider.scheme,
        "provider.id": asked.provider.id,
        "provider.name": asked.provider.name,
        "evidence.classification": asked.evidence.classification,
        "person.scheme": asked.person.scheme if asked.person else None,
        "person.id": asked.person.id if asked.person else None,
        **{f"evidence.title.{title.lang}": title.text for title in asked.evidence.titles},
    }
    return {key: value for key, value in told.items() if value is not None}
