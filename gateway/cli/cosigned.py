"""`einmal log cosigned`: the house takes in what its witnesses and auditors sent back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from gateway import assembly
from gateway.audit.note import NoteInvalid
from gateway.cli import console
from gateway.proving.cosigning import Kept, NotOurs


def register(group: typer.Typer) -> None:
    group.command("cosigned")(cosigned)


def cosigned(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Cosigned checkpoints that came back.")
    ],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Keep what your witnesses and auditors cosigned. einmal.toml names them, with their keys."""
    done = asyncio.run(_keep(home, files))
    wrong = [(file, said) for file, said in done if isinstance(said, str)]
    if as_json:
        console.as_json([_kept_facts(file, said) for file, said in done])
    else:
        for file, said in done:
            console.say(f"{file}: {_kept(said)}", "bold red" if isinstance(said, str) else "green")
    if wrong:
        console.no()


def _kept(said: Kept | str) -> str:
    if isinstance(said, str):
        return f"NOT kept: {said}."
    names = ", ".join(one.name for one in said.by)
    return f"{said.tree} of {said.size}, cosigned by {names}: kept."


def _kept_facts(file: Path, said: Kept | str) -> dict[str, object]:
    if isinstance(said, str):
        return {"file": str(file), "kept": False, "wrong": said}
    by = [one.vkey for one in said.by]
    return {
        "file": str(file),
        "kept": True,
        "origin": said.origin,
        "log": str(said.tree),
        "size": said.size,
        "by": by,
    }


async def _keep(home: Path, files: Iterable[Path]) -> list[tuple[Path, Kept | str]]:
    done: list[tuple[Path, Kept | str]] = []
    async with await assembly.open_house(home) as opened:
        cosignatures = assembly.cosignatures(opened)
        for file in files:
            try:
                done.append((file, await cosignatures.keep(file.read_bytes().decode("utf-8"))))
            except (NoteInvalid, NotOurs) as wrong:
                done.append((file, str(wrong)))
            except UnicodeDecodeError:
                done.append((file, "it is no signed note"))
    return done
