"""While the journal can't be written a delivery waits, however long: what has no outcome is never buried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from letters import asking
from peopled import ORDINARY
from town import NOW, Town

from consent.vocabulary import Held, Request
from gateway.errors import JournalUnavailable
from gateway.serve import Service, attend
from gateway.stages import Delivery


@dataclass(slots=True)
class Waiting:
    """Port `Bus`, as far as a delivery that can only wait needs it."""

    until: list[datetime] = field(default_factory=list)

    async def postpone(self, delivery: Delivery, not_before: datetime) -> None:
        self.until.append(not_before)


class Down:
    """Port `ConsentStore` over a database that does not answer."""

    async def held_for(self, request: Request, exchange: str) -> Sequence[Held]:
        raise JournalUnavailable("storage")


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (3, 4), (6, 32), (7, 60), (5000, 60)])
async def test_a_delivery_outlasts_the_journal_s_absence(town: Town, attempt: int, seconds: int) -> None:
    """Long past its attempts as well, a little longer each time."""
    bus: Any = Waiting()
    down: Any = Down()
    house = replace(town.opened.house, consents=down)
    service = Service(house, bus, town.opened.store, concurrency=1, attempts=5, keep_days=10)
    await attend(town.delivery(asking(town, town.asks(ORDINARY)), attempt), service)
    assert bus.until == [NOW + timedelta(seconds=seconds)]
