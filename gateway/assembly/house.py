"""A home opened: the wired house with its doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from adapters import keys as file_keys
from adapters.bus import file as bus_file
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.embedded import EmbeddedBus
from adapters.clock import SystemClock, SystemIds
from adapters.keys import FileKeys
from adapters.registers.sql import SqlRegister
from adapters.storage import database
from adapters.storage.checkpoints import CheckpointFiles
from adapters.storage.store import SqlStore
from gateway import records
from gateway.assembly import parts
from gateway.assembly.policies import StorePolicies, sealed
from gateway.audit.record import Digests, Event, Kind
from gateway.authenticate import Terms
from gateway.config.home import Home, load
from gateway.config.signatures import verify
from gateway.house import House, Patience
from gateway.journal import Journal
from gateway.journal.book import Keeping
from gateway.journal.shards import Shards
from gateway.person import Holdings
from gateway.ports import Bus, Clock, Ids
from gateway.serve import Service


@dataclass(frozen=True, slots=True)
class Opened:
    """A house with its doors, ready to serve, ask or be looked at."""

    home: Home
    house: House
    store: SqlStore
    shards: Shards
    keys: FileKeys
    registers: Mapping[str, SqlRegister]
    checkpoints: CheckpointFiles

    @property
    def journal(self) -> Journal:
        return self.house.journal

    async def bus(self) -> EmbeddedBus:
        """Out: the house's side of the configured bus, with a queue for every consumer."""
        bus, limits = self.home.settings.bus, self.home.settings.limits
        return EmbeddedBus.open(
            self.home.root / bus.path,
            bus.namespace,
            self.house.clock,
            self.home.policy.consumers,
            limits.concurrency,
        )

    def consumer_bus(self) -> EmbeddedConsumerBus:
        """Out: a data consumer's side of the configured bus."""
        bus = self.home.settings.bus
        return EmbeddedConsumerBus.open(self.home.root / bus.path, bus.namespace, self.house.clock)

    def is_served(self) -> bool:
        """Out: whether a process of this machine takes deliveries from the bus now."""
        path = self.home.root / self.home.settings.bus.path
        owners = bus_file.lock_file(path, "any").parent
        return owners.is_dir() and any(bus_file.lives(path, entry.name) for entry in owners.iterdir())

    def service(self, bus: Bus) -> Service:
        """Out: what `gateway.serve` serves."""
        limits = self.home.settings.limits
        return Service(
            self.house,
            bus,
            self.store,
            limits.concurrency,
            limits.attempts,
            limits.reply_keep_days,
        )

    def holdings(self) -> Holdings:
        """Out: where a person's data may be, for their export."""
        house, authority = self.house, self.home.settings.authority
        return Holdings(
            house.journal,
            self.shards,
            self.store,
            self.store,
            house.registers,
            self.keys,
            house.policies.current(),
            authority.title,
        )

    async def adopt_policy(self) -> bool:
        """Make the home's policy the current one, with its line. Out: whether it was another before."""
        policy, now = self.home.policy, self.house.clock.now()
        kept = await self.store.policy()
        if kept is not None and kept[0] == policy.hash:
            return False
        told = Event(kind=Kind.POLICY_LOADED, time=now, digests=Digests(policy=policy.hash))
        await self.journal.house_event(told, now, policy=(policy.hash, sealed(policy, self.keys)))
        await self.house.policies.refresh()
        return True

    async def close(self) -> None:
        for register in self.registers.values():
            register.close()
        await self.store.close()
        self.checkpoints.close()


async def create(root: Path, clock: Clock | None = None, ids: Ids | None = None) -> str:
    """Make keys, database, bus and the first shards of a home that has its files. Never overwrites.

    Out: the identity key's vkey. Raises: ConfigurationFault.
    """
    clock, ids = clock or SystemClock(), ids or SystemIds()
    now = clock.now()
    home = load(root, verify, now)
    (root / parts.DATA).mkdir(mode=0o700, exist_ok=True)
    made = file_keys.create(root / parts.KEYS, ids, home.settings.authority.name)
    database.create(parts.storage_url(home))
    EmbeddedBus.create(root / home.settings.bus.path)
    store = SqlStore(parts.storage_url(home), records.folding(records.own_key(made.gateway)))
    checkpoints = CheckpointFiles(root / parts.CHECKPOINTS)
    try:
        await parts.shards(home, store, made, ids, checkpoints).create(now)
    finally:
        await store.close()
        checkpoints.close()
    return made.identity_vkey


async def open_house(root: Path, clock: Clock | None = None, ids: Ids | None = None) -> Opened:
    """Open a home without creating anything. Raises: ConfigurationFault, Restored."""
    clock, ids = clock or SystemClock(), ids or SystemIds()
    home = load(root, verify, clock.now())
    settings, limits = home.settings, home.settings.limits
    keys = FileKeys.open(root / parts.KEYS)
    registers = {name: parts.register(home, name) for name in home.policy.registers}
    store = SqlStore(parts.storage_url(home), records.folding(records.own_key(keys.gateway)))
    checkpoints = CheckpointFiles(root / parts.CHECKPOINTS)
    try:
        shards = parts.shards(home, store, keys, ids, checkpoints)
        await shards.load()
        policies = StorePolicies(store, keys, clock, home.policy)
        house = House(
            journal=Journal(
                shards, store, keys, ids, Keeping(settings.log.default_class, limits.reply_keep_days)
            ),
            policies=policies,
            consents=store,
            registers=dict(registers),
            languages=parts.languages(home),
            keys=keys,
            clock=clock,
            ids=ids,
            terms=Terms(
                settings.authority.audience,
                settings.bus.namespace,
                limits.body_bytes,
                limits.clock_skew_seconds,
                limits.request_lifetime_seconds,
            ),
            patience=Patience(limits.attempts, limits.retry_first_seconds, limits.retry_most_seconds),
            slot=timedelta(milliseconds=limits.no_data_slot_milliseconds),
        )
        await policies.refresh()
        return Opened(home, house, store, shards, keys, registers, checkpoints)
    except BaseException:
        for register in registers.values():
            register.close()
        await store.close()
        checkpoints.close()
        raise
