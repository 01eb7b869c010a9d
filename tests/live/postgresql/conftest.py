"""A journal on a PostgreSQL server, and what only such a server can do to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from databases import Databases
from entries import furnish
from stores import PostgresqlStores

from adapters.storage.store import SqlStore


@pytest.fixture
async def stores(databases: Databases) -> AsyncIterator[PostgresqlStores]:
    """A database that was just made."""
    made = PostgresqlStores(databases)
    made.create()
    yield made
    await made.close()


@pytest.fixture
async def store(stores: PostgresqlStores) -> SqlStore:
    """An opened store with two shards, a policy and one consent, c-1."""
    opened = stores.open()
    await furnish(opened)
    return opened
