"""Persons of whom nothing is told, what resident parking asks about them, and the slot that the answer waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from letters import asking
from peopled import BLOCKED, NOBODY, TWINS
from town import Town

from gateway.cli.demo.people import Person
from gateway.ports import Outbound

SLOT: Final = timedelta(milliseconds=500)
HIDDEN: Final = {"blocked": BLOCKED, "unknown": NOBODY, "ambiguous": TWINS[0]}


async def question(town: Town, person: Person, language: str = "json/1.0") -> Outbound:
    """Out: resident parking asks about them."""
    return asking(town, town.parking(person), language, consumer="parkraumbewirtschaftung")
