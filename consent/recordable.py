"""Which decisions may be recorded: held against the grants they would serve.

The checks are those of a request that stands on it: what could never permit anything is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from consent.basis import BASIS_RULES
from consent.conditions import DATA_RULES
from consent.grants import Grant
from consent.ledger import Terms
from consent.matter import NOT_NEEDED, PASSED, Matter, Rule, Verdict
from consent.policy import Policy
from consent.served import furthest, in_force, may_record, refused
from consent.vocabulary import (
    BasisClaim,
    BasisKind,
    Check,
    Held,
    Power,
    ReasonCode,
    Record,
    Refusal,
    Request,
)

CHOICE_LASTS: Final = timedelta(days=92)
"""A choice is for one application, and an authority has three months to decide on one (§ 75 VwGO)."""


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
    asker = policy.consumers.get(question.consumer)
    served = []
    for grant in grants:
        matter = Matter(question, grant, asker, terms.kind, None, powers, evidence.special, test, now)
        served.append(_Decision(matter, terms, request, held, _last_day(grant, policy)))
    return furthest(served, _DECISION_RULES, policy)


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
    return may_record(decision.request, decision.terms.authentication.level, decision.grant)


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
