"""Sealed bytes: which master key, for what, unchanged."""

from __future__ import annotations

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapters.keys import sealing
from gateway.errors import Fault

OLD, NEW = b"\x01" * 32, b"\x02" * 32
CONTEXT = "einmal/outbox/v1|exchange-1"


def known(*masters: bytes) -> dict[bytes, bytes]:
    return {sealing.key_id(master): master for master in masters}


def version_1(master: bytes, secret: bytes, context: str) -> bytes:
    """Out: bytes as the program sealed them before masters were followed by others."""
    info = b"einmal/wrap/v1|" + context.partition("|")[0].encode()
    cipher = AESGCM(HKDF(SHA256(), 32, salt=None, info=info).derive(master))
    return b"\x01" + b"n" * 12 + cipher.encrypt(b"n" * 12, secret, b"\x01" + context.encode())


def test_sealed_bytes_say_under_which_master_key_they_are() -> None:
    """02, four bytes of the key's SHA-256, a nonce, the ciphertext with its tag."""
    sealed = sealing.seal(NEW, b"secret", CONTEXT)
    assert sealed[:5] == b"\x02" + sha256(NEW).digest()[:4] == sealing.mark(NEW)
    assert len(sealed) == 5 + 12 + len(b"secret") + 16
    assert sealing.under(sealed) == sealing.key_id(NEW)


def test_the_first_version_still_opens_under_any_known_key() -> None:
    """It does not say which: each is tried."""
    sealed = version_1(OLD, b"secret", CONTEXT)
    assert sealing.under(sealed) is None
    assert sealing.unseal(known(NEW, OLD), sealed, CONTEXT) == b"secret"
    with pytest.raises(Fault):
        sealing.unseal(known(NEW), sealed, CONTEXT)


def test_a_former_key_opens_what_was_sealed_under_it_and_nothing_else() -> None:
    """The key id picks the key."""
    sealed = sealing.seal(OLD, b"secret", CONTEXT)
    assert sealing.unseal(known(NEW, OLD), sealed, CONTEXT) == b"secret"
    with pytest.raises(Fault):
        sealing.unseal(known(NEW), sealed, CONTEXT)
    renamed = sealing.mark(NEW) + sealed[5:]
    with pytest.raises(Fault):
        sealing.unseal(known(NEW, OLD), renamed, CONTEXT)


@pytest.mark.parametrize("version", [1, 2])
def test_every_flipped_byte_is_found(version: int) -> None:
    """Version, key id, nonce, ciphertext, tag: each of them, each bit's byte."""
    sealed = version_1(NEW, b"secret", CONTEXT) if version == 1 else sealing.seal(NEW, b"secret", CONTEXT)
    for at in range(len(sealed)):
        for mask in (0x01, 0x03, 0x80, 0xFF):
            flipped = sealed[:at] + bytes([sealed[at] ^ mask]) + sealed[at + 1 :]
            with pytest.raises(Fault):
                sealing.unseal(known(NEW, OLD), flipped, CONTEXT)


@pytest.mark.parametrize("spoilt", [b"", b"\x01", b"\x02", b"\x02abcd", b"\x03" + b"x" * 60])
def test_what_was_never_sealed_is_refused(spoilt: bytes) -> None:
    """Nothing, too little, another version."""
    with pytest.raises(Fault):
        sealing.unseal(known(NEW, OLD), spoilt, CONTEXT)
