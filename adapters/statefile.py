"""The file in which a witness or auditor keeps what they have seen: one process at a time, whole or as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.folder import TileFolder, alone
from consent.vocabulary import Problem
from gateway.audit.verify.published.seen import MOST_STATE


class StateFile:
    """One file, 0600."""

    def __init__(self, path: Path) -> None:
        self._path, self._folder = path, TileFolder(path.parent)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who reads and replaces it: two at once could cosign two histories. Raises:
        ConfigurationFault, when somebody else is; OSError."""
        lock = self._path.with_name(f".{self._path.name}.lock")
        wrong, mend = "is being used by another process", "Wait until it is done."
        with alone(lock, Problem(str(self._path), None, "(file)", wrong, mend)):
            yield

    def read(self) -> bytes | None:
        """Out: what was kept; None when nothing ever was. Raises: Unreadable."""
        return self._folder.read(self._path.name, MOST_STATE)

    def keep(self, data: bytes) -> None:
        """Replace it; it is on the disk when this returns."""
        self._folder.write(self._path.name, data, public=False)
