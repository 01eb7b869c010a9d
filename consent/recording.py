"""The law of recording: who may record, end and list which decisions and powers in the house's ledger.

What is recorded is held against the grants it would serve, by the same checks as a request that stands on it: a
record that could never permit anything is not kept. Ending one asks for nothing but who it is about (GDPR Art. 7(3)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, TypeVar

from consent.basis import BASIS_RULES
from consent.coherence import LONGEST
from consent.conditions import DATA_RULES
from consent.grants import Grant
from consent.idnr import is_idnr, never_issued
from consent.ledger import ENDINGS, Terms
from consent.matter import NOT_NEEDED, PASSED, Matter, Verdict, facts_of
from consent.orders import Give, Listing, Withdraw
from consent.policy import Policy
from consent.powers import PowerTerms
from consent.vocabulary import (
    ASSURANCES,
    Action,
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
"""A choice is for one application, and an authority has three months to decide on it (§ 75 VwGO)."""
POWER_LASTS: Final = LONGEST
"""Who acts for whom is looked at again as often as a grant."""

_Judged = TypeVar("_Judged", "_Decision", "_Proof")


# --- recording a decision -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Decision:
    """A decision to record, held against one grant it would serve."""

    matter: Matter
    """As if it were asked for what the terms say."""
    terms: Terms
    request: Request
    held: Sequence[Held]


def judge_give(order: Give, policy: Policy, held: Sequence[Held], now: datetime) -> Refusal | None:
    """In: what is to be recorded; the law; all that is held about the person, and the power named; the time (UTC).

    Out: why it may not be recorded; None: it may. Never raises: an error while judging refuses.
    """
    try:
        if order.request.test:
            return _no(policy, ReasonCode.TEST_MESSAGE, Check.MESSAGE)
        if order.request.action is not Action.RECORD:
            return _no(policy, ReasonCode.NO_GRANT, Check.GRANT)
        terms = order.terms
        if isinstance(terms, PowerTerms):
            return _judge_power(order.request, terms, policy, now)
        return _judge_decision(order.request, terms, policy, held, now)
    except Exception:  # noqa: BLE001 - whatever went wrong, nothing is recorded; the error could carry content
        return Refusal(ReasonCode.UNDECIDABLE)


def _judge_decision(
    request: Request, terms: Terms, policy: Policy, held: Sequence[Held], now: datetime
) -> Refusal | None:
    question = _question(request, terms)
    grants = [
        grant
        for grant in policy.grants_for(question)
        if grant.register == terms.register_ and _in_force(grant, now)
    ]
    evidence = policy.evidence(terms.register_, terms.evidence)
    if not grants or evidence is None:
        return _no(policy, ReasonCode.NO_GRANT, Check.GRANT)
    powers = {item.id: item for item in held if isinstance(item, Power)}
    test = policy.settings.test_identities
    served = [
        _Decision(
            Matter(question, grant, terms.kind, None, powers, evidence.special, test, now),
            terms,
            request,
            held,
        )
        for grant in grants
    ]
    return _furthest(served, _DECISION_RULES, lambda decision: decision.matter.grant, policy)


def _question(request: Request, terms: Terms) -> Request:
    """Out: what could be asked on such a record, word for word."""
    representative = terms.representative
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
        representative=None if representative is None else representative.record,
    )


def _recorder(decision: _Decision) -> Verdict:
    grant = decision.matter.grant
    if decision.request.consumer not in grant.recorded_by:
        return ReasonCode.RECORDER_NOT_ACCEPTED
    return _sure_enough(decision.terms.authentication.level, grant)


def _life(decision: _Decision) -> Verdict:
    terms, now, grant = decision.terms, decision.matter.now, decision.matter.grant
    begins, ends = terms.not_before, terms.not_after
    if not begins < ends <= _over(grant.valid_to) or ends <= now:
        return ReasonCode.BASIS_OUTSIDE_PERIOD
    if terms.kind is BasisKind.CHOICE and ends - min(begins, now) > CHOICE_LASTS:
        return ReasonCode.BASIS_OUTSIDE_PERIOD
    return PASSED


def _follows(decision: _Decision) -> Verdict:
    """The norm is the grant's, the order names the terms' person and power, a record it follows is there."""
    terms, matter = decision.terms, decision.matter
    same = (
        terms.norm == matter.grant.norm
        and decision.request.subject == matter.request.subject
        and decision.request.representative == matter.request.representative
    )
    there = terms.previous is None or any(_precedes(item, terms) for item in decision.held)
    return PASSED if same and there else ReasonCode.BASIS_MISMATCH


def _precedes(item: Held, terms: Terms) -> bool:
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


def _represented(decision: _Decision) -> Verdict:
    """The proof kind that the terms say is the power's own."""
    named, powers = decision.terms.representative, decision.matter.powers
    if named is None:
        return NOT_NEEDED
    power = powers.get(named.record)
    return PASSED if power is not None and power.proof == named.proof else ReasonCode.NOT_REPRESENTED


