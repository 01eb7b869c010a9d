"""The house's own secrets as files of a home.

    master.key    what is kept sealed is sealed under it (`adapters.keys.masters`)
    identity.key  the authority's Ed25519 identity key, as Go's sumdb/note writes one: PRIVATE+KEY+name+id+key
    gateway.jwk   the key that signs replies, receipts and records: a private JWK with its kid
    succession/   how each identity key was followed by the next: notes signed by both, public
    gateway-former/   the public halves of former gateway keys: what they signed stays valid
    encryption/   the keys that consumers encrypt to (`adapters.keys.encryption`)

Nothing is ever created by opening. A running process follows a rotation by itself: it looks whether the folder has
changed before it seals anything, and reads it anew; in a thread, where a command has to be asked.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import Final, TypeAlias

from adapters.keys.encryption import EncryptionKey, read_encryption_keys
from adapters.keys.files import (
    ENCRYPTION,
    FORMER_GATEWAYS,
    SUCCESSION,
    check_directory,
    read_private,
    refuse,
)
from adapters.keys.masters import Masters, MasterSource, read_masters
from adapters.keys.sealing import mark, seal, unseal
from gateway import jws
from gateway.audit import note
from gateway.audit.identity import Identity, lineage, read_step
from gateway.errors import ConfigurationFault, Fault, JournalUnavailable
from gateway.jwe import OpeningKey
from gateway.jws import PublicKey, SigningKey, signing_key

MASTER: Final = "master.key"
IDENTITY: Final = "identity.key"
GATEWAY: Final = "gateway.jwk"
Source: TypeAlias = Callable[[], MasterSource]
_Seen: TypeAlias = tuple[int, int]
MOST_SECONDS_BEHIND: Final = 30
"""How long a process goes on with the keys before while a command prints the new one: with the ten seconds that it
waits for the database well within the minute that a former key stays good for (docs/decisions/0024)."""
_BEING_READ: Final = "keyfiles (being read)"


@dataclass(frozen=True, slots=True)
class _Ring:
    """Every key of the house, read at one moment."""

    seen: _Seen
    """What the folder looked like before it was read."""
    masters: Masters
    signer: note.Signer = field(repr=False)
    identity: Identity
    succession: tuple[str, ...]
    gateway: SigningKey
    gateways: Mapping[str, PublicKey]
    encryption: Sequence[EncryptionKey]


class FileKeys:
    """Port `Keys` over a home's `keys/`."""

    def __init__(self, directory: Path, source: Source) -> None:
        """Raises: ConfigurationFault, when a file is missing, malformed, or can be read by others."""
        self.directory, self._source = directory, source
        self._path = str(directory)
        self._one_reads, self._one_starts = Lock(), Lock()
        self._reading: Thread | None = None
        self._behind_since: float | None = None
        self._wrong: str | None = None
        self._ring = self._read()

    @classmethod
    def open(cls, directory: Path, source: Source | None = None) -> FileKeys:
        """In: `keys/`, and how einmal.toml says where the master key comes from: asked again whenever the folder has
        changed. Raises: ConfigurationFault."""
        return cls(directory, source or (lambda: MasterSource(directory / MASTER)))

    # --- port `Keys` ----------------------------------------------------------------------------------------
    @property
    def identity_vkey(self) -> str:
        return self.identity.current.vkey

    @property
    def identity(self) -> Identity:
        self._follow()
        return self._ring.identity

    @property
    def succession(self) -> tuple[str, ...]:
        self._follow()
        return self._ring.succession

    def sign_as_authority(self, text: str) -> str:
        self._follow()
        return note.sign(text, self._ring.signer)

    @property
    def gateway(self) -> SigningKey:
        self._follow()
        return self._ring.gateway

    def find(self, kid: str) -> PublicKey | None:
        self._follow()  # a key that is known may have become a former one
        ring = self._ring
        found = ring.gateways.get(kid)
        if found is None and self._look() != ring.seen:
            raise JournalUnavailable(_BEING_READ)
        return found

    def opening(self, kid: str, now: datetime) -> OpeningKey | None:
        self._follow()
        there = (key for key in self._ring.encryption if key.kid == kid and key.public.valid_at(now))
        return next((key.opening for key in there), None)

    def encryption(self, now: datetime) -> Sequence[PublicKey]:
        self._follow()
        return [key.public for key in self._ring.encryption if key.public.valid_at(now)]

    @property
    def mark(self) -> bytes:
        self._follow()
        return mark(self._ring.masters.key)

    def wrap(self, secret: bytes, context: str) -> bytes:
        self._follow()
        return seal(self._ring.masters.key, secret, context)

    def unwrap(self, sealed: bytes, context: str) -> bytes:
        ring = self._ring
        try:
            return unseal(ring.masters.known, sealed, context)
        except Fault:
            self._follow()
            if self._ring is ring and self._look() == ring.seen:
                raise
        if self._ring is ring:
            raise JournalUnavailable(_BEING_READ)
        return unseal(self._ring.masters.known, sealed, context)

    # --- what rotations look at -----------------------------------------------------------------------------
    @property
    def masters(self) -> Masters:
        """Out: the master keys as they are now, however long that takes."""
        self.follow()
        return self._ring.masters

    @property
    def source(self) -> MasterSource:
        """Out: where the master key comes from now."""
        return self._source()

    @property
    def signer(self) -> note.Signer:
        """Out: the identity key, to sign who follows it."""
        return self._ring.signer

    @property
    def gateways(self) -> Sequence[PublicKey]:
        """Out: the gateway's public keys, former ones too, by name."""
        return sorted(self._ring.gateways.values(), key=lambda key: key.kid)

    @property
    def encryption_keys(self) -> Sequence[EncryptionKey]:
        """Out: the keys that consumers encrypt to, whatever their time, the newest first."""
        self._follow()
        return self._ring.encryption

    def follow(self) -> None:
        """Know the keys as they are now, however long that takes. Raises: JournalUnavailable, when they can't be read
        any more."""
        with self._one_reads:
            if self._look() != self._ring.seen:
                with _told():
                    self._ring = self._read()
            self._wrong = self._behind_since = None

    def _follow(self) -> None:
        """Know the keys as they are now; where a command prints the master key, soon: it is asked in a thread, and
        whoever seals or signs meanwhile does so with the keys before. Nobody waits for a vault.

        Raises: JournalUnavailable, when they can't be read any more, or too late for a former key.
        """
        if self._look() == self._ring.seen:
            return
        with self._one_starts:
            if self._reading is None:
                with _told():
                    asks = self._source().command or self._source().former_command
                if not asks:
                    self.follow()
                    return
                self._reading = Thread(target=self._follow_soon, name="keys-read", daemon=True)
                self._reading.start()
            since = self._behind_since = self._behind_since or monotonic()
            wrong = self._wrong
        if wrong is not None:
            raise JournalUnavailable(wrong)
        if monotonic() - since > MOST_SECONDS_BEHIND:
            raise JournalUnavailable(_BEING_READ)

    def _follow_soon(self) -> None:
        try:
            self.follow()
        except JournalUnavailable as wrong:
            self._wrong = wrong.where
        except Exception as error:  # noqa: BLE001  told to whoever needs a key, who would wait for ever else
            self._wrong = f"keyfiles ({type(error).__name__})"
        finally:
            self._reading = None

    def _look(self) -> _Seen:
        """Out: what changes with every rotation (`adapters.keys.files.changed`)."""
        try:
            found = os.stat(self._path)  # noqa: PTH116  before every reply: a path object costs as much again
        except OSError:
            return 0, 0
        return found.st_ino, found.st_mtime_ns

    def _read(self) -> _Ring:
        seen, directory = self._look(), self.directory
        check_directory(directory)
        masters = read_masters(directory, self._source())
        signer = read_identity(directory / IDENTITY)
        succession = _succession(directory / SUCCESSION, signer.verifier)
        identity = lineage(signer.verifier, succession)
        gateway = read_key(directory / GATEWAY)
        gateways = {**_former(directory / FORMER_GATEWAYS), gateway.kid: public(gateway)}
        encryption = read_encryption_keys(directory / ENCRYPTION)
        return _Ring(seen, masters, signer, identity, succession, gateway, gateways, encryption)


