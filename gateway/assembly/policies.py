"""The policy in force, as the journal's store keeps it."""

from __future__ import annotations

from typing import Final

from consent.policy import Policy, from_archive, without_grants
from gateway.config.signatures import verify
from gateway.errors import Fault, JournalUnavailable
from gateway.ports import Clock, JournalStore, Keys

CONTEXT: Final = "einmal/policy/v1|"


def sealed(policy: Policy, keys: Keys) -> bytes:
    """Out: the policy's archive, so that only this house can have put it into its store."""
    return keys.wrap(policy.archived, CONTEXT + policy.hash)


def unsealed(digest: str, kept: bytes, keys: Keys) -> bytes:
    """Undo `sealed`. Raises: Fault when the house did not seal it, or not under this hash."""
    return keys.unwrap(kept, CONTEXT + digest)


class StorePolicies:
    """Port `Policies`: the store's current policy, read from its archive when it has changed.

    Who can write to the database can't invent a policy: the archive is sealed under the master key.
    """

    def __init__(self, store: JournalStore, keys: Keys, clock: Clock, policy: Policy) -> None:
        self._store, self._keys, self._clock, self._policy = store, keys, clock, policy

    def current(self) -> Policy:
        return self._policy

    async def refresh(self) -> Policy:
        kept = await self._store.policy()
        if kept is not None and kept[0] != self._policy.hash:
            try:
                found = from_archive(unsealed(*kept, self._keys), verify, self._clock.now())
            except (Fault, ValueError):
                raise JournalUnavailable("journal (policy archive)") from None
            # A policy whose signatures no longer count grants nothing; who asks is still known, and told so.
            self._policy = found if isinstance(found, Policy) else without_grants(self._policy, kept[0])
        return self._policy
