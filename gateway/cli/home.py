"""`einmal init` and `einmal check`: a new home, and whether a home is right."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.vocabulary import Problem
from gateway import assembly
from gateway.audit.note import parse_vkey
from gateway.cli import console
from gateway.cli.homes import write_template
from gateway.errors import ConfigurationFault

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


def register(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(check)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the new home is to be.")],
    name: Annotated[str, typer.Option(help="Name of the log and the identity key.")] = "musterstadt.example",
    title_de: Annotated[str, typer.Option(help="The authority's name in German.")] = "Stadt Musterstadt",
    title_en: Annotated[str, typer.Option(help="The authority's name in English.")] = "Town of Musterstadt",
    as_json: console.Json = False,
) -> None:
    """A new home: settings to fill in, keys, an empty log. Never overwrites."""
    if not _NAME.fullmatch(name):
        console.usage(f"--name has small letters, digits, dots and hyphens, like stadt.example, not {name!r}")
    for title in (title_de, title_en):
        if not title.strip() or not title.isprintable() or '"' in title or "\\" in title:
            console.usage("--title-de and --title-en are one line each, without quotation mark and backslash")
    words = {"name": name, "title_de": title_de, "title_en": title_en, "audience": f"einmal.{name}"}
    write_template("templates/home", folder, lambda _: words)
    vkey = asyncio.run(assembly.create(folder))
    fingerprint = parse_vkey(vkey).fingerprint
    if as_json:
        console.as_json({"home": str(folder), "authority_vkey": vkey, "fingerprint": fingerprint})
        return
    console.say(f"A new home is in {folder}.", "bold")
    console.say(f"Publish this fingerprint, so that citizens can check their reports:\n  {fingerprint}")
    console.say(f"Back up {folder / 'keys'} and show it to nobody. What to do next: {folder / 'README.md'}")


def check(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Every problem of the home at once, with its mend."""
    found = asyncio.run(_problems(home))
    if as_json:
        console.as_json(
            {
                "ok": not found,
                "problems": [
                    {"file": p.file, "line": p.line, "key": p.key, "wrong": p.wrong, "mend": p.mend}
                    for p in found
                ],
            }
        )
    elif found:
        console.problems(found)
    else:
        console.say("Everything is right: settings, grants, keys, registers, languages.", "green")
    if found:
        console.no()


async def _problems(root: Path) -> tuple[Problem, ...]:
    """Out: what is wrong with the files; if nothing, with what they lead to."""
    try:
        opened = await assembly.open_house(root)
    except ConfigurationFault as wrong:
        return wrong.problems
    try:
        found = [*_name(opened), *_languages(opened)]
        assembly.check_registers(opened.home)
    except ConfigurationFault as wrong:
        found = [*found, *wrong.problems]
    finally:
        await opened.close()
    return tuple(found)


def _name(opened: assembly.Opened) -> Iterator[Problem]:
    """The log goes by the identity key's name: another one in the settings would begin a second log."""
    own = parse_vkey(opened.keys.identity_vkey).name
    if own != opened.home.settings.authority.name:
        mend = "Write that name, or restore keys/ from this house's backup."
        yield Problem(
            "einmal.toml", None, "authority.name", f"is not {own}, as keys/identity.key has it", mend
        )


def _languages(opened: assembly.Opened) -> Iterator[Problem]:
    languages = opened.house.languages
    place = opened.home.settings.schemas.path
    for flaw in languages.flaws:
        yield Problem(f"{place}/{flaw.set}", None, flaw.file or "(set)", flaw.wrong, "Install the set again.")
    spoken = ", ".join(languages.spoken)
    for consumer in opened.home.policy.consumers.values():
        for language in consumer.standards:
            if language not in languages.spoken:
                yield Problem(
                    f"consumers/ ({consumer.id})",
                    None,
                    "standards",
                    f"{language} is not spoken here",
                    f"Install its schemas with `einmal schemas add`, or choose from: {spoken}.",
                )
