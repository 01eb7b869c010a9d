"""The same decision again, from what its event says and the policy of the time (LOG.md 5), without anybody's identity.

What the law alone decides is judged anew: grant, days, basis kind, fields, special categories, what a grant calls for.
What hung on persons, records or the message is taken as the event gives it: outcomes of checks, as equalities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from consent.decide import covering
from consent.grants import Grant
from consent.matter import Matter, Rule, Verdict
from consent.policy import Policy
from consent.trials import RULES
from consent.vocabulary import (
    Action,
    BasisKind,
    Check,
    Fact,
    Facts,
    Power,
    ReasonCode,
    Request,
    Subject,
)


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as its event keeps it: codes and equalities."""

    at: datetime
    consumer: str
    evidence: str
    purpose: str
    procedure: str
    facts: Facts
    register: str | None = None
    action: Action | None = None
    """None: to read or to write; the event does not tell which."""
    on_behalf_of: str | None = None
    encrypted: bool = False
    """Whether it must have come encrypted; where nothing demanded that, the event does not tell."""
    requested: frozenset[str] = frozenset()
    """The fields asked for; where none were named, those permitted."""
    grant: str | None = None
    kind: BasisKind | None = None
    norm: str | None = None
    reason: ReasonCode | None = None
    """None: it was permitted, whatever the register said then."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What is decided on the same facts under the policy it is replayed with."""

    stopped: Check | None
    """The first check that failed; None: permitted."""
    reason: ReasonCode | None = None
    """Why not; None also where a check failed whose reason the event does not give."""
    grant: str | None = None
    norm: str | None = None
    fields: frozenset[str] = frozenset()

    def agrees(self, decided: Decided) -> bool:
        """Out: whether it was decided so: refused for that reason, or permitted by that grant and norm with those
        fields."""
        if decided.reason is not None:
            return self.reason is decided.reason
        same = (self.grant, self.norm, self.fields) == (decided.grant, decided.norm, decided.requested)
        return self.stopped is None and same


_GIVEN: Final = frozenset(
    {
        Check.BASIS_RECORD,
        Check.BASIS_STATE,
        Check.BASIS_PERIOD,
        Check.BASIS_USES,
        Check.BASIS_MATCH,
        Check.IDNR,
        Check.SUBJECT,
    }
)
"""Only persons and records decide these, as far as an event tells."""


def replay(decided: Decided, policy: Policy) -> Replayed:
    """In: a decision; the policy that decided (by the digest in the event), or another one to compare with.

    Out: what is decided on the same facts; where the event does not tell what was wanted, what agrees with it for
    one of the two, if anything does. Raises: ValueError when the decision's time has no zone.
    """
    if decided.at.tzinfo is None:
        raise ValueError("a time without its zone")
    now = decided.at.astimezone(UTC)
    if decided.reason is not None and decided.grant is None and _first_failed(decided) in _BEFORE_GRANTS:
        return Replayed(_first_failed(decided) or Check.MESSAGE, decided.reason)
    actions = (Action.READ, Action.WRITE) if decided.action is None else (decided.action,)
    tried = [_replay(decided, _request(decided, action), policy, now) for action in actions]
    found = (again for again in tried if again.agrees(decided))
    return next(found, max(tried, key=lambda again: again.grant is not None))


def _replay(decided: Decided, request: Request, policy: Policy, now: datetime) -> Replayed:
    grants = covering(request, policy, now)
    if not grants:
        return Replayed(Check.GRANT, ReasonCode.NO_GRANT)
    if len({grant.register for grant in grants}) > 1:
        return Replayed(Check.GRANT, ReasonCode.REGISTER_AMBIGUOUS)
    evidence = policy.evidence(grants[0].register, decided.evidence)
    if evidence is None:
        return Replayed(Check.BASIS_RECORD, ReasonCode.NO_BASIS)
    grant, test = _same_grant(decided, grants), policy.settings.test_identities
    asker, nobody = policy.consumers.get(decided.consumer), MappingProxyType[str, Power]({})
    matter = Matter(request, grant, asker, decided.kind, None, nobody, evidence.special, test, now)
    for rule in RULES:
        verdict = _again(rule, matter, decided)
        if not isinstance(verdict, Fact):
            return Replayed(rule.check, verdict, grant.id, grant.norm)
    return Replayed(None, None, grant.id, grant.norm, matter.permitted())


_OF_ENCRYPTION: Final = frozenset({ReasonCode.ENCRYPTION_REQUIRED, ReasonCode.ENCRYPTION_KEY_MISSING})
"""What the law alone says of a message, once it is known whether that came encrypted."""
_BEFORE_GRANTS: Final = (None, Check.AUTHENTIC, Check.SENDER, Check.MESSAGE)
"""What failed before any grant was looked at; None: an error while deciding."""


def _first_failed(decided: Decided) -> Check | None:
    return next((check for check in Check if decided.facts.get(check) is Fact.FAILED), None)


def _request(decided: Decided, action: Action) -> Request:
    """Out: the same question, about nobody."""
    return Request(
        message="",
        consumer=decided.consumer,
        language="",
        evidence=decided.evidence,
        purpose=decided.purpose,
        procedure=decided.procedure,
        case="",
        subject=Subject(),
        fields=decided.requested,
        register=decided.register,
        on_behalf_of=decided.on_behalf_of,
        action=action,
        encrypted=decided.encrypted,
    )


def _same_grant(decided: Decided, grants: Sequence[Grant]) -> Grant:
    """Out: the grant that decided; where it is gone, the one for the same basis kind."""
    same = [grant for grant in grants if grant.id == decided.grant]
    fitting = [grant for grant in grants if decided.kind in grant.basis]
    return (same or fitting or list(grants))[0]


def _again(rule: Rule[Matter], matter: Matter, decided: Decided) -> Verdict:
    """Out: the verdict anew as far as the law alone gives it, else as the event has it; None: it failed for a reason
    that the event does not give, or was not made then."""
    check = rule.check
    unnamed = not decided.requested and matter.kind is not BasisKind.STATUTORY
    if check is Check.REPRESENTATION:
        represented = decided.facts.get(check) is not Fact.NOT_NEEDED
        if represented and not matter.grant.representation:
            return ReasonCode.NOT_REPRESENTED
    elif check not in _GIVEN and not (
        check is Check.SPECIAL_CATEGORY and unnamed
    ):  # which fields, its record said
        verdict = rule.judge(matter)
        if isinstance(verdict, ReasonCode) or not _hangs_on_more(check, matter, decided):
            return verdict
    then = decided.facts.get(check)
    if then is Fact.FAILED:
        return decided.reason if check is _first_failed(decided) else None
    return then


def _hangs_on_more(check: Check, matter: Matter, decided: Decided) -> bool:
    """Out: whether the message or a record had a say in a check that the law passes."""
    if check is Check.MESSAGE:
        return decided.reason not in _OF_ENCRYPTION
    return check is Check.FIELDS and matter.kind is not BasisKind.STATUTORY
