"""The decision: may this request be answered, and with what? The only builder of a `Permit`.

Every check of DOMAIN.md 3 that can be made before the register is asked is made in order (4–15 and 18; a
`Request` exists only past 1–3), each fails closed, and the first that fails names the reason. 16, 17, 19 and
20 have their facts from `consent/minimise.py`, `consent/receive.py` and the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.grants import Grant
from consent.matter import PASSED, Matter, Verdict, facts_of, in_utc
from consent.policy import Policy
from consent.trials import Trial, trials
from consent.vocabulary import (
    Action,
    BasisUsed,
    Check,
    Exemption,
    Held,
    Permit,
    ReasonCode,
    Refusal,
    Request,
)


@dataclass(frozen=True, slots=True)
class Examination:
    """A decision, and every way that was tried on the way to it."""

    decision: Permit | Refusal
    trials: tuple[Trial, ...] = ()
    """In order, up to the first that passes every check: that one decides."""
    best: Trial | None = None
    """The one that decided; of those that don't pass, the one that came furthest. None: there was none."""


def decide(request: Request, policy: Policy, held: Sequence[Held], now: datetime) -> Permit | Refusal:
    """In: what is asked, the law, the decisions and powers that may bear on it, the time.

    Out: a permit, or a refusal with its reason and every fact. Never raises: an error while deciding refuses.
    """
    return examine(request, policy, held, now).decision


def examine(request: Request, policy: Policy, held: Sequence[Held], now: datetime) -> Examination:
    """The same, with what was tried."""
    try:
        return _examine(request, policy, held, in_utc(now))
    except Exception:  # noqa: BLE001 - whatever went wrong, nothing may leave; the error could carry content
        return Examination(Refusal(ReasonCode.UNDECIDABLE))


def _examine(request: Request, policy: Policy, held: Sequence[Held], now: datetime) -> Examination:
    if request.test:
        return _turned_away(policy, ReasonCode.TEST_MESSAGE, Check.MESSAGE)
    grants = covering(request, policy, now)
    if not grants:
        return _turned_away(policy, ReasonCode.NO_GRANT, Check.GRANT)
    if len({grant.register for grant in grants}) > 1:
        return _turned_away(policy, ReasonCode.REGISTER_AMBIGUOUS, Check.GRANT)
    tried: list[Trial] = []
    for trial in trials(request, policy, grants, held, now):
        tried.append(trial)
        if trial.passed:
            return Examination(_permit(trial, policy), tuple(tried), trial)
    if not tried:
        return _turned_away(policy, ReasonCode.NO_BASIS, Check.BASIS_RECORD)
    best = max(tried, key=lambda trial: trial.reached)
    return Examination(_refuse(best, policy), tuple(tried), best)


def covering(request: Request, policy: Policy, now: datetime) -> tuple[Grant, ...]:
    """Out: the grants in force that cover the request, by id. An order to the house's own ledger is no question to
    a register: no grant covers it."""
    if request.action not in (Action.READ, Action.WRITE):
        return ()
    return tuple(grant for grant in policy.grants_for(request) if grant.covers(request, now))


def exemption(request: Request, policy: Policy, now: datetime) -> Exemption | None:
    """Out: the law under which the person is not told of the request yet, however it ends and whether it is decided
    at all; of several grants' the one that lasts longest."""
    grants = covering(request, policy, in_utc(now))
    found = [law for grant in grants if (law := _exemption(grant, now)) is not None]
    return max(found, key=lambda law: law.until, default=None)


def _permit(trial: Trial, policy: Policy) -> Permit:
    matter, basis = trial.matter, _basis(trial.matter)
    assert basis is not None
    grant = matter.grant
    return Permit(
        request=matter.request,
        grant=grant.id,
        register=grant.register,
        fields=matter.permitted(),
        item=grant.item,
        subject=matter.asked_of_register(),
        basis=basis,
        blocked=grant.blocked,
        retention=grant.retention,
        policy=policy.hash,
        facts=trial.facts(),
        decided=matter.now,
        idnr=grant.idnr,
        granted=grant.fields,
        recorded=None if matter.record is None else matter.record.fields,
        exempt=_exemption(grant, matter.now),
    )


def _refuse(trial: Trial, policy: Policy) -> Refusal:
    matter, code = trial.matter, trial.verdicts[trial.reached]
    assert isinstance(code, ReasonCode)
    excess = matter.excess() if code is ReasonCode.FIELDS_NOT_PERMITTED else frozenset()
    return Refusal(
        code,
        facts=trial.facts(),
        fields=excess,
        beyond_grant=excess - matter.grant.fields,
        grant=matter.grant.id,
        basis=_basis(matter),
        register=matter.grant.register,
        retention=matter.grant.retention,
        policy=policy.hash,
        checks=trial.failed(),
        exempt=_exemption(matter.grant, matter.now),
    )


def _basis(matter: Matter) -> BasisUsed | None:
    if matter.kind is None:
        return None
    record, powers = matter.record, matter.powers_used()
    ends = [power.not_after for power in powers] + ([record.not_after] if record else [])
    return BasisUsed(
        matter.kind,
        matter.grant.norm,
        record.id if record else None,
        record.revision if record else None,
        min(ends, default=None),
        record.max_uses if record else None,
        tuple((power.id, power.revision) for power in powers),
    )


def _exemption(grant: Grant, now: datetime) -> Exemption | None:
    if grant.exempt is None or grant.exempt_days is None:
        return None
    return Exemption(grant.exempt, in_utc(now).date() + timedelta(days=grant.exempt_days))


def _turned_away(policy: Policy, code: ReasonCode, check: Check) -> Examination:
    """Out: a refusal before any grant could be held against the request."""
    failed: tuple[tuple[Check, Verdict], ...] = ((check, code),)
    if check is not Check.MESSAGE:
        failed = ((Check.MESSAGE, PASSED), *failed)
    return Examination(Refusal(code, facts=facts_of(failed), policy=policy.hash, checks=(check,)))
