"""A small log's true export, and how to tell a lie in it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from small_log import AUDITOR, IDENTITY, OTHER, REGISTER_FORM, small_log, small_proof

from gateway.audit.verify.exported.export import verify_export
from gateway.audit.verify.exported.verdict import Verdict

SHARDS = small_log()
TRUE = small_proof(SHARDS).render()
PLAIN = small_proof(SHARDS, indexed=False).render()
OTHERS = json.loads(small_proof(SHARDS, forms=(OTHER, REGISTER_FORM)).render())
VKEY = IDENTITY.verifier.vkey
AUDITOR_VKEY = AUDITOR.cosigner.vkey
Lie = Callable[[dict[str, Any]], None]


def told(lie: Lie, file: bytes = TRUE) -> Verdict:
    """Out: what is found of a file with this lie in it."""
    said = json.loads(file)
    lie(said)
    return verify_export(json.dumps(said).encode(), VKEY, [AUDITOR_VKEY])


def person(said: dict[str, Any], shard: int = 3) -> dict[str, Any]:
    """Out: the person's form that has entries, in the newest shard."""
    form: dict[str, Any] = said["shards"][shard]["subjects"][0]
    return form


def flip(part: dict[str, Any], key: str, at: int = 5) -> None:
    """Turn one bit of a value in base64."""
    raw = bytearray(b64decode(part[key]))
    raw[at % len(raw)] ^= 1
    part[key] = b64encode(raw).decode()