def _of_the_matter(judge: Callable[[Matter], Verdict]) -> Callable[[_Decision], Verdict]:
    return lambda decision: judge(decision.matter)


_KIND: Final = next(rule.judge for rule in BASIS_RULES if rule.check is Check.BASIS_KIND)
_DECISION_RULES: Final[tuple[tuple[Check, Callable[[_Decision], Verdict]], ...]] = (
    (Check.BASIS_KIND, _of_the_matter(_KIND)),
    (Check.BASIS_RECORD, _recorder),
    (Check.BASIS_PERIOD, _life),
    (Check.BASIS_MATCH, _follows),
    *[(rule.check, _of_the_matter(rule.judge)) for rule in DATA_RULES],
    (Check.REPRESENTATION, _represented),
)


# --- recording a power --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Proof:
    """A power to record, held against one grant that accepts such a proof."""

    terms: PowerTerms
    request: Request
    grant: Grant
    test_identities: bool
    now: datetime


def _judge_power(request: Request, terms: PowerTerms, policy: Policy, now: datetime) -> Refusal | None:
    grants = [
        grant
        for grant in policy.grants.values()
        if terms.proof in grant.representation
        and (terms.procedures is None or terms.procedures & grant.procedures)
        and _in_force(grant, now)
    ]
    if not grants:
        return _no(policy, ReasonCode.NO_GRANT, Check.GRANT)
    test = policy.settings.test_identities
    served = [_Proof(terms, request, grant, test, now) for grant in grants]
    return _furthest(served, _POWER_RULES, lambda proof: proof.grant, policy)


def _power_recorder(proof: _Proof) -> Verdict:
    if proof.request.consumer not in proof.grant.recorded_by:
        return ReasonCode.RECORDER_NOT_ACCEPTED
    return _sure_enough(proof.terms.authentication.level, proof.grant)


def _power_life(proof: _Proof) -> Verdict:
    begins, ends, now = proof.terms.not_before, proof.terms.not_after, proof.now
    whole = begins < ends and now < ends <= now + POWER_LASTS
    return PASSED if whole else ReasonCode.BASIS_OUTSIDE_PERIOD


def _two_people(proof: _Proof) -> Verdict:
    """The order names whom the terms name, and nobody acts for themselves."""
    subject, representative = _people(proof)
    same = proof.request.subject == subject
    return PASSED if same and not subject.agrees_with(representative) else ReasonCode.BASIS_MISMATCH


def _numbers(proof: _Proof) -> Verdict:
    numbers = [who.idnr for who in _people(proof) if who.idnr is not None]
    if not numbers:
        return NOT_NEEDED
    allowed = all(_may_be_here(number, proof.test_identities) for number in numbers)
    return PASSED if allowed else ReasonCode.IDENTITY_NOT_PERMITTED


def _both_named(proof: _Proof) -> Verdict:
    today = proof.now.date()
    named = all(_sufficient(who, today) for who in _people(proof))
    return PASSED if named else ReasonCode.SUBJECT_INSUFFICIENT


def _people(proof: _Proof) -> tuple[Subject, Subject]:
    return proof.terms.subject.subject(), proof.terms.representative.subject()


_POWER_RULES: Final[tuple[tuple[Check, Callable[[_Proof], Verdict]], ...]] = (
    (Check.BASIS_RECORD, _power_recorder),
    (Check.BASIS_PERIOD, _power_life),
    (Check.BASIS_MATCH, _two_people),
    (Check.IDNR, _numbers),
    (Check.SUBJECT, _both_named),
)
