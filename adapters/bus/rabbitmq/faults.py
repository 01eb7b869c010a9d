"""What the driver raises, as the house knows it; and a deadline on whatever it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from aiormq.exceptions import ChannelClosed, PublishError

from gateway.errors import BusUnavailable, Fault, Undeliverable

T = TypeVar("T")


class Refused(BusUnavailable):
    """The broker won't have it, and closed the channel: no such exchange, no right to, a user that is another."""


async def bounded(work: Awaitable[T], seconds: float) -> T:
    """In: something asked of the driver, and how long it may take. Out: its result; foreign texts stay behind.

    Raises: BusUnavailable, Refused, Undeliverable.
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except Fault as fault:
        raise type(fault)(fault.where) from None
    except TimeoutError:
        raise BusUnavailable("bus (no answer in time)") from None
    except asyncio.CancelledError:
        # Whatever waits on a connection that ends is cancelled by the driver; only we may cancel our own work.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise BusUnavailable("bus (connection ended)") from None
    except PublishError:
        raise Undeliverable("bus (no such queue)") from None
    except ChannelClosed as error:
        raise Refused(f"bus ({type(error).__name__})") from None
    except Exception as error:  # noqa: BLE001  the driver raises Exception itself, and much else
        raise BusUnavailable(f"bus ({type(error).__name__})") from None
