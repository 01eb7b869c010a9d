"""A home, loaded whole or not at all: its settings, its law, and how its registers are connected."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from consent.approval import Verify
from consent.parties import Jwk
from consent.policy import Policy, Settings, read
from consent.problems import Document, KeyPath, did_you_mean, validated
from consent.tables import tables
from consent.vocabulary import Problem
from gateway import jws
from gateway.config.connections import CONNECTIONS
from gateway.config.settings import Einmal
from gateway.config.toml import parse, read_bytes
from gateway.errors import ConfigurationFault

SETTINGS_FILE: Final = "einmal.toml"
PURPOSES_FILE: Final = "purposes.toml"
FOLDERS: Final = ("consumers", "grants", "people", "registers")
_BESIDE: Final = frozenset({".sig", ".md", ".txt"})
SIGNATURE_BYTES: Final = 100_000
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Home:
    """What a home says."""

    root: Path
    settings: Einmal
    policy: Policy
    registers: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """registers/*.toml by the register's id, whole: what adapters are built from."""
    documents: Mapping[str, Document] = field(repr=False)
    """The files of the law by their path, with the lines of their keys."""


def load(home: Path, verify: Verify, now: datetime) -> Home:
    """In: the folder, how signatures are verified (`gateway.config.signatures.verify`), the time.

    Raises: ConfigurationFault with every problem, by file and line.
    """
    problems: list[Problem] = []
    settings = _settings(home, problems)
    documents = list(_documents(home, problems))
    for document in documents:
        problems += _connection(document)
        problems += _unusable_keys(document)
    law = read(documents, _deciding(settings), verify, now)
    if isinstance(law, tuple):
        problems += _only_ours(law, settings)
    if problems or settings is None or isinstance(law, tuple):
        found = sorted(set(problems), key=lambda item: (item.file, item.line or 0, item.key, item.wrong))
        raise ConfigurationFault(tuple(found))
    registers = {
        str(document.data["id"]): document.data
        for document in documents
        if document.file.startswith("registers/")
    }
    by_path = MappingProxyType({document.file: document for document in documents})
    return Home(home, settings, law, MappingProxyType(registers), by_path)


def _settings(home: Path, problems: list[Problem]) -> Einmal | None:
    raw = read_bytes(home, SETTINGS_FILE)
    document = raw if isinstance(raw, Problem) else parse(SETTINGS_FILE, raw)
    if isinstance(document, Problem):
        problems.append(document)
        return None
    settings, wrong = validated(Einmal, document)
    problems += wrong
    if settings is None:
        return None
    log = settings.log
    if log.default_class not in log.classes:
        mend = did_you_mean(log.default_class, log.classes, "class")
        problems.append(document.problem(("log", "default_class"), "is not one of log.classes", mend))
    if settings.limits.retry_most_seconds < settings.limits.retry_first_seconds:
        place = ("limits", "retry_most_seconds")
        problems.append(
            document.problem(place, "is less than retry_first_seconds", "Make it the larger one.")
        )
    return settings


def _deciding(settings: Einmal | None) -> Settings:
    if settings is None:
        return Settings(test_identities=False, retention_classes=())
    return Settings(settings.test_identities, settings.log.classes)


def _only_ours(law: tuple[Problem, ...], settings: Einmal | None) -> Iterator[Problem]:
    """Out: the law's problems; without settings, not those that only follow from that."""
    for problem in law:
        if settings is not None or not problem.key.endswith("retention"):
            yield problem


def _documents(home: Path, problems: list[Problem]) -> Iterator[Document]:
    """Out: every file of the law that could be parsed, in the order of their names."""
    for file in _files(home, problems):
        raw = read_bytes(home, file)
        if isinstance(raw, Problem):
            problems.append(raw)
            continue
        signature = _signature(home, file, problems) if file.startswith("grants/") else None
        document = parse(file, raw, signature)
        if isinstance(document, Problem):
            problems.append(document)
        else:
            yield document


def _signature(home: Path, file: str, problems: list[Problem]) -> bytes | None:
    name = file.removesuffix(".toml") + ".sig"
    if not (home / name).exists():
        return None
    found = read_bytes(home, name, SIGNATURE_BYTES)
    if isinstance(found, Problem):
        problems.append(found)
        return None
    return found


def _files(home: Path, problems: list[Problem]) -> Iterator[str]:
    for folder in FOLDERS:
        try:
            entries = sorted((home / folder).iterdir())
        except FileNotFoundError:
            continue
        except OSError as error:
            wrong = f"can't be read ({type(error).__name__})"
            problems.append(Problem(folder, None, "(folder)", wrong, "Make it a folder that may be read."))
            continue
        names = {entry.name for entry in entries}
        for entry in entries:
            if entry.suffix == ".toml" and not _FILE_NAME.fullmatch(entry.name):
                mend = "Use letters, digits, dot, hyphen and underscore only."
                problems.append(Problem(folder, None, "(folder)", "has a file with an unfit name", mend))
            elif entry.suffix == ".toml":
                yield f"{folder}/{entry.name}"
            else:
                problems += _stray(folder, entry, names)
    if (home / PURPOSES_FILE).exists():
        yield PURPOSES_FILE


def _stray(folder: str, entry: Path, names: set[str]) -> Iterator[Problem]:
    """Out: a problem for what looks like law and would silently not count."""
    file = f"{folder}/{entry.name}"
    if entry.name.startswith(".") or folder == "registers":
        return
    if entry.suffix == ".sig" and f"{entry.stem}.toml" not in names:
        yield Problem(
            file, None, "(file)", "signs a file that is not there", "Remove it, or bring the file back."
        )
    elif entry.suffix not in _BESIDE:
        mend = f"Only {folder}/*.toml is read: rename or remove it."
        yield Problem(file, None, "(file)", "does not count", mend)


def _connection(document: Document) -> list[Problem]:
    adapter = document.data.get("adapter")
    if not document.file.startswith("registers/") or not isinstance(adapter, str):
        return []
    if adapter not in CONNECTIONS:
        wrong = "is no adapter that there is"
        return [document.problem(("adapter",), wrong, did_you_mean(adapter, CONNECTIONS, "adapter"))]
    if not isinstance(document.data.get(adapter), Mapping):
        return [document.problem((adapter,), "is missing", f"Add the table [{adapter}].")]
    return validated(CONNECTIONS[adapter], document, (adapter,))[1]


def _unusable_keys(document: Document) -> list[Problem]:
    """Out: a problem for each key that has the form of one and is none."""
    places: list[KeyPath] = [(*path, "jwk") for path, key in tables(document, "key") if "jwk" in key]
    if "jwk" in document.data:
        places.append(("jwk",))
    found: list[Problem] = []
    for path in places:
        jwk, _ = validated(Jwk, document, path)
        try:
            if jwk is not None:
                jws.public_key(jwk.members())
        except ValueError:
            mend = "Put the public key here as `einmal keys new` printed it."
            found.append(document.problem(path, "is no usable public key", mend))
    return found
