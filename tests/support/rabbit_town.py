"""A town whose bus is RabbitMQ: everybody with a user of their own there."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import brokers
import peopled
import town as towns
from brokers import Users
from town import Town
from writers import RunningClock

from adapters.bus.rabbitmq.access import given
from adapters.bus.rabbitmq.consumer import RabbitConsumerBus
from adapters.clock import SystemClock
from adapters.keys import new_key
from gateway import assembly
from gateway.cli.demo import home as demo_home
from gateway.serve import serve

CONSUMERS = (
    "buergerportal",
    "kitaverwaltung",
    "marktverwaltung",
    "parkraumbewirtschaftung",
    "rechenzentrum",
    "schuelerbefoerderung",
    "stadtkasse",
    "wohngeldstelle",
)


@dataclass(slots=True)
class RabbitTown:
    """A founded home that is not open, its users, and the broker's URL as the house sees it."""

    root: Path
    users: Users
    opened: list[RabbitConsumerBus] = field(default_factory=list)

    @property
    def namespace(self) -> str:
        return self.users.namespace

    def consumer(self, name: str = "wohngeldstelle", url: str | None = None) -> RabbitConsumerBus:
        """Out: that consumer's side of the bus."""
        bus = RabbitConsumerBus(given(url or self.users.url(name), 10), self.namespace)
        self.opened.append(bus)
        return bus

    def at(self, url: str) -> None:
        """From now on the house finds the broker there."""
        _write(self.root / "einmal.toml", r"^url = .*$", f'url = "{url}"')


@asynccontextmanager
async def served(place: RabbitTown) -> AsyncIterator[Town]:
    """Out: the town, opened, while a house of its own serves it."""
    now = SystemClock().now()
    town = await towns.opened(place.root, RunningClock(now, now))
    bus, stop = await town.opened.bus(), asyncio.Event()
    serving = asyncio.create_task(serve(town.opened.service(bus), stop))
    try:
        yield town
    finally:
        stop.set()
        await serving
        await bus.close()
        await town.opened.close()


@asynccontextmanager
async def founded(root: Path, timeout_seconds: int = 10) -> AsyncIterator[RabbitTown]:
    """A town in an empty folder, with planted people. Nothing of it is left on the broker."""
    users = Users(f"town-{secrets.token_hex(6)}", CONSUMERS)
    users.make()
    town = RabbitTown(root, users)
    try:
        clock = SystemClock()
        demo_home.write(root, clock.now().year, lambda kid: new_key(towns.IDS, kid))
        _settle(root, users, timeout_seconds)
        await assembly.create(root, clock, towns.IDS)
        opened = await assembly.open_house(root, clock, towns.IDS)
        await opened.adopt_policy()
        await opened.close()
        peopled.settle(root)
        yield town
    finally:
        for bus in town.opened:
            await bus.close()
        replies = [f"{users.namespace}.reply.{one}.replies" for one in CONSUMERS]
        await brokers.clear(users.namespace, CONSUMERS, replies)
        users.remove()


def _settle(root: Path, users: Users, timeout_seconds: int) -> None:
    (root / "keys" / "bus.password").write_text(users.password, "ascii")
    where = str(brokers.SERVER.with_user(None))
    bus = f"""[bus]
kind = "rabbitmq"
url = "{where}"
user = "{users.names[""]}"
password = "file:keys/bus.password"
namespace = "{users.namespace}"
timeout_seconds = {timeout_seconds}

[storage]"""
    _write(root / "einmal.toml", r"(?s)^\[bus\].*?^\[storage\]", bus)
    for one in CONSUMERS:
        _write(root / f"consumers/{one}.toml", r"^bus_user = .*$", f'bus_user = "{users.names[one]}"')


def _write(file: Path, pattern: str, text: str) -> None:
    before = file.read_text("utf-8")
    after = re.sub(pattern, lambda _: text, before, count=1, flags=re.MULTILINE)
    assert after != before
    file.write_text(after, "utf-8")
