"""Configuration → the wired house. The only importer of adapters; nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from adapters import keys as file_keys
from adapters.bus import file as bus_file
from adapters.bus.consumer import EmbeddedConsumerBus
from adapters.bus.embedded import EmbeddedBus
from adapters.clock import SystemClock, SystemIds
from adapters.keys import FileKeys
from adapters.registers.sql import SqlRegister, SqlSettings
from adapters.storage import database
from adapters.storage.checkpoints import CheckpointFiles, tree_size
from adapters.storage.columns import open_columns
from adapters.storage.saving import form_name
from adapters.storage.store import SqlStore
from consent.policy import Policy, from_archive, without_grants
from consent.vocabulary import Problem
from gateway import jws, records
from gateway.audit.note import parse_vkey
from gateway.audit.record import Digests, Event, Kind
from gateway.audit.verify.books import check_books
from gateway.audit.verify.columns import CheckpointRow, LogReport, PublicKeys, StoredLog, Wrong
from gateway.audit.verify.log import verify_log as check_log
from gateway.authenticate import Terms
from gateway.config.home import Home, load
from gateway.config.signatures import verify
from gateway.errors import ConfigurationFault, Fault, JournalUnavailable
from gateway.exchange import House, Patience
from gateway.journal import Journal, outbox
from gateway.journal.book import Keeping
from gateway.journal.shards import Shards, shard_keys
from gateway.jws import SigningKey
from gateway.person import Holdings
from gateway.ports import Bus, Clock, Ids, JournalStore, Register
from gateway.serve import Service
from xoev_schemas.languages import Languages
from xoev_schemas.safe_xml import Limits

KEYS: Final = "keys"
DATA: Final = "data"
CHECKPOINTS: Final = "data/checkpoints"


class StorePolicies:
    """Port `Policies`: the store's current policy, read from its archive when it has changed."""

    def __init__(self, store: JournalStore, clock: Clock, policy: Policy) -> None:
        self._store, self._clock, self._policy = store, clock, policy

    def current(self) -> Policy:
        return self._policy

    async def refresh(self) -> Policy:
        kept = await self._store.policy()
        if kept is not None and kept[0] != self._policy.hash:
            try:
                found = from_archive(kept[1], verify, self._clock.now())
            except ValueError:
                raise JournalUnavailable("journal (policy archive)") from None
            # A policy whose signatures no longer count grants nothing; who asks is still known, and told so.
            self._policy = found if isinstance(found, Policy) else without_grants(self._policy, kept[0])
        return self._policy


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
        await self.journal.house_event(told, now, policy=(policy.hash, policy.archived))
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
    (root / DATA).mkdir(mode=0o700, exist_ok=True)
    made = file_keys.create(root / KEYS, ids, home.settings.authority.name)
    database.create(_storage_url(home))
    EmbeddedBus.create(root / home.settings.bus.path)
    store = SqlStore(_storage_url(home), records.folding(records.own_key(made.gateway)))
    checkpoints = CheckpointFiles(root / CHECKPOINTS)
    try:
        await _shards(home, store, made, ids, checkpoints).create(now)
    finally:
        await store.close()
        checkpoints.close()
    return made.identity_vkey


async def open_house(root: Path, clock: Clock | None = None, ids: Ids | None = None) -> Opened:
    """Open a home without creating anything. Raises: ConfigurationFault, Restored."""
    clock, ids = clock or SystemClock(), ids or SystemIds()
    home = load(root, verify, clock.now())
    settings, limits = home.settings, home.settings.limits
    keys = FileKeys.open(root / KEYS)
    registers = {name: _register(home, name) for name in home.policy.registers}
    store = SqlStore(_storage_url(home), records.folding(records.own_key(keys.gateway)))
    checkpoints = CheckpointFiles(root / CHECKPOINTS)
    try:
        shards = _shards(home, store, keys, ids, checkpoints)
        await shards.load()
        policies = StorePolicies(store, clock, home.policy)
        house = House(
            journal=Journal(
                shards, store, keys, ids, Keeping(settings.log.default_class, limits.reply_keep_days)
            ),
            policies=policies,
            consents=store,
            registers=_as_ports(registers),
            languages=_languages(home),
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
        )
        await policies.refresh()
        return Opened(home, house, store, shards, keys, registers, checkpoints)
    except BaseException:
        for register in registers.values():
            register.close()
        await store.close()
        checkpoints.close()
        raise


# --- for commands that open no house ---
def now() -> datetime:
    """Out: the machine's time, UTC."""
    return SystemClock().now()


def load_home(root: Path) -> Home:
    """Out: a home's files as they are now. Raises: ConfigurationFault with every problem."""
    return load(root, verify, SystemClock().now())


def open_keys(root: Path) -> FileKeys:
    """Out: the house's own keys. Raises: ConfigurationFault."""
    return FileKeys.open(root / KEYS)


def new_key(kid: str) -> SigningKey:
    """Out: a new Ed25519 pair for a consumer or signatory."""
    return file_keys.new_key(SystemIds(), kid)


def write_key(file: Path, key: SigningKey) -> None:
    """Write a secret key into a new file, 0600. Raises: ConfigurationFault."""
    file_keys.write_key(file, key)


