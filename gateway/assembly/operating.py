"""A served house, shown to those who operate it: nowhere, unless its home says where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from consent.vocabulary import Problem
from gateway.assembly.house import Opened
from gateway.config.home import SETTINGS_FILE
from gateway.config.operation import Listen
from gateway.errors import ConfigurationFault
from gateway.operation import Operation
from gateway.ports import Bus, Measures
from gateway.serve import Service


def operation(opened: Opened, bus: Bus, stop: asyncio.Event) -> Operation:
    """Out: what is shown of a house that is served over that bus until `stop` is set."""
    said = opened.home.settings.operation
    watchman, signed = opened.watchman(bus), opened.checkpoints.newest
    return Operation(watchman, stop, signed, said.look_seconds, said.timeout_seconds)


@asynccontextmanager
async def operated(
    opened: Opened, bus: Bus, stop: asyncio.Event, listen: Listen | None = None
) -> AsyncIterator[Service]:
    """Out: the service that `gateway.serve` serves; meanwhile it is shown at `listen`, else where its home says, and
    tells of its exchanges where that says. Raises: ConfigurationFault."""
    service = opened.service(bus)
    async with _shown(opened, bus, stop, listen), _traced(opened) as measures:
        yield replace(service, house=replace(service.house, measures=measures))


@asynccontextmanager
async def _traced(opened: Opened) -> AsyncIterator[Measures]:
    url = opened.home.settings.operation.traces
    if url is None:
        yield opened.counted
        return
    try:
        from adapters.traces import Traces

        traces = Traces.over_http(url)
    except ImportError:
        wrong, mend = "needs packages that are not installed", "Install einmal[otel], or remove it."
        raise ConfigurationFault((Problem(SETTINGS_FILE, None, "operation.traces", wrong, mend),)) from None
    try:
        yield traces.measuring(opened.counted)
    finally:
        await traces.close()


@asynccontextmanager
async def _shown(opened: Opened, bus: Bus, stop: asyncio.Event, listen: Listen | None) -> AsyncIterator[None]:
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