@contextmanager
def _told() -> Iterator[None]:
    """What can't be read any more is no mistake of an operator's at the start: the journal can't be written."""
    try:
        yield
    except ConfigurationFault as wrong:
        raise JournalUnavailable(f"keyfiles ({wrong.problems[0].file})") from None


def public(key: SigningKey) -> PublicKey:
    """Out: the public half, as anyone knows it."""
    members = jws.public_key(jws.public_jwk(key))
    begins, ends = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return PublicKey(key.kid, members, "sig", begins, ends)


# --- reading ------------------------------------------------------------------------------------------------
def read_key(path: Path) -> SigningKey:
    """Out: the private JWK of a file that only its owner can read. Raises: ConfigurationFault."""
    try:
        members = json.loads(read_private(path))
        return signing_key(members.pop("kid"), members)
    except (ValueError, KeyError, AttributeError, TypeError):
        refuse(path, "is not a private JWK with a kid", "Restore it from its backup or make a new key.")


def read_identity(path: Path) -> note.Signer:
    """Out: the identity key of a file. Raises: ConfigurationFault."""
    try:
        said, private, name, key_id, seed = read_private(path).strip().split("+", 4)
        raw = note.decode64(seed)
        signer = note.Signer.from_seed(name, raw[1:])
        whole = (said, private, raw[0], key_id)
        if whole != ("PRIVATE", "KEY", note.KeyType.ED25519, signer.verifier.key_id.hex()):
            raise ValueError
    except (ValueError, IndexError, note.NoteInvalid):
        refuse(path, "is not the identity key of a note", "Restore it from its backup.")
    return signer


