"""The embedded bus's file: a SQLite database of its own, made explicitly, opened without making.

Who takes deliveries is an owner: a row, and a lock file that its process holds locked as long as it lives. The
operating system lets go of the lock the moment a process ends, however it ends, so what a dead process had taken is
known at once, and what a live one works on is left alone.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from consent.vocabulary import Problem
from gateway.errors import BusUnavailable, ConfigurationFault, Undeliverable

Connect: TypeAlias = Callable[[Path], sqlite3.Connection]

VERSION: Final = 1
_LATER: Final = "traceparent"
BUSY_MS: Final = 10_000
TABLES: Final = """
CREATE TABLE queue (
  name TEXT PRIMARY KEY,
  namespace TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE owner (
  name TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE request (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL REFERENCES queue (name),
  routing_key TEXT NOT NULL,
  message_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  reply_to TEXT NOT NULL,
  correlation_id TEXT,
  content_type TEXT NOT NULL,
  jws TEXT,
  traceparent TEXT,
  body BLOB NOT NULL,
  attempt INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  owner TEXT,
  taken INTEGER
);
CREATE INDEX ready ON request (queue, not_before, id) WHERE owner IS NULL;
CREATE INDEX in_hand ON request (owner, taken) WHERE owner IS NOT NULL;
CREATE TABLE reply (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  type TEXT NOT NULL,
  content_type TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  sent INTEGER NOT NULL
);
CREATE INDEX awaited ON reply (queue, correlation_id, id);
CREATE INDEX unclaimed ON reply (sent);
CREATE TABLE dead (
  id INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  routing_key TEXT NOT NULL,
  message_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  reply_to TEXT NOT NULL,
  correlation_id TEXT,
  content_type TEXT NOT NULL,
  jws TEXT,
  traceparent TEXT,
  body BLOB NOT NULL,
  attempt INTEGER NOT NULL,
  buried INTEGER NOT NULL
);
CREATE INDEX dead_since ON dead (buried);
"""


def unavailable(error: Exception) -> Exception:
    """In: whatever went wrong. Out: the fault the house knows; the foreign text stays behind."""
    if isinstance(error, BusUnavailable | Undeliverable):
        return type(error)(error.where)
    return BusUnavailable(f"bus ({getattr(error, 'sqlite_errorname', type(error).__name__)})")


def create(path: Path) -> None:
    """Make the file, mode 0600. Raises: ConfigurationFault when something is there already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise _wrong(path, "there is a file already", "Use it, or name another file.") from None
    except OSError as error:
        raise _wrong(path, f"can't be made ({type(error).__name__})", "Check folder and rights.") from None
    # A crash here leaves an empty file: opening says that it is no bus, and it can be deleted.
    connection = connect_file(path)
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
    finally:
        connection.close()


def open_file(path: Path, connect: Connect) -> sqlite3.Connection:
    """Out: a connection to a bus that is there. Raises: ConfigurationFault, BusUnavailable."""
    if not path.is_file():
        mend = "Mend bus.path in einmal.toml, or put the file back from the newest backup."
        raise _wrong(path, "leads to no file", f"{mend} (`einmal init` is for a new home.)")
    try:
        connection = connect(path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise unavailable(error) from None
    except sqlite3.DatabaseError:
        raise _wrong(path, "is not a SQLite database", "Name another file.") from None
    if version == VERSION:
        _complete(connection)
    else:
        connection.close()
        wrong = f"has tables of version {version}, this program needs {VERSION}"
        raise _wrong(path, wrong, "Name the bus of this home, or a new file.")
    return connection


def _complete(file: sqlite3.Connection) -> None:
    """Give a file that an earlier program made the column that came later; such a program goes on with it. Raises:
    BusUnavailable."""
    try:
        for table in ("request", "dead"):
            columns = f"SELECT name FROM pragma_table_info('{table}')"  # noqa: S608  constant names
            if (_LATER,) not in file.execute(columns).fetchall():
                file.execute(f"ALTER TABLE {table} ADD COLUMN {_LATER} TEXT")
    except sqlite3.Error as error:
        if "duplicate column" not in str(error):  # another process was first
            file.close()
            raise unavailable(error) from None


def connect_file(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """Out: a connection to an existing file, shared with other processes."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        factory=factory,
    )
    for pragma in (
        f"busy_timeout = {BUSY_MS}",
        "journal_mode = WAL",
        "foreign_keys = ON",
        "secure_delete = ON",  # a delivered message is gone
        "wal_autocheckpoint = 4000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


class Ownership:
    """The lock that says: this process lives, and what it has taken is its own."""

    def __init__(self, path: Path, name: str) -> None:
        """Take the lock. In: the bus's file, and a name nobody else has."""
        self.name = name
        self._file = lock_file(path, name)
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        self._handle = os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Let go. The owner's row must be gone before."""
        self._file.unlink(missing_ok=True)
        os.close(self._handle)


def lock_file(path: Path, owner: str) -> Path:
    """Out: where an owner's lock lies: in a folder beside the bus's file."""
    return path.with_name(f"{path.name}.owners") / owner


def lives(path: Path, owner: str) -> bool:
    """Out: whether the owner's process still holds its lock."""
    try:
        handle = os.open(lock_file(path, owner), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _wrong(path: Path, wrong: str, mend: str) -> ConfigurationFault:
    return ConfigurationFault((Problem(path.name, None, "bus.path", wrong, mend),))
