"""edwards25519 and ECVRF-EDWARDS25519-SHA512-TAI (RFC 8032, RFC 9381) in plain whole numbers: slow, and nobody's."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    k = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + k, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - k, -1, P)
    return x % P, y % P


def times(factor: int, point: Point) -> Point:
    found = IDENTITY
    for bit in bin(factor)[2:]:
        found = add(found, found)
        found = add(found, point) if bit == "1" else found
    return found


def minus(point: Point) -> Point:
    return -point[0] % P, point[1]


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(data: bytes) -> Point | None:
    """Out: the point, or None when it is none in its one encoding (RFC 8032, 5.1.3)."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else -x % P), y


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or IDENTITY


@lru_cache(maxsize=1000)
def vrf_beta(public: bytes, alpha: bytes, pi: bytes) -> bytes | None:
    """Out: beta where pi shows it, else None (RFC 9381, 5.3)."""
    key, gamma = decode(public), decode(pi[:32])
    challenge, answer = int.from_bytes(pi[32:48], "little"), int.from_bytes(pi[48:], "little")
    if len(pi) != 80 or key is None or gamma is None or answer >= L:
        return None
    if any(point == IDENTITY or times(L, point) != IDENTITY for point in (key, gamma)):
        return None
    onto = _to_curve(public, alpha)
    u = add(times(answer, BASE), minus(times(challenge, key)))
    v = add(times(answer, onto), minus(times(challenge, gamma)))
    hashed = sha512(b"\x03\x02" + b"".join(map(encode, (key, onto, gamma, u, v))) + b"\x00").digest()
    if hashed[:16] != pi[32:48]:
        return None
    return sha512(b"\x03\x03" + encode(times(8, gamma)) + b"\x00").digest()


def _to_curve(public: bytes, alpha: bytes) -> Point:
    for counter in range(256):
        point = decode(sha512(b"\x03\x01" + public + alpha + bytes([counter, 0])).digest()[:32])
        if point is not None and times(8, point) != IDENTITY:
            return times(8, point)
    raise ArithmeticError
