"""A database in use, copied whole: one state of it, without what was erased (SQLite, `VACUUM INTO`)."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Final

from adapters import atomic
from adapters.storage.dialect import unavailable

_TARGETS: Final = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_TRUNCATE")
"""The source is read only: what can't be written is the copy."""


def copy(source: Path, target: Path) -> Path:
    """In: a database; a file that is not there yet. Out: the file, 0600, on the disk. Raises: JournalUnavailable,
    when the database can't be read; OSError, when the file can't be written: nothing of it stays."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        target.unlink()
        if error.sqlite_errorname in _TARGETS:
            raise OSError(errno.ENOSPC, "can't be written (is the disk full?)", str(target)) from None
        raise unavailable(error) from None
    # A crash here leaves a file that is no whole database: the backup is made again into another folder.
    with target.open("rb") as written:
        os.fsync(written.fileno())
    atomic.sync(target.parent)
    return target
