"""The concrete permission: the checks on basis and record (DOMAIN.md 3, checks 5–10).

For choice and consent a record of the house must stand; a statute stands by its grant alone.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from consent.matter import NOT_NEEDED, PASSED, Matter, Rule, Verdict
from consent.vocabulary import ASSURANCES, PERMITTING, BasisKind, Check, ReasonCode, Record, RecordState, Request

ENDED_BY_THE_PERSON: Final = frozenset({RecordState.WITHDRAWN, RecordState.REVOKED})
_NOT_STANDING: Final = MappingProxyType(
    {
        RecordState.WITHDRAWN: ReasonCode.BASIS_WITHDRAWN,
        RecordState.REVOKED: ReasonCode.BASIS_WITHDRAWN,
        RecordState.EXPIRED: ReasonCode.BASIS_OUTSIDE_PERIOD,
        RecordState.CONSUMED: ReasonCode.BASIS_USED_UP,
    }
)


def same_matter(record: Record, request: Request, register: str) -> bool:
    """Out: whether the record is about this very request: person, recipient, register, evidence, purpose,
    procedure and application."""
    return (
        record.recipient == request.consumer
        and record.register == register
        and record.evidence == request.evidence
        and record.purpose == request.purpose
        and record.procedure == request.procedure
        and record.case == request.case
        and record.subject.agrees_with(request.subject)
    )


def _kind_allowed(matter: Matter) -> Verdict:
    return PASSED if matter.kind in matter.grant.basis else ReasonCode.BASIS_KIND_NOT_ALLOWED


def _recorded(matter: Matter) -> Verdict:
    if matter.kind is BasisKind.STATUTORY:
        return NOT_NEEDED
    record = matter.record
    if record is None or record.kind is not matter.kind:
        return ReasonCode.NO_BASIS
    if record.recorded_by not in matter.grant.recorded_by:
        return ReasonCode.RECORDER_NOT_ACCEPTED
    if record.authentic is not True:
        return ReasonCode.RECORD_NOT_AUTHENTIC
    wanted = matter.grant.assurance
    sure = wanted is None or ASSURANCES.index(record.assurance) >= ASSURANCES.index(wanted)
    return PASSED if sure else ReasonCode.ASSURANCE_INSUFFICIENT


def _without_record(matter: Matter) -> Verdict:
    return NOT_NEEDED if matter.kind is BasisKind.STATUTORY else None


def _standing(matter: Matter) -> Verdict:
    if matter.record is None:
        return _without_record(matter)
    if matter.record.state in PERMITTING:
        return PASSED
    return _NOT_STANDING.get(matter.record.state, ReasonCode.BASIS_NOT_GIVEN)


def _in_its_period(matter: Matter) -> Verdict:
    if matter.record is None:
        return _without_record(matter)
    within = matter.record.not_before <= matter.now < matter.record.not_after
    return PASSED if within else ReasonCode.BASIS_OUTSIDE_PERIOD


def _use_left(matter: Matter) -> Verdict:
    if matter.record is None:
        return _without_record(matter)
    most = matter.record.max_uses
    return PASSED if most is None or 0 <= matter.record.uses < most else ReasonCode.BASIS_USED_UP


def _matches(matter: Matter) -> Verdict:
    claimed = matter.request.basis.norm
    if claimed is not None and claimed != matter.grant.norm:
        return ReasonCode.BASIS_MISMATCH
    if matter.record is None:
        return (
            PASSED if claimed is not None and matter.kind is BasisKind.STATUTORY else _without_record(matter)
        )
    same = same_matter(matter.record, matter.request, matter.grant.register)
    return PASSED if same else ReasonCode.BASIS_MISMATCH


BASIS_RULES: Final = (
    Rule(Check.BASIS_KIND, "GDPR Art. 6(1)", _kind_allowed),
    Rule(Check.BASIS_RECORD, "GDPR Art. 7(1); § 5(1) EGovG", _recorded),
    Rule(Check.BASIS_STATE, "GDPR Art. 7(3)", _standing),
    Rule(Check.BASIS_PERIOD, "GDPR Art. 5(1)(e)", _in_its_period),
    Rule(Check.BASIS_USES, "GDPR Art. 5(1)(b)", _use_left),
    Rule(Check.BASIS_MATCH, "GDPR Art. 5(1)(b), 6(1)(a); § 5 EGovG", _matches),
)
