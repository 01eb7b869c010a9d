"""What a new policy changes: who gains and who loses which fields, from which register, for which purpose."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from consent.grants import Grant, content_hash
from consent.policy import Policy

Action: TypeAlias = Literal["read", "write"]
_Right: TypeAlias = tuple[str, str, str, str, str, Action]


@dataclass(frozen=True, slots=True)
class Change:
    """One consumer's fields of one evidence type for one purpose, before and after."""

    consumer: str
    on_behalf_of: str
    """The consumer in whose name it asks; empty: its own."""
    register: str
    evidence: str
    purpose: str
    action: Action
    gained: frozenset[str]
    lost: frozenset[str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different, on a day."""

    fields: tuple[Change, ...]
    """Only where fields are gained or lost on that day, in the order of consumers."""
    added: tuple[str, ...]
    """Ids of grants that were not there, whenever they begin."""
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    """Ids of grants that say something else than before (procedures, basis, dates …)."""
    revoked: tuple[str, ...]


def changes(before: Policy, after: Policy, today: date) -> Changes:
    """In: two policies, the day to compare them on. Out: what the second one changes."""
    had, has = _rights(before, today), _rights(after, today)
    fields = [
        Change(*right, gained=gained, lost=lost)
        for right in sorted(had.keys() | has.keys())
        if (gained := has.get(right, frozenset()) - had.get(right, frozenset()))
        | (lost := had.get(right, frozenset()) - has.get(right, frozenset()))
    ]
    both = sorted(before.grants.keys() & after.grants.keys())
    return Changes(
        fields=tuple(fields),
        added=tuple(sorted(after.grants.keys() - before.grants.keys())),
        removed=tuple(sorted(before.grants.keys() - after.grants.keys())),
        changed=tuple(name for name in both if not _same(before.grants[name], after.grants[name])),
        revoked=tuple(sorted(after.revocations.keys() - before.revocations.keys())),
    )


def _same(one: Grant, other: Grant) -> bool:
    return content_hash(one) == content_hash(other)


def _rights(policy: Policy, today: date) -> dict[_Right, frozenset[str]]:
    found: dict[_Right, frozenset[str]] = {}
    for grant in policy.deciding():
        if grant.valid_from <= today <= grant.valid_to:
            right: _Right = (
                grant.consumer,
                grant.on_behalf_of or "",
                grant.register,
                grant.evidence,
                grant.purpose,
                "write" if grant.write else "read",
            )
            found[right] = found.get(right, frozenset()) | grant.fields
    return found
