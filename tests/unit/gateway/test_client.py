"""What a data consumer asks and believes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from signed import (
    AUDIENCE,
    BODY,
    MESSAGE,
    NOW,
    START,
    Directory,
    Party,
    claims,
    delivery,
    listed,
    only,
    published,
    signer,
)

from gateway import client, jws
from gateway.authenticate import Terms, authenticate
from gateway.client import Consumer, Gateway, ReplyInvalid
from gateway.ports import Outbound
from gateway.stages import Outgoing, Sender

KEY, HOUSE = signer("wohngeldstelle-2026", 1), signer("gateway-1", 9)
WOHNGELD = Party("wohngeldstelle", "wohngeldstelle")
CONSUMER = Consumer("wohngeldstelle", "wohngeldstelle", KEY)
GATEWAY = Gateway(AUDIENCE, "einmal", only(published(HOUSE)))
REQUEST = client.question(
    CONSUMER, GATEWAY, "evidence.residence", BODY, "application/xml", message_id=MESSAGE, now=NOW
)
ANSWER = b"<antwort/>"
REPLY_ID = "11111111-2222-4333-8444-555555555555"
PROMISE: dict[str, Any] = {
    "v": 1,
    "exchange": "99999999-2222-4333-8444-555555555555",
    "request": jws.digest(BODY),
    "reply": jws.digest(ANSWER),
    "time": "2026-11-21T12:00:00.000Z",
    "origin": "musterstadt.example/24m/2026-11",
}


def reply(
    *,
    body: bytes = ANSWER,
    key: jws.SigningKey = HOUSE,
    promise: dict[str, Any] | bytes | None = None,
    **changes: str | int,
) -> Outgoing:
    """Out: the gateway's reply, with other claims where told."""
    told: dict[str, str | int] = {
        "iat": int(NOW.timestamp()),
        "aud": "wohngeldstelle",
        "mid": REPLY_ID,
        "req": jws.digest(BODY),
    }
    headers = {"jws": jws.sign_detached(body, {**told, **changes}, key)}
    if promise is not None:
        payload = promise if isinstance(promise, bytes) else rfc8785.dumps(promise)
        headers["receipt"] = jws.sign_compact(payload, jws.RECEIPT_TYPE, key)
    return Outgoing(REQUEST.reply_to, MESSAGE, REPLY_ID, "evidence.answer", "application/xml", body, headers)


def code(told: Outgoing, request: Outbound = REQUEST) -> str:
    """Out: why the reply proves nothing."""
    with pytest.raises(ReplyInvalid) as caught:
        client.verified(told, request, CONSUMER, GATEWAY)
    return caught.value.code


def test_a_question_is_authentic_at_the_gateway_s_door() -> None:
    """Signed, addressed and routed as the contract says."""

    at_the_door = delivery(
        REQUEST.jws,
        message_id=REQUEST.message_id,
        user_id=REQUEST.user_id,
        reply_to=REQUEST.reply_to,
        routing_key=REQUEST.routing_key,
    )
    terms = Terms(AUDIENCE, "einmal", 10_000, 60, 86_400)
    sender = authenticate(at_the_door, Directory((WOHNGELD, listed(KEY))), terms, NOW)
    assert isinstance(sender, Sender)
    assert (sender.consumer, sender.reply_to) == ("wohngeldstelle", "einmal.reply.wohngeldstelle.replies")
    assert REQUEST.routing_key == "wohngeldstelle.evidence.residence"


def test_a_true_reply_is_believed_with_its_promise() -> None:
    """The promise names both bodies; it is missing where nothing new was settled."""
    verified = client.verified(reply(promise=PROMISE), REQUEST, CONSUMER, GATEWAY)
    assert (verified.kid, verified.issued) == (HOUSE.kid, int(NOW.timestamp()))
    assert verified.promise is not None
    assert verified.promise.exchange == PROMISE["exchange"]
    assert client.promised(verified.promise.token, GATEWAY) == verified.promise
    assert client.verified(reply(), REQUEST, CONSUMER, GATEWAY).promise is None


