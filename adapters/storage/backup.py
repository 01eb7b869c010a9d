"""A database in use, copied whole: one state of it, without what was erased (SQLite, `VACUUM INTO`)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from adapters import atomic
from adapters.storage.dialect import unavailable


def copy(source: Path, target: Path) -> Path:
    """In: a database; a file that is not there yet. Out: the file, 0600, on the disk. Raises: JournalUnavailable,
    OSError."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        finally:
            connection.close()
    except sqlite3.Error as error:
        target.unlink()
        raise unavailable(error) from None
    # A crash here leaves a file that is no whole database: the backup is made again into another folder.
    with target.open("rb") as written:
        os.fsync(written.fileno())
    atomic.sync(target.parent)
    return target
