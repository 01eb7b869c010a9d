"""The shards' indexes in files outside the database: a cache that may be deleted at any time (LOG.md 6).

Nothing in it is believed (gateway.audit.index_file), so it is neither locked nor made durable: the last one to write
a file wins, and one that is damaged is none.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from urllib.parse import quote

from gateway.audit import index_file
from gateway.audit.index import Index
from gateway.errors import JournalUnavailable


class IndexFiles:
    """One file a shard in one folder (0700); read in place, replaced by rename, used by many processes."""

    def __init__(self, folder: Path) -> None:
        """In: the folder; made with the first file."""
        self._folder = folder

    def read(self, origin: str) -> Index | None:
        """Out: the index that was kept last; None when there is none, or a damaged one."""
        try:
            with self._path(origin).open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # not there, not readable, empty
            return None
        return index_file.parse(origin, memoryview(data))

    def keep(self, origin: str, index: Index) -> None:
        """Replace what was kept. Where nothing can be written, nothing is kept: it can be made again."""
        path = self._path(origin)
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, new = mkstemp(prefix=f"{path.name}.", dir=self._folder)  # 0600
            try:
                with open(handle, "wb") as file:  # noqa: PTH123  a handle made with its mode, not a path
                    for part in index_file.parts(origin, index):
                        file.write(part)
                # A crash here leaves the older index, and beside it a file that nobody reads.
                Path(new).replace(path)
            except OSError:
                Path(new).unlink(missing_ok=True)

    def forget(self, origin: str) -> None:
        """Delete what was kept, with what a crash left of it. Raises: JournalUnavailable."""
        try:
            for path in self._folder.glob(f"{self._path(origin).name}*"):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalUnavailable(f"cache ({type(error).__name__})") from None

    def _path(self, origin: str) -> Path:
        return self._folder / f"{quote(origin, safe='')}.index"
