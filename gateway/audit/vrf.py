"""ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, suite 0x03) on libsodium's point arithmetic.

Stricter than the RFC where it leaves a choice: keys and points outside the prime-order group, of small order
or in another than the canonical encoding are refused.
"""

from __future__ import annotations

from hashlib import sha512
from hmac import compare_digest
from typing import Final

from nacl import bindings

SUITE: Final = b"\x03"
KEY_BYTES: Final = 32
PROOF_BYTES: Final = 80
_CHALLENGE_BYTES: Final = 16
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_FIELD: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255
_IDENTITY: Final = b"\x01" + bytes(31)


class VrfKey:
    """A secret VRF key. `label`-making needs `output` only; `prove` adds what convinces others."""

    def __init__(self, seed: bytes) -> None:
        """In: 32 secret bytes (RFC 9381 5.5: as an Ed25519 key)."""
        if len(seed) != KEY_BYTES:
            raise ValueError("a VRF key has 32 bytes")
        expanded = sha512(seed).digest()
        clamped = bytearray(expanded[:32])
        clamped[0] &= 248
        clamped[31] = clamped[31] & 127 | 64
        self._scalar = bytes(clamped)
        self._nonce_key = expanded[32:]
        self.public = bindings.crypto_scalarmult_ed25519_base_noclamp(self._scalar)

    def output(self, alpha: bytes) -> bytes:
        """Out: beta, 64 bytes that depend on the key and `alpha` alone."""
        return _output(self._gamma(_hash_to_curve(self.public, alpha)))

    def prove(self, alpha: bytes) -> tuple[bytes, bytes]:
        """Out: beta, and pi (80 bytes) that shows it (RFC 9381 5.1)."""
        point = _hash_to_curve(self.public, alpha)
        gamma = self._gamma(point)
        nonce = _little(sha512(self._nonce_key + point).digest()) % _ORDER
        nonce_bytes = _bytes32(nonce)
        challenge = _challenge(
            self.public,
            point,
            gamma,
            bindings.crypto_scalarmult_ed25519_base_noclamp(nonce_bytes),
            bindings.crypto_scalarmult_ed25519_noclamp(nonce_bytes, point),
        )
        answer = (nonce + _little(challenge) * _little(self._scalar)) % _ORDER
        return _output(gamma), gamma + challenge + _bytes32(answer)

    def _gamma(self, point: bytes) -> bytes:
        return bindings.crypto_scalarmult_ed25519_noclamp(self._scalar, point)


def verify(public: bytes, alpha: bytes, proof: bytes) -> bytes | None:
    """Out: beta if the proof shows it for that key and `alpha`, else None (RFC 9381 5.3). Never raises."""
    if len(public) != KEY_BYTES or len(proof) != PROOF_BYTES:
        return None
    gamma, challenge, answer = proof[:32], proof[32:48], proof[48:]
    if not is_point(public) or not is_point(gamma) or _little(answer) >= _ORDER:
        return None
    point = _hash_to_curve(public, alpha)
    wide = challenge + bytes(16)
    multiply, subtract = bindings.crypto_scalarmult_ed25519_noclamp, bindings.crypto_core_ed25519_sub
    try:
        u = subtract(bindings.crypto_scalarmult_ed25519_base_noclamp(answer), multiply(wide, public))
        v = subtract(multiply(answer, point), multiply(wide, gamma))
    except RuntimeError:  # libsodium's word for a product that is the identity: no honest proof has one
        return None
    if not compare_digest(_challenge(public, point, gamma, u, v), challenge):
        return None
    return _output(gamma)


def is_point(encoded: bytes) -> bool:
    """Out: whether it is the canonical encoding of a point of the prime-order group, not the identity."""
    return len(encoded) == KEY_BYTES and bool(bindings.crypto_core_ed25519_is_valid_point(encoded))


def _hash_to_curve(public: bytes, alpha: bytes) -> bytes:
    """Out: a point of the prime-order group (RFC 9381 5.4.1.1, try and increment)."""
    for counter in range(256):
        digest = sha512(SUITE + b"\x01" + public + alpha + bytes([counter, 0])).digest()
        point = _times_eight(digest[:32])
        if point is not None:
            return point
    raise ArithmeticError("no point found in 256 tries")  # probability about 2^-256


def _times_eight(encoded: bytes) -> bytes | None:
    """Out: eight times the point, or None: `encoded` is none (RFC 8032 5.1.3), or the identity results."""
    number = _little(encoded)
    y = number & ~_SIGN_BIT
    if y >= _FIELD or (number & _SIGN_BIT and y in (1, _FIELD - 1)):
        return None
    try:
        for _ in range(3):
            encoded = bindings.crypto_core_ed25519_add(encoded, encoded)
    except RuntimeError:  # libsodium's word for: not on the curve
        return None
    return None if encoded == _IDENTITY else encoded


def _challenge(*points: bytes) -> bytes:
    return sha512(SUITE + b"\x02" + b"".join(points) + b"\x00").digest()[:_CHALLENGE_BYTES]


def _output(gamma: bytes) -> bytes:
    cleared = _times_eight(gamma)
    assert cleared is not None  # gamma is in the prime-order group
    return sha512(SUITE + b"\x03" + cleared + b"\x00").digest()


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _bytes32(number: int) -> bytes:
    return number.to_bytes(32, "little")
