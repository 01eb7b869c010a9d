"""Secret files of a home's `keys/`: 0700 and 0600, judged when they are read, never half written."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from adapters import atomic
from consent.vocabulary import Problem
from gateway.errors import ConfigurationFault

MAX_FILE_BYTES: Final = 16384
SUCCESSION: Final = "succession"
FORMER_GATEWAYS: Final = "gateway-former"
ENCRYPTION: Final = "encryption"
WITHIN: Final = (SUCCESSION, FORMER_GATEWAYS, ENCRYPTION)
"""The folders within `keys/`: what is left of former keys, public; and the keys to encrypt to, which are secret."""
LOCK: Final = "lock"
"""Held by who changes the keys: two rotations at once would each take the other's new key for the old one."""


def read_private(path: Path) -> str:
    """Out: the text of a regular file that is its user's alone; the open file is judged, not its name.

    Raises: ConfigurationFault.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        refuse(path, "is missing", "Restore it from its backup, or name the right file.")
    except OSError:
        refuse(
            path, "can't be opened", "It must be a regular file, no link, that the gateway's user can read."
        )
    try:
        _check_mode(path, os.fstat(handle), stat.S_ISREG, 0o600)
        content = os.read(handle, MAX_FILE_BYTES + 1)
    finally:
        os.close(handle)
    try:
        if len(content) > MAX_FILE_BYTES:
            raise ValueError
        return content.decode("utf-8")
    except ValueError:
        refuse(path, "is not a key file", "Restore it from its backup.")


def check_directory(directory: Path) -> None:
    """Raises: ConfigurationFault, when it is none or others can enter it."""
    try:
        found = directory.lstat()
    except OSError:
        refuse(directory, "is missing", "Make a home's keys with `einmal init`.")
    _check_mode(directory, found, stat.S_ISDIR, 0o700)


def _check_mode(path: Path, found: os.stat_result, is_kind: Callable[[int], bool], mode: int) -> None:
    if not is_kind(found.st_mode):
        refuse(path, "is a link or something else than expected", "Put the real file or folder there.")
    if found.st_uid != os.geteuid():
        refuse(path, "belongs to another user", "Run as its owner, or give it to the gateway's user.")
    if stat.S_IMODE(found.st_mode) & ~mode:
        refuse(
            path,
            "can be reached by others",
            f"chmod {mode:o} it, and replace the key if others could read it.",
        )


def write_new(path: Path, text: str) -> None:
    """Write a new file, 0600, durably. Raises: ConfigurationFault, if there is one."""
    try:
        atomic.make(path, text.encode("utf-8"))
    except FileExistsError:
        refuse(path, "exists already", "Keys are never overwritten: move the file away first.")
    atomic.sync(path.parent)


def put(path: Path, text: str) -> None:
    """Put a file there whole or not at all, 0600, durably, in place of what is there."""
    atomic.put(path, text.encode("utf-8"), beside=path.with_name(f".{path.name}.part"))


def move(path: Path, target: Path) -> None:
    """Put one file in another's place, durably; what was there is gone."""
    path.replace(target)
    atomic.sync(target.parent)


def changed(directory: Path) -> None:
    """Let whoever looks at the folder's time see that something changed: a nanosecond by chance, since its clock ticks
    so slowly that two changes may have the same time."""
    found = directory.stat()
    moment = found.st_mtime_ns - found.st_mtime_ns % 10**9 + secrets.randbelow(10**9)
    os.utime(directory, ns=(found.st_atime_ns, moment))


def folder(path: Path) -> Path:
    """Out: that folder, 0700, made if it is not there."""
    path.mkdir(mode=0o700, exist_ok=True)
    atomic.sync(path.parent)
    return path


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Nobody else of this machine changes these keys meanwhile. Raises: ConfigurationFault, when somebody does."""
    handle = os.open(directory / LOCK, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        refuse(directory, "is being changed by another process", "Let it finish, then try again.")
    try:
        changed(directory)  # whoever has missed what another one did before it died looks again
        yield
    finally:
        os.close(handle)


def refuse(path: Path, wrong: str, mend: str) -> NoReturn:
    """Raises: ConfigurationFault, placed at the file as the home names it."""
    folders = (
        [path.parent.parent.name, path.parent.name] if path.parent.name in WITHIN else [path.parent.name]
    )
    place = "/".join([*folders, path.name]) if folders[0] == "keys" else str(path)
    raise ConfigurationFault((Problem(place, None, "(file)", wrong, mend),)) from None
