"""The single parts of a house, built from what its home says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from adapters.bus import file as bus_file
from adapters.bus.embedded import EmbeddedBus
from adapters.indexes import IndexFiles
from adapters.keys import FileKeys, MasterSource
from adapters.registers.sql import SqlRegister, SqlSettings
from adapters.storage.checkpoints import CheckpointFiles
from adapters.storage.cosignatures import SqlCosignatures
from adapters.storage.epochs import SqlEpochs
from adapters.storage.store import SqlStore
from adapters.storage.tiles import SqlTiles
from consent.parties import Register
from consent.problems import Document, frozen
from consent.vocabulary import Problem
from gateway.config.connections import FILE
from gateway.config.home import connection_problems, load_settings
from gateway.config.settings import Einmal
from gateway.errors import ConfigurationFault
from gateway.journal.shards import Shards
from gateway.ports import Clock, Ids, JournalStore
from gateway.proving.epochs import Epochs
from xoev_schemas.languages import Languages
from xoev_schemas.safe_xml import Limits

KEYS: Final = "keys"
DATA: Final = "data"
CHECKPOINTS: Final = "data/checkpoints"
RESTORING: Final = "data/restoring.json"
"""There while a restore is under way: nothing else is done until it has come to its end."""
INDEXES: Final = "data/index"


def register(root: Path, settings: Einmal, law: Register, document: Document) -> SqlRegister:
    """In: a register and the file that describes it. Out: it, connected as that says. Raises: ConfigurationFault,
    when a URL leads nowhere, or its table lacks what this version of the program wants and another did not."""
    if wrong_table := connection_problems(document):
        raise ConfigurationFault(tuple(wrong_table))
    try:
        return SqlRegister(
            law,
            SqlSettings.model_validate(frozen(document.data[law.adapter])),
            root,
            settings.limits.register_timeout_seconds,
            locate=document.locate,
        )
    except ConfigurationFault as wrong:
        raise ConfigurationFault(_placed(wrong.problems, document)) from None


def check_register(root: Path, settings: Einmal, law: Register, document: Document) -> tuple[Problem, ...]:
    """Connect to a register and compare it with its file. Out: all problems."""
    try:
        found = register(root, settings, law, document)
    except ConfigurationFault as wrong:
        return wrong.problems
    try:
        return _placed(found.check(), document)
    finally:
        found.close()


def _placed(problems: Iterable[Problem], document: Document) -> tuple[Problem, ...]:
    """Out: the same problems in the file that describes the register, whatever its name."""
    return tuple(replace(problem, file=document.file) for problem in problems)


async def declare_queues(root: Path, settings: Einmal, clock: Clock, consumers: Iterable[str]) -> None:
    """Make the consumers' queues, unless they are there. Raises: ConfigurationFault, BusUnavailable."""
    await open_bus(root, settings, clock, consumers).close()


def open_bus(root: Path, settings: Einmal, clock: Clock, consumers: Iterable[str]) -> EmbeddedBus:
    """Out: the house's side of the configured bus, with a queue for each of these consumers."""
    bus = settings.bus
    return EmbeddedBus.open(root / bus.path, bus.namespace, clock, consumers, settings.limits.concurrency)


def check_bus(root: Path, settings: Einmal, document: Document) -> tuple[Problem, ...]:
    """In: the settings and their file. Out: why the bus they name can't be opened. Raises: BusUnavailable."""
    try:
        bus_file.open_file(root / settings.bus.path, bus_file.connect_file).close()
    except ConfigurationFault as wrong:
        line = document.locate(("bus", "path"))
        return tuple(replace(problem, file=document.file, line=line) for problem in wrong.problems)
    return ()


def is_served(root: Path, settings: Einmal) -> bool:
    """Out: whether a process of this machine takes deliveries from the home's bus now."""
    path = root / settings.bus.path
    owners = bus_file.lock_file(path, "any").parent
    return owners.is_dir() and any(bus_file.lives(path, entry.name) for entry in owners.iterdir())


def shards(settings: Einmal, store: JournalStore, keys: FileKeys, ids: Ids, kept: CheckpointFiles) -> Shards:
    return Shards(settings.authority.name, settings.log.classes, store, keys, ids, kept)


def open_keys(root: Path) -> FileKeys:
    """Out: the house's own keys, which follow what einmal.toml says of the master key. Raises: ConfigurationFault."""
    return FileKeys.open(root / KEYS, lambda: _source(root, load_settings(root)))


def _source(root: Path, settings: Einmal) -> MasterSource:
    keys = settings.keys
    return MasterSource(
        root / keys.master.removeprefix(FILE),
        keys.master_command,
        keys.former_command,
        keys.command_timeout_seconds,
    )


def epochs(root: Path, store: SqlStore, shards: Shards, kept: CheckpointFiles) -> Epochs:
    """Out: what indexes the house's log; the reckoning is done in threads beside the loop's."""
    cache = IndexFiles(root / INDEXES)
    outputs, leaves = SqlEpochs(store), SqlTiles(store)
    return Epochs(shards, outputs, leaves, SqlCosignatures(store), cache, kept, asyncio.to_thread)


def languages(root: Path, settings: Einmal) -> Languages:
    limits = settings.limits
    return Languages.load(
        root / settings.schemas.path,
        Limits(
            limits.body_bytes,
            limits.xml_depth,
            limits.xml_elements,
            limits.xml_attributes,
            limits.xml_text_bytes,
        ),
        (settings.authority.name, settings.authority.title.de),
    )


def storage_url(root: Path, settings: Einmal) -> str:
    """Out: the store's URL, a relative SQLite path being relative to the home."""
    url = settings.storage.url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str((root / url.removeprefix(prefix)).resolve())
    return url
