"""The policy: everything that decides, read from signed and strict files, hashed, archived, replayable.

`read` takes the parsed files of a home and gives a `Policy`, or every mistake at once. `archive` packs the
same files into the bytes that are hashed and kept; `from_archive` gives the same policy back.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from consent.approval import Verify, unapproved
from consent.coherence import incoherent
from consent.grants import Grant, GrantsFile, deciding
from consent.parties import (
    Consumer,
    EvidenceType,
    Key,
    Procedure,
    Purpose,
    PurposesFile,
    Register,
    Signatory,
)
from consent.problems import Document, Model, did_you_mean, validated
from consent.revocation import REVOKED, Revocation, is_revocation, revocations, stated
from consent.vocabulary import Problem, Request

MAGIC: Final = b"einmal/policy/v1\n"
SETTINGS: Final = "settings.json"
SIGNATURE: Final = ".sig"
_Named = TypeVar("_Named")
_GrantKey: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What einmal.toml says that decides (the rest of it is about machinery)."""

    test_identities: bool
    """Whether the people of this home are invented: then only never-issued IDNrs are accepted, else none."""
    retention_classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """The law of one home at one time. Immutable; the empty one refuses everything."""

    hash: str
    """SHA-256 of the archived files, lower-case hex."""
    settings: Settings
    consumers: Mapping[str, Consumer] = field(repr=False)
    registers: Mapping[str, Register] = field(repr=False)
    purposes: Mapping[str, Purpose] = field(repr=False)
    procedures: Mapping[str, Procedure] = field(repr=False)
    people: Mapping[str, Signatory] = field(repr=False)
    grants: Mapping[str, Grant] = field(repr=False)
    """Every grant of the files, as it is written: also what was revoked, replaced, has ended or not begun."""
    revocations: Mapping[str, Revocation] = field(repr=False)
    """By the id of the grant revoked, which may be gone from the files."""
    archived: bytes = field(repr=False)
    """The files it was read from: `from_archive` gives this policy back."""
    _grants: Mapping[_GrantKey, tuple[Grant, ...]] = field(repr=False)
    _keys: Mapping[str, tuple[Consumer, Key]] = field(repr=False)
    _requirements: Mapping[str, Procedure] = field(repr=False)
    _register_identifiers: Mapping[tuple[str, str], Register] = field(repr=False)
    _evidence_identifiers: Mapping[str, str] = field(repr=False)
    _evidence: Mapping[tuple[str, str], EvidenceType] = field(repr=False)

    def deciding(self) -> tuple[Grant, ...]:
        """Out: the grants that decide: none revoked, a replaced one ended where its successor begins."""
        return tuple(deciding(self.grants.values(), self.revocations.keys()))

    def grants_for(self, request: Request) -> tuple[Grant, ...]:
        """Out: those of `deciding` for its consumer, evidence, purpose and procedure, by id; valid now or not."""
        return self._grants.get((request.consumer, request.evidence, request.purpose, request.procedure), ())

    def evidence(self, register: str, evidence: str) -> EvidenceType | None:
        """Out: what that register says about that evidence type."""
        return self._evidence.get((register, evidence))

    def key(self, kid: str) -> tuple[Consumer, Key] | None:
        """Out: a key and whose it is, valid or not."""
        return self._keys.get(kid)

    def procedure_of_requirement(self, requirement: str) -> Procedure | None:
        """Out: the procedure that an OOTS Requirement's id means here."""
        return self._requirements.get(requirement)

    def register_of_identifier(self, scheme: str, value: str) -> Register | None:
        """Out: the register with that foreign identifier."""
        return self._register_identifiers.get((scheme, value))

    def evidence_of_identifier(self, identifier: str) -> str | None:
        """Out: the evidence type with that foreign identifier."""
        return self._evidence_identifiers.get(identifier)


def read(
    documents: Sequence[Document], settings: Settings, verify: Verify, now: datetime
) -> Policy | tuple[Problem, ...]:
    """In: the parsed files under registers/, consumers/, grants/ (revocations among them), people/ and
    purposes.toml; the settings that decide; how to verify a signature; the time at which the policy is (or was)
    adopted.

    Out: the policy, or every mistake, by file and line.
    """
    shelf = _Shelf(documents)
    ended, problems = revocations(documents, verify)
    problems += shelf.problems + incoherent(documents, settings.retention_classes, ended)
    problems += unapproved(documents, verify, now)
    if problems:
        return tuple(sorted(set(problems), key=lambda p: (p.file, p.line or 0, p.key, p.wrong)))
    return _assemble(shelf, ended, settings, archive(_files(documents, settings)))


def digest(documents: Iterable[Document], settings: Settings) -> str:
    """Out: the hash of the policy that these files are, if they are one."""
    return sha256(archive(_files(documents, settings))).hexdigest()


def without_grants(policy: Policy, digest: str, archived: bytes) -> Policy:
    """In: the policy known so far; hash and archive of one that was adopted and can't be read any more.

    Out: everyone still known, nothing granted, and closed what that one closed: its signatures were judged when it was
    adopted. Raises: ValueError when the bytes are no archive.
    """
    files = unpack(archived)
    said = (stated(raw) for name, raw in files.items() if name.endswith(REVOKED))
    closed = {one.grant: one for one in said if one is not None}
    nothing: Mapping[Any, Any] = MappingProxyType({})
    return replace(policy, hash=digest, grants=nothing, revocations=MappingProxyType(closed), _grants=nothing)


def empty() -> Policy:
    """Out: the policy without a word, which refuses everything."""
    settings = Settings(test_identities=True, retention_classes=())
    return _assemble(_Shelf(()), {}, settings, archive(_files((), settings)))


