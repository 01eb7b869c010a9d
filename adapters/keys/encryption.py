"""The keys that consumers encrypt to, as files: `encryption/KID.jwk`, a private JWK with its kid and its time.

Each counts from `not_before` to `not_after`, ends included, and opens nothing outside of it. Several at once are how
one follows another: all are published, the newest is encrypted to, the older ones still open until their end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from nacl.public import PrivateKey

from adapters.keys.files import read_private, refuse, write_new
from gateway import jose, jwe
from gateway.jwe import OpeningKey
from gateway.jws import PublicKey
from gateway.ports import Ids


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """One of them: what opens, and what is published, with its time."""

    opening: OpeningKey
    public: PublicKey

    @property
    def kid(self) -> str:
        return self.public.kid


def new_encryption_key(ids: Ids, kid: str | None = None, prefix: str = "encryption") -> OpeningKey:
    """Out: a new X25519 pair, named `kid`, else after its public key."""
    key = PrivateKey(ids.random(PrivateKey.SIZE))
    public = bytes(key.public_key)
    jwk = {"kty": "OKP", "crv": "X25519", "x": jose.encode(public), "d": jose.encode(bytes(key))}
    return jwe.opening_key(kid or f"{prefix}-{sha256(public).hexdigest()[:12]}", jwk)


def write_opening_key(path: Path, key: OpeningKey) -> None:
    """Write a consumer's private JWK with its kid into a new file, 0600. Raises: ConfigurationFault."""
    write_new(path, json.dumps({**key.key.as_dict(private=True), "kid": key.kid}, indent=2) + "\n")


def encryption_text(key: OpeningKey, not_before: datetime, not_after: datetime) -> str:
    """Out: the content of a file in `encryption/`."""
    times = {"not_before": not_before.isoformat(), "not_after": not_after.isoformat()}
    return json.dumps({**key.key.as_dict(private=True), "kid": key.kid, **times}, indent=2) + "\n"


def read_opening_key(path: Path) -> OpeningKey:
    """Out: the secret key of a consumer's file. Raises: ConfigurationFault."""
    try:
        members = json.loads(read_private(path))
        return jwe.opening_key(members.pop("kid"), members)
    except (ValueError, KeyError, AttributeError, TypeError):
        refuse(path, "is not a private JWK of X25519 or P-256 with a kid", "Restore it, or make a new key.")


def read_encryption_key(path: Path) -> EncryptionKey:
    """Out: a key of the house. Raises: ConfigurationFault."""
    try:
        members = json.loads(read_private(path))
        kid = members.pop("kid")
        begins, ends = (datetime.fromisoformat(members.pop(name)) for name in ("not_before", "not_after"))
        if begins.tzinfo is None or ends.tzinfo is None:
            raise ValueError
        opening = jwe.opening_key(kid, members)
        public = jose.import_key(jose.public_members(opening.key))
    except (ValueError, KeyError, AttributeError, TypeError):
        refuse(
            path,
            "is not a private JWK of X25519 or P-256 with kid, not_before and not_after",
            "Restore it from its backup.",
        )
    return EncryptionKey(opening, PublicKey(kid, public, "enc", begins, ends))


def read_encryption_keys(folder: Path) -> Sequence[EncryptionKey]:
    """Out: all of them, the newest first; a house of an older version has none. Raises: ConfigurationFault."""
    found = []
    for path in sorted(folder.glob("*.jwk")):
        found.append(read_encryption_key(path))
        if found[-1].kid != path.stem:
            refuse(path, "holds a key of another name", "Name the file after its kid.")
    return sorted(found, key=lambda key: (key.public.valid_from, key.kid), reverse=True)
