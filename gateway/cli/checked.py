"""What the check of an export tells a citizen: the verdict first, then why, then what they can do."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gateway.audit.note import FingerprintInvalid, NoteInvalid
from gateway.audit.verify.exported.sentences import wall
from gateway.audit.verify.exported.verdict import Outcome, Verdict
from gateway.audit.verify.reading import Finding
from gateway.cli import console
from gateway.views.agreement import Agreement
from gateway.views.auskunft import Auskunft
from gateway.views.export import ITSELF, NotAnExport
from gateway.views.reasons import place, reason
from gateway.views.words import Language, Text

HEAD: Final = {
    Outcome.COMPLETE_CHECKED: Text(
        "Wahr und vollständig; Verzeichnis geprüft von {auditors}.",
        "True and complete, index checked by {auditors}.",
    ),
    Outcome.COMPLETE_IF_HONEST: Text(
        "Wahr, und vollständig, wenn das Verzeichnis ehrlich ist.",
        "True, and complete if the index is honest.",
    ),
    Outcome.TRUE_NOT_COMPLETE: Text(
        "Wahr. Ob die Auskunft vollständig ist, ist nicht gezeigt.",
        "True. Whether it is complete is not shown.",
    ),
    Outcome.SIGNER_UNKNOWN: Text(
        "In sich stimmig, Unterzeichner unbekannt.", "Consistent in itself, signer unknown."
    ),
    Outcome.FALSE: Text("Falsch.", "False."),
}
_NO_EXPORT: Final = Text(
    "Falsch. Das ist keine Auskunft, die sich prüfen lässt: Sie ist beschädigt, oder es ist eine andere Datei.",
    "False. This is no export that can be checked: it is damaged, or it is another file.",
)
_ANOTHER: Final = Text(
    "In sich stimmig, aber mit einem anderen Schlüssel unterschrieben als dem, den Sie genannt haben. Vergleichen Sie "
    "ihn noch einmal mit dem veröffentlichten.",
    "Consistent in itself, but signed by another key than the one you named. Compare yours with the published one "
    "again.",
)
_STEP: Final = Text("Schritt {step}, {place}: {reason}", "step {step}, {place}: {reason}")
_DO: Final = Text("Was Sie tun können: {what}", "What you can do: {what}")
_DO_TAKE_THE_ZIP: Final = Text(
    "Geben Sie die ZIP-Datei an, die Sie von der Behörde haben: ganz und nicht ausgepackt. Haben Sie das getan, dann "
    "ist sie beschädigt. Holen Sie sie noch einmal, oder bitten Sie die Behörde um eine neue.",
    "Name the ZIP file that you have from the authority: all of it, and not unpacked. If you did, it is damaged. Fetch "
    "it once more, or ask the authority for a new one.",
)
_DO_ASK_AGAIN: Final = Text(
    "Prüfen Sie die Datei noch einmal so, wie Sie sie bekommen haben. Bleibt es dabei, bitten Sie die Behörde um eine "
    "neue. Ist auch die neue falsch, zeigen Sie diese Meldung der Aufsicht für den Datenschutz.",
    "Check the file once more, just as you received it. If it stays so, ask the authority for a new one. If the new "
    "one is false as well, show this to the supervisory authority for data protection.",
)
_DO_NAME_THE_KEY: Final = Text(
    "Nehmen Sie den Fingerabdruck der Behörde von ihrem Briefkopf oder ihrer Internetseite. Prüfen Sie noch einmal, "
    "und hängen Sie an: --authority FINGERABDRUCK",
    "Take the authority's fingerprint from its letterhead or website. Check once more, and add: "
    "--authority FINGERPRINT",
)
_DO_COMPARE_THE_KEY: Final = Text(
    "Vergleichen Sie jedes Zeichen. Stimmt alles, fragen Sie die Behörde, ob sie ihren Schlüssel gewechselt hat.",
    "Compare every character. If all agree, ask the authority whether it has another key now.",
)
_STEPS_EXPLAINED: Final = Text(
    "Die Schritte der Prüfung erklärt VERIFY.txt in der ZIP-Datei (auf Englisch, Teil B).",
    "VERIFY.txt in the ZIP file explains the steps (part B).",
)
_NOT_OPENED: Final = {
    FileNotFoundError: Text("Diese Datei gibt es hier nicht.", "There is no such file here."),
    IsADirectoryError: Text(
        "Das ist ein Ordner. Geben Sie die ZIP-Datei an, nicht ausgepackt.",
        "This is a folder. Name the ZIP file, not unpacked.",
    ),
    PermissionError: Text("Sie dürfen diese Datei nicht lesen.", "You may not read this file."),
}
_UNREADABLE: Final = Text("Diese Datei lässt sich nicht lesen.", "This file can't be read.")
_NO_KEY: Final = Text(
    "Ein Schlüssel, den Sie angegeben haben, ist keiner ({why}). Ein Fingerabdruck hat 64 Zeichen 0-9 a-f; ein vkey "
    "sieht so aus: stadt.example+1a2b3c4d+...",
    "a key given is neither a vkey nor a fingerprint of 64 characters 0-9 a-f ({why})",
)
_NO_FINGERPRINT: Final = Text(
    "Der Fingerabdruck, den Sie angegeben haben, ist keiner ({why}). Ein Fingerabdruck hat 64 Zeichen 0-9 a-f; große "
    "Buchstaben, Leerzeichen, Doppelpunkte und Bindestriche stören nicht.",
    "the fingerprint given is none ({why}). A fingerprint has 64 characters 0-9 a-f; capitals, blanks, colons and "
    "hyphens do no harm",
)
_LINES: Final = Text("Was bewiesen ist, Eintrag für Eintrag:", "What is proved, entry by entry:")
_COLUMNS: Final = (
    Text("wann (deutsche Zeit)", "when (German time)"),
    Text("wer", "who"),
    Text("Ergebnis", "result"),
    Text("welche Daten", "which data"),
)
_NOTHING: Final = Text("nichts", "nothing")
_SHOWN: Final = Text("Gezeigt:", "Shown:")
_NOT_SHOWN: Final = Text("Nicht gezeigt:", "Not shown:")
_PAGES_AGREE: Final = Text(
    "Die Seiten und Tabellen in der Datei sagen, was der Beweis sagt.",
    "The pages and sheets in the file say what the proof says.",
)
_OWN_WORD: Final = Text(
    "Der Stand von Entscheidungen, Einwilligungen und Vertretungen und die Namen der Behörden: die Angabe der "
    "Behörde selbst.",
    "The states of decisions, consents and representations, and the plain names of authorities: the authority's "
    "own word.",
)
_NOT_COMPARED: Final = Text(
    "Der Wortlaut der Seiten: Er ist aus einer anderen Ausgabe. Lesen Sie stattdessen die Liste unten.",
    "The words of the pages: they are of another edition. Read the list below instead.",
)


def not_opened(file: Path, why: OSError, language: Language) -> str:
    """Out: why the file could not even be opened."""
    return f"{file}: {_NOT_OPENED.get(type(why), _UNREADABLE).to(language)}"


def no_key(why: NoteInvalid, language: Language) -> str:
    """Out: what is wrong with a key, or a fingerprint, that the reader named."""
    words = _NO_FINGERPRINT if isinstance(why, FingerprintInvalid) else _NO_KEY
    return words.to(language).format(why=reason(str(why)).to(language))


def no_export(why: NotAnExport) -> Verdict:
    """Out: the verdict over a file that is none."""
    return Verdict(Outcome.FALSE, (Finding(0, why.place, why.why),))


def tell(
    file: Path, verdict: Verdict, agreement: Agreement | None, language: Language, key_given: bool
) -> None:
    """Print the verdict over the proof and over what lies beside it; `key_given`: the citizen named a key."""
    lies = agreement.wrong if agreement else ()
    outcome = Outcome.FALSE if lies else verdict.outcome
    another = key_given and outcome is Outcome.SIGNER_UNKNOWN
    unreadable = any(finding.step == 0 for finding in verdict.findings)
    told = _ANOTHER if another else _NO_EXPORT if unreadable else HEAD[outcome]
    head = told.to(language).format(auditors=", ".join(verdict.auditors))
    console.prose(f"{file}: {head}", "bold green" if verdict.true and not lies else "bold red")
    for finding in verdict.findings:
        console.prose(f"  ✕ {_found(finding, language)}.")
    for name, wrong in lies:
        console.prose(f"  ✕ {name}: {reason(wrong).to(language)}.")
    if outcome is Outcome.FALSE:
        console.prose(
            _DO.to(language).format(what=(_DO_TAKE_THE_ZIP if unreadable else _DO_ASK_AGAIN).to(language))
        )
        if verdict.findings and not unreadable:
            console.prose(_STEPS_EXPLAINED.to(language))
    if outcome is Outcome.FALSE or agreement is None:
        return
    if outcome is Outcome.SIGNER_UNKNOWN:
        what = _DO_COMPARE_THE_KEY if another else _DO_NAME_THE_KEY
        console.prose(_DO.to(language).format(what=what.to(language)))
    console.say(_SHOWN.to(language))
    for sentence in verdict.shown:
        console.prose(f"  ✓ {sentence.de if language == 'de' else sentence.en}")
    if agreement.compared:
        console.prose(f"  ✓ {_PAGES_AGREE.to(language)}")
    console.say(_NOT_SHOWN.to(language))
    for sentence in verdict.not_shown:
        console.prose(f"  – {sentence.de if language == 'de' else sentence.en}")
    for text in (_OWN_WORD,) if agreement.compared else (_OWN_WORD, _NOT_COMPARED):
        console.prose(f"  – {text.to(language)}")
    if agreement.proved:
        _proved(agreement.proved, language)


def _proved(auskunft: Auskunft, language: Language) -> None:
    console.say(_LINES.to(language))
    console.table(
        tuple(column.to(language) for column in _COLUMNS),
        [
            (
                wall(entry.time, language == "de"),
                entry.consumer.title.to(language) if entry.consumer else "–",
                entry.title.to(language),
                ", ".join(data.title.to(language) for data in entry.handed_over) or _NOTHING.to(language),
            )
            for entry in auskunft.entries
        ],
    )


def _found(finding: Finding, language: Language) -> str:
    where, why = place(finding.place).to(language), reason(finding.text).to(language)
    if finding.step == 0:
        return why if finding.place == ITSELF else f"{where}: {why}"
    return _STEP.to(language).format(step=finding.step, place=where, reason=why)


def facts(verdict: Verdict, agreement: Agreement | None) -> dict[str, object]:
    """Out: the same for programs."""
    return {
        "outcome": str(verdict.outcome),
        "true": verdict.true and agreement is not None and not agreement.wrong,
        "complete": verdict.complete,
        "authority": verdict.authority,
        "fingerprint": verdict.fingerprint,
        "lines": verdict.lines,
        "withheld": verdict.withheld,
        "erased": verdict.erased,
        "from": verdict.period[0] if verdict.period else None,
        "to": verdict.period[1] if verdict.period else None,
        "auditors": list(verdict.auditors),
        "witnesses": list(verdict.witnesses),
        "findings": [
            {"step": f.step, "place": f.place, "text": f.text, "text_de": reason(f.text).de}
            for f in verdict.findings
        ],
        "pages": {
            "compared": agreement is not None and agreement.compared,
            "wrong": [
                {"file": name, "text": wrong, "text_de": reason(wrong).de}
                for name, wrong in (agreement.wrong if agreement else ())
            ],
        },
        "shown": [{"code": s.code, "de": s.de, "en": s.en} for s in verdict.shown],
        "not_shown": [{"code": s.code, "de": s.de, "en": s.en} for s in verdict.not_shown],
    }
