"""`einmal demo`: the main job on invented people, told step by step; everything is left to look at."""

from __future__ import annotations

import asyncio
import shutil
from io import BytesIO
from pathlib import Path
from typing import Annotated, Final
from zipfile import ZipFile

import typer

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.note import parse_vkey
from gateway.audit.verify.export import verify_export
from gateway.audit.verify.verdict import Outcome, Verdict
from gateway.cli import console
from gateway.cli.demo import home as demo_home
from gateway.cli.demo.people import COUNT, anna
from gateway.cli.demo.story import Story
from gateway.cli.letters import served
from gateway.views.agreement import compare
from gateway.views.export import disassemble

_MARK: Final = ".einmal-demo"


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where everything is left.")] = Path("demo"),
) -> None:
    """The main job on invented people, told step by step.

    Three offices ask two registers, some are refused, Anna sees and checks it all.
    """
    _clear(folder)
    console.say("Einmal: nobody in this town exists.", "bold")
    good = asyncio.run(_run(folder))
    console.say(
        f"Everything is in {folder}: begin with {folder / 'anna' / 'auskunft.html'} and {folder / 'story.md'}."
    )
    if not good:
        console.no()


def _clear(folder: Path) -> None:
    """Make the folder, or empty an earlier demo's; never anything else's."""
    if (folder / _MARK).is_file():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        console.usage(f"{folder} is not empty and was not left by a demo")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


async def _run(folder: Path) -> bool:
    root, messages = folder / "home", folder / "messages"
    for made in (root, messages, folder / "log"):
        made.mkdir()
    demo_home.write(root, assembly.now().year, assembly.new_key)
    await assembly.create(root)
    console.say(f"A home with two registers of {COUNT} people, three offices and a portal is in {root}.")
    opened = await assembly.open_house(root)
    try:
        await opened.adopt_policy()
        story = Story(opened, anna(), messages, console.say)
        async with served(opened):
            await story.run()
        whom = Subject(idnr=anna().idnr, birth_date=anna().birth_date)
        archive = await person.export(whom, opened.holdings(), opened.house.clock.now())
        assert archive is not None
        heads = [(shard.origin, note) for shard, _, note in await opened.shards.headed()]
        vkey = opened.keys.identity_vkey
    finally:
        await opened.close()
    (folder / "anna.zip").write_bytes(archive)
    with ZipFile(BytesIO(archive)) as bundle:
        bundle.extractall(folder / "anna")
    for origin, note in heads:
        (folder / "log" / f"{'-'.join(origin.split('/')[1:])}.checkpoint").write_text(note, "utf-8")
    return _checked(folder, archive, vkey, story)


def _checked(folder: Path, archive: bytes, vkey: str, story: Story) -> bool:
    """Check Anna's export as she would, and the log as an operator would; tell both."""
    export = disassemble(archive)
    fingerprint = parse_vkey(vkey).fingerprint
    verdict = verify_export(export.proof.document, fingerprint)
    agreement = compare(export, *person.told_lines(export.proof.document))
    reports = assembly.verify_log(folder / "home")
    lines = sum(report.lines for report in reports)
    true = verdict.outcome is Outcome.TRUE_NOT_COMPLETE and not agreement.wrong
    holds = all(report.holds for report in reports)
    true_word, holds_word = "true" if true else "NOT true", "holds" if holds else "does NOT hold"
    said = [
        f"Anna's report holds {verdict.lines} lines and is {true_word}; that none is missing is not yet proved",
        f"The log of {lines} lines {holds_word}",
    ]
    for text in said:
        console.say(f"{'✓' if true and holds else '✕'} {text}.")
    console.say(f"Check it yourself: einmal citizen verify {folder / 'anna.zip'} --authority {fingerprint}")
    _write_story(folder, story, said, verdict, fingerprint)
    return true and holds and not story.surprises


def _write_story(folder: Path, story: Story, said: list[str], verdict: Verdict, fingerprint: str) -> None:
    shown = "\n".join(f"- {sentence.en}" for sentence in verdict.shown)
    missing = "\n".join(f"- {sentence.en}" for sentence in verdict.not_shown)
    told = "\n".join(story.told)
    (folder / "story.md").write_text(
        "# What happened\n\n"
        f"Nobody here exists. {COUNT} invented people live in Musterstadt; this is Anna Beispiel's day.\n\n"
        f"{told}\n\n"
        "Every request and reply is in `messages/`, as sent. Each exchange left its lines in the journal before a\n"
        "register was touched and before anything left.\n\n"
        "Then Anna asked what was done with her data: `anna.zip`, unpacked in `anna/`; open `anna/auskunft.html`.\n\n"
        + "".join(f"- {text}.\n" for text in said)
        + f"\n## Her proof shows\n\n{shown}\n\n## It does not show\n\n{missing}\n\n"
        "## Check it yourself\n\n"
        f"```\neinmal citizen verify {folder.name}/anna.zip --authority {fingerprint}\n"
        f"einmal log verify --home {folder.name}/home\n```\n",
        "utf-8",
    )
