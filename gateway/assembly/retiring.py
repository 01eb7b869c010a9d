"""Who erases what is past its time, and who keeps some of it longer, built from a home."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from adapters.indexes import IndexFiles
from adapters.machine import FileSlate
from adapters.storage.erasing import SqlRetention
from adapters.storage.holding import SqlHolds
from adapters.storage.store import SqlStore
from gateway.assembly.parts import DATA, INDEXES
from gateway.assembly.storage import storage_url
from gateway.config.settings import Einmal
from gateway.journal import Journal
from gateway.journal.shards import Shards
from gateway.keeping.holding import Holds
from gateway.keeping.retention import Retention
from gateway.ports import Keys


def holds(store: SqlStore, shards: Shards, journal: Journal, keys: Keys) -> Holds:
    return Holds(SqlHolds(store), store, shards, journal, keys)


def retention(
    root: Path, settings: Einmal, store: SqlStore, shards: Shards, journal: Journal, keys: Keys
) -> Retention:
    return Retention(
        settings.rules,
        shards,
        journal,
        store,
        SqlRetention(store, storage_url(root, settings)),
        holds(store, shards, journal, keys),
        IndexFiles(root / INDEXES).forget,
        settings.limits.erase_lines,
        timedelta(days=settings.limits.clock_leap_days),
        FileSlate(root / DATA),
    )
