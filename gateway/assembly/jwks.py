"""The gateway's public keys as a JWKS file (RFC 7517, 5): to verify by, and to encrypt to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters import atomic
from adapters.keys import FileKeys
from adapters.keys.rotating import KeySteps
from gateway import jose, jwe
from gateway.jws import PublicKey
from gateway.ports import Ids

FILE: Final = "data/jwks.json"
"""Made anew by `serve` and by every rotation, for whoever hands it out; nothing in it is secret."""
_ALWAYS: Final = datetime.max.replace(tzinfo=UTC)


def jwks(keys: FileKeys, ids: Ids, now: datetime) -> dict[str, list[Mapping[str, str]]]:
    """Out: every public key of the gateway: those that sign, next and former ones too, and those to encrypt to now,
    the newest first. `not_before` and `not_after` say from when to when one counts, where that has an end.

    Raises: ConfigurationFault.
    """
    return {"keys": [*_signing(keys, ids), *(_member(key, jwe.ALG) for key in keys.encryption(now))]}


def write(root: Path, keys: FileKeys, ids: Ids, now: datetime) -> Path:
    """Put the file there, readable for all that can reach it, unless it says so already. Out: where."""
    path, said = root / FILE, json.dumps(jwks(keys, ids, now), indent=2) + "\n"
    if not path.exists() or path.read_text("utf-8") != said:
        atomic.put(path, said.encode("utf-8"), 0o644)
    return path


def _signing(keys: FileKeys, ids: Ids) -> Iterator[Mapping[str, str]]:
    following = KeySteps(keys, ids).announced()
    if following is not None:
        yield {**jose.public_members(following.key), "kid": following.kid, "use": "sig", "alg": following.alg}
    for key in keys.gateways:
        yield _member(key, "EdDSA")


def _member(key: PublicKey, alg: str) -> Mapping[str, str]:
    said = {**jose.public_members(key.key), "kid": key.kid, "use": key.use, "alg": alg}
    if key.use == "enc":
        said["not_before"] = key.valid_from.isoformat()
    if key.valid_to < _ALWAYS:
        said["not_after"] = key.valid_to.isoformat()
    return said
