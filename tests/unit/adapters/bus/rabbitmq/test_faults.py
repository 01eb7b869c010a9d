"""What the driver raises is one of ours, within its time; only we cancel our own work."""

from __future__ import annotations

import asyncio

import pytest
from aiormq.exceptions import ChannelNotFoundEntity

from adapters.bus.rabbitmq.faults import Refused, bounded
from gateway.errors import BusUnavailable, Undeliverable

RAISED: dict[str, tuple[BaseException, type[Exception]]] = {
    "a cancellation of the driver's": (asyncio.CancelledError(), BusUnavailable),
    "an exception without a name": (Exception("planted"), BusUnavailable),
    "a broken line": (ConnectionResetError("planted"), BusUnavailable),
    "a refusal": (ChannelNotFoundEntity("planted"), Refused),
    "a fault of ours": (Undeliverable("bus"), Undeliverable),
}


@pytest.mark.parametrize("name", RAISED)
async def test_whatever_is_raised_is_a_fault_of_ours(name: str) -> None:
    """Its text stays behind."""
    raised, expected = RAISED[name]

    async def work() -> None:
        raise raised

    with pytest.raises(expected) as found:
        await bounded(work(), 1)
    assert "planted" not in str(found.value)
    assert found.value.__suppress_context__


async def test_whoever_cancels_the_work_cancels_it() -> None:
    """No fault is made of it."""
    working = asyncio.create_task(bounded(asyncio.Event().wait(), 20))
    await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_no_answer_is_a_fault_in_time() -> None:
    """However long it would have taken."""
    with pytest.raises(BusUnavailable, match="no answer in time"):
        await bounded(asyncio.Event().wait(), 0.01)
