"""The signatures beside a file of grants, checked with the keys of people (CONTRACT.md 3).

`gateway.jws.sign_file` makes them: JWS General JSON, the file's bytes as its detached payload.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from consent.approval import FindKey
from gateway import jws


def verify(body: bytes, signature: bytes, find: FindKey) -> Sequence[str] | None:
    """In: a file's bytes, its `.sig`, where a person's public JWK is found. Out: the ids of those who signed, if
    every signature holds; else None. Whether they may sign, and may now, is the law's to say."""

    def key(signer: str) -> jws.PublicKey | None:
        members = find(signer)
        if members is None:
            return None
        always = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return jws.PublicKey(signer, jws.public_key(members), "sig", *always)

    try:
        return [found.kid for found in jws.verify_file(body, signature.decode(), key)]
    except (jws.SignatureInvalid, ValueError):
        return None
