"""Files that are there whole or not at all, and on the disk when the call returns.

A rename lives in its folder: until the folder itself is on the disk, a power cut may bring the older file back
(fsync(2), NOTES).
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def put(path: Path, data: bytes, mode: int = 0o600, beside: Path | None = None) -> None:
    """Put a file there, durably, in place of what is there.

    In: its mode, whatever the umask; where it is written first, in the same folder: writers that are not alone need one
    each. Raises: OSError.
    """
    new = beside or path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    make(new, data, mode)
    # A crash here leaves the file as it was, and a new one that nobody reads and the next writer throws away.
    new.replace(path)
    # A crash here leaves either of them.
    sync(path.parent)


def take(path: Path, most: int) -> bytes | None:
    """Out: a file's bytes; None when there is none. Raises: OSError, which names it: also when it is no regular file,
    which nobody waits for, or has more than `most` bytes."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    with os.fdopen(handle, "rb") as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"is longer than {most} bytes", str(path))
    return found


def make(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Make a file, durably but for its name in the folder. Raises: FileExistsError; OSError, which names it: nothing of
    it stays."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(data)
            file.flush()
            os.fsync(handle)
    except OSError as error:
        error.filename = str(path)
        path.unlink(missing_ok=True)
        raise


def sync(folder: Path) -> None:
    """What was made, moved or deleted in the folder is on the disk. Raises: OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
