"""The single parts of a house, built from what its home says."""

from __future__ import annotations

from typing import Final

from adapters.keys import FileKeys
from adapters.registers.sql import SqlRegister, SqlSettings
from adapters.storage.checkpoints import CheckpointFiles
from consent.vocabulary import Problem
from gateway.config.home import Home
from gateway.errors import ConfigurationFault
from gateway.journal.shards import Shards
from gateway.ports import Ids, JournalStore
from xoev_schemas.languages import Languages
from xoev_schemas.safe_xml import Limits

KEYS: Final = "keys"
DATA: Final = "data"
CHECKPOINTS: Final = "data/checkpoints"


def register(home: Home, name: str) -> SqlRegister:
    settings = SqlSettings.model_validate(home.registers[name]["sql"])
    return SqlRegister(
        home.policy.registers[name],
        settings,
        home.root,
        home.settings.limits.register_timeout_seconds,
    )


def check_registers(home: Home) -> None:
    """Connect to every register and compare it with its file. Raises: ConfigurationFault with all problems."""
    problems: list[Problem] = []
    for name in home.policy.registers:
        found = register(home, name)
        problems += found.check()
        found.close()
    if problems:
        raise ConfigurationFault(tuple(problems))


def shards(home: Home, store: JournalStore, keys: FileKeys, ids: Ids, kept: CheckpointFiles) -> Shards:
    return Shards(home.settings.authority.name, home.settings.log.classes, store, keys, ids, kept)


def languages(home: Home) -> Languages:
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


def storage_url(home: Home) -> str:
    """Out: the store's URL, a relative SQLite path being relative to the home."""
    url = home.settings.storage.url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        return prefix + str((home.root / url.removeprefix(prefix)).resolve())
    return url
