"""A served house, shown to those who operate it: nowhere, unless its home says where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.assembly.house import Opened
from gateway.config.operation import Listen
from gateway.operation import Operation
from gateway.ports import Bus


def operation(opened: Opened, bus: Bus, stop: asyncio.Event) -> Operation:
    """Out: what is shown of a house that is served over that bus until `stop` is set."""
    said = opened.home.settings.operation
    watchman, signed = opened.watchman(bus), opened.checkpoints.newest
    return Operation(watchman, stop, signed, said.look_seconds, said.timeout_seconds)


@asynccontextmanager
async def shown(
    opened: Opened, bus: Bus, stop: asyncio.Event, listen: Listen | None = None
) -> AsyncIterator[None]:
    """Meanwhile the house is shown: at `listen`, else where its home says. Raises: ConfigurationFault."""
    said = opened.home.settings.operation.listen
    where = listen or (Listen.parse(said) if said is not None else None)
    if where is None:
        yield
        return
    from adapters.http.operation.server import Endpoint  # read only where it is wanted: it takes its time

    endpoint = await Endpoint.open(where.host, where.port, operation(opened, bus, stop), opened.counted)
    try:
        yield
    finally:
        await endpoint.close()
