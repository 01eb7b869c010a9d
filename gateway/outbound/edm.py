"""Replies in EU OOTS-EDM 1.0: a RegRep QueryResponse; evidence travels beside it, by `cid` (DOMAIN.md 5, 8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from consent.parties import Title
from consent.policy import Policy
from consent.vocabulary import Evidence, Request
from gateway.outbound.said import No, Setting, in_entries
from xoev_schemas import multipart
from xoev_schemas.languages import Spoken, Unwritable
from xoev_schemas.multipart import Part

MESSAGE_TYPE: Final = "application/x-ebrs+xml"
"""The RegRep message's type inside an AS4 or multipart body (OOTS technical design, eDelivery)."""
ITEM_TYPE: Final = "application/xml"
XML_TYPE: Final = "application/xml"
COUNTRY: Final = "DE"
"""Where the providers are: the IDNr and § 5 EGovG are German."""
_ITEM: Final = "item."
_EXCEPTIONS: Final[Mapping[str, str]] = {
    "0001": "authentication",
    "0002": "authorization",
    "0003": "invalid-request",
    "0004": "object-not-found",
    "0005": "timeout",
    "0006": "unresolved-reference",
    "0007": "unsupported-capability",
    "0008": "query",
}


def answer(evidence: Evidence, policy: Policy, setting: Setting) -> tuple[str, bytes]:
    """In: what may leave. Out: content type and body, multipart. Raises: Unwritable."""
    permit = evidence.permit
    item = setting.languages.item(permit.item or _ITEM + permit.request.evidence)
    if item is None:
        raise Unwritable(f"no language has the item the grant {permit.grant} names")
    values, entries = in_entries(evidence.values)
    document = item.write({**values, "entries": entries} if entries else values, setting.languages.limits)
    host = setting.languages.house[0]
    cid = f"{_id(setting, 'item')}@{host}"
    message = _spoken("evidence.answer", setting)
    record = _answer(evidence, policy, setting, cid, item)
    parts = (
        Part(f"{setting.message_id}@{host}", MESSAGE_TYPE, message.write(record, setting.languages.limits)),
        Part(cid, ITEM_TYPE, document),
    )
    return multipart.build(parts)


def no(said: No, setting: Setting) -> tuple[str, bytes]:
    """In: a refusal or failure. Out: content type and body: an exception, no evidence. Raises: Unwritable."""
    house_id, house_name = setting.languages.house
    record = _head(setting) | {
        "provider": _agent(setting, "provider") or {"scheme": "einmal", "id": house_id, "name": house_name},
        "exceptions": [
            {
                "type": _EXCEPTIONS[said.reason.edm],
                "severity": "failure" if said.failure else "error",
                "message": said.reason.en,
                "detail": said.code,
                "code": f"EDM:ERR:{said.reason.edm}",
                "timestamp": setting.created,
            }
        ],
    }
    return XML_TYPE, _spoken("evidence.exception", setting).write(record, setting.languages.limits)


def _answer(evidence: Evidence, policy: Policy, setting: Setting, cid: str, item: Spoken) -> dict[str, Any]:
    request = evidence.permit.request
    register = policy.registers[evidence.permit.register]
    kind = policy.evidence(register.id, request.evidence)
    issuer = _agent(setting, "provider") | {"name": register.authority.de, "lang": "de"}
    titles = register.title if kind is None else kind.title
    told = {
        "id": _id(setting, "evidence"),
        "person": _person(request),
        "issuer": issuer,
        "classification": setting.context.get("evidence.classification", request.evidence),
        "titles": _spoken_in(titles),
        "descriptions": _spoken_in(register.title),
        "issued_on": evidence.values.get("issued_on", setting.created[:10]),
        "format": ITEM_TYPE,
        "conforms_to": item.message.namespace,
    }
    return _head(setting) | {
        "providers": [issuer | {"address": {"country": COUNTRY}, "classification": "EvidenceProvider"}],
        "objects": [
            {"id": _id(setting, "object"), "evidence": told, "href": f"cid:{cid}", "title": item.message.root}
        ],
    }


def _head(setting: Setting) -> dict[str, Any]:
    """Out: what answers and exceptions have in common."""
    consumer = setting.case.consumer or ""
    head = {
        "specification": setting.context.get("specification", setting.language.replace("/", ":v")),
        "message_id": setting.message_id,
        "created": setting.created,
        "requester": _agent(setting, "requester") or {"scheme": "einmal", "id": consumer, "name": consumer},
    }
    if "request" in setting.context:
        head["in_reply_to"] = setting.context["request"]
    return head


def _agent(setting: Setting, role: str) -> dict[str, str]:
    """Out: the agent the request named in that role; nothing if it was not read."""
    keys = ("scheme", "id", "name")
    return {key: setting.context[f"{role}.{key}"] for key in keys if f"{role}.{key}" in setting.context}


def _person(request: Request) -> dict[str, str]:
    """Out: the person as the asker named them: nothing of the register's."""
    who, context = request.subject, request.context
    told = {
        "scheme": context.get("person.scheme"),
        "id": context.get("person.id"),
        "family_name": who.family_name,
        "given_name": who.given_name,
        "birth_date": None if who.birth_date is None else who.birth_date.isoformat(),
    }
    return {key: value for key, value in told.items() if value is not None}


def _spoken_in(title: Title) -> list[dict[str, str]]:
    return [{"lang": "de", "text": title.de}, {"lang": "en", "text": title.en}]


def _id(setting: Setting, what: str) -> str:
    """Out: an id of its own for a piece of this message, the same whenever the message is written again."""
    return str(uuid5(UUID(setting.message_id), what))


def _spoken(record: str, setting: Setting) -> Spoken:
    spoken = setting.languages.message(setting.language, record)
    if spoken is None:
        raise Unwritable(f"{record} is not said in {setting.language}")
    return spoken
