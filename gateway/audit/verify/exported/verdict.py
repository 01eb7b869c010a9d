"""What the check of an export says, in values and in plain words (LOG.md 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gateway.audit.note import Verifier
from gateway.audit.proof import Proof
from gateway.audit.retention import LOST
from gateway.audit.verify.exported.sentences import NOT_SHOWN, SHOWN, Sentence, day_de, moment, sentence
from gateway.audit.verify.reading import Finding

_MOST_NORMS: Final = 5
"""So many reasons are named in a sentence; each entry names its own."""
_LOST_DE: Final = "bei einer Wiederherstellung verloren"


class Outcome(StrEnum):
    """How it ended."""

    COMPLETE_CHECKED = "complete-checked"
    """True, and complete: auditors the reader trusts have checked the index."""
    COMPLETE_IF_HONEST = "complete-if-honest"
    """True, and complete if the index is honest."""
    TRUE_NOT_COMPLETE = "true-not-complete"
    """True; that it is complete is not shown: the index is not part of this export, lines were lost, or some are not
    shown that should be."""
    SIGNER_UNKNOWN = "signer-unknown"
    """Consistent in itself; whether the authority signed it is not known."""
    FALSE = "false"
    """Something does not fit: see the findings."""


@dataclass(slots=True)
class Tally:
    """Lines about the person so far."""

    lines: int = 0
    erased: Counter[str] = field(default_factory=Counter)
    """By the norm they were erased under."""
    withheld: Counter[str] = field(default_factory=Counter)
    """By the reason given."""
    early: int = 0
    """Of the erased ones, those whose time was not over when the period ended."""
    unexplained: Counter[str] = field(default_factory=Counter)
    """Of the withheld ones, by reason, those that neither a norm nor the log's own word of a loss accounts for."""

    @property
    def accounted(self) -> bool:
        """Out: whether every line that is not shown is one that nobody had to show."""
        return not self.early and not self.unexplained


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a proof that was read to its end has shown, as far as it is true."""

    known: bool
    """The identity key is the one the reader knows, or follows it."""
    followed: bool
    """It follows the one the reader knows, which says so."""
    complete: bool
    """Every shard has its index."""
    auditors: tuple[str, ...]
    """Those of the reader's auditors who checked the index of every shard."""
    witnesses: tuple[str, ...]
    """Those of the reader's witnesses who cosigned the newest head of every class."""
    begun: Sequence[tuple[str, tuple[int, int]]]
    """Classes that begin later than the period, and in which month."""
    earlier: bool = False
    """A class has older shards that were still to be kept, and the period leaves them out."""
    lost: Sequence[str] = ()
    """Which lines were lost when the log was restored from a backup, as the log says."""

    @property
    def whole(self) -> bool:
        """Out: whether everything that was written is there, and indexed."""
        return self.complete and not self.lost


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was shown, what was not, and what does not fit."""

    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    shown: tuple[Sentence, ...] = ()
    not_shown: tuple[Sentence, ...] = ()
    authority: str | None = None
    fingerprint: str | None = None
    """Of the identity key in the file: what to compare with the published one."""
    lines: int = 0
    """Lines about the person that open."""
    withheld: int = 0
    """Lines about the person that are erased or withheld by law."""
    erased: int = 0
    """Of these, those that are said to be erased."""
    unaccounted: int = 0
    """Lines that are withheld before their time, or for a reason that the log does not tell."""
    auditors: tuple[str, ...] = ()
    """Those of the reader's auditors who checked the index of every shard."""
    witnesses: tuple[str, ...] = ()
    """Those of the reader's witnesses who cosigned the newest head of every class."""
    lost: tuple[str, ...] = ()
    """Which lines were lost in a restore, as the log says."""
    period: tuple[str, str] | None = None
    """From which day to which moment it tells; None when the file can't be read."""

    @property
    def true(self) -> bool:
        """Out: whether everything fits and the signer is the published authority (the command's exit 0)."""
        return self.outcome not in (Outcome.SIGNER_UNKNOWN, Outcome.FALSE)

    @property
    def complete(self) -> bool:
        """Out: whether it is shown to be everything about the person, as far as the index is honest."""
        return self.outcome in (Outcome.COMPLETE_CHECKED, Outcome.COMPLETE_IF_HONEST)


