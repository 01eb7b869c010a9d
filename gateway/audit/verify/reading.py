"""Reading a shard's part of an export: leaf 0, key statement, head (LOG.md 7, steps 2 and 3)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.audit import labels, tree
from gateway.audit.identity import Identity, lineage
from gateway.audit.losses import NOTHING, Losses, read_losses
from gateway.audit.note import (
    Checkpoint,
    KeyType,
    NoteInvalid,
    Verifier,
    open_checkpoint,
    open_note,
    parse_checkpoint,
    parse_vkey,
    split,
)
from gateway.audit.proof import Authority, Proof, ProofInvalid, ShardProof, Start
from gateway.audit.shard import KeyStatement, Origin


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit: the step of LOG.md 7 (0: the file itself), the place, what is wrong. Never content."""

    step: int
    place: str
    text: str


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
    stated_by: Verifier
    """Which of the authority's identity keys vouches for it."""


@dataclass(frozen=True, slots=True)
class ReadShard:
    """A shard whose leaf 0, keys and head hold."""

    part: ShardProof
    origin: Origin
    opening: Opening
    checkpoint: Checkpoint
    witnessed_by: tuple[Verifier, ...]
    """Which of the reader's witnesses cosigned its head."""
    losses: Losses = NOTHING
    """What its line 1 says that a restore has lost."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Out: the classes its leaf 0 names."""
        return self.opening.classes

    @property
    def previous(self) -> str | None:
        """Out: the checkpoint text of the shard before it, as its leaf 0 names it."""
        return self.opening.previous

    @property
    def previous_origin(self) -> Origin | None:
        """Out: the name of the shard before it, if that is one of the same class; of the last one that a restore left,
        where those between are gone as a whole."""
        try:
            named = self.losses.last_there(self.previous)
            before = Origin.parse(named or parse_checkpoint(self.previous or "").origin)
        except (NoteInvalid, ValueError):
            return None
        mine = (self.origin.authority, self.origin.retention)
        return before if (before.authority, before.retention) == mine else None


MOST_ELEMENTS: Final = 1_000_000
"""Values in one document; an export of ten thousand lines has a third of them. An empty one takes thirty times the
memory of its two bytes."""
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def strict_json(data: bytes) -> dict[str, Any] | None:
    """Out: the object, or None when it is none, is not UTF-8 (also where escaped), names a key twice, has more values
    than anybody's or is deeper than Python reads."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    # Each value but the first follows on one of these.
    if sum(map(data.count, (b",", b"[", b"{"))) > MOST_ELEMENTS:
        return None
    try:
        read = json.loads(data.decode("utf-8"), object_pairs_hook=once)
        if b"\\ud" in data.lower() and _SURROGATE.search(json.dumps(read, ensure_ascii=False)):
            return None
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def read_proof(data: bytes) -> Proof:
    """Raises: ProofInvalid, also where not everybody would read the same in it."""
    if strict_json(data) is None:
        raise ProofInvalid("not JSON that everybody reads alike: damaged, or a key is there twice")
    return Proof.parse(data)


def read_identity(authority: Authority, found: Findings) -> Identity | None:
    """Step 1: out: the authority's identity key with those before it; None after a finding when they are none."""
    try:
        current = parse_vkey(authority.vkey)
        identity = lineage(current, authority.succession or ())
    except NoteInvalid as wrong:
        found.add(1, "authority", f"its key is none, or does not follow its former ones: {wrong}")
        return None
    if current.type is not KeyType.ED25519 or current.name != authority.name:
        found.add(1, "authority", "the key is not the named authority's identity key")
        return None
    if tuple(key.vkey for key in identity.former) != (authority.former or ()):
        found.add(1, "authority", "its former keys are not those of its notes of succession")
        return None
    return identity


def read_opening(event: bytes, identity: Verifier | Identity) -> Opening:
    """Out: what leaf 0's event says, vouched for by the identity key, or by one before it. Raises: NoteInvalid."""
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
    known = identity.keys if isinstance(identity, Identity) else (identity,)
    opened = open_note(keys, known)
    statement = KeyStatement.parse(opened.text)
    stated_by = [key for key in known if opened.by(key)][-1]
    return Opening(tuple(classes), statement, None if previous is None else split(previous)[0], stated_by)


def check_start(start: Start, origin: str, identity: Verifier | Identity) -> Opening:
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


def read_shard(
    part: ShardProof, identity: Verifier | Identity, witnesses: Sequence[Verifier], found: Findings
) -> ReadShard | None:
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
        checkpoint, opened = open_checkpoint(part.log.checkpoint, opening.statement.log, witnesses)
    except NoteInvalid as wrong:
        found.add(3, part.origin, f"its head: {wrong}")
        return None
    start = tree.leaf_hash(part.start.leaf)
    if not tree.verify_inclusion(start, 0, checkpoint.size, part.start.proof, checkpoint.root):
        found.add(2, part.origin, "leaf 0 is not in the log at index 0")
        return None
    seen = tuple(witness for witness in witnesses if opened.by(witness))
    losses = NOTHING
    if part.restored is not None:
        told = part.restored
        losses = read_losses(part.origin, told.leaf, told.salt, told.event)
        leaf = tree.leaf_hash(told.leaf)
        included = tree.verify_inclusion(leaf, 1, checkpoint.size, told.proof, checkpoint.root)
        if not losses.restored or not included:
            found.add(3, part.origin, "its line 1 does not tell of a restore")
            return None
    return ReadShard(part, origin, opening, checkpoint, seen, losses)
