"""A witness's or auditor's own key: one file, 0600, in the form of the identity key, of the type that cosigns."""

from __future__ import annotations

from pathlib import Path

from adapters.keys.files import read_private, refuse, write_new
from adapters.keys.making import SEED_BYTES
from gateway.audit import note
from gateway.ports import Ids


def create_cosigner(path: Path, ids: Ids, name: str) -> note.Verifier:
    """Make a key in a new file. Out: its public side. Raises: ConfigurationFault: there is a file; NoteInvalid: the
    name is none of a note's."""
    signer = note.Signer.from_seed(name, ids.random(SEED_BYTES))
    verifier = signer.cosigner
    seed = note.encode64(bytes([verifier.type]) + bytes(signer.key))
    write_new(path, f"PRIVATE+KEY+{verifier.name}+{verifier.key_id.hex()}+{seed}\n")
    return verifier


def read_cosigner(path: Path) -> note.Signer:
    """Out: the key of a file that only its owner can read. Raises: ConfigurationFault."""
    try:
        mark, private, name, key_id, seed = read_private(path).strip().split("+", 4)
        raw = note.decode64(seed)
        signer = note.Signer.from_seed(name, raw[1:])
        if (mark, private, raw[0], key_id) != (
            "PRIVATE",
            "KEY",
            note.KeyType.COSIGNATURE_V1,
            signer.cosigner.key_id.hex(),
        ):
            raise ValueError
    except (ValueError, IndexError, note.NoteInvalid):
        refuse(
            path,
            "is not the key of a witness or auditor",
            "Make one with `einmal keys new FILE --kid NAME --auditor`.",
        )
    return signer
