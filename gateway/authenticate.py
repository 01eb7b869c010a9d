"""Who is at the door? Checks 1 and 2 of DOMAIN.md 3, over bytes nobody has parsed.

The signature holds over the received body; its key is a configured consumer's, valid when it signed and now;
it was meant for this house, this message id, this reply queue; the bus saw the same consumer. Only then do
the signed times count: what is authentic but outside them is told so, everything else is quarantined.

Ids are compared here once and exactly: no folding of case, no trimming, no decoding.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from consent.vocabulary import Check, Fact, ReasonCode, Refusal
from gateway import jws
from gateway.stages import Delivery, Late, Sender, Unauthentic


@dataclass(frozen=True, slots=True)
class Terms:
    """What every request is held to."""

    audience: str
    """What a request's signature must name."""
    namespace: str
    """First segment of every queue's name."""
    body_bytes: int
    clock_skew_seconds: int
    """How far in the future a request may have been signed."""
    request_lifetime_seconds: int
    """The longest a deadline may lie after the signature."""


class Consumer(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def bus_user(self) -> str: ...


class Jwk(Protocol):
    def members(self) -> Mapping[str, str]:
        """Out: the required members of a public JWK alone."""
        ...


class PublishedKey(Hashable, Protocol):
    """A consumer's key as the policy has it."""

    @property
    def kid(self) -> str: ...
    @property
    def use(self) -> str: ...
    @property
    def jwk(self) -> Jwk: ...
    @property
    def valid_from(self) -> datetime: ...
    @property
    def valid_to(self) -> datetime: ...
    @property
    def revoked_at(self) -> datetime | None: ...


class Directory(Protocol):
    """What `consent.policy.Policy` knows about senders."""

    def key(self, kid: str) -> tuple[Consumer, PublishedKey] | None:
        """Out: the key of that name and whose it is, valid or not; a name belongs to one consumer."""
        ...


def authenticate(
    delivery: Delivery, policy: Directory, terms: Terms, now: datetime
) -> Sender | Unauthentic | Late:
    """In: bytes at the door. Out: who signed them, or why that isn't proven, or that they are out of time."""
    if len(delivery.body) > terms.body_bytes:
        return _unauthentic(ReasonCode.TOO_LARGE)
    if not delivery.jws:
        return _unauthentic(ReasonCode.UNSIGNED)
    try:
        header, key = jws.verify_detached(
            delivery.jws, delivery.body, lambda kid: find_key(policy, kid), jws.REQUEST
        )
    except jws.SignatureInvalid as invalid:
        return _unauthentic(invalid.code)
    entry = policy.key(key.kid)
    if entry is None:
        return _unauthentic(ReasonCode.KEY_UNKNOWN)
    sender = _sender(delivery, header, entry[0].id)
    wrong = _misaddressed(delivery, header, terms) or _foreign(delivery, header, entry[0], terms)
    if wrong is not None:
        return _unauthentic(wrong)
    if not (key.valid_at(sender.issued) and key.valid_at(now)):
        return Unauthentic(_refusal(ReasonCode.KEY_NOT_VALID), sender)
    untimely = _untimely(sender, terms, now)
    if untimely is not None:
        return Late(sender, _refusal(untimely))
    return sender


def find_key(policy: Directory, kid: str) -> jws.PublicKey | None:
    """Out: the policy's key of that name, ready to verify with."""
    entry = policy.key(kid)
    return None if entry is None else _prepared(entry[1])


@lru_cache(maxsize=4096)
def _prepared(key: PublishedKey) -> jws.PublicKey | None:
    try:
        usable = jws.public_key(key.jwk.members())
    except ValueError:
        return None
    return jws.PublicKey(key.kid, usable, key.use, key.valid_from, key.valid_to, key.revoked_at)


def _sender(delivery: Delivery, header: Mapping[str, Any], consumer: str) -> Sender:
    return Sender(
        consumer=consumer,
        kid=header["kid"],
        alg=header["alg"],
        issued=datetime.fromtimestamp(header["iat"], UTC),
        deadline=datetime.fromtimestamp(header["exp"], UTC),
        digest=jws.digest(delivery.body),
        message_id=header["mid"],
        reply_to=header["rto"],
    )


def _misaddressed(delivery: Delivery, header: Mapping[str, Any], terms: Terms) -> ReasonCode | None:
    """Check 1: the signature is for this house and for this message."""
    if header["aud"] != terms.audience:
        return ReasonCode.NOT_FOR_US
    return None if header["mid"] == delivery.message_id else ReasonCode.MESSAGE_ID_MISMATCH


def _foreign(
    delivery: Delivery, header: Mapping[str, Any], consumer: Consumer, terms: Terms
) -> ReasonCode | None:
    """Check 2: bus user, routing key and reply queue are those of the consumer whose key signed."""
    if delivery.user_id != consumer.bus_user or delivery.routing_key.split(".", 1)[0] != consumer.id:
        return ReasonCode.SENDER_MISMATCH
    own, queue = f"{terms.namespace}.reply.{consumer.id}.", header["rto"]
    if queue != delivery.reply_to or not queue.startswith(own) or queue == own:
        return ReasonCode.REPLY_QUEUE_FOREIGN
    return None


def _untimely(sender: Sender, terms: Terms, now: datetime) -> ReasonCode | None:
    """Check 1: signed not after now, with a deadline that is ahead and not too far from the signature."""
    lifetime = sender.deadline - sender.issued
    if sender.issued > now + timedelta(seconds=terms.clock_skew_seconds):
        return ReasonCode.NOT_FRESH
    if not timedelta(0) < lifetime <= timedelta(seconds=terms.request_lifetime_seconds):
        return ReasonCode.NOT_FRESH
    return ReasonCode.DEADLINE_PASSED if now >= sender.deadline else None


def _refusal(code: ReasonCode) -> Refusal:
    if code in (ReasonCode.SENDER_MISMATCH, ReasonCode.REPLY_QUEUE_FOREIGN):
        facts = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.FAILED}
        return Refusal(code, facts, checks=(Check.SENDER,))
    return Refusal(code, {Check.AUTHENTIC: Fact.FAILED}, checks=(Check.AUTHENTIC,))


def _unauthentic(code: ReasonCode) -> Unauthentic:
    return Unauthentic(_refusal(code))
