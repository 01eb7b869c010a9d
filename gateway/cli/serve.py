"""`einmal serve`: one gateway process, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from gateway import assembly, telemetry
from gateway import serve as house
from gateway.cli import console
from gateway.config.operation import Listen


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    home: console.Home = console.HERE,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Where this process is shown (docs/operate.md), whatever the home says."
        ),
    ] = None,
) -> None:
    """Take requests from the bus and answer them. SIGTERM or Ctrl-C: finish what is in hand, then end."""
    try:
        where = Listen.parse(listen) if listen is not None else None
    except ValueError:
        console.usage(f"--listen is an address with a port, like 127.0.0.1:9464, not {listen!r}")
    telemetry.configure()
    asyncio.run(_serve(home, where))


async def _serve(home: Path, where: Listen | None) -> None:
    async with await assembly.open_house(home) as opened:
        bus = await opened.bus()
        try:
            begun = await opened.law.begin()
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            if await opened.law.pending():
                telemetry.logger().warning(
                    "files-not-in-force", kind="see `einmal check`, then `einmal reload`"
                )
            telemetry.logger().info(
                "serving",
                policy=opened.house.policies.current().hash,
                kind="first policy" if begun else "policy in force",
            )
            async with assembly.operated(opened, bus, stop, where) as service:
                await house.serve(service, stop)
            telemetry.logger().info("drained")
        finally:
            await bus.close()
