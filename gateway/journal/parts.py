"""What a line says, part by part: of the case, the request, the decision, the times (LOG.md 5).

Codes and names, never a value; what an event can't hold is left out.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from consent.held import AnyStep
from consent.ledger import Step
from consent.vocabulary import (
    BasisUsed,
    Permit,
    ReasonCode,
    Refusal,
    Request,
    Submitted,
)
from gateway import jws
from gateway.audit.record import (
    Asked,
    Basis,
    Digests,
    Integrity,
    Kind,
    RemovedField,
    SchemaVerdict,
    Times,
)
from gateway.stages import (
    Answer,
    Case,
    Enclosed,
    Heard,
    Listed,
    Mandate,
    Outcome,
    Recorded,
    Sender,
    Unauthentic,
)

ON_FILE: Final = "already-on-file"
"""The reason of a submission of which nothing had to be written."""
_CODE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,300}\Z")
_UNREADABLE: Final = frozenset({ReasonCode.MALFORMED, ReasonCode.SCHEMA_INVALID, ReasonCode.TOO_LARGE})


def case_of(case: Case) -> dict[str, Any]:
    return {
        "exchange": case.exchange,
        "attempt": case.attempt,
        "message": code(case.message_id) if case.consumer else None,
        "consumer": case.consumer,
    }


def heard_of(heard: Heard) -> dict[str, Any]:
    if heard.request is None:
        return {}
    mandate = heard.mandate
    told = request_of(heard.request, mandate.permit.fields if mandate else frozenset())
    if mandate is not None:
        told |= permit_of(mandate.permit)
        told["facts"] = dict(mandate.permit.facts)
        told["asked"] = Asked(origin=mandate.asked.origin, index=mandate.asked.index)
    return told


def request_of(request: Request, fields: frozenset[str]) -> dict[str, Any]:
    standard, _, version = request.language.partition("/")
    return {
        "on_behalf_of": code(request.on_behalf_of),
        "register": code(request.register),
        "evidence": code(request.evidence),
        "standard": standard or None,
        "version": version or None,
        "purpose": code(request.purpose),
        "procedure": code(request.procedure),
        "case": code(request.case),
        "requested": tuple(sorted(name for name in request.fields or fields if code(name))) or None,
    }


def submitted_of(submitted: Submitted) -> dict[str, Any]:
    told: dict[str, Any] = {"register": submitted.register}
    if submitted.permit is not None:
        told |= permit_of(submitted.permit)
    if submitted.facts:
        told["facts"] = dict(submitted.facts)
    if submitted.on_file:
        return told | {"reasons": (ON_FILE,)}
    return told


def step_of(step: AnyStep) -> dict[str, Any]:
    """Out: what an event of a record or power adds to its line."""
    kept = Basis(
        kind=step.kind if isinstance(step, Step) else None,
        norm=code(step.norm),
        record=step.record,
        revision=step.revision,
    )
    told: dict[str, Any] = {"kind": Kind(f"consent.{step.state}"), "basis": kept}
    if isinstance(step, Step):
        told |= {
            "register": step.register_,
            "evidence": step.evidence,
            "purpose": step.purpose,
            "procedure": step.procedure,
            "case": code(step.case),
            "requested": tuple(sorted(step.fields)),
        }
    return told


def permit_of(permit: Permit) -> dict[str, Any]:
    return {"register": permit.register, "grant": permit.grant, "basis": basis_of(permit.basis)}


def refusal_of(refusal: Refusal) -> dict[str, Any]:
    told: dict[str, Any] = {"reasons": (str(refusal.code),)}
    if refusal.facts:
        told["facts"] = dict(refusal.facts)
    if refusal.grant is not None:
        told["grant"] = refusal.grant
    if refusal.basis is not None:
        told["basis"] = basis_of(refusal.basis)
    if refusal.register is not None:
        told["register"] = refusal.register
    if refusal.code is ReasonCode.FIELDS_NOT_PERMITTED and refusal.fields:
        told["removed"] = tuple(
            RemovedField(field=name, rule="grant" if name in refusal.beyond_grant else "record")
            for name in sorted(name for name in refusal.fields if code(name))
        )
    if refusal.findings or refusal.code in _UNREADABLE:
        rules = tuple(dict.fromkeys(finding.split(" ", 1)[0] for finding in refusal.findings))
        told["verdict"] = SchemaVerdict(schema="invalid", rules=rules or None)
    return told


def basis_of(basis: BasisUsed) -> Basis:
    return Basis(kind=basis.kind, norm=code(basis.norm), record=code(basis.record), revision=basis.revision)


def digests(case: Case, heard: Heard, outcome: Outcome, written: Enclosed | None) -> Digests:
    decided = heard.mandate.permit.policy if heard.mandate else None
    policy = outcome.policy if isinstance(outcome, Recorded | Listed | Refusal) else None
    if isinstance(outcome, Answer):
        policy = outcome.evidence.permit.policy
    policy = policy or decided
    return Digests(request=case.digest, reply=jws.digest(written.body) if written else None, policy=policy)


def integrity(heard: Heard) -> Integrity:
    sender = heard.sender
    if isinstance(sender, Unauthentic):
        return Integrity(alg="none", ok=False)
    return Integrity(alg=sender.alg if isinstance(sender, Sender) else sender.sender.alg, ok=True)


def times_of(case: Case, heard: Heard, outcome: Outcome, now: datetime) -> Times:
    mandate: Mandate | None = heard.mandate
    decided = mandate.permit.decided if mandate else None
    if isinstance(outcome, Answer):
        decided = outcome.evidence.permit.decided
    return Times(received=case.received, decided=decided, asked=mandate.at if mandate else None, answered=now)


def code(text: str | None) -> str | None:
    """Out: the asker's word, if an event can hold it."""
    return text if text and _CODE.match(text) else None
