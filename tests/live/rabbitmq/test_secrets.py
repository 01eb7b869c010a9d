"""What nobody is to read in a log: how the house and its consumers get in."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import brokers
import pytest
from bus_messages import take
from rabbit_buses import RabbitBuses

from adapters.bus.rabbitmq.access import given
from adapters.bus.rabbitmq.consumer import RabbitConsumerBus
from gateway import telemetry
from gateway.errors import BusUnavailable

SECRET = "planted-password"


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """Out: what every library and the house itself log meanwhile, at every level."""
    heard = io.StringIO()
    handler, root = logging.StreamHandler(heard), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    telemetry.configure(heard)
    yield heard
    root.setLevel(before)
    root.removeHandler(handler)


async def test_a_password_that_is_refused_is_shown_nowhere(said: io.StringIO) -> None:
    """Neither in a log nor in the fault."""
    brokers.needed()
    url = str(brokers.SERVER.with_password(SECRET))
    bus = RabbitConsumerBus(given(url, 3), "test")
    with pytest.raises(BusUnavailable) as raised:
        await bus.reply("test.reply.kita.1", "x", 1)
    await bus.close()
    assert "bus-unavailable" in said.getvalue()
    assert SECRET not in said.getvalue() + str(raised.value) + repr(raised.value.__cause__) + repr(bus)


async def test_no_body_header_or_url_is_logged(said: io.StringIO) -> None:
    """Whatever happens on a connection, and when it is cut off; the driver says nothing at all."""
    brokers.needed()
    buses = RabbitBuses()
    try:
        proxy, url = await buses.proxy()
        bus = await buses.house_at(url)
        consumer = buses.consumer_at(url)
        await consumer.publish(buses.request("x", body=b"planted-body", jws="planted..header"))
        deliveries = bus.deliveries()
        await take(deliveries)
        proxy.cut()
        (again,) = await take(deliveries)
        await bus.send(buses.reply("x", body=b"planted-body"))
        await bus.ack(again)
    finally:
        await buses.close()
    heard = said.getvalue()
    assert "bus-unavailable" in heard
    assert not [word for word in ("planted", "amqp://", "message-x", "basic_", "Basic.") if word in heard]


def test_how_to_get_in_is_not_shown() -> None:
    """Not even to who looks at it."""
    assert SECRET not in repr(given(f"amqp://kita:{SECRET}@bus.example/", 3))
