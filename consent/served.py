"""A record or power to keep, held against a grant that it would serve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from consent.basis import sure_enough
from consent.grants import Grant
from consent.matter import PASSED, Rule, Verdict, facts_of
from consent.policy import Policy
from consent.vocabulary import Assurance, Check, ReasonCode, Refusal, Request


class Serving(Protocol):
    """What is judged: something to keep, and a grant."""

    @property
    def grant(self) -> Grant: ...

    def excess(self) -> frozenset[str]:
        """Out: the fields in it that the grant does not name."""
        ...


def refused(policy: Policy, code: ReasonCode, check: Check) -> Refusal:
    """Out: a refusal before anything could be held against a grant."""
    return Refusal(code, facts=facts_of(_passed_till(check, code)), policy=policy.hash, checks=(check,))


def _passed_till(check: Check, code: ReasonCode) -> Sequence[tuple[Check, Verdict]]:
    return ((check, code),) if check is Check.MESSAGE else ((Check.MESSAGE, PASSED), (check, code))


def in_force(grant: Grant, now: datetime) -> bool:
    """Out: whether the grant is valid on this day."""
    return grant.valid_from <= now.date() <= grant.valid_to


def may_record(request: Request, level: Assurance, grant: Grant) -> Verdict:
    """Out: whether the sender's records count for the grant, when it was this sure who decided."""
    if request.consumer not in grant.recorded_by:
        return ReasonCode.RECORDER_NOT_ACCEPTED
    return PASSED if sure_enough(level, grant) else ReasonCode.ASSURANCE_INSUFFICIENT


_Judged = TypeVar("_Judged", bound=Serving)


def furthest(served: Iterable[_Judged], rules: Sequence[Rule[_Judged]], policy: Policy) -> Refusal | None:
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
