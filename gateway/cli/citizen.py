"""`einmal citizen`: a person's export, and its check without trusting anybody."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from consent.vocabulary import Subject
from gateway import person
from gateway.audit.note import NoteInvalid
from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Outcome
from gateway.cli import checked, console, subject
from gateway.views.export import MOST_BYTES, NotAnExport, disassemble


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
    console.to_be_new(out)
    whom = subject.read(subject_file)
    made = asyncio.run(_export(home, whom, checked))
    if made is None:
        if as_json:
            console.as_json({"file": None})
        else:
            console.say("No register knows this person, or not just one: nothing was written.")
        console.no()
    console.write_private(out, made.archive)
    if as_json:
        digest = sha256(made.archive).hexdigest()
        console.as_json({"file": str(out), "sha256": digest, "to": f"{made.to:%Y-%m-%dT%H:%M:%SZ}"})
        return
    console.say(f"{out} is written. It tells everything up to {made.to:%Y-%m-%d %H:%M:%S} UTC.")
    console.say(f"Check it with: einmal citizen verify {out} --authority FINGERPRINT")


async def _export(home: Path, whom: Subject, checked: bool) -> person.Handout | None:
    from gateway import assembly  # here: a house is made of what a citizen's computer need not have

    async with await assembly.open_house(home) as opened:
        return await person.export(whom, opened.holdings(), opened.house.clock.now(), checked=checked)


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
        verdict = verify_export(found.proof.document, authority, auditor or (), witness or ())
        agreement = person.agreement(found) if verdict.outcome is not Outcome.FALSE else None
    except OSError as wrong:
        console.error(checked.not_opened(file, wrong, language.value))
        raise typer.Exit(console.ENVIRONMENT) from None
    except NotAnExport as wrong:
        verdict, agreement = checked.no_export(wrong), None
    except NoteInvalid as wrong:
        console.usage(checked.no_key(wrong, language.value))
    if as_json:
        console.as_json(checked.facts(verdict, agreement))
    else:
        checked.tell(file, verdict, agreement, language.value, authority is not None)
    if not verdict.true or agreement is None or agreement.wrong:
        console.no()
