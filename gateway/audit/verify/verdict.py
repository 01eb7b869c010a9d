"""What the check of an export says, in values and in plain words (LOG.md 11)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.audit.note import Verifier
from gateway.audit.proof import Proof


class Outcome(StrEnum):
    """How it ended."""

    COMPLETE_CHECKED = "complete-checked"
    """True, and complete: auditors the reader trusts have checked the index."""
    COMPLETE_IF_HONEST = "complete-if-honest"
    """True, and complete if the index is honest."""
    TRUE_NOT_COMPLETE = "true-not-complete"
    """True; whether it is complete is not shown: the index is not part of this export."""
    SIGNER_UNKNOWN = "signer-unknown"
    """Consistent in itself; whether the authority signed it is not known."""
    FALSE = "false"
    """Something does not fit: see the findings."""


@dataclass(slots=True)
class Tally:
    """Lines about the person so far."""

    lines: int = 0
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit: the step of LOG.md 7 (0: the file itself), the place, what is wrong. Never content."""

    step: int
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for a person, in German and in English. `code` names it for programs."""

    code: str
    de: str
    en: str


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
    """Lines about the person that are withheld by law or erased."""
    auditors: tuple[str, ...] = ()
    """Those of the reader's auditors who checked the index of every shard."""

    @property
    def true(self) -> bool:
        """Out: whether everything fits and the signer is the published authority (the command's exit 0)."""
        return self.outcome not in (Outcome.SIGNER_UNKNOWN, Outcome.FALSE)

    @property
    def complete(self) -> bool:
        """Out: whether it is shown to be everything about the person, as far as the index is honest."""
        return self.outcome in (Outcome.COMPLETE_CHECKED, Outcome.COMPLETE_IF_HONEST)


_SHOWN: Final = {
    "consistent": (
        "Die Datei ist in sich stimmig: alle Einträge, Beweise und Unterschriften passen zueinander.",
        "The file is consistent in itself: all entries, proofs and signatures fit together.",
    ),
    "signer": (
        "Unterschrieben hat {authority}; der Schlüssel ist der veröffentlichte.",
        "It was signed by {authority}, with the published key.",
    ),
    "unchanged": (
        "Die {lines} Zeilen dazu stehen im unterschriebenen Protokoll, unverändert und in dieser Reihenfolge.",
        "The {lines} lines behind them stand in the signed log, unchanged and in this order.",
    ),
    "withheld": (
        "{withheld} weitere Einträge sind nach Gesetz zurückgehalten oder gelöscht; die Vorschrift steht dabei.",
        "{withheld} further entries are withheld by law or erased; the norm is given with each.",
    ),
    "complete-checked": (
        "Das sind alle Einträge zu dieser Person von {start} bis {end}; das Verzeichnis geprüft hat {auditors}.",
        "These are all entries about this person from {start} to {end}; the index was checked by {auditors}.",
    ),
    "complete-if-honest": (
        "Das sind alle Einträge zu dieser Person von {start} bis {end}, wenn das Verzeichnis ehrlich geführt ist.",
        "These are all entries about this person from {start} to {end}, if the index is honest.",
    ),
}
_NOT_SHOWN: Final = {
    "signer": (
        "Wer unterschrieben hat: Vergleichen Sie den Fingerabdruck {fingerprint} mit dem veröffentlichten.",
        "Who signed it: compare the fingerprint {fingerprint} with the published one.",
    ),
    "complete": (
        "Ob das alle Einträge sind: Das Verzeichnis gehört noch nicht zu dieser Auskunft.",
        "Whether these are all entries: the index is not part of this export yet.",
    ),
    "index-checked": (
        "Ob das Verzeichnis vollständig ist: Niemand, den Sie genannt haben, hat es für alle Zeiträume geprüft.",
        "Whether the index is complete: nobody you named has checked it for every period.",
    ),
    "logged": (
        "Ob ein Zugriff überhaupt und unter der richtigen Person vermerkt wurde: Das zeigen nur fremde Belege.",
        "That an access was logged at all, or under the right person: only the other side's receipts show that.",
    ),
    "exempt": (
        "Einträge, die nach Gesetz vorerst geheim sind.",
        "Entries that the law keeps secret for the time being.",
    ),
    "forms": (
        "Einträge unter anderen Kennungen der Person, die die Behörde überall weggelassen hat.",
        "Entries under other identifiers of the person that the authority left out everywhere.",
    ),
    "same-log": (
        "Ob alle dasselbe Protokoll sehen: Dafür braucht es Zeugen.",
        "That everybody sees the same log: that takes witnesses.",
    ),
}


def conclude(
    proof: Proof,
    identity: Verifier,
    known: bool,
    findings: tuple[Finding, ...],
    tally: Tally,
    complete: bool,
    auditors: tuple[str, ...],
) -> Verdict:
    """Out: the verdict over a proof that was read to its end."""
    checked = complete and bool(auditors)
    happened = {"signer": known, "unchanged": tally.lines > 0, "withheld": tally.withheld > 0}
    shown = ["consistent", *(code for code, so in happened.items() if so)]
    missing = [] if known else ["signer"]
    if complete:
        shown.append("complete-checked" if checked else "complete-if-honest")
    missing += [] if checked else ["index-checked"] if complete else ["complete"]
    missing += ["logged", "exempt", "forms", "same-log"]
    if findings:
        outcome, shown, missing = Outcome.FALSE, [], []
    elif not known:
        outcome = Outcome.SIGNER_UNKNOWN
    elif not complete:
        outcome = Outcome.TRUE_NOT_COMPLETE
    else:
        outcome = Outcome.COMPLETE_CHECKED if checked else Outcome.COMPLETE_IF_HONEST
    words = {
        "authority": identity.name,
        "fingerprint": identity.fingerprint,
        "lines": tally.lines,
        "withheld": tally.withheld,
        "start": proof.from_,
        "end": proof.to,
        "auditors": ", ".join(auditors),
    }
    return Verdict(
        outcome=outcome,
        findings=findings,
        shown=tuple(_sentence(code, _SHOWN[code], words) for code in shown),
        not_shown=tuple(_sentence(code, _NOT_SHOWN[code], words) for code in missing),
        authority=identity.name,
        fingerprint=identity.fingerprint,
        lines=tally.lines,
        withheld=tally.withheld,
        auditors=auditors,
    )


def _sentence(code: str, texts: tuple[str, str], words: dict[str, object]) -> Sentence:
    german, english = texts
    return Sentence(code, german.format(**words), english.format(**words))
