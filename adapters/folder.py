"""A folder of tiles: read as a stranger's, where nothing may lead out of it; written so that readers never see half.

A path is walked part by part and no link is followed; what is not a regular file of a sane length is named.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adapters import atomic
from consent.vocabulary import Problem
from gateway.audit.verify.published.folder import Unreadable
from gateway.errors import ConfigurationFault

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_NAMES: Final = 100_000
_LOCK: Final = ".lock"


class TileFolder:
    """Port `Folder`, and `Files` for those who check it."""

    def __init__(self, root: Path) -> None:
        """In: the folder; it may itself be a link."""
        self._root = root

    # --- reading ---------------------------------------------------------------------------------------------
    def read(self, path: str, most: int) -> bytes | None:
        """Out: a file's bytes; None when there is none. Raises: Unreadable: no regular file, longer than `most`,
        or not to be opened."""
        try:
            with self._parent(path) as (folder, name):
                handle = os.open(name, _FILE, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Unreadable(path, f"can't be opened ({_why(error)})") from None
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise Unreadable(path, "is no regular file")
        with os.fdopen(handle, "rb") as file:
            try:
                found = file.read(most + 1)
            except OSError as error:
                raise Unreadable(path, f"can't be read ({_why(error)})") from None
        if len(found) > most:
            raise Unreadable(path, f"is longer than {most} bytes")
        return found

    def names(self, path: str) -> Sequence[str]:
        """Out: the names of what is in a folder, in order; empty when there is none. Raises: Unreadable."""
        try:
            with self._parent(f"{path}/." if path else ".") as (folder, _):
                found = os.listdir(folder)  # noqa: PTH208  an open folder, not its name
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise Unreadable(path or "the folder", f"can't be listed ({_why(error)})") from None
        if len(found) > _MOST_NAMES:
            raise Unreadable(path or "the folder", "holds too many files")
        return sorted(name for name in found if name.isascii())

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """Out: the folder a path ends in, open, and the name in it. Raises: OSError."""
        *parts, name = path.split("/")
        handle = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if part in ("", ".", ".."):
                    raise FileNotFoundError
                deeper = os.open(part, _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = deeper
            yield handle, name
        finally:
            os.close(handle)

    # --- writing ---------------------------------------------------------------------------------------------
    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder if need be, and be its only writer. Raises: ConfigurationFault: somebody else is."""
        self._root.mkdir(parents=True, exist_ok=True)
        wrong, mend = "is being written by another process", "Wait until it is done."
        with alone(self._root / _LOCK, Problem(str(self._root), None, "(folder)", wrong, mend)):
            yield

    def has(self, path: str) -> bool:
        """Out: whether there is such a file or folder."""
        return (self._root / path).exists()

    def write(self, path: str, data: bytes, public: bool) -> None:
        """Put a file there, whole or not at all, and on the disk when this returns."""
        place = self._root / path
        self._make(place.parent)
        atomic.put(place, data, 0o644 if public else 0o600)

    def _make(self, folder: Path) -> None:
        if folder.exists():
            return
        self._make(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # whatever the umask
        atomic.sync(folder.parent)

    def drop(self, path: str) -> None:
        """Take a file or a folder with all that is in it away; nothing when there is none."""
        place = self._root / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path, otherwise: Problem) -> Iterator[None]:
    """Hold that lock, which no other process holds meanwhile. Raises: ConfigurationFault: one does; OSError."""
    handle = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationFault((otherwise,)) from None
        yield
    finally:
        os.close(handle)


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
