"""JWE as somebody else makes and opens it: RFC 7516 and 7518 by hand, with the ciphers of `cryptography` alone.

Nothing of the house's or of its library's is used, so that both can't be wrong in the same way.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash

Private: TypeAlias = ec.EllipticCurvePrivateKey | X25519PrivateKey
Public: TypeAlias = ec.EllipticCurvePublicKey | X25519PublicKey
Members: TypeAlias = Mapping[str, Any]


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new(curve: str) -> tuple[Private, dict[str, str]]:
    """Out: a new key and its private JWK."""
    if curve == "X25519":
        key = X25519PrivateKey.generate()
        return key, {**members(key.public_key()), "d": b64(key.private_bytes_raw())}
    other = ec.generate_private_key(ec.SECP256R1())
    secret = other.private_numbers().private_value.to_bytes(32, "big")
    return other, {**members(other.public_key()), "d": b64(secret)}


def members(key: Public) -> dict[str, str]:
    if isinstance(key, X25519PublicKey):
        return {"kty": "OKP", "crv": "X25519", "x": b64(key.public_bytes_raw())}
    numbers = key.public_numbers()
    x, y = (b64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def private(jwk: Members) -> Private:
    if jwk["crv"] == "X25519":
        return X25519PrivateKey.from_private_bytes(unb64(jwk["d"]))
    return ec.derive_private_key(int.from_bytes(unb64(jwk["d"]), "big"), ec.SECP256R1())


def public(jwk: Members) -> Public:
    if jwk["crv"] == "X25519":
        return X25519PublicKey.from_public_bytes(unb64(jwk["x"]))
    x, y = (int.from_bytes(unb64(jwk[name]), "big") for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def agreed(mine: Private, theirs: Public) -> bytes:
    """Out: Z of RFC 7518, 4.6.2."""
    if isinstance(mine, X25519PrivateKey):
        assert isinstance(theirs, X25519PublicKey)
        return mine.exchange(theirs)
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    return mine.exchange(ec.ECDH(), theirs)


def derived(z: bytes, enc: str, bits: int, apu: bytes = b"", apv: bytes = b"") -> bytes:
    """Out: the Concat KDF of NIST SP 800-56A as RFC 7518, 4.6.2 uses it; one round is enough up to 256 bits."""
    hashed = Hash(SHA256())
    hashed.update((1).to_bytes(4, "big") + z)
    for part in (enc.encode(), apu, apv):
        hashed.update(len(part).to_bytes(4, "big") + part)
    hashed.update(bits.to_bytes(4, "big"))
    return hashed.finalize()[: bits // 8]


def header_of(token: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(unb64(token.split(b".")[0].decode()))
    return read


def make(body: bytes, recipient: Members, iv: bytes = b"\x07" * 12, **header: Any) -> bytes:
    """In: a body, whom it is for; what of the header is otherwise, None: left out. Out: the JWE, of a right tag."""
    ephemeral, _ = new(recipient["crv"])
    said: dict[str, Any] = {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "cty": "application/json",
        "kid": "key-1",
        "epk": members(ephemeral.public_key()),
    }
    said = {name: value for name, value in (said | header).items() if value is not None}
    protected = b64(json.dumps(said).encode())
    key = derived(agreed(ephemeral, public(recipient)), "A256GCM", 256)
    sealed = AESGCM(key).encrypt(iv, body, protected.encode())
    return ".".join((protected, "", b64(iv), b64(sealed[:-16]), b64(sealed[-16:]))).encode()


def opened(token: bytes, jwk: Members) -> bytes:
    """Out: the body."""
    protected, encrypted_key, iv, ciphertext, tag = token.decode().split(".")
    assert encrypted_key == ""
    z = agreed(private(jwk), public(header_of(token)["epk"]))
    key = derived(z, "A256GCM", 256)
    return AESGCM(key).decrypt(unb64(iv), unb64(ciphertext) + unb64(tag), protected.encode())
