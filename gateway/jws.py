"""Signatures over bytes as they travel: detached JWS for messages and files, compact JWS for receipts.

RFC 7515 (JWS), 7797 (`b64` false), 8037 and 9864 (Ed25519), 7518 (ES256). Accepted: EdDSA and Ed25519 with an
Ed25519 key, ES256 with a P-256 key; ours is EdDSA. A protected header holds exactly the members its kind has,
each of its type: there is no room for another `crit`, an embedded key or a second `kid`.

Keys and ES256 are joserfc's. Its serialiser is not used: it attaches a payload of URL-safe characters where a
detached one is meant, takes headers of 512 bytes at most and warns on every EdDSA. Ed25519 is libsodium's: it
verifies in half of OpenSSL's time and turns down weak points.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from joserfc.jws import JWSRegistry
from nacl.bindings import crypto_sign, crypto_sign_open
from nacl.exceptions import CryptoError

from consent.vocabulary import ReasonCode
from gateway import jose
from gateway.jose import Key

REQUEST: Final = frozenset({"iat", "exp", "aud", "mid", "rto"})
"""A request's claims: signed at, deadline (both seconds since 1970), audience, message id, reply queue."""
REPLY: Final = frozenset({"iat", "aud", "mid", "req"})
"""A reply's claims: signed at, the consumer, its message id, digest of the request's body."""

RECEIPT_TYPE: Final = "einmal-receipt+jws"
"""The type of the gateway's promise that its journal holds an exchange (LOG.md 10)."""

MAX_TOKEN_CHARS: Final = 4096
MAX_COMPACT_CHARS: Final = 65536
MAX_FILE_SIGNATURES: Final = 8

_ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {"Ed25519": ("EdDSA", "Ed25519"), "P-256": ("ES256",)}
_DETACHED: Final = frozenset({"alg", "b64", "crit", "kid"})
_COMPACT: Final = frozenset({"alg", "kid", "typ"})
_TYPES: Final[Mapping[str, type]] = {
    **dict.fromkeys(("alg", "kid", "typ", "aud", "mid", "rto", "req"), str),
    **dict.fromkeys(("iat", "exp"), int),
    "b64": bool,
    "crit": list,
}
_LAST_SECOND: Final = 253_402_300_799  # 9999-12-31T23:59:59Z, the last a datetime can hold


class SignatureInvalid(Exception):
    """The signature proves nothing. `code` says why; nothing of the token or the body is carried."""

    def __init__(self, code: ReasonCode = ReasonCode.SIGNATURE_INVALID) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the name it is known by."""

    kid: str
    key: Key = field(repr=False)
    alg: str = "EdDSA"
    _raw: bytes = field(init=False, repr=False, compare=False, default=b"")

    def __post_init__(self) -> None:
        if not self.key.is_private or self.alg not in _ALGORITHMS.get(self.key.curve_name, ()):
            raise ValueError("not a private key for this algorithm")
        if self.key.curve_name == "Ed25519":
            members = self.key.as_dict(private=True)
            object.__setattr__(self, "_raw", _decode(str(members["d"])) + _decode(str(members["x"])))

    def sign(self, data: bytes) -> bytes:
        """Out: the bare signature, 64 bytes."""
        if self._raw:
            return crypto_sign(data, self._raw)[:64]
        return JWSRegistry.algorithms[self.alg].sign(data, self.key)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A published key, for signatures (`sig`) or encryption (`enc`), and when it may be used."""

    kid: str
    key: Key = field(repr=False)
    use: str
    valid_from: datetime
    valid_to: datetime
    revoked_at: datetime | None = None
    _raw: bytes = field(init=False, repr=False, compare=False, default=b"")

    def __post_init__(self) -> None:
        if self.key.curve_name == "Ed25519":
            object.__setattr__(self, "_raw", _decode(str(self.key.as_dict()["x"])))

    def valid_at(self, moment: datetime) -> bool:
        """Out: within its validity, both ends included, and not revoked by then."""
        if self.revoked_at is not None and moment >= self.revoked_at:
            return False
        return self.valid_from <= moment <= self.valid_to

    def verifies(self, alg: str, signature: bytes, data: bytes) -> bool:
        """Out: whether the bare signature holds, by an algorithm that is this key's."""
        if self.use != "sig" or alg not in _ALGORITHMS.get(self.key.curve_name, ()) or len(signature) != 64:
            return False
        if not self._raw:
            return JWSRegistry.algorithms[alg].verify(data, signature, self.key)
        try:
            crypto_sign_open(signature + data, self._raw)
        except CryptoError:
            return False
        return True


Find: TypeAlias = Callable[[str], PublicKey | None]
"""In: a kid, exactly as signed. Out: the key of that name, whatever its validity."""


# --- keys ---------------------------------------------------------------------------------------------------
def public_key(jwk: Mapping[str, object]) -> Key:
    """In: the required members of a public JWK and no other. Raises: ValueError, without content.

    Ed25519 points of small order or outside the main subgroup are refused: any signature would fit them.
    """
    return jose.import_key(jwk)


def signing_key(kid: str, jwk: Mapping[str, object]) -> SigningKey:
    """In: the required members of a private JWK (with `d`) and no other. Raises: ValueError, no content."""
    key = jose.import_key(jwk, private=True)
    return SigningKey(kid, key, _ALGORITHMS.get(key.curve_name, ("none",))[0])


def public_jwk(key: SigningKey) -> dict[str, str]:
    """Out: the required members of the public JWK; `kid` and `use` are the caller's to add."""
    return jose.public_members(key.key)


# --- messages -----------------------------------------------------------------------------------------------
def digest(body: bytes) -> str:
    """Out: SHA-256, lower-case hex."""
    return hashlib.sha256(body).hexdigest()


