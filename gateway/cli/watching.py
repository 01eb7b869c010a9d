"""`einmal log watch`: whether everything accepted has ended or is under way, and what is stuck."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from gateway import assembly
from gateway.cli import console
from gateway.health import Health
from gateway.watching import look


def register(group: typer.Typer) -> None:
    group.command("watch")(watch)


def watch(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Whether everything accepted has ended or is under way.

    And whether the house is well. Exit 1 if it is not: each trouble with what to do.
    `serve` looks by itself and writes data/health.json.
    """
    health = asyncio.run(_look(home))
    if as_json:
        console.as_json(health.facts)
    else:
        _tell(health)
    if not health.green:
        console.no()


def _tell(health: Health) -> None:
    for trouble in health.troubles:
        console.prose(f"✕ {trouble.text}.")
        names = (("message", trouble.message), ("of", trouble.consumer), ("line", trouble.origin))
        said = [f"{name} {value}" for name, value in names if value is not None]
        if trouble.index is not None:
            said[-1] += f" {trouble.index}"
        if said:
            console.prose(f"  {', '.join(said)}")
        console.prose(f"  {trouble.mend}")
    counted = f"{health.accepted} accepted = {health.terminal} ended + {health.in_flight} under way"
    console.prose(f"{counted} ({health.by_lines} by the lines of the log).")
    if health.green:
        console.say("The house is well.", "green")
    else:
        console.say(f"{console.count(len(health.troubles), 'trouble')}.", "red")


async def _look(home: Path) -> Health:
    async with await assembly.open_house(home) as opened:
        bus = await opened.bus()
        try:
            return (await look(opened.watchman(bus)))[0]
        finally:
            await bus.close()
