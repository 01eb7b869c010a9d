"""`einmal init`, `check` and `upgrade`: a new home, whether a home is right, and one that an older version made."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from consent.encryption import unanswerable
from consent.expiry import Ending, ending
from consent.problems import Document, KeyPath
from consent.tables import tables, text
from consent.vocabulary import Problem
from gateway import assembly
from gateway.audit.note import parse_vkey
from gateway.cli import console
from gateway.cli.homes import STORAGE, write_template
from gateway.errors import ConfigurationFault

_SOON_DAYS: Final = 30
_NOT_IN_FORCE: Final = "They are not in force yet: `einmal reload` puts them in force."
_SPELT: Final = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))
_MADE_UP: Final = "musterstadt.example"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


def register(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(check)
    app.command()(upgrade)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the new home is to be.")],
    name: Annotated[
        str, typer.Option(help="The authority's domain: it names log and identity key, for ever.")
    ] = _MADE_UP,
    title_de: Annotated[str, typer.Option(help="The authority's name in German.")] = "Stadt Musterstadt",
    title_en: Annotated[str, typer.Option(help="The authority's name in English.")] = "Town of Musterstadt",
    storage: Annotated[
        str,
        typer.Option(
            metavar="URL", help="A new home's database: a file, or an empty one of a PostgreSQL server."
        ),
    ] = STORAGE["storage"],
    storage_password: Annotated[
        str | None, typer.Option(metavar="env:NAME|file:PATH", help="Where the server's password is kept.")
    ] = None,
    as_json: console.Json = False,
) -> None:
    """A new home: settings to fill in, keys, an empty log. Never overwrites."""
    if not _NAME.fullmatch(name):
        console.usage(
            f"--name has small letters, digits, dots and hyphens, like stadt.example, not {name!r}. "
            f"Take the domain of the authority{_close_to(name)}."
        )
    for title in (title_de, title_en):
        if not _is_line(title):
            console.usage("--title-de and --title-en are one line each, without quotation mark and backslash")
    if not _is_line(storage) or not _is_line(storage_password or "-"):
        console.usage(
            "--storage and --storage-password are one line each, without quotation mark and backslash"
        )
    words = {"name": name, "title_de": title_de, "title_en": title_en, "audience": f"einmal.{name}"}
    words |= {**STORAGE, "storage": storage}
    if storage_password is not None:
        words["storage_password"] = f'password = "{storage_password}"'
    write_template("templates/home", folder, lambda _: words)
    vkey = asyncio.run(assembly.create(folder))
    fingerprint = parse_vkey(vkey).fingerprint
    if as_json:
        console.as_json({"home": str(folder), "authority_vkey": vkey, "fingerprint": fingerprint})
        return
    console.say(f"A new home is in {folder}.", "bold")
    if name == _MADE_UP:
        console.prose(
            f"Its log and its identity key are named {name}: a made-up town, to try things out. The name stays for as "
            "long as the log does, so for a town of your own begin again: einmal init DIR --name stadt.example"
        )
    console.say(f"Publish this fingerprint, so that citizens can check their reports:\n  {fingerprint}")
    console.say(f"Back up {folder / 'keys'} and show it to nobody. What to do next: {folder / 'README.md'}")


def _close_to(name: str) -> str:
    """Out: what could be meant by something that is no name."""
    told = name.lower()
    for letter, spelt in _SPELT:
        told = told.replace(letter, spelt)
    likely = re.sub(r"[^a-z0-9.]+", "-", told).strip("-.")
    return f", or for a trial {likely if '.' in likely else likely + '.example'}" if likely else ""


def _is_line(text: str) -> bool:
    """Out: whether it can stand between quotation marks in TOML."""
    return bool(text.strip()) and text.isprintable() and '"' not in text and "\\" not in text


def upgrade(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Bring an older home's database to this version's tables. Back it up before; nobody may serve it."""
    before, after = assembly.upgrade(home)
    if as_json:
        console.as_json({"before": before, "after": after})
    elif before == after:
        console.say(f"The tables are of version {after} already.")
    else:
        console.say(f"The tables are of version {after} now; they were of version {before}.", "green")


def check(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Every problem of the home at once, with its mend."""
    try:
        found = asyncio.run(_examine(home))
        problems, warnings = found.problems, _warnings(found)
    except ConfigurationFault as wrong:
        found, problems, warnings = None, wrong.problems, ()
    in_force = found is not None and not found.pending
    if as_json:
        console.as_json(
            {
                "ok": not problems,
                "in_force": in_force,
                "problems": [console.facts(problem) for problem in problems],
                "warnings": [console.facts(warning) for warning in warnings],
            }
        )
    elif problems:
        console.problems(problems)
        if found is not None and found.in_force is not None:
            console.prose(
                f"The law in force (policy {found.in_force.hash[:12]}) stays as it is until these are mended."
            )
    else:
        console.warnings(warnings)
        console.say("Everything is right: settings, grants, keys, registers, languages.", "green")
        console.prose("These files are in force." if in_force else _NOT_IN_FORCE)
    if problems:
        console.no()


async def _examine(root: Path) -> assembly.Findings:
    async with await assembly.open_house(root) as opened:
        return await opened.law.examine()


def _warnings(found: assembly.Findings) -> tuple[Problem, ...]:
    """Out: signatures that would not count any more, who can't be answered, what ends soon or has just ended."""
    if found.home is None:
        return ()
    now, documents = assembly.now(), found.home.documents.values()
    return (
        *found.warnings,
        *(_unanswerable(name, documents) for name in unanswerable(found.home.policy, now)),
        *(_ends(one, documents, now) for one in ending(found.home.policy, now, _SOON_DAYS)),
    )


def _unanswerable(consumer: str, documents: Iterable[Document]) -> Problem:
    wrong = "must be answered encrypted, and has no valid key for that: whatever it asks is refused"
    mend = 'Add a [[key]] with use = "enc": `einmal keys new FILE --kid NAME --encryption`.'
    return next(
        document.problem(("id",), wrong, mend)
        for document in documents
        if document.file.startswith("consumers/") and text(document.data, "id") == consumer
    )


def _ends(one: Ending, documents: Iterable[Document], now: datetime) -> Problem:
    wrong = f"{one.name} {'ends' if one.last >= now.date() else 'ended'} on {one.last}"
    return next(
        document.problem((*path, "valid_to"), wrong, "See `einmal grants expiring`.")
        for document in documents
        for path, name in _named(document, one.what)
        if name == one.name
    )


def _named(document: Document, what: str) -> Iterator[tuple[KeyPath, str | None]]:
    """Out: what ends in that file, and where it does."""
    folder = document.file.partition("/")[0]
    if (folder, what) == ("people", "person's key"):
        yield (), text(document.data, "id")
    elif (folder, what) == ("consumers", "consumer's key"):
        yield from ((path, text(table, "kid")) for path, table in tables(document, "key"))
    elif (folder, what) == ("grants", "grant"):
        yield from ((path, text(table, "id")) for path, table in tables(document, "grant"))