def sign_detached(body: bytes, claims: Mapping[str, str | int], key: SigningKey) -> str:
    """In: the body as sent; exactly the claims of REQUEST or of REPLY. Out: `header..signature`."""
    if claims.keys() not in (REQUEST, REPLY):
        raise ValueError("claims are those of a request or those of a reply")
    return "..".join(_detached(body, claims, key))


def verify_detached(
    jws: str, body: bytes, find: Find, claims: Collection[str]
) -> tuple[Mapping[str, Any], PublicKey]:
    """In: token and body as received, and which claims it must have (REQUEST or REPLY).

    Out: the protected header and the key that signed. Nothing of the body was parsed; the key's validity and
    the claims' meaning are the caller's to judge. Raises: SignatureInvalid.
    """
    parts = _segments(jws, MAX_TOKEN_CHARS)
    if len(parts) != 3 or parts[1]:
        raise SignatureInvalid
    return _verified(parts[0], body, parts[2], find, _DETACHED.union(claims))


# --- files --------------------------------------------------------------------------------------------------
def sign_file(body: bytes, keys: Sequence[SigningKey], signed: str | None = None) -> str:
    """In: a file's bytes, who signs now, and the JWS so far if others signed before.

    Out: JWS General JSON (RFC 7515, 7.2.1) without `payload`, `b64` false: the file itself is the payload.
    """
    signatures = _file_signatures(signed) if signed else []
    for key in keys:
        protected, signature = _detached(body, {}, key)
        signatures.append({"protected": protected, "signature": signature})
    return json.dumps({"signatures": signatures}, indent=2) + "\n"


def verify_file(body: bytes, jws_json: str, find: Find) -> tuple[PublicKey, ...]:
    """Out: the keys that signed, at least one, each once. One signature that fails refuses them all.

    Who must have signed, and when a key was valid, is the caller's to judge. Raises: SignatureInvalid.
    """
    keys = tuple(
        _verified(one["protected"], body, one["signature"], find, _DETACHED)[1]
        for one in _file_signatures(jws_json)
    )
    if len({key.kid for key in keys}) != len(keys):
        raise SignatureInvalid
    return keys


def _file_signatures(jws_json: str) -> list[dict[str, str]]:
    if len(jws_json) > MAX_TOKEN_CHARS * MAX_FILE_SIGNATURES:
        raise SignatureInvalid
    parsed = _strict_json(jws_json)
    signatures = parsed.get("signatures")
    if parsed.keys() != {"signatures"} or not isinstance(signatures, list):
        raise SignatureInvalid
    if not 1 <= len(signatures) <= MAX_FILE_SIGNATURES:
        raise SignatureInvalid
    for one in signatures:
        if not isinstance(one, dict) or one.keys() != {"protected", "signature"}:
            raise SignatureInvalid
        if not all(isinstance(text, str) and text.isascii() for text in one.values()):
            raise SignatureInvalid
    return signatures


# --- receipts and records -----------------------------------------------------------------------------------
def sign_compact(payload: bytes, typ: str, key: SigningKey) -> str:
    """Out: a compact JWS with exactly `alg kid typ` in its header."""
    header = jose.encode(jose.to_json({"alg": key.alg, "kid": key.kid, "typ": typ}))
    signed = f"{header}.{jose.encode(payload)}"
    return f"{signed}.{jose.encode(key.sign(signed.encode('ascii')))}"


def verify_compact(token: str, typ: str, find: Find) -> bytes:
    """Out: the payload, signed and of this type. Raises: SignatureInvalid."""
    parts = _segments(token, MAX_COMPACT_CHARS)
    if len(parts) != 3:
        raise SignatureInvalid
    header, _ = _verified(parts[0], parts[1].encode("ascii"), parts[2], find, _COMPACT)
    if header["typ"] != typ:
        raise SignatureInvalid
    return _decode(parts[1])


# --- the one way in and out ---------------------------------------------------------------------------------
def _verified(
    protected: str, payload: bytes, signature: str, find: Find, members: Collection[str]
) -> tuple[Mapping[str, Any], PublicKey]:
    """The signature over `protected . payload` holds by the key the header names; the header is exact."""
    header = _strict_json(_decode(protected))
    if header.keys() != members or not all(_well_typed(name, value) for name, value in header.items()):
        raise SignatureInvalid
    key = find(header["kid"])
    if key is None or key.kid != header["kid"] or key.use != "sig":
        raise SignatureInvalid(ReasonCode.KEY_UNKNOWN)
    if not key.verifies(header["alg"], _decode(signature), protected.encode("ascii") + b"." + payload):
        raise SignatureInvalid
    return header, key


def _well_typed(name: str, value: object) -> bool:
    if type(value) is not _TYPES[name]:
        return False
    match name:
        case "b64":
            return value is False
        case "crit":
            return value == ["b64"]
        case "iat" | "exp":
            return isinstance(value, int) and 0 <= value <= _LAST_SECOND
        case _:
            return bool(value)


def _detached(body: bytes, claims: Mapping[str, str | int], key: SigningKey) -> tuple[str, str]:
    protected = jose.encode(
        jose.to_json({"alg": key.alg, "b64": False, "crit": ["b64"], "kid": key.kid, **claims})
    )
    return protected, jose.encode(key.sign(protected.encode("ascii") + b"." + body))


def _segments(token: str, most: int) -> list[str]:
    if len(token) > most or not token.isascii():
        raise SignatureInvalid
    return token.split(".")


def _decode(segment: str) -> bytes:
    try:
        return jose.decode(segment)
    except ValueError:
        raise SignatureInvalid from None


def _strict_json(text: bytes | str) -> dict[str, Any]:
    try:
        return jose.strict_json(text)
    except ValueError:
        raise SignatureInvalid from None
