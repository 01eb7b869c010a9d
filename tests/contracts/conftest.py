"""The ports' implementations that the contract tests run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bus_kinds import KINDS as BUSES
from bus_kinds import of_kind as bus_of_kind
from buses import Buses
from entries import furnish
from register_kinds import IMPLEMENTATIONS as REGISTERS
from register_kinds import Implementation
from small_register import close_all
from stores import KINDS, Stores, of_kind

from adapters.storage.store import SqlStore
from gateway.ports import Register


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    """A database that was just made."""
    made = of_kind(request.param, tmp_path / "einmal.sqlite3", request)
    made.create()
    yield made
    await made.close()


@pytest.fixture
async def store(stores: Stores) -> SqlStore:
    """An opened store with two shards, a policy and one consent, c-1."""
    opened = stores.open()
    await furnish(opened)
    return opened


@pytest.fixture(params=BUSES)
async def buses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Buses]:
    """A bus that was just made, with the queues of three consumers."""
    made = bus_of_kind(request.param, tmp_path)
    await made.create()
    yield made
    await made.close()


@pytest.fixture(params=REGISTERS)
def kind(request: pytest.FixtureRequest) -> Iterator[Implementation]:
    """Every kind of register there is."""
    yield REGISTERS[request.param]
    close_all()


@pytest.fixture
def register(kind: Implementation, tmp_path: Path) -> Register:
    """A register with the people of `small_register`."""
    kind.build(tmp_path)
    return kind.open(tmp_path)
