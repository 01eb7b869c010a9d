"""What the house can do nothing without is tried at every look: the journal, the keys, the bus."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from town import Town
from unwritable import locked

from gateway.errors import BusUnavailable
from gateway.health import Health
from gateway.watching import keep_watch, look, tell_blind

PATIENCE = 0.2


def kinds(health: Health) -> list[str]:
    return [trouble.kind for trouble in health.troubles]


async def test_a_journal_that_can_t_be_written_is_red_until_it_can(town: Town) -> None:
    """Within the time that what is tried may take; health.json says it too."""
    bus = await town.opened.bus()
    watchman = replace(town.opened.watchman(bus), door_seconds=PATIENCE)
    with locked(town.root):
        red = await keep_watch(watchman, None)
        assert kinds(red) == ["storage"]
        assert "no answer in time" in red.troubles[0].text
        assert json.loads((town.root / "data/health.json").read_text("utf-8"))["troubles"] == [
            red.troubles[0].facts
        ]
    assert (await keep_watch(replace(watchman, door_seconds=20), red)).green
    await bus.close()


async def test_keys_that_are_gone_are_red_until_they_are_back(town: Town) -> None:
    """Named by their file."""
    bus = await town.opened.bus()
    watchman = town.opened.watchman(bus)
    file, aside = town.root / "keys/gateway.jwk", town.root / "gateway.jwk"
    file.rename(aside)
    health, _ = await look(watchman)
    assert kinds(health) == ["keys"]
    assert "gateway.jwk" in health.troubles[0].text
    aside.rename(file)
    assert (await look(watchman))[0].green
    await bus.close()


async def test_a_bus_that_can_t_be_reached_is_named_beside_the_look_that_failed(town: Town) -> None:
    """Also where only the way to it is closed, and it is no file."""

    class Closed:
        reconnects = taking = 0

        async def reached(self) -> None:
            raise BusUnavailable("bus (ConnectionRefusedError)")

        async def holds(self, _requests: Any) -> Any:
            raise BusUnavailable("bus (SQLITE_CANTOPEN)")

    bus = await town.opened.bus()
    watchman = town.opened.watchman(bus)
    health, _ = await look(replace(watchman, line=Closed()))
    assert kinds(health) == ["bus"]
    assert "ConnectionRefusedError" in health.troubles[0].text
    closed = replace(watchman, bus=Closed())
    with pytest.raises(BusUnavailable) as raised:
        await look(closed)
    blind = await tell_blind(closed, health, raised.value)
    assert kinds(blind) == ["watch", "bus"]
    assert "SQLITE_CANTOPEN" in blind.troubles[1].text
    await bus.close()
