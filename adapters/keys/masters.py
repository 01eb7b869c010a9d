"""The master key and where it comes from: a file of the home, or a command that prints it (a vault, an HSM).

master.key        the key in use, 32 random bytes in base64
master-<id>.key   a former one, for as long as something is sealed under it
master.next       one that is made and not in use yet
master.id         only where a command prints the key: the id of the one in use
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Final, NoReturn

from adapters.keys.files import read_private, refuse
from adapters.keys.sealing import MASTER_BYTES, key_id
from consent.vocabulary import Problem
from gateway.audit import note
from gateway.errors import ConfigurationFault

IN_USE: Final = "master.id"
MOST_PRINTED_BYTES: Final = 4096
"""That a command may print; the key takes 45."""
_SETTINGS: Final = "einmal.toml"


@dataclass(frozen=True, slots=True)
class MasterSource:
    """`[keys]` of einmal.toml."""

    file: Path
    """Where the master key is kept, if no command prints it."""
    command: tuple[str, ...] = ()
    """Program and arguments; no shell."""
    former_command: tuple[str, ...] = ()
    """The same for the key before, while everything is sealed anew."""
    seconds: float = 10
    """How long a command may take."""


@dataclass(frozen=True, slots=True)
class Masters:
    """The master keys that are known now, by id."""

    current: bytes
    """The id of the one in use."""
    known: Mapping[bytes, bytes] = field(repr=False)

    @property
    def former(self) -> Sequence[bytes]:
        """Out: the ids of those that are only opened with."""
        return [named for named in self.known if named != self.current]

    @property
    def key(self) -> bytes:
        """Out: the one in use."""
        return self.known[self.current]


def read_masters(directory: Path, source: MasterSource) -> Masters:
    """In: `keys/`, and where the master key comes from. Raises: ConfigurationFault."""
    known = {key_id(master): master for master in map(read_master, former_files(source))}
    before: bytes | None = None
    if source.former_command:
        former = printed(source.former_command, source.seconds, "keys.former_command")
        before = key_id(former)
        known[before] = former
    if not source.command:
        current = read_master(source.file)
        return Masters(key_id(current), {**known, key_id(current): current})
    offered = printed(source.command, source.seconds, "keys.master_command")
    known[key_id(offered)] = offered
    return Masters(_chosen(directory, source, known, before, key_id(offered)), known)


def _chosen(
    directory: Path, source: MasterSource, known: dict[bytes, bytes], before: bytes | None, offered: bytes
) -> bytes:
    """Out: the id of the key in use: what a command prints counts once `keys rotate master` has said so, to every
    process at the same time; until then it is the one before, wherever that comes from."""
    if (directory / IN_USE).exists():
        used = read_private(directory / IN_USE).strip()
        found = next((named for named in known if named.hex() == used), None)
        if found is None:
            _wrong(
                "keys.master_command",
                f"prints the master key {offered.hex()}, and {used} is in use",
                "Name the command that prints the one in use as keys.former_command, then run "
                "`einmal keys rotate master`.",
            )
        return found
    if source.file.exists():
        current = read_master(source.file)
        known[key_id(current)] = current
        return key_id(current)
    return before or offered


def former_file(source: MasterSource, named: bytes) -> Path:
    """Out: where that master key is kept once it is a former one."""
    return source.file.with_name(f"{source.file.stem}-{named.hex()}{source.file.suffix}")


def next_file(source: MasterSource) -> Path:
    """Out: where a master key lies that is made and not in use yet."""
    return source.file.with_name(f"{source.file.stem}.next")


def former_files(source: MasterSource) -> Sequence[Path]:
    """Out: the files of the former master keys there are."""
    return sorted(source.file.parent.glob(f"{source.file.stem}-*{source.file.suffix}"))


def read_master(path: Path) -> bytes:
    """Out: the master key of a file. Raises: ConfigurationFault."""
    master = _decoded(read_private(path))
    if master is None:
        refuse(path, "does not hold 32 bytes in base64", "Restore it from its backup.")
    return master


def printed(command: Sequence[str], seconds: float, key: str) -> bytes:
    """Out: the master key that a command prints. In: its setting. Raises: ConfigurationFault, which tells nothing of
    what it said: whatever it prints may hold the key."""
    mend = "Run it by hand as this user: it has to print 32 bytes in base64 and end with 0."
    try:
        code, said = _run(command, seconds)
    except subprocess.TimeoutExpired:
        _wrong(key, f"did not end within {seconds:g} seconds", mend)
    except (OSError, ValueError) as error:
        _wrong(key, f"can't be run ({type(error).__name__})", mend)
    if len(said) > MOST_PRINTED_BYTES:
        _wrong(key, f"prints more than {MOST_PRINTED_BYTES} bytes", mend)
    if code:
        _wrong(key, f"ended with {code}", mend)
    master = _decoded(said.decode("ascii", "replace"))
    if master is None:
        _wrong(key, "does not print 32 bytes in base64", mend)
    return master


def _run(command: Sequence[str], seconds: float) -> tuple[int, bytes]:
    """Out: what it ended with, and what it printed; at one byte too many it is killed.

    Raises: subprocess.TimeoutExpired, OSError, ValueError."""
    end, said = monotonic() + seconds, b""
    with subprocess.Popen(  # noqa: S603  the administrator's own words, as a list: no shell reads them
        list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            with DefaultSelector() as selector:
                selector.register(process.stdout, EVENT_READ)
                while len(said) <= MOST_PRINTED_BYTES:
                    if not selector.select(max(0.0, end - monotonic())):
                        raise subprocess.TimeoutExpired(command, seconds)
                    part = os.read(process.stdout.fileno(), MOST_PRINTED_BYTES + 1 - len(said))
                    if not part:
                        return process.wait(max(0.0, end - monotonic())), said
                    said += part
            return 0, said
        finally:
            process.kill()


def _decoded(text: str) -> bytes | None:
    try:
        master = note.decode64(text.strip())
    except note.NoteInvalid:
        return None
    return master if len(master) == MASTER_BYTES else None


def _wrong(key: str, wrong: str, mend: str) -> NoReturn:
    raise ConfigurationFault((Problem(_SETTINGS, None, key, wrong, mend),)) from None