def _succession(folder: Path, current: note.Verifier) -> tuple[str, ...]:
    """Out: the notes that lead to the key in use, oldest first. One that leads on from it is of a rotation under way.
    Raises: ConfigurationFault, also for one that has nothing to do with it."""
    by_new: dict[str, tuple[str, str]] = {}
    for path in sorted(folder.glob("*.note")):
        text = read_private(path)
        try:
            step = read_step(text)
        except note.NoteInvalid as wrong:
            refuse(path, f"does not say how a key was followed: {wrong}", "Restore it from its backup.")
        by_new[step.new.vkey] = (step.old.vkey, text)
    found: list[str] = []
    at = current.vkey
    while at in by_new:
        at, text = by_new.pop(at)
        found.append(text)
    if any(old != current.vkey for old, _ in by_new.values()):
        refuse(folder, "holds a note that does not lead to identity.key", "Restore keys/ from its backup.")
    return tuple(reversed(found))


def _former(folder: Path) -> Mapping[str, PublicKey]:
    """Out: the former gateway keys by name. Raises: ConfigurationFault."""
    found: dict[str, PublicKey] = {}
    for path in sorted(folder.glob("*.jwk")):
        try:
            members = json.loads(read_private(path))
            kid, until = members.pop("kid"), datetime.fromisoformat(members.pop("until"))
            if not isinstance(kid, str) or until.tzinfo is None:
                raise ValueError
            begins = datetime.min.replace(tzinfo=UTC)
            found[kid] = PublicKey(kid, jws.public_key(members), "sig", begins, until)
        except (ValueError, KeyError, AttributeError, TypeError):
            refuse(path, "is not a public JWK with kid and until", "Restore it from its backup.")
    return found
