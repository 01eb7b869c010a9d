"""What a witness or auditor has seen of a log, kept by themselves: by it a shrunken or forked log is known.

What was seen is on the disk before anything is cosigned (C2SP tlog-witness): a cosigner never signs two histories.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.audit import tree
from gateway.audit.identity import Identity
from gateway.audit.note import Checkpoint, NoteInvalid, parse_checkpoint, split
from gateway.audit.shard import Origin
from gateway.audit.tiles import TileName
from gateway.audit.verify.growing import folded
from gateway.audit.verify.published.folder import Unreadable
from gateway.audit.verify.reading import strict_json

MOST_STATE: Final = 64_000_000


class StateInvalid(ValueError):
    """Not a state file. Says what is wrong, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A log as it was seen last."""

    note: str
    """The checkpoint as its log signed it: the proof, if the log says something else one day."""

    @property
    def checkpoint(self) -> Checkpoint:
        return parse_checkpoint(split(self.note)[0])


@dataclass(slots=True)
class State:
    """Everything seen of one authority's logs."""

    authority: str
    """The vkey of its identity key."""
    logs: dict[str, Seen] = field(default_factory=dict)
    """By origin, of a shard's log and of its output log."""
    audited: dict[str, int] = field(default_factory=dict)
    """How many epochs of a shard were found true, by the shard's origin."""

    def note(self, note: str) -> None:
        """Remember a checkpoint, which was found to continue what was seen."""
        seen = Seen(note)
        self.logs[seen.checkpoint.origin] = seen

    def gone(self, there: Collection[str], month: tuple[int, int]) -> list[str]:
        """Out: shards that were seen, are not there, and may not be gone yet. In: those there are; the month it is
        now."""
        missing = []
        for name in self.logs:
            try:
                origin = Origin.parse(name)
            except ValueError:  # an output log: it goes with its shard
                continue
            due = origin.gone_from
            if name not in there and (due is None or month < due):
                missing.append(name)
        return sorted(missing)

    def render(self) -> bytes:
        """Out: the file."""
        document = {
            "v": 1,
            "authority": self.authority,
            "logs": {origin: seen.note for origin, seen in sorted(self.logs.items())},
            "audited": dict(sorted(self.audited.items())),
        }
        return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes, identity: Identity) -> State:
        """Undo `render`. In: the file; whose log it must be about. Raises: StateInvalid."""
        said = strict_json(data)
        if said is None or said.keys() != {"v", "authority", "logs", "audited"} or said["v"] != 1:
            raise StateInvalid("it is no state of a witness or auditor")
        if not identity.known_as(said["authority"]):
            raise StateInvalid("it is about another authority's log")
        logs, audited = said["logs"], said["audited"]
        if not isinstance(logs, dict) or not _are_counts(audited):
            raise StateInvalid("it is no state of a witness or auditor")
        seen = {origin: _seen(origin, note) for origin, note in logs.items()}
        return cls(identity.current.vkey, seen, dict(audited))


def _seen(origin: str, note: object) -> Seen:
    try:
        if isinstance(note, str) and Seen(note).checkpoint.origin == origin:
            return Seen(note)
    except NoteInvalid:
        pass
    raise StateInvalid("a checkpoint in it is none of its log")


def _are_counts(found: Any) -> bool:
    return isinstance(found, dict) and all(type(count) is int and count >= 0 for count in found.values())


def shrunk(seen: Seen, now: Checkpoint) -> str | None:
    """Out: how a log is behind what was seen of it; None if it isn't."""
    before = seen.checkpoint.size
    return None if now.size >= before else f"it shrank: {before} leaves were signed before, now {now.size}"


def forked(seen: Seen, root: bytes) -> str | None:
    """Out: how a log contradicts what was seen of it; None if it continues it. In: its root at the size seen."""
    if root == seen.checkpoint.root:
        return None
    return f"it forked: its first {seen.checkpoint.size} leaves are not those that were signed before"


def root_from_tiles(read: Callable[[TileName], bytes], now: Checkpoint) -> Callable[[int], bytes]:
    """Out: the root of a log at an older size, proved from its public tiles to be a beginning of `now`.

    Raises: Unreadable when the tiles are not those of `now`; when called: Unreadable.
    """

    def tile(level: int, number: int, width: int) -> bytes:
        return read(TileName(level, number, width))

    nodes = tree.Nodes(tile, now.size)
    if now.size and nodes.root() != now.root:
        raise Unreadable(now.origin, "its tiles are not those of its checkpoint")

    def root_at(size: int) -> bytes:
        older = folded(nodes.peaks(0, size))
        if not tree.verify_consistency(size, older, now.size, now.root, nodes.consistency(size)):
            raise Unreadable(now.origin, f"its tiles prove nothing of its first {size} leaves")
        return older

    return root_at
