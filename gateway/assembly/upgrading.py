"""An older home's database, brought to this version's tables: explicitly, and while nobody serves it whom that would
stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

from adapters.storage import database
from gateway.assembly.buses import is_served
from gateway.assembly.storage import storage_url
from gateway.config.home import load_settings


def upgrade(root: Path) -> tuple[str, str]:
    """Out: the version of the tables before and now; the same when there was nothing to do.

    Raises: ConfigurationFault: a home that is served by processes that could not go on, a database of a newer version;
    BusUnavailable, JournalUnavailable.
    """
    settings = load_settings(root)
    served = asyncio.run(is_served(root, settings))
    return database.upgrade(storage_url(root, settings), served)
