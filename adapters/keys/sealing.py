"""What is kept sealed: AES-256-GCM under HKDF-SHA-256(master key, purpose), bound to its context.

    version 1   01 ‖ nonce 12 ‖ ciphertext
    version 2   02 ‖ key id 4 ‖ nonce 12 ‖ ciphertext         key id = SHA-256(master key), cut

Version 2 says under which master key it was sealed, so that what is still under a former one can be found.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import Fault

MASTER_BYTES: Final = 32
KEY_ID_BYTES: Final = 4
_V1: Final = b"\x01"
_V2: Final = b"\x02"
_NONCE_BYTES: Final = 12


def key_id(master: bytes) -> bytes:
    """Out: what a master key is called: the first bytes of its SHA-256."""
    return sha256(master).digest()[:KEY_ID_BYTES]


def mark(master: bytes) -> bytes:
    """Out: what everything begins with that is sealed under this master key."""
    return _V2 + key_id(master)


def seal(master: bytes, secret: bytes, context: str) -> bytes:
    """In: bytes to keep, and what they are for. Out: sealed, version 2."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return (
        mark(master) + nonce + _cipher(master, context).encrypt(nonce, secret, _bound(mark(master), context))
    )


def under(sealed: bytes) -> bytes | None:
    """Out: the id of the master key it says it is under; None: version 1, or nothing sealed."""
    return sealed[1 : 1 + KEY_ID_BYTES] if sealed[:1] == _V2 else None


def unseal(masters: Mapping[bytes, bytes], sealed: bytes, context: str) -> bytes:
    """Undo `seal`. In: the known master keys by their id. Raises: Fault, when bytes or context are not the ones
    sealed, or the master key is none of these."""
    named = under(sealed)
    if named is not None:
        start, tried = 1 + KEY_ID_BYTES, [masters[named]] if named in masters else []
    else:
        start, tried = 1, list(masters.values()) if sealed[:1] == _V1 else []
    nonce, ciphertext = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
    for master in tried:
        try:
            return _cipher(master, context).decrypt(nonce, ciphertext, _bound(sealed[:start], context))
        except (InvalidTag, ValueError):
            continue
    raise Fault("keys")


def _cipher(master: bytes, context: str) -> AESGCM:
    """Out: the cipher of what comes before the context's first `|`; the rest is bound as associated data."""
    return _derived(master, context.partition("|")[0])


@lru_cache(maxsize=64)
def _derived(master: bytes, purpose: str) -> AESGCM:
    info = b"einmal/wrap/v1|" + purpose.encode("utf-8")
    return AESGCM(HKDF(SHA256(), MASTER_BYTES, salt=None, info=info).derive(master))


def _bound(head: bytes, context: str) -> bytes:
    return head + context.encode("utf-8")
