"""`einmal citizen`: a person's export, and its check without trusting anybody."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.note import NoteInvalid
from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Outcome, Verdict
from gateway.cli import console, subject
from gateway.views.agreement import Agreement
from gateway.views.auskunft import Auskunft
from gateway.views.export import MOST_BYTES, NotAnExport, disassemble
from gateway.views.german_time import german_time
from gateway.views.words import Language, Text

_HEAD: Final = {
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
_ANOTHER: Final = Text(
    "In sich stimmig, aber mit einem anderen Schlüssel unterschrieben als dem, den Sie genannt haben. Vergleichen Sie "
    "ihn noch einmal mit dem veröffentlichten.",
    "Consistent in itself, but signed by another key than the one you named. Compare yours with the published one "
    "again.",
)
_LINES: Final = Text("Was bewiesen ist, Zeile für Zeile:", "What is proved, line by line:")
_COLUMNS: Final = (
    Text("wann", "when"),
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


class Spoken(StrEnum):
    """Languages the result is told in."""

    EN = "en"
    DE = "de"


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="What is told to a citizen, and how it is checked.", no_args_is_help=True)
    group.command("export")(export)
    group.command("verify")(verify)
    app.add_typer(group, name="citizen")


def export(
    out: Annotated[Path, typer.Option(help="The ZIP file to write.", metavar="FILE.zip")],
    subject_file: subject.SubjectFile = None,
    checked: Annotated[
        bool,
        typer.Option("--checked", help="As of the newest index that an auditor of einmal.toml has checked."),
    ] = False,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Everything the journal says about one person, with its proof. That it was made is itself journalled."""
    whom = subject.read(subject_file)
    made = asyncio.run(_export(home, whom, checked))
    if made is None:
        if as_json:
            console.as_json({"file": None})
        else:
            console.say("No register knows this person, or not just one: nothing was written.")
        console.no()
    out.touch(0o600, exist_ok=False)  # nobody else can open it from the moment it is there
    out.write_bytes(made.archive)
    if as_json:
        digest = sha256(made.archive).hexdigest()
        console.as_json({"file": str(out), "sha256": digest, "to": f"{made.to:%Y-%m-%dT%H:%M:%SZ}"})
        return
    console.say(f"{out} is written. It tells everything up to {made.to:%Y-%m-%d %H:%M:%S} UTC.")
    console.say(f"Check it with: einmal citizen verify {out} --authority FINGERPRINT")


async def _export(home: Path, whom: Subject, checked: bool) -> person.Handout | None:
    opened = await assembly.open_house(home)
    try:
        return await person.export(whom, opened.holdings(), opened.house.clock.now(), checked=checked)
    finally:
        await opened.close()


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="The export, not unpacked.")],
    authority: Annotated[
        str | None,
        typer.Option(metavar="VKEY|FINGERPRINT", help="The published identity key or its fingerprint."),
    ] = None,
    auditor: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="An index auditor you trust; repeat it.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="A witness you trust; repeat it.")
    ] = None,
    language: Annotated[Spoken, typer.Option(help="In which language the result is told.")] = Spoken.EN,
    as_json: console.Json = False,
) -> None:
    """Check an export offline. Exit 0 only with the published identity key given, and everything in its place."""
    try:
        with file.open("rb") as archive:
            found = disassemble(archive.read(MOST_BYTES + 1))
    except NotAnExport as wrong:
        console.error(f"{file}: {wrong.why}.")
        console.no()
    try:
        verdict = verify_export(found.proof.document, authority, auditor or (), witness or ())
    except NoteInvalid as wrong:
        console.usage(f"a key given is neither a vkey nor a fingerprint of 64 characters 0-9 a-f ({wrong})")
    agreement = None
    if verdict.outcome is not Outcome.FALSE:
        agreement = person.agreement(found)
    if as_json:
        console.as_json(_facts(verdict, agreement))
    else:
        _tell(file, verdict, agreement, language.value, authority is not None)
    if not verdict.true or agreement is None or agreement.wrong:
        console.no()


def _tell(
    file: Path, verdict: Verdict, agreement: Agreement | None, language: Language, key_given: bool
) -> None:
    lies = agreement.wrong if agreement else ()
    outcome = Outcome.FALSE if lies else verdict.outcome
    good = verdict.true and not lies
    told = _ANOTHER if key_given and outcome is Outcome.SIGNER_UNKNOWN else _HEAD[outcome]
    head = told.to(language).format(auditors=", ".join(verdict.auditors))
    console.prose(f"{file}: {head}", "bold green" if good else "bold red")
    for finding in verdict.findings:
        console.say(f"  ✕ step {finding.step}, {finding.place}: {finding.text}")
    for name, wrong in lies:
        console.say(f"  ✕ {name}: {wrong}")
    if outcome is Outcome.FALSE or agreement is None:
        return
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
                f"{german_time(entry.time):%Y-%m-%d %H:%M}",
                entry.consumer.title.to(language) if entry.consumer else "–",
                entry.title.to(language),
                ", ".join(data.title.to(language) for data in entry.handed_over) or _NOTHING.to(language),
            )
            for entry in auskunft.entries
        ],
    )


def _facts(verdict: Verdict, agreement: Agreement | None) -> dict[str, object]:
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
        "findings": [{"step": f.step, "place": f.place, "text": f.text} for f in verdict.findings],
        "pages": {
            "compared": agreement is not None and agreement.compared,
            "wrong": [{"file": name, "text": wrong} for name, wrong in agreement.wrong] if agreement else [],
        },
        "shown": [{"code": s.code, "de": s.de, "en": s.en} for s in verdict.shown],
        "not_shown": [{"code": s.code, "de": s.de, "en": s.en} for s in verdict.not_shown],
    }
