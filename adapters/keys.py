"""The house's own secrets as files of a home: `keys/` 0700, its files 0600; anything wider is refused.

    master.key    32 random bytes, base64: what is kept sealed is sealed under it
    identity.key  the authority's Ed25519 identity key, as Go's sumdb/note writes one: PRIVATE+KEY+name+id+key
    gateway.jwk   the key that signs replies, receipts and records: a private JWK with its kid

Nothing is ever created by opening and nothing overwritten by creating.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.signing import SigningKey as Ed25519Key

from consent.vocabulary import Problem
from gateway.audit import note
from gateway.errors import ConfigurationFault, Fault
from gateway.jws import SigningKey, signing_key
from gateway.ports import Ids

MASTER: Final = "master.key"
IDENTITY: Final = "identity.key"
GATEWAY: Final = "gateway.jwk"
SEED_BYTES: Final = 32

_SEALED_V1: Final = b"\x01"
_NONCE_BYTES: Final = 12
_MAX_FILE_BYTES: Final = 16384


@dataclass(frozen=True, slots=True)
class FileKeys:
    """Port `Keys` over a home's `keys/`. Sealing: AES-256-GCM under HKDF-SHA-256(master key, purpose)."""

    _master: bytes = field(repr=False)
    _identity: note.Signer = field(repr=False)
    _gateway: SigningKey

    @classmethod
    def open(cls, directory: Path) -> FileKeys:
        """Raises: ConfigurationFault, when a file is missing, malformed, or can be read by others."""
        _check_directory(directory)
        return cls(
            _read_master(directory / MASTER),
            _read_identity(directory / IDENTITY),
            read_key(directory / GATEWAY),
        )

    @property
    def identity_vkey(self) -> str:
        return self._identity.verifier.vkey

    def sign_as_authority(self, text: str) -> str:
        return note.sign(text, self._identity)

    @property
    def gateway(self) -> SigningKey:
        return self._gateway

    def wrap(self, secret: bytes, context: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _SEALED_V1 + nonce + self._cipher(context).encrypt(nonce, secret, _bound(context))

    def unwrap(self, sealed: bytes, context: str) -> bytes:
        start = len(_SEALED_V1)
        nonce, ciphertext = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            if sealed[:start] != _SEALED_V1:
                raise InvalidTag
            return self._cipher(context).decrypt(nonce, ciphertext, _bound(context))
        except (InvalidTag, ValueError):
            raise Fault("keys") from None

    def _cipher(self, context: str) -> AESGCM:
        """Out: the cipher of what comes before the context's first `|`; the rest is bound as associated data."""
        return _derived(self._master, context.partition("|")[0])


@lru_cache(maxsize=64)
def _derived(master: bytes, purpose: str) -> AESGCM:
    info = b"einmal/wrap/v1|" + purpose.encode("utf-8")
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(master))


def _bound(context: str) -> bytes:
    return _SEALED_V1 + context.encode("utf-8")


# --- making ------------------------------------------------------------------------------------------------
def create(directory: Path, ids: Ids, authority_name: str) -> FileKeys:
    """Make a new house's keys. Raises: ConfigurationFault, when there is anything at `directory` already."""
    identity = note.Signer.from_seed(authority_name, ids.random(SEED_BYTES))
    verifier = identity.verifier  # a name that is none of a note's is refused before anything is written
    directory.mkdir(mode=0o700, exist_ok=True)
    _check_directory(directory)
    for name in (MASTER, IDENTITY, GATEWAY):
        if (directory / name).exists():
            _refuse(
                directory / name, "exists already", "Keys are never overwritten: move the folder away first."
            )
    _write_new(directory / MASTER, note.encode64(ids.random(SEED_BYTES)) + "\n")
    seed = note.encode64(bytes([verifier.type]) + bytes(identity.key))
    _write_new(directory / IDENTITY, f"PRIVATE+KEY+{verifier.name}+{verifier.key_id.hex()}+{seed}\n")
    write_key(directory / GATEWAY, new_key(ids, prefix="gateway"))
    _sync(directory)
    return FileKeys.open(directory)


