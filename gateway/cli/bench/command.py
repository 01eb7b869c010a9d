"""`einmal bench`: the figures of the house, on a home of its own in a folder that is removed again."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from gateway import assembly
from gateway.cli import console
from gateway.cli.bench import deciding, exchanging, growing
from gateway.cli.bench.measuring import machine
from gateway.cli.demo import home as demo_home


def register(app: typer.Typer) -> None:
    app.command("bench")(bench)


def bench(as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Measure whole exchanges, the log up to a million lines, a decision.

    Exchanges are set against their floor. Takes minutes.
    """
    figures = asyncio.run(_run())
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for name, found in figures.items():
        console.say(name, "bold")
        for key, value in found.items():
            console.say(f"  {key:24} {value}")


async def _run() -> dict[str, Any]:
    with TemporaryDirectory(prefix="einmal-bench-") as folder:
        root = Path(folder) / "home"
        for home in ("home", "grown", "indexed"):
            (Path(folder) / home).mkdir()
        demo_home.write(root, assembly.now().year, assembly.new_key)
        await assembly.create(root)
        async with await assembly.open_house(root) as opened:
            await opened.adopt_policy()
            return {
                "embedded": await exchanging.run(opened, Path(folder)),
                "log": await growing.run(Path(folder)),
                "decide": deciding.run(),
                "machine": machine(),
            }
