"""An authority's identity key and the ones before it (docs/decisions/0022).

A key is followed by the next one in a note that both sign: the old one says who comes after it, the new one says
which shards before it were its own. Whoever knows any one of them knows them all.

    einmal/identity/v1
    <the authority's name>
    <old vkey>
    <new vkey>
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.audit.note import KeyType, NoteInvalid, Signer, Verifier, open_note, parse_vkey, sign, split

HEADER: Final = "einmal/identity/v1"


@dataclass(frozen=True, slots=True)
class Identity:
    """The keys of one authority, each vouched for by the one before and the one after it."""

    former: tuple[Verifier, ...]
    """Oldest first."""
    current: Verifier

    @property
    def name(self) -> str:
        """Out: the authority's name; all its keys have it."""
        return self.current.name

    @property
    def keys(self) -> tuple[Verifier, ...]:
        """Out: all of them, oldest first: the order in which they stated shards."""
        return (*self.former, self.current)

    def known_as(self, published: str | None) -> bool:
        """In: a vkey or fingerprint a reader knows. Out: whether it is one of these keys'."""
        return any(key.known_as(published) for key in self.keys)


@dataclass(frozen=True, slots=True)
class Step:
    """One key followed by the next."""

    old: Verifier
    new: Verifier


def follow(old: Signer, new: Signer) -> str:
    """Out: the note with which `new` follows `old`, signed by both."""
    text = f"{HEADER}\n{old.name}\n{old.verifier.vkey}\n{new.verifier.vkey}\n"
    return sign(text, old, new)


def read_step(note: str) -> Step:
    """Raises: NoteInvalid, when it is no note of succession, or not signed by both keys it names."""
    lines = split(note)[0].split("\n")
    if len(lines) != 5 or lines[0] != HEADER or lines[4]:
        raise NoteInvalid("not a note of succession")
    step = Step(parse_vkey(lines[2]), parse_vkey(lines[3]))
    both = (step.old, step.new)
    if any(key.name != lines[1] or key.type is not KeyType.ED25519 for key in both) or step.old == step.new:
        raise NoteInvalid("a note of succession names two keys of one authority")
    opened = open_note(note, both)
    if not all(opened.by(key) for key in both):
        raise NoteInvalid("a note of succession is signed by both keys")
    return step


def lineage(current: Verifier, notes: Sequence[str]) -> Identity:
    """In: the key in use and the notes of succession, oldest first. Raises: NoteInvalid, when they do not lead from one
    key to the next and to this one."""
    steps = [read_step(note) for note in notes]
    leads = [step.new for step in steps]
    follows = [*(step.old for step in steps[1:]), current]
    keys = [*(step.old for step in steps), current]
    if leads != (follows if steps else []) or len(set(keys)) != len(keys):
        raise NoteInvalid("the notes of succession do not lead to the key in use")
    return Identity(tuple(keys[:-1]), current)
