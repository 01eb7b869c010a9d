"""The configured bus: made, opened from both its sides, and asked whether anybody serves.

A broker's driver is read only where a home names a broker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from adapters.bus import file as bus_file
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.embedded import EmbeddedBus
from consent.parties import Consumer
from consent.problems import Document
from consent.vocabulary import Problem
from gateway.config.home import SETTINGS_FILE
from gateway.config.settings import Einmal
from gateway.errors import ConfigurationFault
from gateway.ports import Bus, Clock, ConsumerBus


def create(root: Path, settings: Einmal) -> None:
    """Make the bus of a new home; a broker is there already. Raises: ConfigurationFault."""
    if settings.bus.kind == "embedded":
        EmbeddedBus.create(root / settings.bus.path)


async def open_bus(root: Path, settings: Einmal, clock: Clock, consumers: Mapping[str, Consumer]) -> Bus:
    """Out: the house's side of the configured bus, with a queue for each of these consumers.

    Raises: ConfigurationFault, BusUnavailable.
    """
    bus, places = settings.bus, settings.limits.concurrency
    if bus.kind == "embedded":
        return EmbeddedBus.open(root / bus.path, bus.namespace, clock, consumers, places)
    _apart(settings, consumers)
    from adapters.bus.rabbitmq.access import configured
    from adapters.bus.rabbitmq.house import RabbitBus
    from adapters.bus.rabbitmq.topology import Topology

    access = configured(bus, root)
    made = RabbitBus(access, Topology(bus.namespace), clock, consumers, places=places, prefetch=bus.prefetch)
    return await made.open()


def check_bus(root: Path, settings: Einmal, document: Document) -> tuple[Problem, ...]:
    """In: the settings and their file. Out: why the file they name as bus can't be opened. Raises: BusUnavailable."""
    if settings.bus.kind != "embedded":
        return ()
    try:
        bus_file.open_file(root / settings.bus.path, bus_file.connect_file).close()
    except ConfigurationFault as wrong:
        line = document.locate(("bus", "path"))
        return tuple(replace(problem, file=document.file, line=line) for problem in wrong.problems)
    return ()


async def declare_queues(
    root: Path, settings: Einmal, clock: Clock, consumers: Mapping[str, Consumer]
) -> None:
    """Make the consumers' queues, unless they are there. Raises: ConfigurationFault, BusUnavailable."""
    await (await open_bus(root, settings, clock, consumers)).close()


async def is_served(root: Path, settings: Einmal) -> bool:
    """Out: whether a process takes deliveries from the home's bus now: one of this machine where the bus is a file, any
    where it is a broker. Raises: ConfigurationFault, BusUnavailable."""
    bus = settings.bus
    if bus.kind == "embedded":
        path = root / bus.path
        owners = bus_file.lock_file(path, "any").parent
        return owners.is_dir() and any(bus_file.lives(path, entry.name) for entry in owners.iterdir())
    from adapters.bus.rabbitmq.access import configured
    from adapters.bus.rabbitmq.presence import listeners
    from adapters.bus.rabbitmq.topology import Topology

    return await listeners(configured(bus, root), Topology(bus.namespace)) > 0


def consumer_bus(root: Path, settings: Einmal, clock: Clock, amqp: str | None = None) -> ConsumerBus:
    """In: a data consumer's own URL, where the bus is a broker. Out: its side of the bus.

    Raises: ConfigurationFault.
    """
    bus = settings.bus
    if amqp is not None:
        from adapters.bus.rabbitmq.access import given
        from adapters.bus.rabbitmq.consumer import RabbitConsumerBus

        return RabbitConsumerBus(given(amqp, bus.timeout_seconds), bus.namespace)
    if bus.kind == "embedded":
        return EmbeddedConsumerBus.open(root / bus.path, bus.namespace, clock)
    mend = "A data consumer has a user of its own there: give --amqp URL, env:NAME or file:PATH."
    raise ConfigurationFault((Problem(SETTINGS_FILE, None, "bus.kind", "is a broker", mend),))


def _apart(settings: Einmal, consumers: Mapping[str, Consumer]) -> None:
    """Raises: ConfigurationFault, when a consumer has the house's own user: what it writes would be believed."""
    same = [name for name, one in consumers.items() if one.bus_user == settings.bus.user]
    if same:
        wrong, mend = f"is the bus user of {', '.join(same)} too", "Give the house a user of its own."
        raise ConfigurationFault((Problem(SETTINGS_FILE, None, "bus.user", wrong, mend),))
