"""The public side of a log in a folder of tiles (LOG.md 4): whose it is, which shards are there, their signed heads.

Nothing in the folder is believed: names are made here, lengths are limited, what is wrong is named with its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.audit import tiles, tree
from gateway.audit.identity import Identity, lineage
from gateway.audit.note import (
    Checkpoint,
    KeyType,
    NoteInvalid,
    Verifier,
    open_checkpoint,
    open_note,
    parse_vkey,
    published_name,
)
from gateway.audit.shard import KeyStatement, Origin
from gateway.audit.tiles import TileName

MOST_NOTE: Final = 65_536


class Unreadable(Exception):
    """Something in the folder is not what it must be: where, and what is wrong. Quotes nothing."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place}: {text}")
        self.place, self.text = place, text


class Files(Protocol):
    """A folder to be read. No link is followed. Raises: Unreadable."""

    def read(self, path: str, most: int) -> bytes | None:
        """Out: a file's bytes; None when there is none. Longer than `most` is unreadable."""
        ...

    def names(self, path: str) -> Sequence[str]:
        """Out: the names of what is in a folder, in order; empty when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """A shard's keys and signed heads, vouched for by the identity key."""

    origin: Origin
    statement: KeyStatement
    note: str
    """The log's checkpoint with all its signatures."""
    log: Checkpoint
    index_note: str | None
    """The output log's; None: there is no epoch in the folder."""
    index: Checkpoint | None

    @property
    def folder(self) -> str:
        """Out: where the shard lies."""
        return str(self.origin)


def find_identity(files: Files, authority: str) -> Identity:
    """Out: the authority's identity keys. In: a published vkey or fingerprint of one of them.

    Raises: NoteInvalid, when neither is given; Unreadable, when the folder holds no log of that authority.
    """
    known = published_name(authority)
    for name in files.names("") if known is None else [known]:
        if files.read(f"{name}/{tiles.VKEY}", MOST_NOTE) is not None:
            found = _identity(files, name)
            if found.known_as(authority):
                return found
    raise Unreadable("the folder", "no log of the authority with that key is in it")


def _identity(files: Files, name: str) -> Identity:
    """Out: the keys the folder gives for a name, each vouched for by the next."""
    place, notes = f"{name}/{tiles.VKEY}", f"{name}/{tiles.SUCCESSION}"
    try:
        vkey, end, rest = _text(files, place).partition("\n")
        current = parse_vkey(vkey)
        followed = files.read(notes, MOST_NOTE)
        identity = lineage(current, [] if followed is None else tiles.parse_succession(followed))
    except (NoteInvalid, ValueError) as wrong:
        raise Unreadable(notes if isinstance(wrong, ValueError) else place, str(wrong)) from None
    if current.type is not KeyType.ED25519 or identity.name != name or not end or rest:
        raise Unreadable(place, "not that authority's identity key")
    return identity


def shards_of(files: Files, authority: str) -> list[Origin]:
    """Out: the authority's shards in the folder, oldest first within their class."""
    found: list[Origin] = []
    for retention in files.names(authority):
        for month in files.names(f"{authority}/{retention}"):
            try:
                origin = Origin.parse(f"{authority}/{retention}/{month}")
            except ValueError:
                continue
            if str(origin) == f"{authority}/{retention}/{month}":
                found.append(origin)
    return sorted(found, key=lambda one: (one.retention, one.place))


def read_head(files: Files, origin: Origin, identity: Identity) -> Head:
    """Out: the shard's public side. Raises: Unreadable."""
    at = str(origin)
    with_keys = _text(files, f"{at}/{tiles.KEYS}")
    try:
        statement = KeyStatement.parse(open_note(with_keys, identity.keys).text)
    except NoteInvalid as wrong:
        raise Unreadable(f"{at}/{tiles.KEYS}", str(wrong)) from None
    if statement.origin != at:
        raise Unreadable(f"{at}/{tiles.KEYS}", "the key statement of another shard")
    note, log = _checkpoint(files, f"{at}/{tiles.CHECKPOINT}", statement.log)
    place = f"{at}/{tiles.INDEX}/{tiles.CHECKPOINT}"
    if files.read(place, MOST_NOTE) is None:
        return Head(origin, statement, note, log, None, None)
    return Head(origin, statement, note, log, *_checkpoint(files, place, statement.index))


def read_tile(files: Files, folder: str) -> Callable[[TileName], bytes]:
    """Out: how a tile of the tree in that folder is read; where it has grown since, the wider one is taken (C2SP).
    Raises, when called: Unreadable."""

    def read(name: TileName) -> bytes:
        place = f"{folder}/{name.path}"
        kept = files.read(place, tree.TILE_WIDTH * tree.HASH_BYTES)
        if kept is None and not name.full:
            place = f"{folder}/{name._replace(width=tree.TILE_WIDTH).path}"
            kept = files.read(place, tree.TILE_WIDTH * tree.HASH_BYTES)
        if kept is None:
            raise Unreadable(f"{folder}/{name.path}", "is missing")
        if len(kept) < name.length or (place.endswith(name.path) and len(kept) != name.length):
            raise Unreadable(place, "has the wrong length")
        return kept[: name.length]

    return read


def read_leaves(files: Files, folder: str, name: TileName) -> list[bytes]:
    """Out: the leaves of a tile of level 0. Raises: Unreadable."""
    kept = files.read(f"{folder}/{name.bundle}", tiles.MOST_BUNDLE)
    place = name
    if kept is None and not name.full:
        place = name._replace(width=tree.TILE_WIDTH)
        kept = files.read(f"{folder}/{place.bundle}", tiles.MOST_BUNDLE)
    if kept is None:
        raise Unreadable(f"{folder}/{name.bundle}", "is missing")
    try:
        return tiles.parse_bundle(kept, name.width)
    except ValueError as wrong:
        raise Unreadable(f"{folder}/{place.bundle}", str(wrong)) from None


def _checkpoint(files: Files, place: str, key: Verifier) -> tuple[str, Checkpoint]:
    note = _text(files, place)
    try:
        return note, open_checkpoint(note, key)[0]
    except NoteInvalid as wrong:
        raise Unreadable(place, str(wrong)) from None


def _text(files: Files, place: str) -> str:
    raw = files.read(place, MOST_NOTE)
    if raw is None:
        raise Unreadable(place, "is missing")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(place, "is not text") from None
