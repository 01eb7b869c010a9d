"""Replies as records in the house's own words: written as XML by a standard's mapping, or as JSON as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from consent.ledger import state_at
from consent.policy import Policy
from consent.vocabulary import Evidence, Record, Request, Submitted
from gateway.outbound.said import No, Setting, in_entries, stamp
from gateway.stages import Listed, Recorded
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
    values, entries = in_entries(evidence.values)
    record: dict[str, Any] = _head(setting) | {
        "evidence": request.evidence,
        "register": register.id,
        "purpose": request.purpose,
        "procedure": request.procedure,
        "case": request.case,
        "issuer": {"id": register.id, "name": register.authority.de},
        "values": values,
    }
    if entries:
        record["entries"] = entries
    if evidence.removed:
        record["removed"] = [{"field": gone.field, "rule": gone.rule} for gone in evidence.removed]
    if evidence.notice:
        record["notice"] = evidence.notice
    if setting.language == JSON:
        try:
            EvidenceAnswer.model_validate(record)
        except ValidationError:  # holds what was in the evidence
            raise Unwritable(f"evidence.answer in {JSON} is not valid") from None
    author = _author(register.id, register.authority.de)
    return _written("evidence.answer", record, author, setting)


def receipt(submitted: Submitted, request: Request, policy: Policy, setting: Setting) -> tuple[str, bytes]:
    """In: what became of a submission. Out: content type and body. Raises: Unwritable.

    Who could not ask for the same is not told whether it was there before.
    """
    on_file = submitted.on_file and submitted.told
    record: dict[str, Any] = _head(setting) | {
        "evidence": request.evidence,
        "register": submitted.register,
        "purpose": request.purpose,
        "procedure": request.procedure,
        "case": request.case,
        "outcome": "already-on-file" if on_file else "recorded",
        "recorded": stamp(submitted.at),
    }
    if on_file and submitted.since is not None:
        record["since"] = stamp(submitted.since)
    register = policy.registers.get(submitted.register)
    name = register.authority.de if register else submitted.register
    return _written("submit.receipt", record, _author(submitted.register, name), setting)


def recorded(outcome: Recorded, setting: Setting) -> tuple[str, bytes]:
    """In: a record's new event. Out: content type and body: the house's receipt over it."""
    step = outcome.step
    record = _head(setting) | {
        "record": step.record,
        "state": str(step.state),
        "revision": step.revision,
        "receipt": outcome.receipt,
    }
    return JSON_TYPE, strict_json.build(record)


def listed(outcome: Listed, setting: Setting) -> tuple[str, bytes]:
    """In: a person's records. Out: content type and body: how each stands, without whom it is about."""
    records = [_standing(record, setting) for record in outcome.records]
    return JSON_TYPE, strict_json.build(_head(setting) | {"records": records})


def _standing(record: Record, setting: Setting) -> dict[str, Any]:
    said: dict[str, Any] = {
        "record": record.id,
        "kind": str(record.kind),
        "state": str(state_at(record, setting.now)),
        "revision": record.revision,
        "recipient": record.recipient,
        "register": record.register,
        "evidence": record.evidence,
        "fields": sorted(record.fields),
        "purpose": record.purpose,
        "procedure": record.procedure,
        "case": record.case,
        "norm": record.norm,
        "recorded_by": record.recorded_by,
        "not_before": stamp(record.not_before),
        "not_after": stamp(record.not_after),
        "uses": record.uses,
    }
    if record.max_uses is not None:
        said["max_uses"] = record.max_uses
    if record.representative is not None:
        said["representative"] = True
    return said


def no(said: No, setting: Setting) -> tuple[str, bytes]:
    """In: a refusal or failure. Out: content type and body. Raises: Unwritable, never for JSON."""
    record: dict[str, Any] = _head(setting) | {"code": said.code}
    if not said.failure:
        record["checks"] = [str(check) for check in said.checks]
        if said.fields:
            record["fields"] = sorted(said.fields)
    record["message"] = said.reason.words
    house_id, house_name = setting.languages.house
    author = _party(setting.context, "reader") or _author(house_id, house_name)
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


def _author(name: str, title: str) -> dict[str, str]:
    return {"directory": DIRECTORY, "id": name, "name": title}


def _party(context: Mapping[str, str], role: str) -> dict[str, str]:
    """Out: the party the request's header named in that role; nothing if it named none."""
    return {
        key: context[f"{role}.{key}"] for key in ("directory", "id", "name") if f"{role}.{key}" in context
    }
