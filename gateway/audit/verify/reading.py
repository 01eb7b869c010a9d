"""Reading a shard's part of an export: leaf 0, key statement, head (LOG.md 7, steps 2 and 3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.audit import labels, tree
from gateway.audit.note import (
    Checkpoint,
    NoteInvalid,
    Verifier,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    split,
)
from gateway.audit.proof import ShardProof, Start
from gateway.audit.shard import KeyStatement, Origin
from gateway.audit.verify.verdict import Finding


class Findings:
    """What does not fit, in the order it was found."""

    def __init__(self) -> None:
        self._all: list[Finding] = []

    def add(self, step: int, place: str, text: str) -> None:
        self._all.append(Finding(step, place, text))

    @property
    def all(self) -> tuple[Finding, ...]:
        """Out: by step, and within a step as found."""
        return tuple(sorted(self._all, key=lambda finding: finding.step))


@dataclass(frozen=True, slots=True)
class Opening:
    """What leaf 0 says."""

    classes: tuple[str, ...]
    statement: KeyStatement
    previous: str | None
    """The text of the closing checkpoint of the shard before."""


@dataclass(frozen=True, slots=True)
class ReadShard:
    """A shard whose leaf 0, keys and head hold."""

    part: ShardProof
    origin: Origin
    opening: Opening
    checkpoint: Checkpoint

    @property
    def classes(self) -> tuple[str, ...]:
        """Out: the classes its leaf 0 names."""
        return self.opening.classes

    @property
    def previous(self) -> str | None:
        """Out: the checkpoint text of the shard before it, as its leaf 0 names it."""
        return self.opening.previous

    @property
    def previous_month(self) -> tuple[int, int] | None:
        """Out: the month of the shard before it, if that is one of the same class."""
        try:
            before = Origin.parse(parse_checkpoint(self.previous or "").origin)
        except (NoteInvalid, ValueError):
            return None
        mine = (self.origin.authority, self.origin.retention)
        return before.month_number if (before.authority, before.retention) == mine else None


def strict_json(data: bytes) -> dict[str, Any] | None:
    """Out: the object, or None when it is none, is not UTF-8, or names a key twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    try:
        read = json.loads(data.decode("utf-8"), object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def read_opening(event: bytes, identity: Verifier) -> Opening:
    """Out: what leaf 0's event says, vouched for by the identity key. Raises: NoteInvalid."""
    said = strict_json(event)
    if said is None or said.keys() - {"previous"} != {"v", "kind", "classes", "keys"}:
        raise NoteInvalid("leaf 0 does not open a shard")
    classes, keys, previous = said["classes"], said["keys"], said.get("previous")
    if type(said["v"]) is not int or said["v"] != 1 or said["kind"] != "shard.opened":
        raise NoteInvalid("leaf 0 does not open a shard")
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise NoteInvalid("leaf 0 does not name the classes")
    if not isinstance(keys, str) or ("previous" in said and not isinstance(previous, str)):
        raise NoteInvalid("leaf 0 does not open a shard")
    statement = KeyStatement.parse(open_note(keys, [identity]).text)
    return Opening(tuple(classes), statement, None if previous is None else split(previous)[0])


def check_start(start: Start, origin: str, identity: Verifier) -> Opening:
    """Step 2: leaf 0 has the system label and opens. Raises: NoteInvalid."""
    leaf = labels.parse_leaf(start.leaf)
    if leaf is None or leaf.label != labels.system(origin):
        raise NoteInvalid("leaf 0 has not the system's label")
    if not labels.opens(leaf, start.salt, start.event):
        raise NoteInvalid("leaf 0 does not open")
    opening = read_opening(start.event, identity)
    if opening.statement.origin != origin:
        raise NoteInvalid("the key statement is another shard's")
    return opening


def read_shard(part: ShardProof, identity: Verifier, found: Findings) -> ReadShard | None:
    """Out: the shard, or None after a finding when nothing in it can be believed."""
    try:
        origin = Origin.parse(part.origin)
    except ValueError:
        found.add(2, "shards", "a shard's origin is none")
        return None
    if origin.authority != identity.name:
        found.add(2, part.origin, "it is another authority's shard")
        return None
    try:
        opening = check_start(part.start, part.origin, identity)
    except NoteInvalid as wrong:
        found.add(2, part.origin, str(wrong))
        return None
    try:
        checkpoint, _ = open_checkpoint(part.log.checkpoint, opening.statement.log)
    except NoteInvalid as wrong:
        found.add(3, part.origin, f"its head: {wrong}")
        return None
    start = tree.leaf_hash(part.start.leaf)
    if not tree.verify_inclusion(start, 0, checkpoint.size, part.start.proof, checkpoint.root):
        found.add(2, part.origin, "leaf 0 is not in the log at index 0")
        return None
    return ReadShard(part, origin, opening, checkpoint)
