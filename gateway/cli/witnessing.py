"""`einmal log witness`: have the witnesses cosign the newest checkpoints now, and tell what each says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from gateway import assembly
from gateway.cli import console
from gateway.proving.witnessing import Asked, State


def register(group: typer.Typer) -> None:
    group.command("witness")(witness)


def witness(home: console.Home = console.HERE, as_json: console.Json = False) -> None:
    """Have every log's newest checkpoint cosigned by the witnesses.

    Exit 1 if one of them did not. `serve` asks by itself, every log.witness_seconds.
    """
    asked = asyncio.run(_ask(home))
    if as_json:
        console.as_json([asdict(one) for one in asked])
    else:
        rows = [(one.origin, str(one.size), one.witness, one.said) for one in asked]
        console.table(("log", "lines", "witness", "says"), rows)
    if not all(one.state in (State.COSIGNED, State.OVERTAKEN) for one in asked):
        console.no()


async def _ask(home: Path) -> Sequence[Asked]:
    async with await assembly.open_house(home) as opened:
        witnessing = opened.witnessing
        if not witnessing.asks:
            console.usage("nobody can be asked: name a [[log.witness]] with its url in einmal.toml")
        return await witnessing.ask()
