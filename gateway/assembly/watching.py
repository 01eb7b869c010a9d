"""The watchman of a home, with its disk and its files."""

from __future__ import annotations

from datetime import timedelta

from adapters.machine import FileSlate, free_bytes
from adapters.storage.checkpoints import CheckpointFiles
from adapters.storage.store import SqlStore
from adapters.storage.watching import SqlWatch
from gateway.assembly.parts import DATA
from gateway.assembly.storage import database_file
from gateway.config.home import Home
from gateway.health import Machine
from gateway.house import House
from gateway.keeping.retention import Retention
from gateway.keeping.watch import Watch
from gateway.ports import Bus
from gateway.ports.watch import BusLine, BusView
from gateway.watching import Watchman


def watchman(
    home: Home, house: House, store: SqlStore, checkpoints: CheckpointFiles, bus: Bus, retention: Retention
) -> Watchman:
    """Out: who looks after this house."""
    limits = home.settings.limits
    # The longest signed deadline, the clocks' difference, and the last attempt that was put off before it.
    patience = limits.request_lifetime_seconds + limits.clock_skew_seconds + limits.retry_most_seconds

    file = database_file(home.root, home.settings)
    disk = home.root / DATA if file is None else file.parent
    skew = timedelta(seconds=limits.clock_skew_seconds)

    def machine() -> Machine:
        return Machine(free_bytes(disk), limits.disk_free_bytes, skew, checkpoints.failed)

    return Watchman(
        house,
        store,
        Watch(SqlWatch(store), store, timedelta(seconds=patience)),
        bus if isinstance(bus, BusView) else None,
        bus if isinstance(bus, BusLine) else None,
        machine,
        FileSlate(home.root / DATA),
        retention,
    )
