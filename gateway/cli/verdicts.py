"""What was examined, as people and programs read it: all the checks of DOMAIN.md 3, and what would have passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from consent.decide import Examination
from consent.matter import Wanted
from consent.nearby import Near
from consent.trials import RULES, Finding, Trial
from consent.vocabulary import BasisUsed, Check, Fact, Permit, ReasonCode, Refusal
from gateway.cli import console
from gateway.outbound.reasons import REASONS

Outcome: TypeAlias = Literal["passed", "failed", "not-needed", "not-reached", "not-judged-here"]
_SIGNS: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        "passed": "✓ passed",
        "failed": "✕ failed",
        "not-needed": "– not needed",
        "not-reached": "– not reached",
        "not-judged-here": "– elsewhere",
    }
)
_ELSEWHERE: Final[Mapping[Check, tuple[str, str]]] = MappingProxyType(
    {
        Check.AUTHENTIC: ("GDPR Art. 32(1)", "at the door"),
        Check.SENDER: ("GDPR Art. 32(1)", "at the door"),
        Check.HOLD: ("§ 51 BMG", "when the register has answered"),
        Check.JOURNAL: ("GDPR Art. 5(2)", "when the log is written"),
        Check.BOUNDARY: ("GDPR Art. 7(3)", "when the answer is settled"),
        Check.ANSWER: ("GDPR Art. 5(1)(c)", "when the register has answered"),
    }
)
"""What no law can judge before there is a message or an answer: by which clause, and when it is judged."""
_CLAUSES: Final = MappingProxyType({rule.check: rule.clause for rule in RULES})


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what became of it; where it failed, why and what would have passed."""

    check: Check
    outcome: Outcome
    clause: str
    where: str = "here"
    code: ReasonCode | None = None
    wanted: Wanted = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Out: it as JSON."""
        said: dict[str, Any] = {
            "check": self.check,
            "outcome": self.outcome,
            "clause": self.clause,
            "judged": self.where,
        }
        if self.outcome == "failed":
            said |= {"code": self.code, "wanted": {name: list(words) for name, words in self.wanted.items()}}
        return said


def rows(examined: Examination) -> tuple[Row, ...]:
    """Out: every check, in order."""
    best, decision = examined.best, examined.decision
    findings = {} if best is None else {finding.check: finding for finding in best.findings()}
    return tuple(_row(check, findings.get(check), decision) for check in Check)


def _row(check: Check, finding: Finding | None, decision: Permit | Refusal) -> Row:
    if check in _ELSEWHERE:
        clause, where = _ELSEWHERE[check]
        return Row(check, "not-judged-here", clause, where)
    fact = decision.facts.get(check)
    if fact is None:
        return Row(check, "not-reached", _CLAUSES[check])
    if fact is not Fact.FAILED:
        return Row(check, "passed" if fact is Fact.PASSED else "not-needed", _CLAUSES[check])
    if finding is None:
        code = decision.code if isinstance(decision, Refusal) else None
        return Row(check, "failed", _CLAUSES[check], code=code)
    code = finding.verdict if isinstance(finding.verdict, ReasonCode) else None
    return Row(check, "failed", finding.clause, code=code, wanted=finding.wanted)


def tell(examined: Examination, nearest: tuple[Near, ...]) -> None:
    """Print it for people."""
    for row in rows(examined):
        said = row.clause if row.where == "here" else row.where
        style = {"failed": "red", "passed": None}.get(row.outcome, "dim")
        console.say(f"  {_SIGNS[row.outcome]:14} {row.check:17} {said}", style)
        if row.outcome == "failed":
            console.prose(f"{'':17}{row.code}{_words(row.wanted)}")
    decision = examined.decision
    if isinstance(decision, Permit):
        basis = decision.basis
        console.say(f"Yes, by grant {decision.grant} on basis {basis.kind} ({basis.norm}).", "bold green")
        console.prose(f"Fields: {', '.join(sorted(decision.fields))}")
    else:
        against = f", held against grant {decision.grant}" if decision.grant else ""
        console.say(f"No: {decision.code}{against}.", "bold red")
        console.prose(REASONS[decision.code].en)
        if decision.fields:
            console.prose(f"Asked for in excess: {', '.join(sorted(decision.fields))}")
    if decision.exempt is not None:
        console.prose(f"Kept from the person until {decision.exempt.until} ({decision.exempt.norm}).")
    for trial in examined.trials:
        if trial is not examined.best:
            console.prose(f"Also tried: {_tried(trial)}.")
    for near in nearest:
        console.prose(f"Nearest: grant {near.grant}: {_differences(near)}.")


def _words(wanted: Wanted) -> str:
    """Out: what would have passed, in one line."""
    if not wanted:
        return ""
    return "; passes with " + "; ".join(
        f"{name.replace('_', ' ')}: {', '.join(words) or 'none'}" for name, words in wanted.items()
    )


def _tried(trial: Trial) -> str:
    record = trial.matter.record
    basis = trial.matter.kind or "no basis"
    on = f"{basis} {record.id}" if record else basis
    return f"grant {trial.matter.grant.id} on {on}: {trial.code or 'would pass too'}"


def _differences(near: Near) -> str:
    return ", ".join(_difference(key, ", ".join(granted)) for key, granted in near.differs)


def _difference(key: str, granted: str) -> str:
    match key:
        case "revoked":
            return "revoked"
        case "valid":
            return f"valid from {granted.replace(', ', ' to ')}"
        case "action":
            return f"only to {granted}"
        case "on_behalf_of":
            return f"only on behalf of {granted}" if granted else "only for itself"
        case _:
            return f"other {key} {granted}"


def as_plain(examined: Examination, nearest: tuple[Near, ...]) -> dict[str, Any]:
    """Out: all of it as JSON."""
    decision = examined.decision
    said: dict[str, Any] = {
        "permitted": isinstance(decision, Permit),
        "grant": decision.grant,
        "register": decision.register,
        "basis": _basis(decision.basis),
        "fields": sorted(decision.fields),
        "exempt": None,
        "facts": {str(check): str(fact) for check, fact in decision.facts.items()},
        "policy": decision.policy,
        "examined": [row.plain() for row in rows(examined)],
        "tried": [_trial(trial) for trial in examined.trials],
        "nearest": [
            {"grant": near.grant, "differs": {key: list(granted) for key, granted in near.differs}}
            for near in nearest
        ],
    }
    if decision.exempt is not None:
        said["exempt"] = {"norm": decision.exempt.norm, "until": decision.exempt.until.isoformat()}
    if isinstance(decision, Refusal):
        said |= {"code": decision.code, "checks": list(decision.checks)}
    return said


def _basis(basis: BasisUsed | None) -> dict[str, Any] | None:
    return None if basis is None else {"kind": basis.kind, "norm": basis.norm, "record": basis.record}


def _trial(trial: Trial) -> dict[str, Any]:
    matter = trial.matter
    return {
        "grant": matter.grant.id,
        "kind": matter.kind,
        "record": matter.record.id if matter.record else None,
        "code": trial.code,
        "checks": list(trial.failed()),
    }
