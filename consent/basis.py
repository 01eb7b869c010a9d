"""The concrete permission: the checks on basis and record (DOMAIN.md 3, checks 5–10).

For choice and consent a record of the house must stand; a statute stands by its grant alone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from consent.grants import Grant
from consent.matter import NOT_NEEDED, PASSED, Matter, Rule, Verdict, Wanted
from consent.vocabulary import (
    ASSURANCES,
    PERMITTING,
    Assurance,
    BasisKind,
    Check,
    ReasonCode,
    Record,
    RecordState,
    Request,
)

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
    """Out: whether the record is about this very request."""
    return not _other(record, request, register)


def _other(record: Record, request: Request, register: str) -> tuple[str, ...]:
    """Out: in what the record is about something else: person, recipient, register, evidence, purpose, procedure,
    application."""
    same = {
        "recipient": record.recipient == request.consumer,
        "register": record.register == register,
        "evidence": record.evidence == request.evidence,
        "purpose": record.purpose == request.purpose,
        "procedure": record.procedure == request.procedure,
        "case": record.case == request.case,
        "subject": record.subject.agrees_with(request.subject),
    }
    return tuple(name for name, equal in same.items() if not equal)


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
    sure = sure_enough(record.assurance, matter.grant)
    return PASSED if sure else ReasonCode.ASSURANCE_INSUFFICIENT


def sure_enough(level: Assurance, grant: Grant) -> bool:
    """Out: whether it was as sure who decided as the grant wants it."""
    return grant.assurance is None or ASSURANCES.index(level) >= ASSURANCES.index(grant.assurance)


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


# --- what would have passed ------------------------------------------------------------------------------------
def _kinds_wanted(matter: Matter) -> Wanted:
    return {"basis": tuple(matter.grant.basis)}


def _record_wanted(matter: Matter) -> Wanted:
    grant, record = matter.grant, matter.record
    recorders = {"recorded_by": tuple(sorted(grant.recorded_by))}
    levels = {} if grant.assurance is None else {"assurance": ASSURANCES[ASSURANCES.index(grant.assurance) :]}
    match _recorded(matter):
        case ReasonCode.RECORDER_NOT_ACCEPTED:
            return recorders
        case ReasonCode.RECORD_NOT_AUTHENTIC:
            return {"receipt": ("verified",)}
        case ReasonCode.ASSURANCE_INSUFFICIENT:
            return levels
    about = (
        {}
        if record is not None or matter.request.basis.record is not None
        else {"same": ("recipient", "case")}
    )
    return {"record": (str(matter.kind),), **about, **recorders, **levels}


def _state_wanted(_matter: Matter) -> Wanted:
    return {"state": tuple(sorted(PERMITTING))}


def _period_wanted(matter: Matter) -> Wanted:
    record = matter.record
    return (
        {}
        if record is None
        else {"from": (_stamp(record.not_before),), "before": (_stamp(record.not_after),)}
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _use_wanted(matter: Matter) -> Wanted:
    return {} if matter.record is None else {"uses_below": (str(matter.record.max_uses),)}


def _match_wanted(matter: Matter) -> Wanted:
    claimed, record = matter.request.basis.norm, matter.record
    if claimed is not None and claimed != matter.grant.norm:
        return {"norm": (matter.grant.norm,)}
    return {} if record is None else {"same": _other(record, matter.request, matter.grant.register)}


BASIS_RULES: Final = (
    Rule(Check.BASIS_KIND, "GDPR Art. 6(1)", _kind_allowed, _kinds_wanted),
    Rule(Check.BASIS_RECORD, "GDPR Art. 7(1); § 5(1) EGovG", _recorded, _record_wanted),
    Rule(Check.BASIS_STATE, "GDPR Art. 7(3)", _standing, _state_wanted),
    Rule(Check.BASIS_PERIOD, "GDPR Art. 5(1)(e)", _in_its_period, _period_wanted),
    Rule(Check.BASIS_USES, "GDPR Art. 5(1)(b)", _use_left, _use_wanted),
    Rule(Check.BASIS_MATCH, "GDPR Art. 5(1)(b), 6(1)(a); § 5 EGovG", _matches, _match_wanted),
)