def test_a_reply_is_the_gateway_s_own() -> None:
    """Unsigned, changed, by another key, or by a request's signature."""
    assert code(replace(reply(), headers={})) == "unsigned"
    assert code(replace(reply(), body=ANSWER + b" ")) == "signature"
    assert code(reply(key=signer("gateway-1", 8))) == "signature"
    assert code(reply(key=KEY)) == "signature"
    assert code(replace(reply(), headers={"jws": jws.sign_detached(ANSWER, claims(), HOUSE)})) == "signature"


def test_a_key_s_signature_counts_within_its_time() -> None:
    """By the time that was signed."""
    assert code(reply(iat=int(START.timestamp()) - 1)) == "key"


def test_a_reply_answers_this_request_of_this_consumer() -> None:
    """Another consumer's, another message's, another request's is not ours."""
    assert code(reply(aud="kita")) == "audience"
    assert code(reply(mid=MESSAGE)) == "message-id"
    assert code(reply(req=jws.digest(b"other"))) == "request"
    assert code(replace(reply(), correlation_id=REPLY_ID)) == "request"
    assert code(reply(), replace(REQUEST, correlation_id="c1")) == "request"
    answered = replace(reply(), correlation_id="c1")
    assert client.verified(answered, replace(REQUEST, correlation_id="c1"), CONSUMER, GATEWAY).promise is None


@pytest.mark.parametrize(
    "promise",
    [
        PROMISE | {"request": jws.digest(b"other")},
        PROMISE | {"reply": jws.digest(b"other")},
        PROMISE | {"v": 2},
        PROMISE | {"time": 7},
        PROMISE | {"label": "x"},
        {name: value for name, value in PROMISE.items() if name != "origin"},
        rfc8785.dumps(PROMISE) + b" ",
        rfc8785.dumps(PROMISE).replace(b'"v":1', b'"v":1.0'),
        b"[1]",
        b"\xff",
        b"[" * 5000,
    ],
)
def test_a_promise_says_exactly_what_it_must(promise: dict[str, Any] | bytes) -> None:
    """About these two bodies, in its canonical form."""
    assert code(reply(promise=promise)) == "receipt"


def test_another_word_of_the_gateway_is_no_promise() -> None:
    """A record's receipt is of another type."""
    other = jws.sign_compact(rfc8785.dumps(PROMISE), "einmal-record+jws", HOUSE)
    with pytest.raises(ReplyInvalid):
        client.promised(other, GATEWAY)


class Bus:
    """A bus with one reply on it, or none."""

    def __init__(self, waiting: Outgoing | None) -> None:
        self.published: list[Outbound] = []
        self._waiting = waiting

    async def publish(self, request: Outbound) -> None:
        self.published.append(request)

    async def reply(self, queue: str, correlation_id: str, timeout_seconds: float) -> Outgoing | None:
        return self._waiting if (queue, correlation_id) == (REQUEST.reply_to, MESSAGE) else None

    async def close(self) -> None: ...


async def test_asking_publishes_once_and_believes_only_what_holds() -> None:
    """None when nothing came in time; an untrue reply raises."""
    bus = Bus(reply(promise=PROMISE))
    verified = await client.ask(bus, REQUEST, CONSUMER, GATEWAY, 1.0)
    assert verified is not None
    assert (verified.message.body, verified.body, verified.content_type) == (
        ANSWER,
        ANSWER,
        "application/xml",
    )
    assert bus.published == [REQUEST]
    assert await client.ask(Bus(None), REQUEST, CONSUMER, GATEWAY, 1.0) is None
    with pytest.raises(ReplyInvalid):
        await client.ask(Bus(reply(aud="kita")), REQUEST, CONSUMER, GATEWAY, 1.0)
