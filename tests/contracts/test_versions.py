"""Old and new processes of the program side by side (docs/decisions/0031-postgresql.md), on every kind of database."""

from __future__ import annotations

import pytest
from entries import ORIGIN, committed, furnish, size
from stores import Stores

from adapters.storage.database import upgrade
from adapters.storage.schema import REVISION
from gateway.errors import ConfigurationFault

LATER = (
    "ALTER TABLE line ADD COLUMN later TEXT",
    "CREATE TABLE later (one INTEGER PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '0099'",
)
"""What a later version of the program adds while this one is at work."""
ENDED = (*LATER, "UPDATE alembic_version SET since = '0099'")
"""The same, when this version could not go on with it."""


async def test_a_process_goes_on_when_tables_are_added_to(stores: Stores) -> None:
    """It writes and reads as before, and so does one that is started after it; `upgrade` has nothing to do."""
    async with stores.using() as old:
        await furnish(old)
        stores.alter(*LATER)
        await committed(old, "old")
        async with stores.using() as again:
            await committed(again, "again")
        await committed(old, "old once more")
        assert await size(old, ORIGIN) == len(await old.lines(ORIGIN, 0, 100)) == 6
    assert upgrade(stores.url) == ("0099", "0099")


async def test_tables_that_ended_its_time_are_refused(stores: Stores) -> None:
    """Both versions are told, and what to do; an upgrade touches nothing."""
    async with stores.using() as store:
        await furnish(store)
    stores.alter(*ENDED)
    for refuses in (stores.open, lambda: upgrade(stores.url)):
        with pytest.raises(ConfigurationFault, match=f"version 0099, this program needs {REVISION}"):
            refuses()


BEFORE = (
    "ALTER TABLE alembic_version DROP COLUMN since",
    "UPDATE alembic_version SET version_num = '0003'",
)
"""Tables of a version that does not go on beside this one."""


async def test_whom_an_upgrade_would_stop_is_stopped_before(stores: Stores) -> None:
    """While they are served, tables stay as they are; a server sees who serves them from another machine."""
    seen = type(stores).__name__ == "PostgresqlStores"
    async with stores.using() as store:
        await furnish(store)
        stores.alter(*BEFORE)
        with pytest.raises(ConfigurationFault, match="Stop `einmal serve` first"):
            upgrade(stores.url, served=not seen)
        with pytest.raises(ConfigurationFault, match=f"version 0003, this program needs {REVISION}"):
            stores.open()
    assert upgrade(stores.url) == ("0003", REVISION)
    async with stores.using() as store:
        await committed(store, "after")
