"""`einmal demo`: the main job on invented people, told step by step; everything is left to look at."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from shlex import quote
from typing import Annotated, Final, TypeAlias
from zipfile import ZipFile

import typer

from consent.vocabulary import Subject
from gateway import assembly, person
from gateway.audit.note import parse_vkey
from gateway.audit.verify.exported.export import verify_export
from gateway.cli import console
from gateway.cli.demo import auditor, day, script, telling
from gateway.cli.demo import home as demo_home
from gateway.cli.demo.day import Day, Ended
from gateway.cli.demo.people import COUNT, anna
from gateway.cli.demo.story import Story
from gateway.cli.letters import served
from gateway.views.export import disassemble

_MARK: Final = ".einmal-demo"
Say: TypeAlias = Callable[[str], None]


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where everything is left.")] = Path("demo"),
    as_json: console.Json = False,
) -> None:
    """The main job on invented people, told step by step.

    Anna says once where she lives; offices reuse it, some are refused; she sees and checks it all.
    """
    _clear(folder)
    say: Say = (lambda _: None) if as_json else console.prose
    say("Einmal: nobody in this town exists.")
    told = asyncio.run(_run(folder, say))
    (folder / "story.md").write_text(telling.story(told), "utf-8")
    if as_json:
        console.as_json(telling.facts(told))
    else:
        _conclude(folder, told.ended)
    if not told.good:
        console.no()


def _clear(folder: Path) -> None:
    """Make the folder, or empty an earlier demo's; never anything else's."""
    if (folder / _MARK).is_file():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        console.usage(f"{folder} is not empty and was not left by a demo")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()


async def _run(folder: Path, say: Say) -> Day:
    root, messages = folder / "home", folder / "messages"
    for made in (root, messages):
        made.mkdir()
    demo_home.write(root, assembly.now().year, assembly.new_key)
    vkey = auditor.engage(folder, root)
    await assembly.create(root)
    async with await assembly.open_house(root) as opened:
        await opened.adopt_policy()
        policy = opened.home.policy
        say(
            f"A home with {len(policy.registers)} registers of {COUNT} people, {len(policy.consumers)} offices "
            f"and {len(policy.grants)} signed grants is in {root}."
        )
        play, story = script.read(), Story(opened, messages)
        async with served(opened):
            await _play(play, story, say)
        await auditor.check(opened, folder)
        archive = await _export(opened)
        _leave(folder, archive)
        log, grants = await day.log_of(opened), day.files_of(opened)
        identity = opened.keys.identity_vkey
    return Day(play, story.told, log, policy, grants, _checked(folder, archive, identity, vkey))


async def _play(play: script.Script, story: Story, say: Say) -> None:
    """Every scene, told as it ends."""
    for chapter in play.chapter:
        say("")
        say(chapter.title)
        for scene in chapter.scene:
            played = await story.play(scene, play)
            mark = "✓" if all(act.fits for act in played) else "✕"
            say(f" {mark} {scene.title}: {telling.outcomes(played)}")


async def _export(opened: assembly.Opened) -> bytes:
    """Out: what Anna gets when she asks what was done with her data, as far as the index is checked."""
    who = anna()
    whom = Subject(who.idnr, who.birth_date, who.family_name, who.given_names)
    made = await person.export(whom, opened.holdings(), opened.house.clock.now(), checked=True)
    assert made is not None
    return made.archive


def _leave(folder: Path, archive: bytes) -> None:
    """Leave the export, packed and unpacked."""
    (folder / "anna.zip").write_bytes(archive)
    with ZipFile(BytesIO(archive)) as bundle:
        bundle.extractall(folder / "anna")


def _checked(folder: Path, archive: bytes, identity: str, auditor_vkey: str) -> Ended:
    """Check Anna's export as she would, who trusts the auditor, and the log as an operator would."""
    export = disassemble(archive)
    fingerprint = parse_vkey(identity).fingerprint
    verdict = verify_export(export.proof.document, fingerprint, [auditor_vkey])
    agreement = person.agreement(export)
    reports = assembly.verify_log(folder / "home")
    return Ended(
        folder=folder.name,
        fingerprint=fingerprint,
        auditor=auditor_vkey,
        verdict=verdict,
        true=verdict.complete and not agreement.wrong,
        log_lines=sum(report.lines for report in reports),
        holds=all(report.holds for report in reports),
    )


def activation(python: Path, found: str | None) -> str | None:
    """In: this program's Python; where the terminal finds `einmal`, if it does. Out: what makes it find it, None where
    nothing is needed; the path is told from here where that is shorter."""
    if found is not None:
        return None
    folder = python.parent
    if folder.is_relative_to(Path.cwd()):
        folder = folder.relative_to(Path.cwd())
    if (folder / "activate").is_file():
        return f". {quote(str(folder / 'activate'))}"
    return f"alias einmal={quote(str(python.parent / 'einmal'))}"


def _conclude(folder: Path, ended: Ended) -> None:
    holds = "holds" if ended.holds else "does NOT hold"
    console.say("\nAnna asks what was done with her data")
    console.prose(
        f" {'✓' if ended.true else '✕'} Her report of {ended.verdict.lines} lines is {ended.proved}."
    )
    console.prose(f" {'✓' if ended.holds else '✕'} The town's log of {ended.log_lines} lines {holds}.")
    console.say(f"\nEverything is in {folder}. Begin with these two:")
    console.say(f"  {folder / 'story.md'}\n  {folder / 'anna' / 'auskunft.html'}")
    hint = activation(Path(sys.executable), shutil.which("einmal"))
    if hint is not None:
        console.say("So that this terminal finds `einmal`, type this once:")
        console.say(f"  {hint}")
    console.say("Check it yourself:")
    console.say(f"  einmal citizen verify {folder / 'anna.zip'} \\\n    --authority {ended.fingerprint} \\")
    console.say(f"    --auditor {ended.auditor}")
