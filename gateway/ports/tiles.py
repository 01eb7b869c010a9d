"""What publishing the log as tiles needs (LOG.md 4): its stored hashes and leaves, and a folder to put them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class TileStore(Protocol):
    """The stored trees of the shards' logs. Raises: JournalUnavailable."""

    async def tile(self, origin: str, level: int, number: int, width: int) -> bytes:
        """Out: the first `width` hashes of a tile. Raises also when it has fewer."""
        ...

    async def leaves(self, origin: str, start: int, stop: int) -> Sequence[bytes]:
        """Out: the leaves of lines start ≤ index < stop, in order; fewer where lines are destroyed."""
        ...


class Folder(Protocol):
    """Files that others read, by their path. Raises: OSError."""

    def read(self, path: str, most: int) -> bytes | None:
        """Out: a file's bytes; None when there is none. Raises: Unreadable: no regular file, or a longer one."""
        ...

    def has(self, path: str) -> bool:
        """Out: whether there is such a file or folder."""
        ...

    def write(self, path: str, data: bytes, public: bool) -> None:
        """Put a file there, whole or not at all, and on the disk when this returns. `public`: whether everybody of
        this machine may read it, else its owner alone."""
        ...

    def drop(self, path: str) -> None:
        """Take a file or a folder with all that is in it away; nothing when there is none."""
        ...
