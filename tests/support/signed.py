"""Keys that are the same in every run, and messages signed with them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from nacl.signing import SigningKey as Ed25519Key

from gateway import jws
from gateway.stages import Delivery

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
END: Final = datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC)
AUDIENCE: Final = "einmal.musterstadt.example"
MESSAGE: Final = "0b8b2a3e-5a4f-4c1d-9e2b-3f4a5b6c7d8e"
REPLY_TO: Final = "einmal.reply.wohngeldstelle.1"
BODY: Final = b'<x:nachweisanfrage xmlns:x="urn:beispiel">\n  \xc3\x84\n</x:nachweisanfrage>'

P256_JWK: Final = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
"""The key of RFC 7515, A.3."""


def b64url(data: bytes) -> str:
    """Out: base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def ed25519_jwk(seed: int) -> dict[str, str]:
    """Out: a private Ed25519 JWK, the same for the same seed."""
    key = Ed25519Key(bytes([seed]) * 32)
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url(bytes(key.verify_key)), "d": b64url(bytes(key))}


def signer(kid: str, seed: int = 1) -> jws.SigningKey:
    """Out: an Ed25519 signing key."""
    return jws.signing_key(kid, ed25519_jwk(seed))


def published(
    key: jws.SigningKey,
    *,
    use: str = "sig",
    valid_from: datetime = START,
    valid_to: datetime = END,
    revoked_at: datetime | None = None,
) -> jws.PublicKey:
    """Out: its public side, as a verifier has it."""
    public = jws.public_key(jws.public_jwk(key))
    return jws.PublicKey(key.kid, public, use, valid_from, valid_to, revoked_at)


def only(*keys: jws.PublicKey) -> jws.Find:
    """Out: a directory of just these keys."""
    return {key.kid: key for key in keys}.get


def claims(
    *,
    issued: datetime = NOW,
    lifetime: timedelta = timedelta(hours=1),
    aud: str = AUDIENCE,
    mid: str = MESSAGE,
    rto: str = REPLY_TO,
) -> dict[str, str | int]:
    """Out: a request's claims."""
    iat = int(issued.timestamp())
    return {"iat": iat, "exp": iat + int(lifetime.total_seconds()), "aud": aud, "mid": mid, "rto": rto}


def delivery(
    token: str | None,
    *,
    body: bytes = BODY,
    message_id: str = MESSAGE,
    user_id: str = "wohngeldstelle",
    reply_to: str = REPLY_TO,
    routing_key: str = "wohngeldstelle.evidence.residence",
) -> Delivery:
    """Out: bytes at the door."""
    return Delivery(
        tag="1",
        message_id=message_id,
        routing_key=routing_key,
        content_type="application/xml",
        body=body,
        jws=token,
        user_id=user_id,
        reply_to=reply_to,
        correlation_id=None,
        received=NOW,
        attempt=1,
    )


@dataclass(frozen=True)
class Party:
    """A consumer as the policy knows it."""

    id: str
    bus_user: str


@dataclass(frozen=True)
class ListedJwk:
    """An Ed25519 key's public part."""

    x: str

    def members(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": self.x}


@dataclass(frozen=True)
class Listed:
    """A consumer's key as the policy lists it."""

    kid: str
    jwk: ListedJwk
    use: str = "sig"
    valid_from: datetime = START
    valid_to: datetime = END
    revoked_at: datetime | None = None


def listed(key: jws.SigningKey) -> Listed:
    """Out: the key's public side in the policy."""
    return Listed(key.kid, ListedJwk(jws.public_jwk(key)["x"]))


class Directory:
    """Who has which key."""

    def __init__(self, *entries: tuple[Party, Listed]) -> None:
        self._keys = {key.kid: (party, key) for party, key in entries}

    def key(self, kid: str) -> tuple[Party, Listed] | None:
        return self._keys.get(kid)
