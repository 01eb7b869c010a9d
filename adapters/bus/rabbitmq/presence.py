"""Whether anybody serves: who does listens to an empty queue of the house's."""

from __future__ import annotations

from adapters.bus.rabbitmq.access import Access
from adapters.bus.rabbitmq.faults import Refused, bounded
from adapters.bus.rabbitmq.link import Link
from adapters.bus.rabbitmq.topology import Topology


async def listeners(access: Access, topology: Topology) -> int:
    """Out: how many processes take deliveries now, on whatever machine. Raises: BusUnavailable."""

    async def prepare(_: object) -> None:
        """Nothing is made by looking."""

    link = Link(access, "looks", prepare)
    await link.open()
    try:
        async with link.beside() as channel:
            found = await bounded(
                channel.queue_declare(topology.serving, passive=True), access.timeout_seconds
            )
            return found.consumer_count or 0
    except Refused:  # no such queue: nobody ever served
        return 0
    finally:
        await link.close()
