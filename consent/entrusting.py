"""Which powers to act for somebody may be recorded: held against the grants that accept such a proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consent.coherence import LONGEST
from consent.conditions import could_be, of_another_world
from consent.grants import Grant
from consent.matter import NOT_NEEDED, PASSED, Rule, Verdict
from consent.policy import Policy
from consent.powers import PowerTerms
from consent.served import furthest, in_force, may_record, refused
from consent.vocabulary import Check, ReasonCode, Refusal, Request, Subject

POWER_LASTS: Final = LONGEST
"""Who acts for whom is looked at again as often as a grant."""


@dataclass(frozen=True, slots=True)
class _Proof:
    """A power to record, held against one grant that accepts such a proof."""

    grant: Grant
    terms: PowerTerms
    request: Request
    test_identities: bool
    now: datetime

    def excess(self) -> frozenset[str]:
        return frozenset()

    def people(self) -> tuple[Subject, Subject]:
        return self.terms.subject.subject(), self.terms.representative.subject()


def judge_power(request: Request, terms: PowerTerms, policy: Policy, now: datetime) -> Refusal | None:
    """Out: why this power may not be recorded for the sender of the request; None: it may."""
    grants = [
        grant for grant in accepting(terms.proof, terms.procedures, policy.deciding()) if in_force(grant, now)
    ]
    if not grants:
        return refused(policy, ReasonCode.NO_GRANT, Check.GRANT)
    test = policy.settings.test_identities
    return furthest([_Proof(grant, terms, request, test, now) for grant in grants], _POWER_RULES, policy)


def accepting(proof: str, procedures: frozenset[str] | None, grants: Iterable[Grant]) -> Sequence[Grant]:
    """Out: those of the grants, in force or not, under which such a power could count, by id."""
    found = [
        grant
        for grant in grants
        if proof in grant.representation and (procedures is None or procedures & grant.procedures)
    ]
    return sorted(found, key=lambda grant: grant.id)


def _power_recorder(proof: _Proof) -> Verdict:
    return may_record(proof.request, proof.terms.authentication.level, proof.grant)


def _power_life(proof: _Proof) -> Verdict:
    begins, ends = proof.terms.not_before, proof.terms.not_after
    whole = begins < ends and proof.now < ends <= proof.now + POWER_LASTS
    return PASSED if whole else ReasonCode.BASIS_OUTSIDE_PERIOD


def _two_people(proof: _Proof) -> Verdict:
    """The order names whom the terms name, and nobody acts for themselves."""
    subject, representative = proof.people()
    right = proof.request.subject == subject and not subject.agrees_with(representative)
    return PASSED if right else ReasonCode.BASIS_MISMATCH


def _numbers(proof: _Proof) -> Verdict:
    if all(who.idnr is None for who in proof.people()):
        return NOT_NEEDED
    foreign = any(of_another_world(who, proof.test_identities) for who in proof.people())
    return ReasonCode.IDENTITY_NOT_PERMITTED if foreign else PASSED


def _named(proof: _Proof) -> Verdict:
    named = all(who.forms() and could_be(who, proof.now) for who in proof.people())
    return PASSED if named else ReasonCode.SUBJECT_INSUFFICIENT


_POWER_RULES: Final = (
    Rule(Check.BASIS_RECORD, "§§ 164, 1814 BGB; § 14 VwVfG", _power_recorder),
    Rule(Check.BASIS_PERIOD, "GDPR Art. 5(1)(e)", _power_life),
    Rule(Check.BASIS_MATCH, "§ 164 BGB", _two_people),
    Rule(Check.IDNR, "§§ 1, 5 IDNrG", _numbers),
    Rule(Check.SUBJECT, "GDPR Art. 5(1)(d)", _named),
)
