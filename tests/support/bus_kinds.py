"""The kinds of bus that the contract tests run on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import brokers
from buses import Buses
from embedded_buses import EmbeddedBuses
from rabbit_buses import RabbitBuses

KINDS: Final = ("embedded", "rabbitmq")


def of_kind(kind: str, folder: Path) -> Buses:
    """Out: a bus of that kind, to be created."""
    if kind == "embedded":
        return EmbeddedBuses(folder / "bus.sqlite3")
    brokers.needed()
    return RabbitBuses()


def at(where: str) -> Buses:
    """Out: the bus that is there already, see `Buses.where`."""
    if not where.startswith("amqp"):
        return EmbeddedBuses(Path(where))
    url, _, namespace = where.rpartition("#")
    return RabbitBuses(namespace, url=url)