def read_key(file: Path) -> SigningKey:
    """Out: a consumer's or signatory's secret key. Raises: ConfigurationFault."""
    return file_keys.read_key(file)


def verify_log(root: Path) -> tuple[LogReport, ...]:
    """Check every shard as it is stored; the store is believed in nothing. Raises: ConfigurationFault, Fault."""
    home, keys = load_home(root), open_keys(root)
    outside = _outside(root, _storage_url(home))
    with open_columns(_storage_url(home)) as columns:
        shards = columns.shards()
        reports: list[LogReport] = []
        for at, shard in enumerate(shards):
            first = at == 0 or shards[at - 1].retention != shard.retention
            last = at + 1 == len(shards) or shards[at + 1].retention != shard.retention
            public, wrong = _public(columns.secrets(shard.origin), shard.origin, keys)
            checkpoints = list(columns.checkpoints(shard.origin))
            if (kept := outside.get(shard.origin)) is not None:
                checkpoints.append(kept)
            log = StoredLog(
                shard=shard,
                lines=columns.lines(shard.origin),
                tiles=columns.tiles(shard.origin),
                checkpoints=checkpoints,
                keys=public,
                previous=None if first else reports[-1].head,
                followed=not last,
                terminals=columns.terminals(shard.origin),
            )
            report = check_log(log, parse_vkey(keys.identity_vkey))
            reports.append(replace(report, wrong=(*report.wrong, *wrong)))
        strays = tuple(columns.strays())
        beside = check_books(columns.books(), _opens(keys), _vouched(keys), form_name)
    if strays:
        reports.append(LogReport("(no shard)", 0, 0, 0, "", strays))
    if beside:
        reports.append(LogReport("(beside the lines)", 0, 0, 0, "", tuple(beside)))
    return tuple(reports)


def _outside(root: Path, url: str) -> Mapping[str, CheckpointRow]:
    """Out: the kept checkpoints. Read before the columns, which others may be adding to: a note read later could
    be ahead of them without anything being wrong."""
    with open_columns(url) as columns:
        origins = [shard.origin for shard in columns.shards()]
    files = CheckpointFiles(root / CHECKPOINTS)
    found: dict[str, CheckpointRow] = {}
    try:
        for origin in origins:
            try:
                note = files.read(origin)
            except JournalUnavailable:  # a file that holds none: the check says so
                found[origin] = CheckpointRow(0, "", CHECKPOINTS)
            else:
                if note is not None:
                    found[origin] = CheckpointRow(tree_size(note), note, CHECKPOINTS)
    finally:
        files.close()
    return found


def _opens(keys: FileKeys) -> Callable[[str, bytes], str | None]:
    """Out: how the check reads a kept reply."""

    def opened(exchange: str, sealed: bytes) -> str | None:
        try:
            return jws.digest(outbox.unseal(sealed, exchange, keys).body)
        except (Fault, ValueError):
            return None

    return opened


def _vouched(keys: FileKeys) -> Callable[[str, bytes], bool]:
    """Out: how the check judges the receipt over a step of a record."""
    find = records.own_key(keys.gateway)

    def vouched(receipt: str, body: bytes) -> bool:
        try:
            return jws.verify_compact(receipt, records.RECORD_TYPE, find) == body
        except jws.SignatureInvalid:
            return False

    return vouched


def _public(sealed: bytes | None, origin: str, keys: FileKeys) -> tuple[PublicKeys | None, tuple[Wrong, ...]]:
    if sealed is None:
        return None, ()
    try:
        public = shard_keys(origin, sealed, keys).public
    except (Fault, ValueError):
        return None, (Wrong("shard", origin, "secrets", "can't be opened with this home's master key"),)
    return PublicKeys(public.log.vkey, public.index.vkey, public.vrf), ()


def check_registers(home: Home) -> None:
    """Connect to every register and compare it with its file. Raises: ConfigurationFault with all problems."""
    problems: list[Problem] = []
    for name in home.policy.registers:
        register = _register(home, name)
        problems += register.check()
        register.close()
    if problems:
        raise ConfigurationFault(tuple(problems))


def _register(home: Home, name: str) -> SqlRegister:
    settings = SqlSettings.model_validate(home.registers[name]["sql"])
    return SqlRegister(
        home.policy.registers[name],
        settings,
        home.root,
        home.settings.limits.register_timeout_seconds,
    )


def _as_ports(registers: Mapping[str, SqlRegister]) -> Mapping[str, Register]:
    return dict(registers)


def _shards(home: Home, store: JournalStore, keys: FileKeys, ids: Ids, kept: CheckpointFiles) -> Shards:
    return Shards(home.settings.authority.name, home.settings.log.classes, store, keys, ids, kept)


def _languages(home: Home) -> Languages:
    limits = home.settings.limits
    return Languages.load(
        home.root / home.settings.schemas.path,
        Limits(
            limits.body_bytes,
            limits.xml_depth,
            limits.xml_elements,
            limits.xml_attributes,
            limits.xml_text_bytes,
        ),
        (home.settings.authority.name, home.settings.authority.title.de),
    )


def _storage_url(home: Home) -> str:
    """Out: the store's URL, a relative SQLite path being relative to the home."""
    url = home.settings.storage.url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str((home.root / url.removeprefix(prefix)).resolve())
    return url
