"""The last signed checkpoint of each shard, kept in files outside the database (LOG.md 9.6).

A database that is behind its file was restored from a backup. The file may be behind the database, after a crash
or while a newer one is being written: that shows nothing. So `keep` returns at once and a thread writes the newest.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Thread
from typing import Final
from urllib.parse import quote, unquote

from adapters import atomic
from gateway.errors import JournalUnavailable

_MOST_NOTE: Final = 65_536
"""Bytes of a note, with every cosignature it may have."""
_MOST_DIGITS: Final = 19
"""Of a tree's size (LOG.md 2)."""
PAUSE_SECONDS: Final = 0.2
"""A file is replaced no more often than this: it may be behind, and each time costs an `fsync`."""

_SUFFIX: Final = ".checkpoint"


class CheckpointFiles:
    """One file a shard in one folder (0700); replaced by rename, never by a smaller tree's; used by many processes."""

    def __init__(self, folder: Path) -> None:
        """In: the folder; made if it is not there."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._changed = Condition()
        self._newest: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self._writing = False
        self._rounds = 0
        self._closed = self._hurry = False
        self._failed: str | None = None
        self._thread = Thread(target=self._run, name="checkpoint-write", daemon=True)
        self._thread.start()

    def read(self, origin: str) -> str | None:
        """Out: the signed note of the largest tree that was kept, or None when none ever was.

        Raises: JournalUnavailable when there is a file that holds no checkpoint of this shard.
        """
        stored = self._stored(origin)
        with self._changed:
            mine = self._newest.get(origin)
        return max((note for note in (mine, stored) if note is not None), key=tree_size, default=None)

    def origins(self) -> Sequence[str]:
        """Out: of which logs a checkpoint is kept, in order. Raises: JournalUnavailable."""
        try:
            files = [file.stem for file in self._folder.iterdir() if file.suffix == _SUFFIX]
        except OSError as error:
            raise JournalUnavailable(f"checkpoint file ({type(error).__name__})") from None
        with self._changed:
            return sorted({unquote(name) for name in files} | self._newest.keys())

    def keep(self, origin: str, note: str) -> None:
        """Replace the kept note unless a larger tree's is kept. Raises: JournalUnavailable while writing fails."""
        with self._changed:
            if self._failed is not None:
                raise JournalUnavailable(self._failed)
            if origin in self._newest and tree_size(self._newest[origin]) >= tree_size(note):
                return
            self._newest[origin] = self._waiting[origin] = note
            self._changed.notify_all()

    def newest(self) -> datetime | None:
        """Out: when one was replaced last; None: none ever was. Raises: OSError."""
        files = [file.stat().st_mtime for file in self._folder.iterdir() if file.suffix == _SUFFIX]
        return datetime.fromtimestamp(max(files), UTC) if files else None

    @property
    def failed(self) -> str | None:
        """Out: why the newest ones can't be written, if they can't."""
        with self._changed:
            return self._failed

    def flush(self) -> None:
        """Wait until what was kept so far is on the disk. Raises: JournalUnavailable."""
        with self._changed:
            begun = self._rounds + (1 if self._writing else 0)
            self._hurry = True
            self._changed.notify_all()
            # A round that failed is followed by the next at once: `_writing` may never be seen to end.
            self._changed.wait_for(lambda: self._rounds > begun or not (self._waiting or self._writing))
            self._hurry = False
            if self._failed is not None:
                raise JournalUnavailable(self._failed)

    def close(self) -> None:
        """Write what is waiting, then end the thread. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                work, self._waiting, self._writing = self._waiting, {}, True
            failed, again = None, dict[str, str]()
            for origin, note in work.items():
                try:
                    self._store(origin, note)
                except (OSError, JournalUnavailable) as error:
                    failed = f"checkpoint file ({type(error).__name__})"
                    again[origin] = note
            with self._changed:
                # What could not be written is tried again, unless a newer one waits or nobody will need it.
                if not self._closed:
                    self._waiting = again | self._waiting
                self._failed, self._writing = failed, False
                self._rounds += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or self._hurry, PAUSE_SECONDS)

    def _store(self, origin: str, note: str) -> None:
        path = self._path(origin)
        with self._locked():
            stored = self._stored(origin)
            if stored is not None and tree_size(stored) >= tree_size(note):
                return
            atomic.put(path, note.encode(), beside=path.with_suffix(".new"))

    def _stored(self, origin: str) -> str | None:
        try:
            kept = atomic.take(self._path(origin), _MOST_NOTE)
            note = kept.decode() if kept is not None else None
        except (OSError, UnicodeDecodeError) as error:
            raise JournalUnavailable(f"checkpoint file ({type(error).__name__})") from None
        if note is None:
            return None
        if not note.startswith(f"{origin}\n"):
            raise JournalUnavailable("checkpoint file (not a checkpoint of this shard)")
        tree_size(note)
        return note

    def _path(self, origin: str) -> Path:
        return self._folder / f"{quote(origin, safe='')}{_SUFFIX}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Several processes keep checkpoints of the same shard: compare and replace are one step."""
        handle = os.open(self._folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def tree_size(note: str) -> int:
    """Out: the size a checkpoint speaks of (its second line). Raises: JournalUnavailable."""
    parts = note.split("\n", 2)
    if len(parts) < 3 or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) <= _MOST_DIGITS):
        raise JournalUnavailable("checkpoint file (not a checkpoint)")
    return int(parts[1])