def archive(files: Mapping[str, bytes]) -> bytes:
    """In: files by name. Out: the one way to write them down; its SHA-256 is the policy's hash."""
    packed = [MAGIC]
    for name, data in sorted(files.items()):
        packed += (f"{len(data)} {name}\n".encode(), data, b"\n")
    return b"".join(packed)


def from_archive(packed: bytes, verify: Verify, now: datetime) -> Policy | tuple[Problem, ...]:
    """In: archived bytes, how to verify signatures, the time at which the policy was adopted.

    Out: the same policy. Raises: ValueError when the bytes are no archive.
    """
    files = unpack(packed)
    facts = json.loads(files.pop(SETTINGS, b"null"))
    if not isinstance(facts, dict) or facts.keys() != {"retention_classes", "test_identities"}:
        raise ValueError("a policy archive without its settings")
    if not isinstance(facts["test_identities"], bool) or not isinstance(facts["retention_classes"], list):
        raise ValueError("a policy archive with odd settings")
    settings = Settings(facts["test_identities"], tuple(facts["retention_classes"]))
    documents = [
        Document(name, data, _parsed(name, data), signature=files.get(_signature_of(name)))
        for name, data in files.items()
        if not name.endswith(SIGNATURE)
    ]
    return read(documents, settings, verify, now)


def unpack(packed: bytes) -> dict[str, bytes]:
    """Out: the files of an archive. Raises: ValueError unless packing them gives exactly these bytes."""
    files: dict[str, bytes] = {}
    rest = packed.removeprefix(MAGIC)
    while rest:
        head, _, rest = rest.partition(b"\n")
        size, _, name = head.partition(b" ")
        if not size.isdigit():
            break
        files[name.decode(errors="replace")], rest = rest[: int(size)], rest[int(size) + 1 :]
    if archive(files) != packed:
        raise ValueError("not a policy archive")
    return files


def _parsed(name: str, data: bytes) -> dict[str, Any]:
    if name.endswith(REVOKED):
        return {}
    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise ValueError(f"an archived file is not TOML: {name}") from None


def _signature_of(name: str) -> str:
    return name.removesuffix(".toml") + SIGNATURE


def _files(documents: Iterable[Document], settings: Settings) -> dict[str, bytes]:
    facts = {
        "retention_classes": list(settings.retention_classes),
        "test_identities": settings.test_identities,
    }
    files = {SETTINGS: json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()}
    for document in documents:
        files[document.file] = document.raw
        if document.signature is not None:
            files[_signature_of(document.file)] = document.signature
    return files


class _Shelf:
    """The documents as models, each in its place; mistakes in `problems`."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.problems: list[Problem] = []
        self.consumers: list[Consumer] = []
        self.registers: list[Register] = []
        self.people: list[Signatory] = []
        self.purposes: list[Purpose] = []
        self.procedures: list[Procedure] = []
        self.grants: list[Grant] = []
        for document in documents:
            self._place(document)

    def _place(self, document: Document) -> None:
        folder = document.file.partition("/")[0]
        if document.broken or is_revocation(document):
            return
        if folder == "consumers":
            self.consumers += self._model(Consumer, document)
        elif folder == "registers":
            self.registers += self._model(Register, document)
        elif folder == "people":
            self.people += self._model(Signatory, document)
        elif folder == "grants":
            for grants in self._model(GrantsFile, document):
                self.grants += grants.grant
        elif folder == "purposes.toml":
            for words in self._model(PurposesFile, document):
                self.purposes += words.purpose
                self.procedures += words.procedure
        else:
            known = ("consumers/", "registers/", "people/", "grants/", "purposes.toml")
            mend = did_you_mean(folder, known, "place")
            self.problems.append(document.problem((), "is no file of a policy", mend))

    def _model(self, model: type[Model], document: Document) -> list[Model]:
        found, problems = validated(model, document)
        self.problems += problems
        return [] if found is None else [found]


def _assemble(shelf: _Shelf, revoked: Mapping[str, Revocation], settings: Settings, packed: bytes) -> Policy:
    by_question: dict[_GrantKey, list[Grant]] = {}
    for grant in sorted(deciding(shelf.grants, revoked.keys()), key=lambda item: item.id):
        for procedure in grant.procedures:
            question = (grant.consumer, grant.evidence, grant.purpose, procedure)
            by_question.setdefault(question, []).append(grant)
    evidence = [(register, item) for register in shelf.registers for item in register.evidence]
    return Policy(
        hash=sha256(packed).hexdigest(),
        settings=settings,
        consumers=_index((item.id, item) for item in shelf.consumers),
        registers=_index((item.id, item) for item in shelf.registers),
        purposes=_index((item.code, item) for item in shelf.purposes),
        procedures=_index((item.code, item) for item in shelf.procedures),
        people=_index((item.id, item) for item in shelf.people),
        grants=_index((item.id, item) for item in shelf.grants),
        revocations=MappingProxyType(dict(revoked)),
        archived=packed,
        _grants=MappingProxyType({key: tuple(grants) for key, grants in by_question.items()}),
        _keys=_index((key.kid, (item, key)) for item in shelf.consumers for key in item.keys),
        _requirements=_index((name, item) for item in shelf.procedures for name in item.requirements),
        _register_identifiers=_index(
            ((name.scheme, name.value), item) for item in shelf.registers for name in item.identifiers
        ),
        _evidence_identifiers=_index((name, item.type) for _, item in evidence for name in item.identifiers),
        _evidence=_index(((register.id, item.type), item) for register, item in evidence),
    )


_Key = TypeVar("_Key")


def _index(items: Iterable[tuple[_Key, _Named]]) -> Mapping[_Key, _Named]:
    return MappingProxyType(dict(items))
