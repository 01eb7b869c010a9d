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
    opened = await assembly.open_house(home)
    try:
        bus = await opened.bus()
        try:
            changed = await opened.adopt_policy()
            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            telemetry.logger().info(
                "serving", policy=opened.home.policy.hash, kind="new policy" if changed else "same policy"
            )
            await house.serve(opened.service(bus), stop)
            telemetry.logger().info("drained")
        finally:
            await bus.close()
    finally:
        await opened.close()
