"""Who is asked to speak in envelopes only, and can't be answered in one: it would be refused whatever it asks."""

from __future__ import annotations

from datetime import datetime

from consent.policy import Policy


def unanswerable(policy: Policy, now: datetime) -> tuple[str, ...]:
    """Out: the consumers of which encryption is demanded, by themselves or by a grant that decides, and that have no
    key now to encrypt an answer to; by id."""
    asked = {consumer.id for consumer in policy.consumers.values() if consumer.encrypt}
    asked |= {grant.consumer for grant in policy.deciding() if grant.encrypt and grant.valid_to >= now.date()}
    return tuple(sorted(name for name in asked if policy.consumers[name].encryption_key(now) is None))
