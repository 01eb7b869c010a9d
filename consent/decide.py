"""The decision: may this request be answered, and with what? The only builder of a `Permit`.

Every check of DOMAIN.md 3 that can be made before the register is asked is made in order (4–15 and 18; a
`Request` exists only past 1–3), each fails closed, and the first that fails names the reason. 16, 17, 19 and
20 have their facts from `consent/minimise.py` and the journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from consent.basis import BASIS_RULES, ENDED_BY_THE_PERSON, same_matter
from consent.conditions import CONDITION_RULES, GRANT_RULES
from consent.grants import Grant
from consent.matter import Matter, Rule, Verdict
from consent.policy import Policy
from consent.vocabulary import (
    BasisKind,
    BasisUsed,
    Check,
    Exemption,
    Fact,
    Facts,
    Held,
    Permit,
    Power,
    ReasonCode,
    Record,
    Refusal,
    Request,
)

RULES: Final[tuple[Rule, ...]] = (*GRANT_RULES, *BASIS_RULES, *CONDITION_RULES)
"""Every check made here, in its order, with its source."""
_BEFORE: Final = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.PASSED}
_KINDS_WITH_RECORD: Final = (BasisKind.CHOICE, BasisKind.CONSENT)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A matter and what every check says about it, in the order of `RULES`."""

    matter: Matter
    verdicts: tuple[Verdict, ...]

    @property
    def reached(self) -> int:
        """How many checks passed before the first that did not; all of them: it may be permitted."""
        stopped = (at for at, verdict in enumerate(self.verdicts) if not isinstance(verdict, Fact))
        return next(stopped, len(self.verdicts))

    def facts(self) -> Facts:
        facts = dict(_BEFORE)
        for rule, verdict in zip(RULES, self.verdicts, strict=True):
            if verdict is not None:
                facts[rule.check] = Fact.FAILED if isinstance(verdict, ReasonCode) else verdict
        return MappingProxyType(facts)


def decide(request: Request, policy: Policy, held: Sequence[Held], now: datetime) -> Permit | Refusal:
    """In: what is asked, the law, the decisions and powers that may bear on it, the time (UTC).

    Out: a permit, or a refusal with its reason and every fact. Never raises: an error while deciding refuses.
    """
    try:
        return _decide(request, policy, held, now)
    except Exception:  # noqa: BLE001 - whatever went wrong, nothing may leave; the error could carry content
        return Refusal(ReasonCode.UNDECIDABLE)


def _decide(request: Request, policy: Policy, held: Sequence[Held], now: datetime) -> Permit | Refusal:
    records = [item for item in held if isinstance(item, Record)]
    powers = {item.id: item for item in held if isinstance(item, Power)}
    if request.test:
        return _turned_away(policy, ReasonCode.TEST_MESSAGE, Check.MESSAGE)
    grants = [grant for grant in policy.grants_for(request) if grant.covers(request, now)]
    if not grants:
        return _turned_away(policy, ReasonCode.NO_GRANT, Check.GRANT)
    if len({grant.register for grant in grants}) > 1:
        return _turned_away(policy, ReasonCode.REGISTER_AMBIGUOUS, Check.GRANT)
    best: _Trial | None = None
    for matter in _matters(request, policy, grants, records, powers, now):
        trial = _Trial(matter, tuple([rule.judge(matter) for rule in RULES]))
        if best is None or trial.reached > best.reached:
            best = trial
        if trial.reached == len(RULES):
            return _permit(trial, policy)
    if best is None:
        return _turned_away(policy, ReasonCode.NO_BASIS, Check.BASIS_RECORD)
    return _refuse(best, policy)


def _matters(
    request: Request,
    policy: Policy,
    grants: Sequence[Grant],
    records: Sequence[Record],
    powers: Mapping[str, Power],
    now: datetime,
) -> Iterator[Matter]:
    """Out: every grant with every basis it could stand on, in one fixed order: choice before consent before
    statute (the person's say first), then by grant, then by record. The first that passes every check
    decides; if none does, the one that came furthest says why. Grants of one register can meet here only
    with different bases: `consent/duplicates.py` refuses overlaps."""
    evidence = policy.evidence(grants[0].register, request.evidence)
    if evidence is None:
        return
    candidates = _candidates(request, grants[0].register, records)
    found = sorted(
        ((kind, grant) for grant in grants for kind in _kinds(request, grant, candidates)),
        key=lambda pair: (_ORDER[pair[0]], pair[1].id),
    )
    for kind, grant in found:
        recorded = [
            record for record in candidates if kind is not BasisKind.STATUTORY and record.kind is kind
        ]
        for record in recorded or (None,):
            yield Matter(
                request, grant, kind, record, powers, evidence.special, policy.settings.test_identities, now
            )


_ORDER: Final = {kind: place for place, kind in enumerate((*BasisKind, None))}


def _kinds(request: Request, grant: Grant, candidates: Sequence[Record]) -> tuple[BasisKind | None, ...]:
    """Out: the basis kinds to try. A statute is never a way out for want of a record: it is tried only where
    it is claimed, or where the grant knows nothing else."""
    claim = request.basis
    if claim.kind is not None:
        return (claim.kind,)
    recorded = tuple(kind for kind in grant.basis if kind in _KINDS_WITH_RECORD)
    if claim.record is not None:
        return tuple({record.kind for record in candidates}) or recorded or (None,)
    return recorded or grant.basis


def _candidates(request: Request, register: str, records: Sequence[Record]) -> list[Record]:
    """Out: the record named; or, where none is, those of the recipient and case. One of these that the person
    ended outweighs all others about the same: only naming another one can."""
    named = request.basis.record
    if named is not None:
        return [record for record in records if record.id == named]
    own = sorted(
        (item for item in records if item.recipient == request.consumer and item.case == request.case),
        key=lambda record: record.id,
    )
    ended = [
        item for item in own if item.state in ENDED_BY_THE_PERSON and same_matter(item, request, register)
    ]
    return ended or own


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


def _exempt(matter: Matter) -> Exemption | None:
    grant = matter.grant
    if grant.exempt is None or grant.exempt_days is None:
        return None
    return Exemption(grant.exempt, matter.now.date() + timedelta(days=grant.exempt_days))


def _permit(trial: _Trial, policy: Policy) -> Permit:
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
        exempt=_exempt(matter),
    )


def _refuse(trial: _Trial, policy: Policy) -> Refusal:
    matter, code = trial.matter, trial.verdicts[trial.reached]
    assert isinstance(code, ReasonCode)
    judged = zip(RULES, trial.verdicts, strict=True)
    return Refusal(
        code,
        facts=trial.facts(),
        fields=matter.excess() if code is ReasonCode.FIELDS_NOT_PERMITTED else frozenset(),
        grant=matter.grant.id,
        basis=_basis(matter),
        register=matter.grant.register,
        retention=matter.grant.retention,
        policy=policy.hash,
        checks=tuple(rule.check for rule, verdict in judged if isinstance(verdict, ReasonCode)),
        exempt=_exempt(matter),
    )


def _turned_away(policy: Policy, code: ReasonCode, check: Check) -> Refusal:
    """Out: a refusal before any grant could be held against the request."""
    facts = dict(_BEFORE)
    if check is not Check.MESSAGE:
        facts[Check.MESSAGE] = Fact.PASSED
    facts[check] = Fact.FAILED
    return Refusal(code, facts=MappingProxyType(facts), policy=policy.hash, checks=(check,))
