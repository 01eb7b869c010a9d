"""`einmal reload`: the home's files become the law in force, all of them or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import typer

from consent.changes import Changes, changes
from consent.policy import empty
from gateway import assembly
from gateway.cli import console
from gateway.errors import ConfigurationFault


def register(app: typer.Typer) -> None:
    app.command("reload")(reload)


def reload(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Put the home's files in force, all or nothing.

    Running processes follow with their next message, without restart. Exit 1 if anything is wrong: nothing changed.
    """
    try:
        switch, served, found = asyncio.run(_reload(home))
    except ConfigurationFault as wrong:
        if as_json:
            console.as_json({"changed": False, "problems": [console.facts(one) for one in wrong.problems]})
        console.problems(wrong.problems)
        console.error("Nothing was changed: the law in force stays as it was.")
        console.no()
    if as_json:
        console.as_json(_facts(switch, served, found))
    elif not switch.changed:
        console.say(f"These files are in force already (policy {switch.after.hash[:12]}).")
    else:
        for line in _lines(found):
            console.prose(line)
        console.say(f"In force: policy {switch.after.hash[:12]}.", "bold green")
        console.prose(followed(served))


def followed(served: bool) -> str:
    """Out: who follows the new law, for people."""
    if served:
        return "The running house follows with its next message."
    return "No process of this machine serves this home now; the next one begins with it."


async def _reload(home: Path) -> tuple[assembly.Switch, bool, Changes]:
    async with await assembly.open_house(home) as opened:
        switch = await opened.law.adopt()
        today = opened.house.clock.now().date()
        return switch, await opened.is_served(), changes(switch.before or empty(), switch.after, today)


def _lines(found: Changes) -> Iterator[str]:
    """Out: the changes in words; who gains or loses what from today on, then which grants differ."""
    for one in found.fields:
        whom = one.consumer + (f" for {one.on_behalf_of}" if one.on_behalf_of else "")
        does = "submits to" if one.action == "write" else "asks"
        about = f"{whom} {does} {one.register} ({one.evidence}) for {one.purpose}"
        for word, fields in (("gains", one.gained), ("loses", one.lost)):
            if fields:
                yield f"{about}: {word} {', '.join(sorted(fields))}"
    if not found.fields:
        yield "Nobody gains or loses a field today."
    for word, names in (
        ("New grants", found.added),
        ("Changed grants", found.changed),
        ("Grants gone", found.removed),
        ("Revoked", found.revoked),
    ):
        if names:
            yield f"{word}: {', '.join(names)}"


def _facts(switch: assembly.Switch, served: bool, found: Changes) -> dict[str, object]:
    return {
        "changed": switch.changed,
        "policy": switch.after.hash,
        "before": switch.before.hash if switch.before is not None else None,
        "served": served,
        "fields": [
            {
                "consumer": one.consumer,
                "on_behalf_of": one.on_behalf_of or None,
                "register": one.register,
                "evidence": one.evidence,
                "purpose": one.purpose,
                "action": one.action,
                "gained": sorted(one.gained),
                "lost": sorted(one.lost),
            }
            for one in found.fields
        ],
        "added": list(found.added),
        "removed": list(found.removed),
        "changed_grants": list(found.changed),
        "revoked": list(found.revoked),
    }
