"""The sentences a check of an export speaks, in German and in English (LOG.md 11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.audit.german_time import german_time


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for a person, in German and in English. `code` names it for programs."""

    code: str
    de: str
    en: str


SHOWN: Final = {
    "consistent": (
        "Die Datei ist in sich stimmig: alle Einträge, Beweise und Unterschriften passen zueinander.",
        "The file is consistent in itself: all entries, proofs and signatures fit together.",
    ),
    "signer": (
        "Unterschrieben hat {authority}; der Schlüssel ist der veröffentlichte.",
        "It was signed by {authority}, with the published key.",
    ),
    "signer-followed": (
        "Unterschrieben hat {authority}, mit dem Nachfolger Ihres Schlüssels; der alte bestätigt den neuen.",
        "It was signed by {authority}, with the key that followed the one you named: that one says so.",
    ),
    "unchanged": (
        "Im unterschriebenen Protokoll stehen dazu {lines} Zeilen, unverändert und in dieser Reihenfolge.",
        "The {lines} lines behind them stand in the signed log, unchanged and in this order.",
    ),
    "complete-checked": (
        "Das sind alle Einträge zu dieser Person vom {start_de} bis zum {end_de}, geprüft von {auditors}.",
        "These are all entries about this person from {start} to {end}; the index was checked by {auditors}.",
    ),
    "complete-if-honest": (
        "Das sind alle Einträge zu dieser Person vom {start_de} bis zum {end_de}, wenn das Verzeichnis ehrlich ist.",
        "These are all entries about this person from {start} to {end}, if the index is honest.",
    ),
    "began-later": (
        "Ein Teil des Protokolls beginnt später, weil Älteres nach Ablauf der Frist zu löschen war: {begun_de}.",
        "A part of the log begins later, as what is older was due to be erased: {begun}.",
    ),
    "erased": (
        "Nach Ablauf der Frist gelöscht: {erased} ({erased_by}). Der Platz im Protokoll ist bewiesen.",
        "Erased at the end of its time: {erased} ({erased_by}). The place in the log is proved.",
    ),
    "withheld": (
        "Zurückgehalten: {withheld}. Als Grund ist angegeben: {withheld_by_de}.",
        "Withheld: {withheld}. The reason given is: {withheld_by}.",
    ),
    "same-log": (
        "Alle sehen dasselbe Protokoll: Diesen Stand haben mitunterschrieben: {witnesses}.",
        "Everybody sees the same log: this state of it was cosigned by {witnesses}.",
    ),
}
"""What may be shown, in the order it is told."""
NOT_SHOWN: Final = {
    "signer": (
        "Wer unterschrieben hat: Vergleichen Sie den Fingerabdruck {fingerprint} mit dem veröffentlichten.",
        "Who signed it: compare the fingerprint {fingerprint} with the published one.",
    ),
    "complete": (
        "Ob das alle Einträge sind: Das Verzeichnis gehört nicht zu dieser Auskunft.",
        "Whether these are all entries: the index is not part of this export.",
    ),
    "lost": (
        "Ob Einträge unter den Zeilen waren, die laut Protokoll bei einer Wiederherstellung verloren gingen: {lost}.",
        "Whether entries were among the lines that, as the log says, were lost in a restore: {lost}.",
    ),
    "earlier": (
        "Was vor dem {start_de} war: Das Protokoll ist älter, und Älteres war noch aufzubewahren. Fragen Sie danach.",
        "What was before {start}: the log is older, and older lines were still to be kept. Ask for them.",
    ),
    "index-checked": (
        "Ob das Verzeichnis vollständig ist: Niemand, den Sie genannt haben, hat es für alle Zeiträume geprüft.",
        "Whether the index is complete: nobody you named has checked it for every period.",
    ),
    "erased-early": (
        "Warum Zeilen vor Ablauf der Frist gelöscht wurden ({early}): Fragen Sie die Behörde.",
        "Why something is erased that was not due yet ({early}): ask the authority.",
    ),
    "withheld": (
        "Ob {unexplained} Einträge zurückgehalten sein dürfen ({unexplained_by_de}): Fragen Sie die Behörde.",
        "Whether {unexplained} entries may be withheld ({unexplained_by}): ask the authority.",
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
        "Ob alle dasselbe Protokoll sehen: Kein Zeuge, den Sie genannt haben, hat diesen Stand mitunterschrieben.",
        "That everybody sees the same log: no witness you named has cosigned this state of it.",
    ),
}
"""What may not be shown, in the order it is told."""


def sentence(code: str, texts: tuple[str, str], words: Mapping[str, object]) -> Sentence:
    """In: a text's two forms, and what fills their braces."""
    german, english = texts
    return Sentence(code, german.format(**words), english.format(**words))


def day_de(day: str) -> str:
    """In: `2026-10-01`. Out: `01.10.2026`."""
    return ".".join(reversed(day.split("-")))


def moment(end: str, german: bool) -> str:
    """In: RFC 3339 with `Z`, no decimals. Out: the same on a German wall, and that it is."""
    try:
        read = datetime.fromisoformat(end)
    except ValueError:
        return end
    return f"{wall(read, german)} Uhr (deutsche Zeit)" if german else f"{wall(read, german)} (German time)"


def wall(time: datetime, german: bool) -> str:
    """Out: that moment in German time, in the form in which a verdict tells every moment."""
    local = german_time(time)
    return f"{local:%d.%m.%Y, %H:%M:%S}" if german else f"{local:%Y-%m-%d %H:%M:%S}"
