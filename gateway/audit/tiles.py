"""The log as a folder of static files (LOG.md 4; C2SP tlog-tiles): where each file lies and what is in it.

For everyone, under the shard's origin: `checkpoint`, `keys` (the key statement), `tile/<level>/<number>`, and the same
of the output log under `index/`. For auditors besides: `tile/entries/<number>` with the leaves, `index/leaves` with
what the newest index says of each label, `opening.json` with leaf 0's opening. Beside the shards, `vkey`: the identity
key's, to be compared with the published fingerprint; `succession.json` where it followed others (decision 0022).
A tile that is not full has its width in its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from gateway.audit.index import ROW_BYTES, IndexLeaf
from gateway.audit.note import NoteInvalid, decode64, encode64
from gateway.audit.tree import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH

VKEY: Final = "vkey"
SUCCESSION: Final = "succession.json"
CHECKPOINT: Final = "checkpoint"
COSIGNED: Final = "checkpoint.cosigned"
KEYS: Final = "keys"
OPENING: Final = "opening.json"
INDEX: Final = "index"
LEAVES: Final = "index/leaves"
ENTRIES: Final = "tile/entries"
_LENGTH_BYTES: Final = 2
MOST_BUNDLE: Final = TILE_WIDTH * (_LENGTH_BYTES + (1 << 8 * _LENGTH_BYTES))
"""No entry bundle is longer."""


class TileName(NamedTuple):
    """A tile of a tree of some size: the first `width` hashes of it are there."""

    level: int
    number: int
    width: int

    @property
    def full(self) -> bool:
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """Out: `tile/<level>/<number>[.p/<width>]`, below the tree's folder."""
        return _path(str(self.level), self.number, self.width)

    @property
    def bundle(self) -> str:
        """Out: where the leaves of a tile of level 0 lie."""
        return _path("entries", self.number, self.width)

    @property
    def length(self) -> int:
        """Out: how many bytes the tile has."""
        return self.width * HASH_BYTES


def tiles_of(size: int, level: int) -> Iterator[TileName]:
    """Out: the tiles of one level of a tree of that size, in order."""
    whole, rest = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
    for number in range(whole):
        yield TileName(level, number, TILE_WIDTH)
    if rest:
        yield TileName(level, whole, rest)


def all_tiles(size: int) -> Iterator[TileName]:
    """Out: the tiles of a tree of that size, level by level."""
    for level in range((size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT):
        yield from tiles_of(size, level)


def partials(path: str) -> str:
    """In: the path of a full tile or bundle. Out: the folder of those that came before it."""
    return f"{path}.p"


def _path(kind: str, number: int, width: int) -> str:
    name = f"{number % 1000:03d}"
    while number >= 1000:
        number //= 1000
        name = f"x{number % 1000:03d}/{name}"
    return f"tile/{kind}/{name}" + ("" if width == TILE_WIDTH else f".p/{width}")


# --- whose it is --------------------------------------------------------------------------------------------
def succession(notes: Sequence[str]) -> bytes:
    """Out: `succession.json`. In: the notes with which one identity key followed another, oldest first."""
    return json.dumps(list(notes), indent=1, ensure_ascii=False).encode() + b"\n"


def parse_succession(data: bytes) -> list[str]:
    """Undo `succession`. Raises: ValueError."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, list) or not all(isinstance(note, str) for note in said):
        raise ValueError("not notes of succession")
    return said


# --- what auditors get --------------------------------------------------------------------------------------
def bundle(leaves: Sequence[bytes]) -> bytes:
    """Out: an entry bundle: each leaf behind its length as u16be."""
    return b"".join(len(leaf).to_bytes(_LENGTH_BYTES, "big") + leaf for leaf in leaves)


def parse_bundle(data: bytes, count: int) -> list[bytes]:
    """Out: the first `count` leaves of a bundle. Raises: ValueError when it is none, or has fewer."""
    leaves: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        leaves.append(data[start:at])
    if at != len(data) or not count <= len(leaves) <= TILE_WIDTH:
        raise ValueError("not an entry bundle of that many leaves")
    return leaves[:count]


def parse_rows(data: bytes) -> list[IndexLeaf]:
    """Out: what `index/leaves` says of each label: label ‖ u64be(count) ‖ root. Raises: ValueError."""
    if len(data) % ROW_BYTES:
        raise ValueError("not rows of an index")
    rows = (data[at : at + ROW_BYTES] for at in range(0, len(data), ROW_BYTES))
    return [IndexLeaf(one[:32], int.from_bytes(one[32:40], "big"), one[40:]) for one in rows]


def opening(salt: bytes, event: bytes) -> bytes:
    """Out: `opening.json`."""
    return json.dumps({"salt": encode64(salt), "event": encode64(event)}, indent=2).encode() + b"\n"


def parse_opening(data: bytes) -> tuple[bytes, bytes]:
    """Out: leaf 0's salt and event. Raises: ValueError, also for any other spelling."""
    try:
        said = json.loads(data)
        salt, event = decode64(said["salt"]), decode64(said["event"])
    except (NoteInvalid, ValueError, KeyError, TypeError, RecursionError):
        salt = event = b""
    if opening(salt, event) != data:
        raise ValueError("not the opening of leaf 0")
    return salt, event
