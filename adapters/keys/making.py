"""Making keys: those of a new house, and pairs for others. Nothing is ever overwritten."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey as Ed25519Key

from adapters import atomic
from adapters.keys.files import check_directory, refuse, write_new
from adapters.keys.house import GATEWAY, IDENTITY, MASTER, FileKeys
from adapters.keys.sealing import MASTER_BYTES
from gateway import jws
from gateway.audit import note
from gateway.jws import SigningKey, signing_key
from gateway.ports import Ids

SEED_BYTES: Final = 32


def create(directory: Path, ids: Ids, authority_name: str) -> FileKeys:
    """Make a new house's keys. Raises: ConfigurationFault, when there is anything at `directory` already."""
    identity = note.Signer.from_seed(authority_name, ids.random(SEED_BYTES))
    said = identity_text(identity)  # a name that is none of a note's is refused before anything is written
    directory.mkdir(mode=0o700, exist_ok=True)
    check_directory(directory)
    for name in (MASTER, IDENTITY, GATEWAY):
        if (directory / name).exists():
            refuse(
                directory / name, "exists already", "Keys are never overwritten: move the folder away first."
            )
    write_new(directory / MASTER, master_text(ids.random(MASTER_BYTES)))
    write_new(directory / IDENTITY, said)
    write_key(directory / GATEWAY, new_key(ids, prefix="gateway"))
    atomic.sync(directory.parent)
    return FileKeys.open(directory)


def new_key(ids: Ids, kid: str | None = None, prefix: str = "key") -> SigningKey:
    """Out: a new Ed25519 signing key, named `kid`, else after its public key."""
    key = Ed25519Key(ids.random(SEED_BYTES))
    public = bytes(key.verify_key)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": _b64url(public), "d": _b64url(bytes(key))}
    return signing_key(kid or f"{prefix}-{sha256(public).hexdigest()[:12]}", jwk)


def write_key(path: Path, key: SigningKey) -> None:
    """Write a private JWK with its kid into a new file, 0600. Raises: ConfigurationFault, if there is one."""
    write_new(path, key_text(key))


# --- as they are written ------------------------------------------------------------------------------------
def master_text(master: bytes) -> str:
    """Out: the content of `master.key`."""
    return note.encode64(master) + "\n"


def identity_text(identity: note.Signer) -> str:
    """Out: the content of `identity.key`. Raises: NoteInvalid, when its name is none of a note's."""
    verifier = identity.verifier
    seed = note.encode64(bytes([verifier.type]) + bytes(identity.key))
    return f"PRIVATE+KEY+{verifier.name}+{verifier.key_id.hex()}+{seed}\n"


def key_text(key: SigningKey) -> str:
    """Out: the content of `gateway.jwk` and its like."""
    return _json({**key.key.as_dict(private=True), "kid": key.kid})


def former_text(key: SigningKey, until: datetime) -> str:
    """Out: what is kept of a gateway key that is no longer used: its public half, and until when it signed."""
    return _json({**jws.public_jwk(key), "kid": key.kid, "until": until.isoformat()})


def _json(members: Mapping[str, object]) -> str:
    return json.dumps(members, indent=2) + "\n"


def _b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
