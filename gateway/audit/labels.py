"""Labels, commitments and leaves (LOG.md 5): 65 bytes that say nothing to who has neither key nor salt."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Final

from consent.vocabulary import SUBJECT
from gateway.audit import vrf
from gateway.audit.vrf import VrfKey

LABEL_BYTES: Final = 32
SALT_BYTES: Final = 32
LEAF_BYTES: Final = 65
_VERSION: Final = b"\x01"
_HOUSE: Final = b"\xffeinmal/house/v1|"
"""No text begins with the byte FF in UTF-8: no exchange id that somebody chose has the house seal what makes a salt."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a leaf holds."""

    label: bytes
    commit: bytes


def is_subject(subject: str) -> bool:
    """Out: whether it is `idnr:<11 digits>`, `reg:<register>:<own key>` or `org:<register>:<id>`."""
    return SUBJECT.match(subject) is not None


def alpha(origin: str, subject: str) -> bytes:
    """Out: what the VRF is taken over for a person in a shard."""
    return f"einmal/label/v1|{origin}|{subject}".encode()


def label(key: VrfKey, origin: str, subject: str) -> bytes:
    """Out: the person's label in that shard. 0.2 ms: keep it."""
    return key.output(alpha(origin, subject))[:LABEL_BYTES]


def prove_label(key: VrfKey, origin: str, subject: str) -> tuple[bytes, bytes]:
    """Out: the label, and pi that shows it to the person."""
    beta, proof = key.prove(alpha(origin, subject))
    return beta[:LABEL_BYTES], proof


def verify_label(public: bytes, origin: str, subject: str, proof: bytes) -> bytes | None:
    """Out: the label that pi shows for the subject under the shard's VRF key, or None."""
    beta = vrf.verify(public, alpha(origin, subject), proof)
    return None if beta is None else beta[:LABEL_BYTES]


def sealed(secret: bytes, exchange: str) -> bytes:
    """Out: the label of lines that belong to nobody (yet). In: the shard's seal secret, the exchange id."""
    return hmac_digest(secret, exchange.encode(), "sha256")


def system(origin: str) -> bytes:
    """Out: the label of lines about the house itself."""
    return sha256(f"einmal/system/v1|{origin}".encode()).digest()


def house_salt(secret: bytes, event: bytes) -> bytes:
    """Out: the salt of a line about the house, which only the house can make (docs/decisions/0029). In: the shard's
    seal secret, the event's bytes."""
    return hmac_digest(secret, _HOUSE + event, "sha256")


def by_house(secret: bytes | None, salt: bytes | None, event: bytes | None) -> bool:
    """Out: whether it is such a salt. Never, where nobody can tell: the secret is destroyed, or the line erased."""
    if secret is None or salt is None or event is None:
        return False
    return compare_digest(salt, house_salt(secret, event))


def commit(salt: bytes, event: bytes) -> bytes:
    """Out: the commitment to an event. In: 32 bytes that are random, or `house_salt`; RFC 8785 JSON."""
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return sha256(b"einmal/commit/v1\x00" + salt + event).digest()


def leaf(label_: bytes, commit_: bytes) -> bytes:
    """Out: 01 ‖ label ‖ commit."""
    if len(label_) != LABEL_BYTES or len(commit_) != 32:
        raise ValueError("label and commitment have 32 bytes each")
    return _VERSION + label_ + commit_


def parse_leaf(data: bytes) -> Leaf | None:
    """Out: label and commitment, or None when it is no leaf of version 1."""
    if len(data) != LEAF_BYTES or data[:1] != _VERSION:
        return None
    return Leaf(data[1:33], data[33:])


def opens(leaf_: Leaf, salt: bytes, event: bytes) -> bool:
    """Out: whether salt and event are what the leaf commits to."""
    return len(salt) == SALT_BYTES and commit(salt, event) == leaf_.commit


def opened(data: bytes, salt: bytes | None, event: bytes | None) -> tuple[bytes, bytes] | None:
    """In: a stored line: a leaf's bytes and what should open it, whatever stands there. Out: salt and event, if the
    leaf commits to them; None where they are erased, and where something is damaged: it is not to be believed."""
    leaf_ = parse_leaf(data)
    if leaf_ is None or not isinstance(salt, bytes) or not isinstance(event, bytes):
        return None
    return (salt, event) if opens(leaf_, salt, event) else None
