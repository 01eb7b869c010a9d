"""The machine: how much room its disk has, and files that are replaced whole."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from adapters import atomic

_SEEN = "watch.json"
_HEALTH = "health.json"
_LAST_RUN = "retention.json"
_MOST = 64 * 1024 * 1024
"""Bytes that are read of one of them: some hundred thousand exchanges under way."""


def free_bytes(folder: Path) -> int:
    """Out: how much the disk of that folder still takes. Raises: OSError."""
    return shutil.disk_usage(folder).free


def replace_file(path: Path, text: str) -> None:
    """Write a file, 0600, whole or not at all, and on the disk when this returns; several processes may. Raises:
    OSError."""
    atomic.put(path, text.encode("utf-8"), beside=path.with_name(f".{path.name}.{os.getpid()}.new"))


@dataclass(frozen=True, slots=True)
class FileSlate:
    """Ports `gateway.watching.Slate` and `gateway.keeping.lastrun.RunSlate`: three files in a home's `data/`."""

    folder: Path

    def seen(self) -> str:
        """Out: how far the last look came; empty when there was none."""
        return self._read(_SEEN)

    def keep(self, seen: str) -> None:
        replace_file(self.folder / _SEEN, seen)

    def tell(self, health: str) -> None:
        replace_file(self.folder / _HEALTH, health)

    def last_run(self) -> str:
        """Out: how the last run of erasing ended; empty when there was none."""
        return self._read(_LAST_RUN)

    def keep_run(self, text: str) -> None:
        replace_file(self.folder / _LAST_RUN, text)

    def _read(self, name: str) -> str:
        try:
            found = atomic.take(self.folder / name, _MOST)
            return found.decode("utf-8") if found is not None else ""
        except UnicodeDecodeError:
            return ""
