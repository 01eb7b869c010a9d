"""`einmal backup`: the databases of a home as they are now, while it is served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway import assembly
from gateway.cli import console


def register(app: typer.Typer) -> None:
    app.command("backup")(backup)


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for them.")],
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Copy the databases while they are in use. Never overwrites.

    Keys and files are copied as files are; data/checkpoints is kept elsewhere (docs/back-up-and-restore.md).
    """
    files = assembly.back_up(home, folder)
    if as_json:
        console.as_json({"files": [str(file) for file in files]})
        return
    for file in files:
        console.say(str(file))
    console.prose(
        "Whoever has them and keys/ can read everything: keep them apart, and not for longer than the log."
    )
