"""An index as a file: a cache, of which nothing is believed that does not stand under an epoch's root (LOG.md 6).

`einmal/index/f1` LF · u64be lines · u64be labels · root · SHA-256 of the origin · SHA-256 of all before · the rows ·
the hashes of each level of tiles. The rows and hashes need no checksum of their own: the root is one.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from gateway.audit.index import ROW_BYTES, Flat, Index, IndexDamaged, level_bytes

_MAGIC: Final = b"einmal/index/f1\n"
_HEAD_BYTES: Final = len(_MAGIC) + 8 + 8 + 32 + 32
_DIGEST_BYTES: Final = 32
_MOST_LABELS: Final = 1 << 40


def parts(origin: str, index: Index) -> tuple[Flat, ...]:
    """Out: the file, in parts to be written one after the other. In: the shard's name, its index."""
    head = (
        _MAGIC
        + index.lines.to_bytes(8, "big")
        + index.size.to_bytes(8, "big")
        + index.root
        + sha256(origin.encode()).digest()
    )
    return (head, sha256(head).digest(), index.rows(), *index.levels())


def parse(origin: str, data: memoryview) -> Index | None:
    """Out: the index in place, nothing of it copied; None when it is not this shard's, or damaged where that shows
    at once: in its head, its length, or its topmost hashes."""
    head, digest = bytes(data[:_HEAD_BYTES]), bytes(data[_HEAD_BYTES : _HEAD_BYTES + _DIGEST_BYTES])
    if not head.startswith(_MAGIC) or sha256(head).digest() != digest:
        return None
    if head[-32:] != sha256(origin.encode()).digest():
        return None
    lines, size = (int.from_bytes(head[at : at + 8], "big") for at in (len(_MAGIC), len(_MAGIC) + 8))
    body, widths = data[_HEAD_BYTES + _DIGEST_BYTES :], level_bytes(min(size, _MOST_LABELS))
    if len(body) != size * ROW_BYTES + sum(widths):
        return None
    levels, start = [], size * ROW_BYTES
    for width in widths:
        levels.append(body[start : start + width])
        start += width
    try:
        index = Index(lines, body[: size * ROW_BYTES], levels)
    except IndexDamaged:
        return None
    return index if index.root == head[-64:-32] else None
