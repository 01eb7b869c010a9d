"""What ends soon, or has just ended: grants, consumers' keys, people's keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from consent.policy import Policy


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends on a day."""

    last: date
    """Its last day, UTC."""
    what: Literal["grant", "consumer's key", "person's key"]
    name: str
    whose: str
    """The consumer it is granted to, or whose key it is; a person's role."""


def ending(policy: Policy, now: datetime, days: int) -> tuple[Ending, ...]:
    """Out: what ends within that many days, or ended that many days ago at most, soonest first.

    Left out is what ended before its time: revoked keys, revoked grants, grants a newer one replaces.
    """
    around, today = timedelta(days=days), now.date()
    found = (one for one in _endings(policy, now) if abs(one.last - today) <= around)
    return tuple(sorted(found, key=lambda one: (one.last, one.what, one.name)))


def _endings(policy: Policy, now: datetime) -> Iterator[Ending]:
    for grant in policy.deciding():
        if grant.valid_to == policy.grants[grant.id].valid_to:
            yield Ending(grant.valid_to, "grant", grant.id, grant.consumer)
    for consumer in policy.consumers.values():
        for key in consumer.keys:
            if key.revoked_at is None or key.revoked_at > now:
                yield Ending(key.valid_to.date(), "consumer's key", key.kid, consumer.id)
    for person in policy.people.values():
        if person.revoked_at is None or person.revoked_at > now:
            yield Ending(person.valid_to.date(), "person's key", person.id, person.role)
