"""Encrypted bodies, both ways (CONTRACT.md 4): opened once their signature holds, closed before ours is made.

What came encrypted is answered encrypted, and so is whoever demands it. Where no key of the receiver counts, one notice
leaves instead of every reply, the same whatever has happened: that there is no such key.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from consent.vocabulary import Check, Fact, ReasonCode, Refusal
from gateway import jwe, outbound
from gateway.authenticate import find_key
from gateway.house import House
from gateway.jws import PublicKey
from gateway.outbound.said import Setting
from gateway.stages import (
    Answer,
    Contents,
    Delivery,
    Enclosed,
    Heard,
    Late,
    Listed,
    Outcome,
    Sender,
    Unopened,
    Written,
)

_OF_ENCRYPTION: Final = frozenset({ReasonCode.ENCRYPTION_REQUIRED, ReasonCode.ENCRYPTION_KEY_MISSING})
"""A no that tells by itself that nothing may be said in the clear."""
_NO_KEY: Final = Refusal(ReasonCode.ENCRYPTION_KEY_MISSING, checks=(Check.MESSAGE,))


def came_encrypted(delivery: Delivery) -> bool:
    """Out: whether it is said to be encrypted. Nobody signs that: what is said wrongly of it is not understood."""
    return delivery.content_type.partition(";")[0].strip().lower() == jwe.MEDIA_TYPE


def opened(delivery: Delivery, house: House) -> Contents | Unopened:
    """In: bytes whose signature holds. Out: what may be read, or that it can't be opened, for whatever reason.

    Raises: JournalUnavailable, when the house can't read its own keys.
    """
    if not came_encrypted(delivery):
        return _contents(delivery, delivery.content_type, delivery.body, encrypted=False)
    now = house.clock.now()
    if not house.keys.encryption(now):
        return _unopened(ReasonCode.NOT_SUPPORTED)
    try:
        said, body = jwe.decrypt(
            delivery.body, lambda kid: house.keys.opening(kid, now), house.terms.body_bytes
        )
    except jwe.NotOpened:
        return _unopened(ReasonCode.ENCRYPTION_INVALID)
    kind = said if "/" in said else f"application/{said}"  # RFC 7516, 4.1.12
    return _contents(delivery, kind, body, encrypted=True)


def sendable(outcome: Outcome, heard: Heard, house: House) -> Outcome:
    """In: how an exchange is about to end. Out: the same; a refusal in place of what tells of a person, if that would
    have to leave encrypted and can't. What a register or the ledger has written stays written."""
    if not isinstance(outcome, Answer | Listed) or not _owed(outcome, heard, house):
        return outcome
    if _recipient(heard, house) is not None:
        return outcome
    code = ReasonCode.ENCRYPTION_KEY_MISSING
    return Refusal(code, {Check.BOUNDARY: Fact.FAILED}, checks=(Check.BOUNDARY,))


def closed(written: Written, outcome: Outcome, heard: Heard, setting: Setting, house: House) -> Enclosed:
    """In: words, and what they tell of. Out: them as they leave; encrypted where that is owed, and then to the newest
    key of the receiver that counts, or not at all."""
    if not _owed(outcome, heard, house):
        return _enclosed(written, written.content_type, written.body)
    recipient = _recipient(heard, house)
    if recipient is None:
        notice = outbound.refusal(_NO_KEY, replace(setting, context={}), heard.about)
        return _enclosed(replace(notice, not_before=written.not_before), notice.content_type, notice.body)
    return _enclosed(written, jwe.MEDIA_TYPE, jwe.encrypt(written.body, written.content_type, recipient))


def _owed(outcome: Outcome, heard: Heard, house: House) -> bool:
    """Out: whether nothing of it may be said in the clear. A grant that demands encryption lets only encrypted requests
    go on; the one it refuses is told by its code."""
    if heard.encrypted or (isinstance(outcome, Refusal) and outcome.code in _OF_ENCRYPTION):
        return True
    asker = house.policies.current().consumers.get(_consumer(heard))
    return asker is None or asker.encrypt


def _recipient(heard: Heard, house: House) -> PublicKey | None:
    policy = house.policies.current()
    asker = policy.consumers.get(_consumer(heard))
    key = asker.encryption_key(house.clock.now()) if asker is not None else None
    return find_key(policy, key.kid) if key is not None else None


def _consumer(heard: Heard) -> str:
    """Out: who is answered; nobody, where nobody is."""
    sender = heard.sender.sender if isinstance(heard.sender, Late) else heard.sender
    return sender.consumer if isinstance(sender, Sender) else ""


def _unopened(code: ReasonCode) -> Unopened:
    facts = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.PASSED, Check.MESSAGE: Fact.FAILED}
    return Unopened(Refusal(code, facts, checks=(Check.MESSAGE,)))


def _contents(delivery: Delivery, content_type: str, body: bytes, *, encrypted: bool) -> Contents:
    return Contents(delivery.message_id, delivery.routing_key, content_type, body, encrypted)


def _enclosed(written: Written, content_type: str, body: bytes) -> Enclosed:
    return Enclosed(written.type, content_type, body, written.message_id, written.not_before)
