"""What may be recorded: a decision or a power, held against the grants it would serve.

The checks are those of a request that stands on it: what could never permit anything is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar

from consent.basis import BASIS_RULES, sure_enough
from consent.coherence import LONGEST
from consent.conditions import DATA_RULES, could_be, of_another_world
from consent.grants import Grant
from consent.ledger import Terms
from consent.matter import NOT_NEEDED, PASSED, Matter, Rule, Verdict, facts_of
from consent.policy import Policy
from consent.powers import PowerTerms
from consent.vocabulary import (
    Assurance,
    BasisClaim,
    BasisKind,
    Check,
    Held,
    Power,
    ReasonCode,
    Record,
    Refusal,
    Request,
    Subject,
)

CHOICE_LASTS: Final = timedelta(days=92)
"""A choice is for one application, and an authority has three months to decide on one (§ 75 VwGO)."""
POWER_LASTS: Final = LONGEST
"""Who acts for whom is looked at again as often as a grant."""


def refused(policy: Policy, code: ReasonCode, check: Check) -> Refusal:
    """Out: a refusal before anything could be held against a grant."""
    return Refusal(code, facts=facts_of(_passed_till(check, code)), policy=policy.hash, checks=(check,))


def _passed_till(check: Check, code: ReasonCode) -> Sequence[tuple[Check, Verdict]]:
    return ((check, code),) if check is Check.MESSAGE else ((Check.MESSAGE, PASSED), (check, code))


def in_force(grant: Grant, now: datetime) -> bool:
    """Out: whether the grant is valid on this day."""
    return grant.valid_from <= now.date() <= grant.valid_to


# --- a decision ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Decision:
    """A decision to record, held against one grant it would serve."""

    matter: Matter
    """As if it were asked for exactly what the terms say."""
    terms: Terms
    request: Request
    held: Sequence[Held]
    last_day: date
    """Of the grant, or of the newest one that replaces it."""

    @property
    def grant(self) -> Grant:
        return self.matter.grant

    def excess(self) -> frozenset[str]:
        return self.matter.excess()


def judge_decision(
    request: Request, terms: Terms, policy: Policy, held: Sequence[Held], now: datetime
) -> Refusal | None:
    """Out: why this decision may not be recorded for the sender of the request; None: it may."""
    question = _question(request, terms)
    grants = [
        grant
        for grant in policy.grants_for(question)
        if grant.register == terms.register_ and in_force(grant, now)
    ]
    evidence = policy.evidence(terms.register_, terms.evidence)
    if not grants or evidence is None:
        return refused(policy, ReasonCode.NO_GRANT, Check.GRANT)
    powers = {item.id: item for item in held if isinstance(item, Power)}
    test = policy.settings.test_identities
    served = []
    for grant in grants:
        matter = Matter(question, grant, terms.kind, None, powers, evidence.special, test, now)
        served.append(_Decision(matter, terms, request, held, _last_day(grant, policy)))
    return _furthest(served, _DECISION_RULES, policy)


def _last_day(grant: Grant, policy: Policy) -> date:
    newer = {item.predecessor: item for item in policy.deciding() if item.predecessor is not None}
    for _ in range(len(newer)):
        grant = newer.get(grant.id, grant)
    return grant.valid_to


def _question(request: Request, terms: Terms) -> Request:
    """Out: what could be asked on such a record."""
    return replace(
        request,
        consumer=terms.recipient,
        evidence=terms.evidence,
        purpose=terms.purpose,
        procedure=terms.procedure,
        case=terms.case,
        subject=terms.subject.subject(),
        basis=BasisClaim(terms.kind, norm=terms.norm),
        fields=terms.fields,
        register=terms.register_,
        representative=terms.representative.record if terms.representative else None,
    )


def _recorder(decision: _Decision) -> Verdict:
    return _may_record(decision.request, decision.terms.authentication.level, decision.grant)


def _life(decision: _Decision) -> Verdict:
    terms, now = decision.terms, decision.matter.now
    begins, ends = terms.not_before, terms.not_after
    whole = begins < ends <= _end_of(decision.last_day) and now < ends
    short = terms.kind is not BasisKind.CHOICE or ends - min(begins, now) <= CHOICE_LASTS
    return PASSED if whole and short else ReasonCode.BASIS_OUTSIDE_PERIOD


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time(tzinfo=UTC)) + timedelta(days=1)


def _follows(decision: _Decision) -> Verdict:
    """Its norm is the grant's, the order names its person and power, and the record it renews is there."""
    terms, matter, request = decision.terms, decision.matter, decision.request
    same = (
        terms.norm == matter.grant.norm
        and request.subject == matter.request.subject
        and request.representative == matter.request.representative
    )
    there = terms.previous is None or any(_renewed_by(terms, item) for item in decision.held)
    return PASSED if same and there else ReasonCode.BASIS_MISMATCH


