"""Where no grant covers a request: the grants that come nearest, and what in them is other. For the administrator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from consent.grants import Grant
from consent.policy import Policy
from consent.vocabulary import Action, Request

MOST: Final = 3
"""How many grants are named, and in how many things one may differ to be called near."""


class Difference(NamedTuple):
    """One thing in which a grant is not about the request: what, and what the grant says of it."""

    key: str
    granted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """A grant that would cover the request but for these."""

    grant: str
    differs: tuple[Difference, ...]


def nearest(request: Request, policy: Policy, now: datetime) -> tuple[Near, ...]:
    """Out: up to `MOST` grants, those that differ in least first, the asker's own before those of others; none that
    differs in two things more than the nearest."""
    ending = {grant.id: grant for grant in policy.deciding()}
    found = []
    for grant in policy.grants.values():
        differs = tuple(_differences(request, grant, ending.get(grant.id), now))
        if 0 < len(differs) <= MOST:
            found.append(
                ((len(differs), grant.consumer != request.consumer, grant.id), Near(grant.id, differs))
            )
    found.sort(key=lambda pair: pair[0])
    return tuple(near for _, near in found[:MOST] if len(near.differs) <= len(found[0][1].differs) + 1)


def _differences(
    request: Request, grant: Grant, decides: Grant | None, now: datetime
) -> Iterator[Difference]:
    for key in ("consumer", "evidence", "purpose"):
        if getattr(request, key) != getattr(grant, key):
            yield Difference(key, (getattr(grant, key),))
    if request.register not in {None, grant.register}:
        yield Difference("register", (grant.register,))
    if request.purpose == grant.purpose and request.procedure not in grant.procedures:
        yield Difference("procedure", tuple(sorted(grant.procedures)))
    if grant.write is not (request.action is Action.WRITE):
        yield Difference("action", (str(Action.WRITE if grant.write else Action.READ),))
    if grant.on_behalf_of != request.on_behalf_of:
        yield Difference("on_behalf_of", () if grant.on_behalf_of is None else (grant.on_behalf_of,))
    if decides is None:
        yield Difference("revoked", ())
    elif not decides.valid_from <= now.date() <= decides.valid_to:
        yield Difference("valid", (decides.valid_from.isoformat(), decides.valid_to.isoformat()))
