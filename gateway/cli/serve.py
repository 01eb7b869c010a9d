"""`einmal serve`: one gateway process, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import typer

from gateway import assembly, telemetry
from gateway import serve as house
from gateway.cli import console


def register(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(home: console.Home = console.HERE) -> None:
    """Take requests from the bus and answer them. SIGTERM or Ctrl-C: finish what is in hand, then end."""
    telemetry.configure()
    asyncio.run(_serve(home))


async def _serve(home: Path) -> None:
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
            await house.serve(opened.service(bus), stop)
            telemetry.logger().info("drained")
        finally:
            await bus.close()
