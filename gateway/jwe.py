"""Bodies that only their receiver can read: JWE in its compact form (RFC 7516), one way to do it.

ECDH-ES in direct key agreement over X25519 or P-256 (RFC 7518, 4.6; RFC 8037, 3.2) and A256GCM (RFC 7518, 5.3). The
protected header holds exactly `alg enc cty kid epk`: there is no room for `zip`, `crit`, `apu`, another algorithm or a
key of somebody else's choice. A JWE says nothing of who made it: bodies are signed as sent, so around it.

The algorithms are joserfc's; what is its to accept is decided here. Whatever is wrong with a JWE, and wherever it
shows, is told in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry

from gateway import jose
from gateway.jose import Key
from gateway.jws import PublicKey

MEDIA_TYPE: Final = "application/jose"
"""What a body of that form is sent as (CONTRACT.md 4)."""
ALG: Final = "ECDH-ES"
ENC: Final = "A256GCM"
CURVES: Final = frozenset({"X25519", "P-256"})

_HEADER: Final = frozenset({"alg", "enc", "cty", "kid", "epk"})
_MAX_HEADER_CHARS: Final = 1024
_MAX_TYPE_CHARS: Final = 200
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
_AROUND: Final = _MAX_HEADER_CHARS + 64
"""What a token has besides its ciphertext, at most."""


class NotOpened(Exception):
    """The bytes can't be opened. Why is not told to anybody: nothing of token, key or content is carried."""

    def __init__(self) -> None:
        super().__init__("not opened")


class _Registry(JWERegistry):
    """Joserfc's, without its limit of 64 kB: how much is too much is the caller's to say."""

    max_ciphertext_length = 2**32


_REGISTRY: Final = _Registry(algorithms=[ALG, ENC])


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """A private key that opens what was encrypted to its public half, and the name it is known by."""

    kid: str
    key: Key = field(repr=False)

    def __post_init__(self) -> None:
        if not self.key.is_private or self.key.curve_name not in CURVES:
            raise ValueError("not a private key of X25519 or P-256")


FindOpening: TypeAlias = Callable[[str], OpeningKey | None]
"""In: a kid. Out: the key of that name that may open now."""


def opening_key(kid: str, jwk: Mapping[str, object]) -> OpeningKey:
    """In: the required members of a private JWK (with `d`) and no other. Raises: ValueError, no content."""
    return OpeningKey(kid, jose.import_key(jwk, private=True))


def encrypt(body: bytes, inner_type: str, recipient: PublicKey) -> bytes:
    """In: a body and its media type; the receiver's key, of use `enc`. Out: the JWE, ASCII.

    Whether that key counts now is the caller's to judge. Raises: ValueError, when it is none to encrypt to.
    """
    if recipient.use != "enc" or recipient.key.curve_name not in CURVES:
        raise ValueError("not a key to encrypt to")
    header = {"alg": ALG, "enc": ENC, "cty": inner_type, "kid": recipient.kid}
    return jwe.encrypt_compact(header, body, recipient.key, registry=_REGISTRY).encode("ascii")


def decrypt(token: bytes, find: FindOpening, most_bytes: int) -> tuple[str, bytes]:
    """In: bytes as received; the keys that may open now; how large the body may be.

    Out: its media type as its maker wrote it, and the body. Raises: NotOpened, for everything that is wrong.
    """
    if len(token) > most_bytes * 4 // 3 + _AROUND:
        raise NotOpened
    try:
        header, key = _judged(token.decode("ascii"), find)
        body = jwe.decrypt_compact(token, key.key, registry=_REGISTRY).plaintext
    except (ValueError, TypeError, AssertionError, JoseError):
        raise NotOpened from None
    if body is None or len(body) > most_bytes:
        raise NotOpened
    return header["cty"], body


def _judged(token: str, find: FindOpening) -> tuple[Mapping[str, Any], OpeningKey]:
    """Out: the header, which is exact, and the key that it names, of the curve it needs. Raises: ValueError."""
    protected, encrypted_key, iv, _, tag = token.split(".")
    if len(protected) > _MAX_HEADER_CHARS or encrypted_key:
        raise ValueError
    if len(jose.decode(iv)) != _IV_BYTES or len(jose.decode(tag)) != _TAG_BYTES:
        raise ValueError
    header = jose.strict_json(jose.decode(protected))
    if header.keys() != _HEADER or (header["alg"], header["enc"]) != (ALG, ENC):
        raise ValueError
    if not all(isinstance(header[name], str) for name in ("cty", "kid")) or not _is_type(header["cty"]):
        raise ValueError
    key = find(header["kid"])
    if key is None or key.kid != header["kid"] or not isinstance(header["epk"], dict):
        raise ValueError
    if jose.import_key(header["epk"]).curve_name != key.key.curve_name:
        raise ValueError
    return header, key


def _is_type(said: str) -> bool:
    """Out: whether it can be a media type: printable, and not long."""
    return 0 < len(said) <= _MAX_TYPE_CHARS and said.isascii() and said.isprintable()
