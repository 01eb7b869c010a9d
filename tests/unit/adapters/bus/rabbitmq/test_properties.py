"""Messages and what the house knows of them; whose they are is believed of the house's own user alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiormq.abc import DeliveredMessage
from bus_messages import reply, request
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from adapters.bus.rabbitmq import properties
from gateway.stages import Delivery

NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
US = "einmal"


def message(said: Basic.Properties, body: bytes = b"<x/>") -> DeliveredMessage:
    """Out: a message as the broker hands it over."""
    channel: Any = None
    method = Basic.Deliver("c", 7, False, "einmal.in", "wohngeldstelle.evidence.residence")
    return DeliveredMessage(method, ContentHeader(0, len(body), said), body, channel)


def delivered(said: Basic.Properties) -> Delivery:
    """Out: the same as the house takes it."""
    return properties.arrived(message(said), US).delivery("1", NOW)


def test_a_request_arrives_as_it_was_sent() -> None:
    """Every part of it."""
    sent = request("x")
    got = delivered(properties.request(sent))
    assert got == Delivery(
        "1", sent.message_id, sent.routing_key, sent.content_type, sent.body, sent.jws, sent.user_id, sent.reply_to,
        sent.correlation_id, NOW, 1, sent.traceparent,
    )  # fmt: skip


def test_a_copy_of_ours_keeps_its_sender_and_its_attempts() -> None:
    """It bears our user, and says whose it was; what the broker counted since is added."""
    first = replace(delivered(properties.request(request("x"))), traceparent="00-a-b-01")
    copy = properties.put_off(first, US, 1, NOW + timedelta(seconds=3), 4)
    assert (copy.user_id, copy.message_id != first.message_id) == (US, True)
    assert isinstance(copy.headers, dict)
    copy.headers["x-delivery-count"] = 2
    again = properties.arrived(message(copy), US)
    assert again.delivery("1", NOW) == Delivery(
        "1", first.message_id, first.routing_key, first.content_type, first.body, first.jws, first.user_id,
        first.reply_to, first.correlation_id, NOW, 4, "00-a-b-01",
    )  # fmt: skip
    assert again.left(NOW) == timedelta(seconds=3)
    assert again.left(NOW + timedelta(seconds=3)) == timedelta()


def test_nobody_else_can_say_whose_a_message_is() -> None:
    """The same headers under another user, or under none, are nothing."""
    forged = properties.put_off(delivered(properties.request(request("x"))), US, 4, NOW, 1)
    for user in ("kita", None, ""):
        forged.user_id = user
        got = properties.arrived(message(forged), US)
        assert (got.sender, got.attempt, got.not_before) == (user or "", 1, 0)
        assert got.message_id == forged.message_id


def test_a_dead_letter_says_when_it_came() -> None:
    """Ours by our header, the broker's by its newest death; of anybody else it is old."""
    first = delivered(properties.request(request("x")))
    ours = properties.buried(first, US, NOW)
    assert properties.buried_at(message(ours), US) == NOW
    ours.user_id = "kita"
    assert properties.buried_at(message(ours), US).year == 1970
    died: Any = {"x-death": [{"time": NOW, "reason": "delivery_limit"}, {"time": NOW - timedelta(days=1)}]}
    assert properties.buried_at(message(Basic.Properties(headers=died)), US) == NOW


def test_a_reply_arrives_as_it_was_sent() -> None:
    """With its own headers and none of the broker's."""
    sent = reply("x")
    said = properties.reply(sent, US)
    assert isinstance(said.headers, dict)
    said.headers["x-delivery-count"] = 1
    assert properties.outgoing(message(said, sent.body), sent.reply_to) == sent


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text("ab", max_size=5)
    | st.binary(max_size=5)
    | st.just(NOW)
)
NAMES = st.sampled_from(
    [
        "jws",
        properties.SENDER,
        properties.MESSAGE,
        properties.ATTEMPTS,
        properties.NOT_BEFORE,
        "x-delivery-count",
    ]
)


@given(st.dictionaries(NAMES, ODD | st.lists(ODD, max_size=2)), st.sampled_from([None, US, "kita"]))
def test_whatever_the_headers_hold_it_is_a_delivery(headers: dict[str, Any], user: str | None) -> None:
    """Texts are texts, counts are counts, and nothing is raised."""
    got = properties.arrived(message(Basic.Properties(headers=headers, user_id=user)), US)
    delivery = got.delivery("1", NOW)
    assert isinstance(delivery.user_id, str)
    assert isinstance(delivery.message_id, str)
    assert isinstance(delivery.jws, str | None)
    assert delivery.attempt >= 1
    assert got.left(NOW) >= timedelta()
