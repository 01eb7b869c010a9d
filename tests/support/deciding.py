"""A decision on the sample, and what is said of one: permitted, or refused for exactly this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from law_sample import NOW, RECORD, policy

from consent.decide import decide
from consent.vocabulary import (
    BasisClaim,
    BasisKind,
    Check,
    Fact,
    Permit,
    ReasonCode,
    Record,
    Refusal,
    Request,
)

STATUTORY: Mapping[str, Any] = {"basis": ["statutory"], "recorded_by": [], "norm": "WoGG § 23"}
BY_LAW = BasisClaim(BasisKind.STATUTORY)


def permit(found: Permit | Refusal) -> Permit:
    """Out: the permit, which it must be."""
    assert isinstance(found, Permit), found
    return found


def refusal(found: Permit | Refusal, code: ReasonCode, *checks: Check) -> Refusal:
    """Out: the refusal, which must have this code, and exactly these checks failed."""
    assert isinstance(found, Refusal), "permitted"
    assert (found.code, found.checks) == (code, checks), (found.code, found.checks)
    assert all(found.facts[check] is Fact.FAILED for check in checks)
    assert set(checks) == {check for check, fact in found.facts.items() if fact is Fact.FAILED}
    return found


def judge(
    asked: Request, grants: Sequence[Mapping[str, Any]] = ({},), records: Sequence[Record] = (RECORD,)
) -> Permit | Refusal:
    """Out: what is decided now, on these changes to the sample grant and these records."""
    return decide(asked, policy(*grants), records, NOW)
