"""The commands of a home whose bus is a broker."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import Einmal, running
from peopled import ORDINARY
from rabbit_town import RabbitTown, served

from gateway import assembly
from gateway.errors import ConfigurationFault


@pytest.fixture
def einmal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Einmal:
    """Out: the command."""
    return running(monkeypatch, capsys)


@contextmanager
def serving(home: Path) -> Iterator[None]:
    """`einmal serve` in a process of its own, from when it says that it serves until it has drained."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--home", str(home)], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if json.loads(line)["event"] == "serving":
                break
        yield
        process.send_signal(signal.SIGTERM)
        assert '"drained"' in process.stderr.read()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


async def test_asking_through_the_broker(
    place: RabbitTown, einmal: Einmal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A served home answers whoever asks as itself; nobody else's process does, and the house's own user can't ask."""
    async with served(place) as town:
        await town.chooses(ORDINARY)
        body = town.signed(town.asks(ORDINARY), "wohngeldstelle").body
    request = tmp_path / "request.xml"
    request.write_bytes(body)
    monkeypatch.setenv("EINMAL_ASKING", place.users.url("wohngeldstelle"))
    asking = ("ask", request, "--as", "wohngeldstelle", "--home", place.root)

    def commands() -> None:
        refused = einmal(*asking)
        assert (refused.code, "--amqp" in refused.err) == (3, True)
        with serving(place.root):
            said = einmal(*asking, "--amqp", "env:EINMAL_ASKING", "--json")
            assert (said.code, said.json["type"]) == (0, "evidence.answer")
        alone = einmal(*asking, "--amqp", "env:EINMAL_ASKING", "--timeout", "0.5")
        assert (alone.code, "stays on the bus" in alone.err) == (3, True)
        nowhere = einmal(*asking, "--amqp", "env:EINMAL_NOWHERE")
        assert (nowhere.code, "no URL of a broker" in nowhere.err) == (3, True)

    await asyncio.to_thread(commands)


async def test_who_serves_is_seen_from_anywhere(place: RabbitTown) -> None:
    """Also by a process that has nothing to do with it."""
    opened = await assembly.open_house(place.root)
    try:
        assert not await opened.is_served()
        async with served(place), asyncio.timeout(20):
            while not await opened.is_served():
                pass
        assert not await opened.is_served()
    finally:
        await opened.close()


async def test_a_consumer_with_the_houses_user_is_a_mistake(place: RabbitTown) -> None:
    """Whatever it wrote would be believed of the house: such a law does not come into force."""
    file = place.root / "consumers/wohngeldstelle.toml"
    file.write_text(
        file.read_text("utf-8").replace(place.users.names["wohngeldstelle"], place.users.names[""]), "utf-8"
    )
    opened = await assembly.open_house(place.root)
    try:
        before = opened.house.policies.current().hash
        with pytest.raises(ConfigurationFault, match="is the bus user of wohngeldstelle too"):
            await opened.adopt_policy()
        assert opened.house.policies.current().hash == before
    finally:
        await opened.close()


async def test_a_house_with_a_consumers_user_does_not_start(place: RabbitTown) -> None:
    """Nor is the house to take a data consumer's user later."""
    file = place.root / "einmal.toml"
    said = file.read_text("utf-8")
    changed = said.replace(
        f'user = "{place.users.names[""]}"', f'user = "{place.users.names["wohngeldstelle"]}"'
    )
    assert changed != said
    file.write_text(changed, "utf-8")
    opened = await assembly.open_house(place.root)
    try:
        with pytest.raises(ConfigurationFault, match="is the bus user of wohngeldstelle too"):
            await opened.bus()
    finally:
        await opened.close()
