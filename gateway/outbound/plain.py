"""Replies as records in the house's own words: written as XML by a standard's mapping, or as JSON as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from consent.policy import Policy
from consent.vocabulary import Evidence
from gateway.outbound.said import No, Setting
from xoev_schemas import strict_json
from xoev_schemas.languages import JSON, Unwritable
from xoev_schemas.records import EvidenceAnswer

DIRECTORY: Final = "einmal"
"""The directory that the house's own ids are from."""
JSON_TYPE: Final = "application/json"
TEST: Final = "test"
"""Key of the context: the request was marked as a test."""


def answer(evidence: Evidence, policy: Policy, setting: Setting) -> tuple[str, bytes]:
    """In: what may leave. Out: content type and body. Raises: Unwritable."""
    request = evidence.permit.request
    register = policy.registers[evidence.permit.register]
    record: dict[str, Any] = _head(setting) | {
        "evidence": request.evidence,
        "register": register.id,
        "purpose": request.purpose,
        "procedure": request.procedure,
        "case": request.case,
        "issuer": {"id": register.id, "name": register.authority.de},
        "values": dict(evidence.values),
    }
    if evidence.removed:
        record["removed"] = [{"field": gone.field, "rule": gone.rule} for gone in evidence.removed]
    if evidence.notice:
        record["notice"] = evidence.notice
    if setting.language == JSON:
        try:
            EvidenceAnswer.model_validate(record)
        except ValidationError:  # holds what was in the evidence
            raise Unwritable(f"evidence.answer in {JSON} is not valid") from None
    author = {"directory": DIRECTORY, "id": register.id, "name": register.authority.de}
    return _written("evidence.answer", record, author, setting)


def no(said: No, setting: Setting) -> tuple[str, bytes]:
    """In: a refusal or failure. Out: content type and body. Raises: Unwritable, never for JSON."""
    record: dict[str, Any] = _head(setting) | {"code": said.code}
    if not said.failure:
        record["checks"] = [str(check) for check in said.checks]
    record["message"] = said.reason.words
    house_id, house_name = setting.languages.house
    author = _party(setting.context, "reader") or {
        "directory": DIRECTORY,
        "id": house_id,
        "name": house_name,
    }
    return _written("evidence.failure" if said.failure else "evidence.refusal", record, author, setting)


def _head(setting: Setting) -> dict[str, Any]:
    """Out: what every reply says first; a reply to a test message is one."""
    head: dict[str, Any] = {
        "message_id": setting.message_id,
        "created": setting.created,
        "in_reply_to": setting.case.message_id,
        "exchange_id": setting.case.exchange,
    }
    return head | {"test": True} if TEST in setting.context else head


def _written(
    kind: str, record: dict[str, Any], author: Mapping[str, str], setting: Setting
) -> tuple[str, bytes]:
    if setting.language == JSON:
        return JSON_TYPE, strict_json.build(record)
    spoken = setting.languages.message(setting.language, kind)
    if spoken is None:
        raise Unwritable(f"{kind} is not said in {setting.language}")
    consumer = setting.case.consumer or DIRECTORY
    reader = _party(setting.context, "author") or {"directory": DIRECTORY, "id": consumer, "name": consumer}
    body = spoken.write(record | {"author": dict(author), "reader": reader}, setting.languages.limits)
    return spoken.standard.content_type, body


def _party(context: Mapping[str, str], role: str) -> dict[str, str]:
    """Out: the party the request's header named in that role; nothing if it named none."""
    return {
        key: context[f"{role}.{key}"] for key in ("directory", "id", "name") if f"{role}.{key}" in context
    }