def _renewed_by(terms: Terms, item: Held) -> bool:
    return (
        isinstance(item, Record)
        and item.id == terms.previous
        and item.recipient == terms.recipient
        and item.register == terms.register_
        and item.evidence == terms.evidence
        and item.purpose == terms.purpose
        and item.procedure == terms.procedure
        and item.subject.agrees_with(terms.subject.subject())
    )


def _proved(decision: _Decision) -> Verdict:
    """The power's proof is the one the terms name."""
    named = decision.terms.representative
    if named is None:
        return NOT_NEEDED
    power = decision.matter.powers.get(named.record)
    return PASSED if power is not None and power.proof == named.proof else ReasonCode.NOT_REPRESENTED


def _both(
    first: Callable[[Matter], Verdict], then: Callable[[_Decision], Verdict]
) -> Callable[[_Decision], Verdict]:
    def judge(decision: _Decision) -> Verdict:
        verdict = first(decision.matter)
        return verdict if isinstance(verdict, ReasonCode) else then(decision)

    return judge


def _as_asked(rule: Rule[Matter]) -> Rule[_Decision]:
    """Out: the same check, of what could be asked on the record."""
    return Rule(rule.check, rule.clause, lambda decision: rule.judge(decision.matter))


_ASKED: Final = {rule.check: rule for rule in (*BASIS_RULES, *DATA_RULES)}
_DECISION_RULES: Final = (
    _as_asked(_ASKED[Check.BASIS_KIND]),
    Rule(Check.BASIS_RECORD, "GDPR Art. 7(1); § 5(1) EGovG", _recorder),
    Rule(Check.BASIS_PERIOD, "GDPR Art. 5(1)(e)", _life),
    Rule(Check.BASIS_MATCH, "GDPR Art. 5(1)(b)", _follows),
    _as_asked(_ASKED[Check.FIELDS]),
    Rule(
        Check.REPRESENTATION,
        _ASKED[Check.REPRESENTATION].clause,
        _both(_ASKED[Check.REPRESENTATION].judge, _proved),
    ),
    _as_asked(_ASKED[Check.SPECIAL_CATEGORY]),
    _as_asked(_ASKED[Check.IDNR]),
    _as_asked(_ASKED[Check.SUBJECT]),
)


# --- a power ------------------------------------------------------------------------------------------------------
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
    return _furthest([_Proof(grant, terms, request, test, now) for grant in grants], _POWER_RULES, policy)


def accepting(proof: str, procedures: frozenset[str] | None, grants: Iterable[Grant]) -> Sequence[Grant]:
    """Out: those of the grants, in force or not, under which such a power could count, by id."""
    found = [
        grant
        for grant in grants
        if proof in grant.representation and (procedures is None or procedures & grant.procedures)
    ]
    return sorted(found, key=lambda grant: grant.id)


def _power_recorder(proof: _Proof) -> Verdict:
    return _may_record(proof.request, proof.terms.authentication.level, proof.grant)


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


# --- either -------------------------------------------------------------------------------------------------------
def _may_record(request: Request, level: Assurance, grant: Grant) -> Verdict:
    """Out: whether the sender's records count for the grant, when it was this sure who decided."""
    if request.consumer not in grant.recorded_by:
        return ReasonCode.RECORDER_NOT_ACCEPTED
    return PASSED if sure_enough(level, grant) else ReasonCode.ASSURANCE_INSUFFICIENT


_Judged = TypeVar("_Judged", _Decision, _Proof)


def _furthest(served: Iterable[_Judged], rules: Sequence[Rule[_Judged]], policy: Policy) -> Refusal | None:
    """Out: None as soon as one grant would be served; else what the one that came furthest says."""
    best: tuple[int, Refusal] | None = None
    for one in served:
        verdicts: list[tuple[Check, Verdict]] = [(rule.check, rule.judge(one)) for rule in rules]
        failed = [(check, verdict) for check, verdict in verdicts if isinstance(verdict, ReasonCode)]
        if not failed:
            return None
        check, code = failed[0]
        reached = [made for made, _ in verdicts].index(check)
        if best is None or reached > best[0]:
            best = (
                reached,
                Refusal(
                    code,
                    facts=facts_of([(Check.MESSAGE, PASSED), (Check.GRANT, PASSED), *verdicts]),
                    fields=one.excess() if code is ReasonCode.FIELDS_NOT_PERMITTED else frozenset(),
                    grant=one.grant.id,
                    register=one.grant.register,
                    retention=one.grant.retention,
                    policy=policy.hash,
                    checks=tuple(made for made, _ in failed),
                ),
            )
    assert best is not None
    return best[1]
