"""A home opened: the wired house with its doors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

from adapters import keys as file_keys
from adapters.clock import SystemClock, SystemIds
from adapters.keys import FileKeys
from adapters.keys.rotating import KeySteps
from adapters.measures import Counted
from adapters.registers.sql import SqlRegister
from adapters.storage import database
from adapters.storage.checkpoints import CheckpointFiles
from adapters.storage.cosignatures import SqlCosignatures
from adapters.storage.rewrapping import SqlSealed
from adapters.storage.store import SqlStore
from consent.policy import Policy
from gateway import records
from gateway.assembly import buses, jwks, parts, retiring, watching
from gateway.assembly.law import Law
from gateway.assembly.policies import StorePolicies, in_force
from gateway.assembly.registers import Registers
from gateway.assembly.rotating import ENCRYPTION_DAYS, Rotations
from gateway.assembly.storage import storage_url
from gateway.assembly.told import ToldLaw
from gateway.assembly.witnesses import wanted
from gateway.authenticate import Terms
from gateway.config.home import Home, adopted, description, load, load_settings
from gateway.config.settings import Einmal
from gateway.config.signatures import verify
from gateway.house import House, Patience
from gateway.journal import Journal
from gateway.journal.book import Keeping
from gateway.journal.guard import UNFINISHED, Restored
from gateway.journal.shards import Shards
from gateway.keeping.holding import Holds
from gateway.keeping.restoring import unfinished
from gateway.keeping.retention import Retention
from gateway.person import Holdings
from gateway.ports import Bus, Clock, ConsumerBus, Ids
from gateway.proving.epochs import Epochs
from gateway.proving.witnessing import Witnessing
from gateway.serve import Service
from gateway.watching import Watchman


@dataclass(frozen=True, slots=True)
class Opened:
    """A house with its doors, ready to serve, ask or be looked at."""

    home: Home
    """Under the law that was in force when it was opened; if none ever was, under the one its files say.
    `house.policies` follows the law."""
    house: House
    law: Law
    store: SqlStore
    shards: Shards
    keys: FileKeys
    registers: Registers
    checkpoints: CheckpointFiles
    epochs: Epochs
    counted: Counted
    """What `house.measures` has counted."""

    @property
    def journal(self) -> Journal:
        return self.house.journal

    @property
    def cosignatures(self) -> SqlCosignatures:
        return SqlCosignatures(self.store)

    @property
    def witnessing(self) -> Witnessing:
        return Witnessing(wanted(self.home.settings), self.shards, self.store, self.cosignatures)

    async def bus(self) -> Bus:
        """Out: the house's side of the configured bus, with a queue for every consumer there is or will be."""
        house, home = self.house, self.home
        consumers = house.policies.current().consumers
        bus = await buses.open_bus(home.root, home.settings, house.clock, consumers)
        self.law.policies.follow(bus.declare)
        return bus

    def consumer_bus(self, amqp: str | None = None) -> ConsumerBus:
        """In: a data consumer's own URL, where the bus is a broker. Out: its side of the bus."""
        return buses.consumer_bus(self.home.root, self.home.settings, self.house.clock, amqp)

    async def is_served(self) -> bool:
        """Out: whether a process takes deliveries from the bus now: of this machine, or any where it is a broker."""
        return await buses.is_served(self.home.root, self.home.settings)

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
            watchman=self.watchman(bus),
            watch_seconds=limits.watch_seconds,
            witnessing=self.witnessing,
            witness_seconds=self.home.settings.log.witness_seconds,
            retention=self.retention(),
            settle_keys=self.settle_keys,
        )

    async def settle_keys(self, now: datetime) -> None:
        """Do what is left of rotations, and show the public keys as they are by now."""
        await self.rotations().settle(now)
        self.show_keys(now)

    def show_keys(self, now: datetime) -> Path:
        """Put the public keys into the home's JWKS file. Out: where that is."""
        return jwks.write(self.home.root, self.keys, self.house.ids, now)

    def watchman(self, bus: Bus) -> Watchman:
        """Out: who looks whether everything accepted has ended or is under way."""
        return watching.watchman(self.home, self.house, self.store, self.checkpoints, bus, self.retention())

    def rotations(self) -> Rotations:
        """Out: how this house's keys are followed by others."""
        steps = KeySteps(self.keys, self.house.ids)
        return Rotations(steps, self.keys, self.shards, self.journal, self.store, SqlSealed(self.store))

    def holds(self) -> Holds:
        """Out: who keeps lines beyond their time."""
        return retiring.holds(self.store, self.shards, self.journal, self.keys)

    def retention(self) -> Retention:
        """Out: who erases lines when their time is over."""
        home = self.home
        return retiring.retention(home.root, home.settings, self.store, self.shards, self.journal, self.keys)

    def holdings(self) -> Holdings:
        """Out: where a person's data may be, for their export."""
        house, authority = self.house, self.home.settings.authority
        return Holdings(
            house.journal,
            self.epochs,
            self.witnessing,
            self.store,
            self.store,
            house.registers,
            self.keys,
            house.policies.current(),
            authority.title,
            [auditor.verifier for auditor in self.home.settings.log.auditor],
            self.home.settings.rules,
        )

    async def adopt_policy(self) -> bool:
        """Make the home's files the law in force, with its line. Out: whether it was another before.

        Raises: ConfigurationFault with every problem: nothing was changed.
        """
        return (await self.law.adopt()).changed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_failed: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its doors."""
        self.registers.close()
        await self.store.close()
        self.checkpoints.close()


async def create(root: Path, clock: Clock | None = None, ids: Ids | None = None) -> str:
    """Make keys, database, bus and the first shards of a home that has its files. Never overwrites.

    Out: the identity key's vkey. Raises: ConfigurationFault.
    """
    clock, ids = clock or SystemClock(), ids or SystemIds()
    now = clock.now()
    settings = load(root, verify, now).settings
    (root / parts.DATA).mkdir(mode=0o700, exist_ok=True)
    made = file_keys.create(root / parts.KEYS, ids, settings.authority.name)
    steps = KeySteps(made, ids)
    steps.next_encryption(now, now + timedelta(days=ENCRYPTION_DAYS))
    steps.switch_encryption(now)
    jwks.write(root, made, ids, now)
    database.create(storage_url(root, settings))
    buses.create(root, settings)
    store = SqlStore(storage_url(root, settings), records.folding(made.find))
    checkpoints = CheckpointFiles(root / parts.CHECKPOINTS)
    try:
        await parts.shards(settings, store, made, ids, checkpoints).create(now)
    finally:
        await store.close()
        checkpoints.close()
    return made.identity_vkey


async def open_house(root: Path, clock: Clock | None = None, ids: Ids | None = None) -> Opened:
    """Open a home without creating anything, under the law in force, whatever its other files say by now.

    Raises: ConfigurationFault, Restored, JournalUnavailable.
    """
    if (root / parts.RESTORING).exists():
        raise Restored(load_settings(root).authority.name, UNFINISHED)
    opened = await open_restored(root, clock, ids)
    try:
        retention = opened.home.settings.log.default_class
        if await unfinished(retention, opened.store, opened.shards.seal):  # its plan is gone
            raise Restored(opened.home.settings.authority.name, UNFINISHED)
    except BaseException:
        await opened.close()
        raise
    return opened


async def open_restored(root: Path, clock: Clock | None = None, ids: Ids | None = None) -> Opened:
    """As `open_house`, for the restore that is under way (`gateway.assembly.restoring`)."""
    clock, ids = clock or SystemClock(), ids or SystemIds()
    settings = load_settings(root)
    limits = settings.limits
    keys = parts.open_keys(root)
    store = SqlStore(storage_url(root, settings), records.folding(keys.find))
    checkpoints = CheckpointFiles(root / parts.CHECKPOINTS)
    counted = Counted()
    try:
        shards = parts.shards(settings, store, keys, ids, checkpoints)
        await shards.load()
        home = await _home(root, settings, store, keys, clock)
        policies = StorePolicies(store, keys, clock, home.policy, ToldLaw(store, shards.seal, clock))
        registers = Registers(policies, partial(_register, root, settings))
        house = House(
            journal=Journal(
                shards, store, keys, ids, Keeping(settings.log.default_class, limits.reply_keep_days)
            ),
            policies=policies,
            consents=store,
            registers=registers,
            languages=parts.languages(root, settings),
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
            measures=counted,
            slot=timedelta(milliseconds=limits.no_data_slot_milliseconds),
        )
        law = Law(root, settings, store, keys, house.journal, policies, clock, house.languages)
        epochs = parts.epochs(root, store, shards, checkpoints)
        return Opened(home, house, law, store, shards, keys, registers, checkpoints, epochs, counted)
    except BaseException:
        await store.close()
        checkpoints.close()
        raise


async def _home(root: Path, settings: Einmal, store: SqlStore, keys: FileKeys, clock: Clock) -> Home:
    found = await in_force(store, keys, clock.now())
    if found is None or not found.readable:
        return load(root, verify, clock.now())
    return adopted(root, settings, found.policy, found.judged)


def _register(root: Path, settings: Einmal, policy: Policy, name: str) -> SqlRegister:
    return parts.register(root, settings, policy.registers[name], description(policy, name))
