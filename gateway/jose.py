"""What signed and encrypted messages are spelled in: base64url, strict JSON, keys as JWK (RFC 7515, 7517, 7518, 8037).

One spelling for each thing: what is not written exactly so is refused. Keys are joserfc's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from nacl.bindings import crypto_core_ed25519_is_valid_point

Key: TypeAlias = OKPKey | ECKey

MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "Ed25519": ("kty", "crv", "x"),
    "X25519": ("kty", "crv", "x"),
    "P-256": ("kty", "crv", "x", "y"),
}
"""The required members of a public JWK, by its curve."""


def encode(data: bytes) -> str:
    """Out: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(segment: str) -> bytes:
    """base64url without padding in its one canonical spelling: encoding again must give the same text.

    Raises: ValueError, without content.
    """
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise ValueError("not base64url") from None
    if encode(data) != segment:
        raise ValueError("not the one spelling of base64url")
    return data


def to_json(value: Mapping[str, object]) -> bytes:
    """Out: JSON without spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def strict_json(text: bytes | str) -> dict[str, Any]:
    """One JSON object, UTF-8, no name twice, no fractions. Raises: ValueError, without content."""
    try:
        parsed = json.loads(
            text.decode("utf-8") if isinstance(text, bytes) else text,
            object_pairs_hook=_each_once,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise ValueError("not strict JSON") from None
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")
    return parsed


def public_members(key: Key) -> dict[str, str]:
    """Out: the required members of the public JWK; `kid` and `use` are the caller's to add."""
    members = key.as_dict(private=False)
    return {name: str(members[name]) for name in MEMBERS[key.curve_name]}


def import_key(jwk: Mapping[str, object], *, private: bool = False) -> Key:
    """In: the required members of a JWK, with `d` if it is private, and no other. Raises: ValueError, no content.

    Ed25519 points of small order or outside the main subgroup are refused: any signature would fit them.
    """
    curve, secret = jwk.get("crv"), ("d",) if private else ()
    required = MEMBERS.get(curve) if isinstance(curve, str) else None
    if required is None or jwk.keys() != {*required, *secret}:
        raise ValueError("not a JWK of Ed25519, X25519 or P-256 with its required members alone")
    members: dict[str, str | list[str]] = {
        name: value for name, value in jwk.items() if isinstance(value, str)
    }
    if len(members) != len(jwk) or members["kty"] != ("EC" if curve == "P-256" else "OKP"):
        raise ValueError("members of a JWK are text, and kty fits crv")
    try:
        for name in members.keys() - {"kty", "crv"}:
            decode(str(members[name]))
        if curve == "Ed25519" and not crypto_core_ed25519_is_valid_point(decode(str(members["x"]))):
            raise ValueError("not a public key of Ed25519")
        key: Key = ECKey.import_key(members) if curve == "P-256" else OKPKey.import_key(members)
        rebuilt = key.binding.convert_raw_key_to_dict(key.raw_value, private)
    except (JoseError, ValueError, TypeError):
        raise ValueError("the JWK holds no usable key") from None
    if any(rebuilt[name] != members[name] for name in members.keys() - {"kty"}):
        raise ValueError("the parts of the JWK do not belong together")
    return key


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> object:
    raise ValueError