def new_key(ids: Ids, kid: str | None = None, prefix: str = "key") -> SigningKey:
    """Out: a new Ed25519 signing key, named `kid`, else after its public key."""
    key = Ed25519Key(ids.random(SEED_BYTES))
    public = bytes(key.verify_key)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": _b64url(public), "d": _b64url(bytes(key))}
    return signing_key(kid or f"{prefix}-{sha256(public).hexdigest()[:12]}", jwk)


def write_key(path: Path, key: SigningKey) -> None:
    """Write a private JWK with its kid into a new file, 0600. Raises: ConfigurationFault, if there is one."""
    members = key.key.as_dict(private=True)
    _write_new(path, json.dumps({**members, "kid": key.kid}, indent=2) + "\n")


# --- reading -----------------------------------------------------------------------------------------------
def read_key(path: Path) -> SigningKey:
    """Out: the private JWK of a file that only its owner can read. Raises: ConfigurationFault."""
    try:
        members = json.loads(_read_private(path))
        return signing_key(members.pop("kid"), members)
    except (ValueError, KeyError, AttributeError, TypeError):
        _refuse(path, "is not a private JWK with a kid", "Restore it from its backup or make a new key.")


def _read_master(path: Path) -> bytes:
    try:
        master = note.decode64(_read_private(path).strip())
    except note.NoteInvalid:
        master = b""
    if len(master) != SEED_BYTES:
        _refuse(path, "does not hold 32 bytes in base64", "Restore it from its backup.")
    return master


def _read_identity(path: Path) -> note.Signer:
    try:
        mark, private, name, key_id, seed = _read_private(path).strip().split("+", 4)
        raw = note.decode64(seed)
        signer = note.Signer.from_seed(name, raw[1:])
        whole = (mark, private, raw[0], key_id)
        if whole != ("PRIVATE", "KEY", note.KeyType.ED25519, signer.verifier.key_id.hex()):
            raise ValueError
    except (ValueError, IndexError, note.NoteInvalid):
        _refuse(path, "is not the identity key of a note", "Restore it from its backup.")
    return signer


def _read_private(path: Path) -> str:
    """Out: the text of a regular file that is its user's alone; the open file is judged, not its name."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        _refuse(path, "is missing", "Restore it from its backup, or name the right file.")
    except OSError:
        _refuse(
            path, "can't be opened", "It must be a regular file, no link, that the gateway's user can read."
        )
    try:
        _check_mode(path, os.fstat(handle), stat.S_ISREG, 0o600)
        content = os.read(handle, _MAX_FILE_BYTES + 1)
    finally:
        os.close(handle)
    if len(content) > _MAX_FILE_BYTES or not content.isascii():
        _refuse(path, "is not a key file", "Restore it from its backup.")
    return content.decode("ascii")


def _check_directory(directory: Path) -> None:
    try:
        found = directory.lstat()
    except OSError:
        _refuse(directory, "is missing", "Make a home's keys with `einmal init`.")
    _check_mode(directory, found, stat.S_ISDIR, 0o700)


def _check_mode(path: Path, found: os.stat_result, is_kind: Callable[[int], bool], mode: int) -> None:
    if not is_kind(found.st_mode):
        _refuse(path, "is a link or something else than expected", "Put the real file or folder there.")
    if found.st_uid != os.geteuid():
        _refuse(path, "belongs to another user", "Run as its owner, or give it to the gateway's user.")
    if stat.S_IMODE(found.st_mode) & ~mode:
        _refuse(
            path,
            "can be reached by others",
            f"chmod {mode:o} it, and replace the key if others could read it.",
        )


def _write_new(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        _refuse(path, "exists already", "Keys are never overwritten: move the file away first.")
    with os.fdopen(handle, "wb") as file:
        file.write(text.encode("ascii"))
        file.flush()
        os.fsync(handle)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _refuse(path: Path, wrong: str, mend: str) -> NoReturn:
    place = f"{path.parent.name}/{path.name}" if path.parent.name == "keys" else str(path)
    raise ConfigurationFault((Problem(place, None, "(file)", wrong, mend),)) from None
