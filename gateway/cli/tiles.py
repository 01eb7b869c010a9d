"""`einmal log tiles`: the log as a folder of static files, for whoever checks it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway import assembly
from gateway.audit.verify.published.folder import Unreadable
from gateway.cli import console
from gateway.proving.publishing import Contradicted, Published


def register(group: typer.Typer) -> None:
    group.command("tiles")(tiles)


def tiles(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made, or brought up to date.")],
    auditors: Annotated[
        bool, typer.Option("--auditor", help="With the leaves (no personal data), for auditors alone.")
    ] = False,
    home: console.Home = console.HERE,
    as_json: console.Json = False,
) -> None:
    """Publish the log as static files, for any C2SP client.

    Signed checkpoints and hash tiles; for auditors the leaves as well.

    Only what is new is written. It makes an epoch of the index first.
    """
    try:
        found = asyncio.run(_publish(home, folder, auditors))
    except Contradicted as wrong:
        console.error(
            f"{folder}: {wrong}. Nothing of it was written. If the home was restored from a backup, see "
            "`einmal log restored`; if the folder is another log's, name another one."
        )
        raise typer.Exit(console.ENVIRONMENT) from None
    except Unreadable as wrong:
        console.error(f"{folder}/{wrong}. Take it away, and run this again.")
        raise typer.Exit(console.ENVIRONMENT) from None
    if as_json:
        names = ("origin", "lines", "epochs", "files")
        console.as_json([{name: getattr(one, name) for name in names} for one in found])
        return
    rows = [(one.origin, str(one.lines), str(one.epochs), str(one.files)) for one in found]
    console.table(("shard", "lines", "epochs", "files written"), rows)


async def _publish(home: Path, folder: Path, auditors: bool) -> Sequence[Published]:
    async with await assembly.open_house(home) as opened:
        return await assembly.publish(opened, folder, opened.house.clock.now(), auditors)
