"""`proof.json` (LOG.md 7), made and then checked by the house itself, as its reader will: a false one never leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from gateway.audit import proof
from gateway.audit.note import Verifier
from gateway.audit.shard import Origin
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.audit.verify.reading import Finding
from gateway.errors import Fault
from gateway.person.beside import with_beside
from gateway.person.gathering import Part
from gateway.ports import Keys
from gateway.views.export import Proof


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof that was found true and complete, but for what the log says was lost; and its period."""

    proof: Proof
    start: date
    """The first day of the oldest month."""
    to: datetime
    """The cut-off: every class is indexed up to then."""
    lost: tuple[str, ...] = ()
    """Which lines were lost in a restore."""


def prove(keys: Keys, parts: Sequence[Part], auditors: Sequence[Verifier]) -> Proved:
    """In: whose log it is; every shard's part, by class and then by age; auditors one of whom must have checked all
    of it (none: nobody need have). Out: the proof. Raises: Fault when it is not true, not checked, or not complete for
    another reason than lines that are lost or gone before their time: the file says so of these."""
    ordered = sorted(parts, key=lambda part: Origin.parse(part.proof.origin).retention)
    start = min(_first_day(part.proof.origin) for part in ordered)
    to = min({Origin.parse(part.proof.origin).retention: part.time for part in ordered}.values())
    identity = keys.identity.current
    authority = proof.authority(keys.identity, keys.succession, [part.proof.start for part in ordered])
    made = proof.Proof.make(authority, start, to, [part.proof for part in ordered])
    document = made.render()
    verdict = verify_export(document, identity.vkey, [auditor.vkey for auditor in auditors])
    right = Outcome.COMPLETE_CHECKED if auditors else Outcome.COMPLETE_IF_HONEST
    lacking = bool(verdict.lost) or verdict.unaccounted > 0
    unchecked = bool(auditors) and not verdict.auditors
    if unchecked or verdict.outcome is not (Outcome.TRUE_NOT_COMPLETE if lacking else right):
        raise Fault(f"proof {_why(verdict.findings)}")
    return Proved(with_beside(document, made), start, to, verdict.lost)


def _why(findings: Sequence[Finding]) -> str:
    if not findings:
        return "no one auditor has checked every shard"
    first = findings[0]
    return f"step {first.step}, {first.place}: {first.text}"


def _first_day(origin: str) -> date:
    return date(*Origin.parse(origin).month_number, 1)
