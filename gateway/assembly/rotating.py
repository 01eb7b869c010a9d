"""Every key of the house followed by another one: each step durable before the next, each right to do again.

Whoever finds a rotation broken off, at whatever step, begins it again and it goes on from there. A line says so before
the new key counts; a crash between them says it twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.keys.rotating import Change, FormerMaster, KeySteps
from consent.vocabulary import Problem
from gateway.assembly import policies
from gateway.audit.record import Event, Kind
from gateway.audit.verify.reading import read_opening
from gateway.errors import ConfigurationFault
from gateway.journal import Journal, exempt, outbox
from gateway.journal import shards as log
from gateway.journal.shards import Shards
from gateway.keeping import holding
from gateway.keeping.rewrapping import Contexts, Rewrapped, rewrap
from gateway.ports import JournalStore, Keys, Place, SealedStore
from gateway.stages import Position

SETTLED: Final = timedelta(seconds=60)
"""How long a former key stays good for who is in the middle of something: six times as long as a process waits for the
database with what it has sealed or signed."""
ENCRYPTION_DAYS: Final = 730
"""How long a key to encrypt to opens, unless it is said otherwise."""
OVERLAP_DAYS: Final = 30
"""How long those before it still open: until consumers have taken the new one."""
CONTEXTS: Final[Contexts] = {
    Place.SECRETS: lambda one: log.SECRETS_CONTEXT + one.name,
    Place.REPLY: lambda one: outbox.CONTEXT + one.name,
    Place.RELEASE: lambda one: exempt.CONTEXT + one.name,
    Place.POLICY: lambda one: policies.CONTEXT + one.name,
    Place.HOLD: lambda one: holding.HOLD_CONTEXT + one.name,
    Place.HELD: lambda one: holding.HELD_CONTEXT + one.name,
}


@dataclass(frozen=True, slots=True)
class MasterRotated:
    """How far the rotation of the master key has come."""

    change: Change | None
    """None: the key in use had been switched before."""
    sealed: Rewrapped
    former: Sequence[FormerMaster]
    """Which former ones are still opened with; none: it is done."""
    settled: bool
    """Whether nobody can be in the middle of something with one of them any more."""


@dataclass(frozen=True, slots=True)
class Rotations:
    """How the keys of one house are rotated."""

    steps: KeySteps
    keys: Keys
    shards: Shards
    journal: Journal
    store: JournalStore
    sealed: SealedStore

    async def announce_gateway(self, now: datetime) -> Change:
        """Make the gateway's next key, to be given to consumers before it signs."""
        with self.steps.alone():
            change = self.steps.next_gateway()
            await self._told(Kind.KEY_CREATED, now, "gateway", change.new)
        return change

    async def gateway(self, now: datetime) -> Change:
        """Sign replies, receipts and records with the next key; what the one before signed stays valid."""
        with self.steps.alone():
            change = self.steps.next_gateway()
            await self._told(Kind.KEY_ROTATED, now, "gateway", change.old, change.new)
            # A crash here leaves the key before in use, and the next one made.
            self.steps.switch_gateway(now + SETTLED)
        return change

    async def encryption(self, days: int, overlap_days: int, now: datetime) -> tuple[Sequence[str], str]:
        """Another key to encrypt to, or the first one. In: for how many days it opens, and how long those before it
        still do. Out: those that still open, and the new one."""
        with self.steps.alone():
            new = self.steps.next_encryption(now, now + timedelta(days=days))
            former = [key.kid for key in self.keys.encryption(now)]
            kind = Kind.KEY_ROTATED if former else Kind.KEY_CREATED
            await self._told(kind, now, "encryption", *former, new)
            # A crash here leaves the keys before, and the next one made.
            self.steps.switch_encryption(now + timedelta(days=overlap_days))
            await self._drop_encryption(now)
        return former, new

    async def _drop_encryption(self, now: datetime) -> None:
        over = self.steps.over(now)
        for kid in over:
            await self._told(Kind.KEY_DESTROYED, now, "encryption", kid)
        # A crash here leaves files of keys that are said to be gone: whoever goes on says it again.
        self.steps.drop_encryption(over)

    async def log(self, classes: Sequence[str], now: datetime) -> Sequence[tuple[str, str]]:
        """New log, index, VRF and seal keys for these classes: each goes on in a new shard. Out: for each class the
        shard before and the new one."""
        renewed: list[tuple[str, str]] = []
        with self.steps.alone():
            for retention in classes:
                before = (await self.shards.current(retention, now)).origin
                await self._told(Kind.KEY_ROTATED, now, "log", before)
                # A crash here leaves the shard open, with the keys it has.
                renewed.append((before, await self.shards.renew(retention, now)))
        return renewed

    async def identity(self, now: datetime) -> tuple[Change | None, Sequence[str]]:
        """Another identity key, and new shards stated by it. Out: the change, None where a rotation that was broken off
        had made it already; the new shards."""
        change: Change | None = None
        with self.steps.alone():
            former = await self._stated_before()
            if not former:
                change = self.steps.next_identity()
                await self._told(Kind.KEY_ROTATED, now, "identity", change.old, change.new)
                # A crash here leaves the key before in use; the next one lies beside it.
                self.steps.switch_identity()
            # A crash here leaves open shards stated by the key before: the rest is done when it is begun again.
            renewed = [await self.shards.renew(name, now) for name in await self._stated_before()]
        return change, renewed

    async def master(self, now: datetime) -> MasterRotated:
        """Another master key, and everything sealed anew under it; or what is left of that.

        Raises: ConfigurationFault, when a command prints the key that is in use, and nothing is left to do.
        """
        change: Change | None = None
        with self.steps.alone():
            under_way = self.steps.former_masters()
            change = self.steps.next_master()
            if change is None and not under_way:
                raise ConfigurationFault((_same_key(),))
            if change is not None:
                await self._told(Kind.KEY_ROTATED, now, "master", change.old, change.new)
                # A crash here leaves the key before in use; the next one lies beside it.
                self.steps.switch_master(change, now)
            return await self._finish(now, change)

    async def settle(self, now: datetime) -> None:
        """Do what is left of rotations: drop keys to encrypt to whose time is over, then as `finish`."""
        if self.steps.over(now):
            with ExitStack() as held:
                await asyncio.to_thread(held.enter_context, self.steps.alone())
                await self._drop_encryption(now)
        await self.finish(now)

    async def finish(self, now: datetime) -> MasterRotated | None:
        """Do what is left of a rotation of the master key. Out: None, when nothing is. The keys are read in threads:
        who serves has replies to send while a vault thinks."""
        if not await asyncio.to_thread(self.steps.former_masters):
            return None
        with ExitStack() as held:
            await asyncio.to_thread(held.enter_context, self.steps.alone())
            return await self._finish(now, None)

    async def _finish(self, now: datetime, change: Change | None) -> MasterRotated:
        former = await asyncio.to_thread(self.steps.former_masters)
        sealed = await rewrap(self.sealed, self.keys, CONTEXTS)
        # A crash here leaves former keys under which nothing, or little, is sealed.
        settled = all(now - one.since >= SETTLED for one in former)
        on_file = [one for one in former if one.on_file]
        if settled and on_file:
            for one in on_file:
                await self._told(Kind.KEY_DESTROYED, now, "master", one.id)
            # A crash here leaves files of keys that are said to be gone: whoever goes on says it again.
            await asyncio.to_thread(self.steps.drop_former_masters)
        left = await asyncio.to_thread(self.steps.former_masters)
        return MasterRotated(change, sealed, left, settled)

    async def _stated_before(self) -> Sequence[str]:
        """Out: the classes whose open shard is stated by a former identity key."""
        found: list[str] = []
        for shard in await self.store.shards():
            if shard.closed:
                continue
            opening = await self.store.line(Position(shard.head.origin, 0))
            assert opening is not None
            assert opening.line.event is not None
            identity = self.keys.identity
            if read_opening(opening.line.event, identity).stated_by != identity.current:
                found.append(shard.retention)
        return found

    async def _told(self, kind: Kind, now: datetime, *what: str) -> None:
        await self.journal.house_event(Event(kind=kind, time=now, reasons=what), now)


def _same_key() -> Problem:
    return Problem(
        "einmal.toml",
        None,
        "keys.master_command",
        "prints the master key that is in use",
        "Put a new key behind it, name the command for the one in use as keys.former_command, and run this again.",
    )