def conclude(
    proof: Proof, identity: Verifier, findings: tuple[Finding, ...], tally: Tally, learnt: Learnt
) -> Verdict:
    """Out: the verdict over a proof that was read to its end."""
    whole = learnt.whole and tally.accounted
    shown = {
        "consistent": True,
        "signer": learnt.known and not learnt.followed,
        "signer-followed": learnt.followed,
        "unchanged": tally.lines > 0,
        "complete-checked": whole and bool(learnt.auditors),
        "complete-if-honest": whole and not learnt.auditors,
        "began-later": bool(learnt.begun),
        "erased": bool(tally.erased),
        "withheld": bool(tally.withheld),
        "same-log": bool(learnt.witnesses),
    }
    missing = {
        "signer": not learnt.known,
        "complete": not learnt.complete,
        "lost": bool(learnt.lost),
        "earlier": learnt.earlier,
        "index-checked": learnt.whole and not learnt.auditors,
        "erased-early": tally.early > 0,
        "withheld": bool(tally.unexplained),
        "logged": True,
        "exempt": True,
        "forms": True,
        "same-log": not learnt.witnesses,
    }
    words = _words(proof, identity, tally, learnt)
    erased, false = tally.erased.total(), bool(findings)
    return Verdict(
        outcome=Outcome.FALSE if false else _outcome(learnt, whole),
        findings=findings,
        shown=() if false else tuple(sentence(code, SHOWN[code], words) for code in SHOWN if shown[code]),
        not_shown=()
        if false
        else tuple(sentence(code, NOT_SHOWN[code], words) for code in NOT_SHOWN if missing[code]),
        authority=identity.name,
        fingerprint=identity.fingerprint,
        lines=tally.lines,
        withheld=erased + tally.withheld.total(),
        erased=erased,
        unaccounted=0 if false else tally.early + tally.unexplained.total(),
        auditors=() if false else learnt.auditors,
        witnesses=() if false else learnt.witnesses,
        lost=() if false else tuple(learnt.lost),
        period=(proof.from_, proof.to),
    )


def _outcome(learnt: Learnt, whole: bool) -> Outcome:
    if not learnt.known:
        return Outcome.SIGNER_UNKNOWN
    if not whole:
        return Outcome.TRUE_NOT_COMPLETE
    return Outcome.COMPLETE_CHECKED if learnt.auditors else Outcome.COMPLETE_IF_HONEST


def _words(proof: Proof, identity: Verifier, tally: Tally, learnt: Learnt) -> dict[str, object]:
    return {
        "authority": identity.name,
        "fingerprint": identity.fingerprint,
        "lines": tally.lines,
        "erased": tally.erased.total(),
        "erased_by": _norms(tally.erased),
        "withheld": tally.withheld.total(),
        "withheld_by": _norms(tally.withheld),
        "withheld_by_de": _norms(tally.withheld, _LOST_DE),
        "early": tally.early,
        "unexplained": tally.unexplained.total(),
        "unexplained_by": _norms(tally.unexplained),
        "unexplained_by_de": _norms(tally.unexplained, _LOST_DE),
        "start": proof.from_,
        "start_de": day_de(proof.from_),
        "end": moment(proof.to, german=False),
        "end_de": moment(proof.to, german=True),
        "begun": ", ".join(f"class {name} in {year:04}-{month:02}" for name, (year, month) in learnt.begun),
        "begun_de": ", ".join(
            f"Klasse {name} im Monat {month:02}/{year:04}" for name, (year, month) in learnt.begun
        ),
        "lost": "; ".join(learnt.lost),
        "auditors": ", ".join(learnt.auditors),
        "witnesses": ", ".join(learnt.witnesses),
    }


def _norms(by: Counter[str], lost: str = LOST) -> str:
    """In: how many lines by norm; the words for those that a restore lost."""
    named = ", ".join(lost if norm == LOST else norm for norm in sorted(by)[:_MOST_NORMS])
    return f"{named} …" if len(by) > _MOST_NORMS else named
