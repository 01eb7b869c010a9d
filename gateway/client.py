"""What a data consumer imports: build and sign a question, await its reply, believe it only after checking it.

1 the gateway's signature holds over the reply as received · 2 its key counted when it signed · 3 the reply is for
this consumer, has this message id and answers this very request · 4 the promise that the journal holds the
exchange names the same two bodies (LOG.md 10). Only then is it opened, if it is encrypted.

The bus's own `type` and `content_type` are not signed: what a reply says is in its body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from gateway import jwe, jws
from gateway.audit import receipt
from gateway.audit.receipt import Promise
from gateway.ports import ConsumerBus, Outbound
from gateway.stages import Outgoing

MAX_REPLY_BYTES: Final = 64 * 1024 * 1024
"""How large an encrypted reply is opened."""


class ReplyInvalid(Exception):
    """The reply proves nothing, or can't be opened; nothing of it is carried."""

    def __init__(
        self,
        code: Literal[
            "unsigned", "signature", "key", "audience", "message-id", "request", "receipt", "encryption"
        ],
    ) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who asks: its id, its user on the bus, its signing key, and the keys that open what is encrypted to it."""

    id: str
    bus_user: str
    key: jws.SigningKey
    opens: tuple[jwe.OpeningKey, ...] = ()

    def opening(self, kid: str) -> jwe.OpeningKey | None:
        """Out: its own key of that name."""
        return next((key for key in self.opens if key.kid == kid), None)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Whom it asks: the audience it answers to, the first segment of its queues, its public keys by kid."""

    audience: str
    namespace: str
    find: jws.Find = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verified:
    """A reply that is the gateway's, to this request. `promise` is missing only where nothing new was settled."""

    message: Outgoing
    """As received."""
    kid: str
    issued: int
    promise: Promise | None
    content_type: str
    """Of `body`."""
    body: bytes = field(repr=False)
    """What it says: opened, if it came encrypted."""


def question(
    consumer: Consumer,
    gateway: Gateway,
    subject: str,
    body: bytes,
    content_type: str,
    *,
    message_id: str,
    now: datetime,
    lifetime_seconds: int = 3600,
    queue: str = "replies",
    encrypt_to: jws.PublicKey | None = None,
) -> Outbound:
    """In: the routing key's end (`evidence.residence`) and the body; the gateway's key, if it is to be encrypted.

    Out: the signed request. Encrypted anew it is another message: what is to be repeated is kept as it was sent.
    """
    if encrypt_to is not None:
        body, content_type = jwe.encrypt(body, content_type, encrypt_to), jwe.MEDIA_TYPE
    reply_to = f"{gateway.namespace}.reply.{consumer.id}.{queue}"
    issued = int(now.timestamp())
    claims: dict[str, str | int] = {
        "iat": issued,
        "exp": issued + lifetime_seconds,
        "aud": gateway.audience,
        "mid": message_id,
        "rto": reply_to,
    }
    return Outbound(
        routing_key=f"{consumer.id}.{subject}",
        message_id=message_id,
        user_id=consumer.bus_user,
        reply_to=reply_to,
        content_type=content_type,
        body=body,
        jws=jws.sign_detached(body, claims, consumer.key),
    )


def verified(reply: Outgoing, request: Outbound, consumer: Consumer, gateway: Gateway) -> Verified:
    """In: a reply as received and the request as sent. Raises: ReplyInvalid."""
    token = reply.headers.get("jws")
    if not token:
        raise ReplyInvalid("unsigned")
    try:
        header, key = jws.verify_detached(token, reply.body, gateway.find, jws.REPLY)
    except jws.SignatureInvalid:
        raise ReplyInvalid("signature") from None
    if not key.valid_at(datetime.fromtimestamp(header["iat"], key.valid_from.tzinfo)):
        raise ReplyInvalid("key")
    if header["aud"] != consumer.id:
        raise ReplyInvalid("audience")
    if header["mid"] != reply.message_id:
        raise ReplyInvalid("message-id")
    if header["req"] != jws.digest(request.body) or reply.correlation_id != correlation(request):
        raise ReplyInvalid("request")
    token = reply.headers.get("receipt")
    promise = promised(token, gateway) if token else None
    if promise and (promise.request, promise.reply) != (header["req"], jws.digest(reply.body)):
        raise ReplyInvalid("receipt")
    content_type, body = _opened(reply, consumer)
    return Verified(reply, key.kid, header["iat"], promise, content_type, body)


def _opened(reply: Outgoing, consumer: Consumer) -> tuple[str, bytes]:
    """Out: what the reply says, and in which form. Raises: ReplyInvalid."""
    if reply.content_type != jwe.MEDIA_TYPE:
        return reply.content_type, reply.body
    try:
        return jwe.decrypt(reply.body, consumer.opening, MAX_REPLY_BYTES)
    except jwe.NotOpened:
        raise ReplyInvalid("encryption") from None


def promised(token: str, gateway: Gateway) -> Promise:
    """In: a receipt, at any later time. Out: what it promises. Raises: ReplyInvalid."""
    try:
        return receipt.promised(token, gateway.find)
    except receipt.ReceiptInvalid:
        raise ReplyInvalid("receipt") from None


async def ask(
    bus: ConsumerBus, request: Outbound, consumer: Consumer, gateway: Gateway, timeout_seconds: float
) -> Verified | None:
    """Publish and wait. Out: the checked reply; None when none came in time. Raises: ReplyInvalid."""
    await bus.publish(request)
    reply = await bus.reply(request.reply_to, correlation(request), timeout_seconds)
    return None if reply is None else verified(reply, request, consumer, gateway)


def correlation(request: Outbound) -> str:
    """Out: what the reply to it will carry: the correlation id if it has one, else the message id."""
    return request.correlation_id or request.message_id
