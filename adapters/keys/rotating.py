"""The steps by which a key takes another's place, each durable before the next and each right to do again.

    1 the next key is made, in a file of its own · 2 what is left of the key in use is written down · 3 the next key's
    file takes the other's place

Running processes follow at the third. Whoever calls holds `alone`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from adapters import atomic
from adapters.keys.encryption import encryption_text, new_encryption_key, read_encryption_key
from adapters.keys.files import (
    ENCRYPTION,
    FORMER_GATEWAYS,
    SUCCESSION,
    alone,
    changed,
    folder,
    move,
    put,
    refuse,
)
from adapters.keys.house import GATEWAY, IDENTITY, FileKeys, read_identity, read_key
from adapters.keys.making import SEED_BYTES, former_text, identity_text, key_text, master_text, new_key
from adapters.keys.masters import IN_USE, former_file, former_files, next_file, printed, read_master
from adapters.keys.sealing import MASTER_BYTES, key_id
from gateway.audit import note
from gateway.audit.identity import follow
from gateway.jws import SigningKey
from gateway.ports import Ids

NEXT_IDENTITY: Final = "identity.next"
NEXT_GATEWAY: Final = "gateway.next"
NEXT_ENCRYPTION: Final = "encryption.next"


@dataclass(frozen=True, slots=True)
class Change:
    """From which key to which one, as they are told of: fingerprints, kids, ids."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class FormerMaster:
    """A master key that is only opened with."""

    id: str
    since: datetime
    """Since when it is no longer the one in use."""
    on_file: bool
    """Whether it lies in a file of the home; else a command prints it."""


