"""The policy in force, as the journal's store keeps it: sealed, with the time at which its signatures were judged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from consent.policy import MAGIC, Policy, empty, from_archive, without_grants
from gateway.assembly.told import ToldLaw
from gateway.config.home import Standing
from gateway.config.signatures import verify
from gateway.errors import Fault, JournalUnavailable
from gateway.ports import Clock, JournalStore, Keys

CONTEXT: Final = "einmal/policy/v1|"
Follow: TypeAlias = Callable[[Iterable[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Adopted:
    """A policy with the time at which its signatures were judged (`consent.approval`)."""

    policy: Policy
    judged: datetime
    dated: bool = True
    """False: an earlier version of the program adopted it and kept no time, so its signatures are judged now."""
    readable: bool = True
    """False: this version of the program finds mistakes in it, so it grants nothing."""

    @property
    def standing(self) -> Standing:
        return Standing(self.policy.hash, self.judged)


def sealed(adopted: Adopted, keys: Keys) -> bytes:
    """Out: time and archive, so that only this house can have put them into its store, under this hash."""
    told = adopted.judged.isoformat().encode() + b"\n" + adopted.policy.archived
    return keys.wrap(told, CONTEXT + adopted.policy.hash)


def unsealed(digest: str, kept: bytes, keys: Keys) -> tuple[datetime | None, bytes]:
    """Undo `sealed`. Out: time and archive; no time where an earlier version of the program sealed it.

    Raises: Fault when the house did not seal it, or not under this hash.
    """
    told = keys.unwrap(kept, CONTEXT + digest)
    if told.startswith(MAGIC):
        return None, told
    time, _, archived = told.partition(b"\n")
    try:
        return datetime.fromisoformat(time.decode()), archived
    except ValueError:
        raise Fault("keys") from None


async def in_force(
    store: JournalStore, keys: Keys, now: datetime, known: Policy | None = None
) -> Adopted | None:
    """In: the time, the policy known so far. Out: the one in force; None when none was ever adopted.

    Raises: JournalUnavailable when the house did not seal what the store holds.
    """
    kept = await store.policy()
    if kept is None:
        return None
    try:
        judged, archived = unsealed(*kept, keys)
        found = from_archive(archived, verify, judged or now)
    except (Fault, ValueError):
        raise JournalUnavailable("policy (archive)") from None
    if isinstance(found, Policy):
        return Adopted(found, judged or now, dated=judged is not None)
    # A policy whose signatures don't count grants nothing; who asks is still known, and told so.
    policy = without_grants(known or empty(), kept[0], archived)
    return Adopted(policy, judged or now, readable=False)


class StorePolicies:
    """Port `Policies`: the store's current policy, read from its archive when it has changed.

    Who can write to the database can't invent a policy: the archive is sealed under the master key. Nor can they put
    an older one back: the log told which was loaded last.
    """

    def __init__(self, store: JournalStore, keys: Keys, clock: Clock, policy: Policy, told: ToldLaw) -> None:
        self._store, self._keys, self._clock, self._policy = store, keys, clock, policy
        self._told = told
        self._followers: list[Follow] = []

    def follow(self, follower: Follow) -> None:
        """Whenever this process sees another policy, call that first, with the ids of its consumers."""
        self._followers.append(follower)

    def current(self) -> Policy:
        return self._policy

    async def is_told(self) -> bool:
        """Out: whether the store's current policy is the one that the log told last, as far as a line tells."""
        kept = await self._store.policy()
        while True:
            told = await self._told.last()
            if kept is None or told is None or kept[0] == told:
                return True
            before, kept = kept, await self._store.policy()
            if kept is not None and kept[0] == before[0]:  # nobody switched in between
                return False

    async def refresh(self) -> Policy:
        kept = await self._store.policy()
        if kept is not None and kept[0] != self._policy.hash:
            if not await self.is_told():
                raise JournalUnavailable("policy (not the one that the log told last)")
            adopted = await in_force(self._store, self._keys, self._clock.now(), self._policy)
            assert adopted is not None
            for follow in self._followers:
                await follow(adopted.policy.consumers)
            self._policy = adopted.policy
        return self._policy
