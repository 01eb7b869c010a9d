"""A leaf of an output log, read on its own (LOG.md 6): what an epoch says of the log and of its index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import rfc8785

from gateway.audit.note import Checkpoint, NoteInvalid, Verifier, decode64, open_checkpoint
from gateway.audit.verify.reading import strict_json

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_KEYS = {"v", "epoch", "index_root", "index_size", "log", "time"}
_MOST: Final = 1 << 53
"""Beyond it RFC 8785 writes no whole number."""


@dataclass(frozen=True, slots=True)
class Output:
    """An epoch: the index over a head of the log, at a time."""

    number: int
    """Counted from 1."""
    log: Checkpoint
    index_root: bytes
    index_size: int
    time: datetime


def read_output(leaf: bytes, log: Verifier) -> Output:
    """In: an output leaf, the shard's log key. Raises: NoteInvalid."""
    said = strict_json(leaf)
    if said is None or not _has_the_form(said) or not _is_canonical(said, leaf):
        raise NoteInvalid("not an output leaf")
    root = decode64(said["index_root"])
    if len(root) != 32:
        raise NoteInvalid("an output leaf without a root")
    try:
        time = datetime.fromisoformat(said["time"])
    except ValueError:
        raise NoteInvalid("an output leaf of a day that never was") from None
    checkpoint, _ = open_checkpoint(said["log"], log)
    return Output(said["epoch"], checkpoint, root, said["index_size"], time)


def _has_the_form(said: Mapping[str, Any]) -> bool:
    if said.keys() != _KEYS or said["v"] != 1:
        return False
    numbers = [said["v"], said["epoch"], said["index_size"]]
    texts = [said["index_root"], said["log"], said["time"]]
    return (
        all(type(number) is int and 0 <= number < _MOST for number in numbers)
        and all(isinstance(text, str) for text in texts)
        and _TIME.match(said["time"]) is not None
    )


def _is_canonical(said: Mapping[str, Any], leaf: bytes) -> bool:
    try:
        return rfc8785.dumps(dict(said)) == leaf
    except (rfc8785.CanonicalizationError, UnicodeError):
        return False