class KeySteps:
    """What changes the files of `keys/`."""

    def __init__(self, keys: FileKeys, ids: Ids) -> None:
        self._keys, self._ids, self._directory = keys, ids, keys.directory

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else changes them meanwhile, and all that somebody changed before is known. Raises:
        ConfigurationFault, when somebody does; JournalUnavailable."""
        with alone(self._directory):
            self._keys.follow()
            yield

    # --- the gateway's key ----------------------------------------------------------------------------------
    def next_gateway(self) -> Change:
        """Make the gateway's next key, unless there is one."""
        path = self._directory / NEXT_GATEWAY
        if not path.exists():
            put(path, key_text(new_key(self._ids, prefix="gateway")))
        return Change(self._keys.gateway.kid, read_key(path).kid)

    def switch_gateway(self, until: datetime) -> None:
        """Sign with it from now on; of the one before the public half is kept. In: until when that may have signed."""
        former = self._keys.gateway
        put(folder(self._directory / FORMER_GATEWAYS) / f"{former.kid}.jwk", former_text(former, until))
        # A crash here leaves it in use and written down as former: nothing is signed differently yet.
        move(self._directory / NEXT_GATEWAY, self._directory / GATEWAY)
        self._show()

    # --- the keys to encrypt to -----------------------------------------------------------------------------
    def next_encryption(self, now: datetime, ends: datetime) -> str:
        """Make the next key to encrypt to, unless there is one. In: from when to when it opens. Out: its name."""
        path = self._directory / NEXT_ENCRYPTION
        if not path.exists():
            put(path, encryption_text(new_encryption_key(self._ids), now, ends))
        return read_encryption_key(path).kid

    def switch_encryption(self, former_end: datetime) -> None:
        """Have it encrypted to from now on. In: until when those before it still open, if their time is not over
        earlier."""
        keys = folder(self._directory / ENCRYPTION)
        for key in self._keys.encryption_keys:
            if key.public.valid_to > former_end:
                put(keys / f"{key.kid}.jwk", encryption_text(key.opening, key.public.valid_from, former_end))
        # A crash here leaves the keys before with their end, and the next one made: the time left is enough to go on.
        path = self._directory / NEXT_ENCRYPTION
        move(path, keys / f"{read_encryption_key(path).kid}.jwk")
        atomic.sync(self._directory)
        self._show()

    def over(self, now: datetime) -> Sequence[str]:
        """Out: the keys to encrypt to whose time is over."""
        return [key.kid for key in self._keys.encryption_keys if key.public.valid_to < now]

    def drop_encryption(self, kids: Collection[str]) -> None:
        """Their time is over: delete their files. What was encrypted to them, nobody opens any more."""
        keys = self._directory / ENCRYPTION
        for kid in kids:
            (keys / f"{kid}.jwk").unlink(missing_ok=True)
        if kids:
            atomic.sync(keys)
            self._show()

    # --- the identity key -----------------------------------------------------------------------------------
    def next_identity(self) -> Change:
        """Make the next identity key, unless there is one, and have both say that it follows."""
        path, old = self._directory / NEXT_IDENTITY, self._keys.signer
        if not path.exists():
            put(path, identity_text(note.Signer.from_seed(old.name, self._ids.random(SEED_BYTES))))
        new = read_identity(path)
        name = f"{old.verifier.key_id.hex()}-{new.verifier.key_id.hex()}.note"
        put(folder(self._directory / SUCCESSION) / name, follow(old, new))
        # A crash here leaves a note that leads on from the key in use: nobody goes by it yet.
        return Change(old.verifier.fingerprint, new.verifier.fingerprint)

    def switch_identity(self) -> None:
        """State shards with it from now on. The secret of the one before is gone: the note is all it has to say."""
        move(self._directory / NEXT_IDENTITY, self._directory / IDENTITY)
        self._show()

    # --- the master key -------------------------------------------------------------------------------------
    def former_masters(self) -> Sequence[FormerMaster]:
        """Out: the former ones there still are: a rotation is under way."""
        source, masters = self._keys.source, self._keys.masters
        files = {former_file(source, named): named for named in masters.former}
        there = [path for path in (*files, self._directory / IN_USE) if path.exists()]
        moved = max((path.stat().st_mtime for path in there), default=0.0)
        since = datetime.fromtimestamp(moved, UTC)
        return [FormerMaster(named.hex(), since, path.exists()) for path, named in files.items()]

    def next_master(self) -> Change | None:
        """Make the next master key, unless there is one or a rotation is under way; where a command prints it, see that
        it prints another one. Out: None, when there is nothing to switch to."""
        source, current = self._keys.source, self._keys.masters.current
        if source.command:
            offered = key_id(printed(source.command, source.seconds, "keys.master_command"))
            return None if offered == current else Change(current.hex(), offered.hex())
        if self.former_masters():
            return None
        path = next_file(source)
        if not path.exists():
            put(path, master_text(self._ids.random(MASTER_BYTES)))
        return Change(current.hex(), key_id(read_master(path)).hex())

    def switch_master(self, change: Change, now: datetime) -> None:
        """Seal with it from now on; the one before is still opened with."""
        source, masters = self._keys.source, self._keys.masters
        if source.file.exists():
            former = former_file(source, masters.current)
            put(former, master_text(masters.key))
            _date(former, now)
        # A crash here leaves the key in use written down twice: nothing is sealed differently yet.
        if source.command:
            put(self._directory / IN_USE, f"{change.new}\n")
            _date(self._directory / IN_USE, now)
        else:
            move(next_file(source), source.file)
        self._show()

    def drop_former_masters(self) -> None:
        """Nothing is sealed under them any more: delete their files."""
        source = self._keys.source
        current = self._keys.masters.current
        for path in former_files(source):
            path.unlink(missing_ok=True)
        if source.command and source.file.exists():
            if key_id(read_master(source.file)) == current:
                refuse(source.file, "holds the master key in use", "Delete it once a vault has it.")
            source.file.unlink()
        if not source.command:
            (self._directory / IN_USE).unlink(missing_ok=True)
        atomic.sync(source.file.parent)
        self._show()

    def _show(self) -> None:
        """From now on every process goes by it."""
        changed(self._directory)
        self._keys.follow()

    # --- what is not in use yet -----------------------------------------------------------------------------
    def announced(self) -> SigningKey | None:
        """Out: the gateway's next key, where one is made."""
        path = self._directory / NEXT_GATEWAY
        return read_key(path) if path.exists() else None


def _date(path: Path, now: datetime) -> None:
    """The file's time says since when."""
    os.utime(path, (now.timestamp(), now.timestamp()))
