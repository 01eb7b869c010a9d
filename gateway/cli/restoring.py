"""`einmal log restored`: what a restore has lost, and the administrator's word to go on without it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import assembly
from gateway.cli import console
from gateway.keeping.restoring import Lost, Plan

_MOST_LETTERS = 200
_SETTLED = (
    "Nothing was done: nothing is missing, and the last restore has come to its end. Where the database was put back "
    "once more since, add --again."
)


def register(group: typer.Typer) -> None:
    group.command("restored")(restored)


def restored(
    reason: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Why, for the log: it names nobody. Without it nothing is changed."
        ),
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="What an auditor has of the log: puts lost leaves back."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also where nothing is missing since the last restore.")
    ] = False,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """After a restore: what is missing; with --reason, go on.

    Every class goes on in a new shard that says what is lost. Every decision and power that may have been withdrawn
    since the backup is ended, and the home's files become the law. Exit 1 if something is missing and nothing was done.
    """
    if reason is None:
        if tiles is not None or again:
            console.usage("--tiles and --again change the log: they need --reason")
        plan = asyncio.run(assembly.missing(home))
        if as_json:
            console.as_json({"done": False, "lost": _facts(plan)})
        else:
            _tell(plan)
        if plan.lost:
            console.no()
        return
    if not reason.strip() or len(reason) > _MOST_LETTERS or not reason.isprintable():
        console.usage(f"--reason is one line of at most {_MOST_LETTERS} letters")
    if not again and asyncio.run(assembly.settled(home)):
        if as_json:
            console.as_json({"done": False, "lost": []})
        else:
            console.prose(_SETTLED)
        return
    done = asyncio.run(assembly.restore(home, reason.strip(), tiles))
    if as_json:
        facts = {"done": True, "lost": _facts(done.plan), "ended": done.ended, "policy": done.policy}
        facts |= {"regained": list(done.plan.regained)}
        console.as_json(facts | {"opened": [one.opening for one in done.plan.classes]})
        return
    _tell(done.plan)
    for told in done.plan.regained:
        console.prose(f"  {told}")
    for one in done.plan.classes:
        console.say(f"The log goes on in {one.opening}.")
    console.prose(
        f"Decisions and powers ended: {done.ended}. Whether they were withdrawn or used up since the backup is not"
        " known; their people are asked again."
    )
    console.prose(f"In force: policy {done.policy[:12]}, as the home's files say.")
    console.say("The house may be served again.", "green")


def _tell(plan: Plan) -> None:
    if not plan.lost:
        console.say("Nothing is missing of what was signed last, as far as data/checkpoints knows.")
    for lost in plan.lost:
        for text in _told(lost):
            console.prose(f"✕ {text}")


def _told(lost: Lost) -> list[str]:
    after = f", all after {lost.since}" if lost.since else ""
    said: list[str] = []
    if lost.start == 0 and lost.stop is not None:
        said.append(f"{lost.origin}: the whole shard is lost, {console.count(lost.stop, 'line')}.")
    elif lost.stop is None:
        said.append(
            f"{lost.origin}: lines from {lost.start} on may be lost{after}. What was signed last is not in"
            " data/checkpoints: nobody knows how many."
        )
    elif lost.start < lost.stop:
        count = lost.stop - lost.start
        lines = f"line {lost.start}" if count == 1 else f"lines {lost.start} to {lost.stop - 1}"
        said.append(f"{lost.origin}: {lines} {'is' if count == 1 else 'are'} lost{after}.")
    if lost.indexed is not None and lost.indexed < lost.start:
        said.append(
            f"{lost.origin}: the index of the lines from {lost.indexed} on is lost. They are there; that they are all"
            " can't be proved any more."
        )
    return said


def _facts(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "origin": lost.origin,
            "start": lost.start,
            "stop": lost.stop,
            "indexed": lost.indexed,
            "since": lost.since,
        }
        for lost in plan.lost
    ]
