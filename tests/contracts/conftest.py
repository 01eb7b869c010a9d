"""The ports' implementations that the contract tests run on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from stores import SqliteStores, furnish

from adapters.storage.store import SqlStore

IMPLEMENTATIONS = {"sqlite": SqliteStores}


@pytest.fixture(params=IMPLEMENTATIONS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStores]:
    """A database that was just made."""
    made = IMPLEMENTATIONS[request.param](tmp_path / "einmal.sqlite3")
    made.create()
    yield made
    await made.close()


@pytest.fixture
async def store(stores: SqliteStores) -> SqlStore:
    """An opened store with two shards, a policy and one consent, c-1."""
    opened = stores.open()
    await furnish(opened)
    return opened
