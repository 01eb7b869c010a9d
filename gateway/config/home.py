"""A home, loaded whole or not at all: its settings, its law, and how its registers are connected.

Settings are always einmal.toml's. The law is either what the files say now (`load`) or what was adopted and is kept
in the store (`adopted`); the files are a proposal until `einmal reload` has adopted them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from consent.approval import Verify, unapproved
from consent.parties import Jwk
from consent.policy import Policy, Settings, digest, read, unpack
from consent.problems import Document, KeyPath, did_you_mean, validated
from consent.tables import tables
from consent.vocabulary import Problem
from gateway import jws
from gateway.config.connections import CONNECTIONS
from gateway.config.files import documents_of
from gateway.config.settings import Einmal
from gateway.config.toml import parse, read_bytes
from gateway.errors import ConfigurationFault

SETTINGS_FILE: Final = "einmal.toml"


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy in force, as the store knows it."""

    hash: str
    judged: datetime
    """When its signatures were judged: a signatory's key that ends later takes nothing away."""


@dataclass(frozen=True, slots=True)
class Home:
    """What a home says."""

    root: Path
    settings: Einmal
    policy: Policy
    judged: datetime
    """When the policy's signatures were judged."""
    registers: Mapping[str, Mapping[str, Any]] = field(repr=False)
    """registers/*.toml by the register's id, whole: what adapters are built from."""
    documents: Mapping[str, Document] = field(repr=False)
    """The files of the law by their path, with the lines of their keys."""


def load_settings(root: Path) -> Einmal:
    """Out: einmal.toml. Raises: ConfigurationFault with every problem in it."""
    problems: list[Problem] = []
    file = _settings_file(root, problems)
    settings = _settings(file, problems) if file is not None else None
    if settings is None or problems:
        raise ConfigurationFault(tuple(problems))
    return settings


@dataclass(frozen=True, slots=True)
class Reading:
    """A home's files as they are now, right or wrong."""

    root: Path
    settings: Einmal | None
    settings_file: Document | None = field(repr=False)
    documents: Sequence[Document] = field(repr=False)
    policy: Policy | None
    """None: something is wrong with the law."""
    judged: datetime
    problems: tuple[Problem, ...]
    """Everything that is wrong, by file and line."""

    def home(self) -> Home:
        """Out: the home that the files are. Raises: ConfigurationFault with every problem."""
        if self.problems or self.settings is None or self.policy is None:
            raise ConfigurationFault(self.problems)
        return _home(self.root, self.settings, self.policy, self.judged, self.documents)


def read_files(root: Path, verify: Verify, now: datetime, standing: Standing | None = None) -> Reading:
    """In: the folder, how signatures are verified (`gateway.config.signatures.verify`), the time, the policy in
    force: files that say the same keep the time at which their signatures were judged."""
    found: list[Problem] = []
    file = _settings_file(root, found)
    settings = _settings(file, found) if file is not None else None
    documents = list(documents_of(root, found))
    decides = _deciding(settings)
    same = standing is not None and standing.hash == digest(documents, decides)
    judged = standing.judged if standing is not None and same else now
    law, problems = _law(documents, settings, decides, verify, judged)
    return Reading(root, settings, file, documents, law, judged, in_order(found + problems))


def load(root: Path, verify: Verify, now: datetime, standing: Standing | None = None) -> Home:
    """As `read_files`. Out: the home. Raises: ConfigurationFault with every problem, by file and line."""
    return read_files(root, verify, now, standing).home()


def proposed(root: Path, file: str, raw: bytes, verify: Verify, now: datetime) -> tuple[Problem, ...]:
    """In: a file that is not in the home yet, or not yet like this. Out: what would be wrong with it there,
    leaving aside that it is not signed."""
    settings_file = _settings_file(root, [])
    settings = _settings(settings_file, []) if settings_file is not None else None
    others = [document for document in documents_of(root, []) if document.file != file]
    document = parse(file, raw)
    if isinstance(document, Problem):
        return (document,)
    found = _law([*others, document], settings, _deciding(settings), verify, now)[1]
    unsigned = unapproved([*others, document], verify, now)
    return tuple(problem for problem in in_order(found) if problem.file == file and problem not in unsigned)


def adopted(root: Path, settings: Einmal, policy: Policy, judged: datetime) -> Home:
    """In: a home's settings, the policy in force, when its signatures were judged. Out: the home under that policy,
    whatever its files say by now. Raises: ValueError, when the policy's archive is none."""
    return _home(root, settings, policy, judged, _archived(policy))


def description(policy: Policy, register: str) -> Document:
    """Out: the archived file that describes that register of the policy. Raises: KeyError, when there is none."""
    for document in _archived(policy):
        if document.file.startswith("registers/") and document.data.get("id") == register:
            return document
    raise KeyError(register)


def _archived(policy: Policy) -> Iterator[Document]:
    """Out: the TOML files of a policy's archive."""
    for file, raw in unpack(policy.archived).items():
        if file.endswith(".toml") and isinstance(document := parse(file, raw), Document):
            yield document


def _law(
    documents: Sequence[Document],
    settings: Einmal | None,
    decides: Settings,
    verify: Verify,
    judged: datetime,
) -> tuple[Policy | None, list[Problem]]:
    found = [problem for document in documents for problem in _of_machinery(document)]
    law = read(documents, decides, verify, judged)
    if isinstance(law, tuple):
        return None, found + list(_only_ours(law, settings))
    return law, found


def _home(
    root: Path, settings: Einmal, policy: Policy, judged: datetime, documents: Iterable[Document]
) -> Home:
    by_path = {document.file: document for document in documents}
    registers = {
        str(document.data["id"]): document.data
        for file, document in by_path.items()
        if file.startswith("registers/")
    }
    return Home(root, settings, policy, judged, MappingProxyType(registers), MappingProxyType(by_path))


def in_order(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Out: each problem once, by file and line."""
    return tuple(sorted(set(found), key=lambda item: (item.file, item.line or 0, item.key, item.wrong)))


def _of_machinery(document: Document) -> list[Problem]:
    """Out: what the law knows nothing of: connections, and keys that are no points of their curve."""
    return connection_problems(document) + _unusable_keys(document)


def _settings_file(root: Path, problems: list[Problem]) -> Document | None:
    raw = read_bytes(root, SETTINGS_FILE)
    document = raw if isinstance(raw, Problem) else parse(SETTINGS_FILE, raw)
    if isinstance(document, Problem):
        problems.append(document)
        return None
    return document


def _settings(document: Document, problems: list[Problem]) -> Einmal | None:
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


def connection_problems(document: Document) -> list[Problem]:
    """Out: what is wrong with the adapter's own table of a register's file, or with its name."""
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
