"""An older home's database, brought to this version's tables: explicitly, and while nobody serves it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from adapters.storage import database
from consent.vocabulary import Problem
from gateway.assembly.buses import is_served
from gateway.assembly.storage import storage_url
from gateway.config.home import load_settings
from gateway.errors import ConfigurationFault


def upgrade(root: Path) -> tuple[str, str]:
    """Out: the version of the tables before and now; the same when there was nothing to do.

    Raises: ConfigurationFault: a home that is served, a database of a newer version; BusUnavailable,
    JournalUnavailable.
    """
    settings = load_settings(root)
    if asyncio.run(is_served(root, settings)):
        wrong, mend = "is served by a process of this machine", "Stop `einmal serve` first."
        raise ConfigurationFault((Problem(settings.bus.path, None, "bus.path", wrong, mend),))
    return database.upgrade(storage_url(root, settings))
