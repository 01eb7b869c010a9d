"""Every way a request could be answered, and what every check says about it (DOMAIN.md 3, checks 3–15 and 18)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from consent.basis import BASIS_RULES, ENDED_BY_THE_PERSON, same_matter
from consent.conditions import DATA_RULES, GRANT_RULES, PREVIEW_RULE
from consent.grants import Grant
from consent.matter import Matter, Rule, Verdict, Wanted, facts_of
from consent.policy import Policy
from consent.vocabulary import BasisKind, Check, Fact, Facts, Held, Power, ReasonCode, Record, Request

RULES: Final[tuple[Rule[Matter], ...]] = (*GRANT_RULES, *BASIS_RULES, *DATA_RULES, PREVIEW_RULE)
"""Every check made here, in its order, with its source."""
_KINDS_WITH_RECORD: Final = (BasisKind.CHOICE, BasisKind.CONSENT)
_ORDER: Final = MappingProxyType({kind: place for place, kind in enumerate((*BasisKind, None))})


class Finding(NamedTuple):
    """What one check said, by which clause; where it failed, what would have passed."""

    check: Check
    clause: str
    verdict: Verdict
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Trial:
    """A matter and what every check says about it, in the order of `RULES`."""

    matter: Matter
    verdicts: tuple[Verdict, ...]

    @property
    def reached(self) -> int:
        """How many checks passed before the first that did not; all of them: it may be permitted."""
        stopped = (at for at, verdict in enumerate(self.verdicts) if not isinstance(verdict, Fact))
        return next(stopped, len(self.verdicts))

    @property
    def passed(self) -> bool:
        return self.reached == len(RULES)

    @property
    def code(self) -> ReasonCode | None:
        """Why not: the reason of the first check that failed."""
        return next((verdict for verdict in self.verdicts if isinstance(verdict, ReasonCode)), None)

    def failed(self) -> tuple[Check, ...]:
        """Out: every check that failed, in order."""
        judged = zip(RULES, self.verdicts, strict=True)
        return tuple(rule.check for rule, verdict in judged if isinstance(verdict, ReasonCode))

    def facts(self) -> Facts:
        """Out: what became of each check that could be made."""
        return facts_of((rule.check, verdict) for rule, verdict in zip(RULES, self.verdicts, strict=True))

    def findings(self) -> tuple[Finding, ...]:
        """Out: check by check, what was said and what would have passed."""
        return tuple(
            Finding(
                rule.check,
                rule.clause,
                verdict,
                rule.wants(self.matter) if isinstance(verdict, ReasonCode) else {},
            )
            for rule, verdict in zip(RULES, self.verdicts, strict=True)
        )


def trials(
    request: Request, policy: Policy, grants: Sequence[Grant], held: Sequence[Held], now: datetime
) -> Iterator[Trial]:
    """In: what is asked; the law; the grants, of one register, that cover it; what the house holds; the time.

    Out: every grant with every basis it could stand on, in one fixed order: choice before consent before
    statute (the person's say first), then by grant, then by record. Grants of one register can meet here only
    with different bases: `consent/duplicates.py` refuses overlaps.
    """
    evidence = policy.evidence(grants[0].register, request.evidence)
    if evidence is None:
        return
    candidates = _candidates(request, grants[0].register, [item for item in held if isinstance(item, Record)])
    powers: Mapping[str, Power] = {item.id: item for item in held if isinstance(item, Power)}
    asker, test_identities = policy.consumers.get(request.consumer), policy.settings.test_identities
    found = sorted(
        ((kind, grant) for grant in grants for kind in _kinds(request, grant, candidates)),
        key=lambda pair: (_ORDER[pair[0]], pair[1].id),
    )
    for kind, grant in found:
        recorded = [
            record for record in candidates if kind is not BasisKind.STATUTORY and record.kind is kind
        ]
        for record in recorded or (None,):
            matter = Matter(
                request, grant, asker, kind, record, powers, evidence.special, test_identities, now
            )
            yield Trial(matter, tuple([rule.judge(matter) for rule in RULES]))


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
