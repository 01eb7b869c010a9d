"""The law of the house's own ledger: who may record decisions and powers, end them and have them listed.

Ending one asks for nothing but the person and the right recorder: as easy as giving it (GDPR Art. 7(3)).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from consent.conditions import could_be, of_another_world
from consent.entrusting import accepting, judge_power
from consent.grants import Grant
from consent.ledger import ENDINGS
from consent.matter import PASSED, facts_of, in_utc
from consent.orders import Give, Listing, Withdraw
from consent.policy import Policy
from consent.powers import PowerTerms
from consent.recordable import judge_decision
from consent.served import refused
from consent.vocabulary import Action, Check, Held, ReasonCode, Record, Refusal, Request

_Said = TypeVar("_Said")


def judge_give(order: Give, policy: Policy, held: Sequence[Held], now: datetime) -> Refusal | None:
    """In: what is to be recorded; the law; all that is held about the person, and the power named; the time (UTC).

    Out: why it may not be recorded; None: it may. Never raises: an error while judging refuses.
    """

    def judge(now: datetime) -> Refusal | None:
        terms = order.terms
        if isinstance(terms, PowerTerms):
            return judge_power(order.request, terms, policy, now)
        return judge_decision(order.request, terms, policy, held, now)

    return _judged(order.request, policy, now, judge)


def judge_withdraw(order: Withdraw, record: Held | None, policy: Policy, now: datetime) -> Refusal | None:
    """In: what is to end; it, as it stands, if the house holds it; the law; the time (UTC).

    Out: why not; None: it may end. What is not there and what is not the sender's or the person's business is refused
    in the same words. Neither assurance nor a grant in force nor a reason is asked for. Never raises.
    """

    def judge(_now: datetime) -> Refusal | None:
        request = order.request
        if record is None or record.id != order.record:
            return refused(policy, ReasonCode.NO_BASIS, Check.BASIS_RECORD)
        theirs = record.subject.agrees_with(request.subject)
        if not theirs or not _keeps(request.consumer, record, policy):
            return refused(policy, ReasonCode.NO_BASIS, Check.BASIS_RECORD)
        return ended(policy) if record.state in ENDINGS else None

    return _judged(order.request, policy, now, judge)


def ended(policy: Policy) -> Refusal:
    """Out: there is nothing left to withdraw."""
    checks = ((Check.MESSAGE, PASSED), (Check.BASIS_RECORD, PASSED))
    facts = facts_of((*checks, (Check.BASIS_STATE, ReasonCode.BASIS_WITHDRAWN)))
    return Refusal(ReasonCode.BASIS_WITHDRAWN, facts=facts, policy=policy.hash, checks=(Check.BASIS_STATE,))


def listed(
    order: Listing, held: Sequence[Held], policy: Policy, now: datetime
) -> tuple[Record, ...] | Refusal:
    """In: who asks about whom; all that is held about the person; the law; the time (UTC).

    Out: the records that the sender made or could make or end, by id; or why nothing can be said. Never raises.
    """

    def judge(_now: datetime) -> tuple[Record, ...] | Refusal:
        request = order.request
        if of_another_world(request.subject, policy.settings.test_identities):
            return refused(policy, ReasonCode.IDENTITY_NOT_PERMITTED, Check.IDNR)
        theirs = [
            item
            for item in held
            if isinstance(item, Record)
            and item.subject.agrees_with(request.subject)
            and _keeps(request.consumer, item, policy)
        ]
        known = any(request.consumer in grant.recorded_by for grant in policy.grants.values())
        if not theirs and not known:
            return refused(policy, ReasonCode.NO_GRANT, Check.GRANT)
        numbers = {item.subject.idnr for item in theirs if item.subject.idnr}
        if len(numbers) > 1:  # namesakes: they are not told of each other
            return refused(policy, ReasonCode.SUBJECT_INSUFFICIENT, Check.SUBJECT)
        return tuple(sorted(theirs, key=lambda record: record.id))

    return _judged(order.request, policy, now, judge)


def _judged(
    request: Request, policy: Policy, now: datetime, judge: Callable[[datetime], _Said]
) -> _Said | Refusal:
    """Out: what `judge` says of an order that can be one at all. An error while judging refuses."""
    try:
        now = in_utc(now)
        if request.test:
            return refused(policy, ReasonCode.TEST_MESSAGE, Check.MESSAGE)
        if request.action is not Action.RECORD:
            return refused(policy, ReasonCode.NO_GRANT, Check.GRANT)
        if not request.subject.forms() or not could_be(request.subject, now):
            return refused(policy, ReasonCode.SUBJECT_INSUFFICIENT, Check.SUBJECT)
        return judge(now)
    except Exception:  # noqa: BLE001 - whatever went wrong, nothing is kept or told; the error could carry content
        return Refusal(ReasonCode.UNDECIDABLE)


def _keeps(sender: str, item: Held, policy: Policy) -> bool:
    """Out: whether the sender recorded it, or is a recorder for it by any grant: also one that has ended, was
    replaced or revoked, so that what was given under it can be withdrawn."""
    return sender == item.recorded_by or any(sender in grant.recorded_by for grant in _serving(item, policy))


def _serving(item: Held, policy: Policy) -> Sequence[Grant]:
    if not isinstance(item, Record):
        return accepting(item.proof, item.procedures, policy.grants.values())
    return [
        grant
        for grant in policy.grants.values()
        if grant.consumer == item.recipient
        and grant.register == item.register
        and grant.evidence == item.evidence
        and grant.purpose == item.purpose
        and item.procedure in grant.procedures
    ]
