"""Who attacks the stored log: somebody with the database, the kept files and the house's keys in their hands."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.assembly.parts import CHECKPOINTS
from gateway.assembly.tools import open_keys
from gateway.audit.note import Signer
from gateway.audit.shard import ShardKeys
from gateway.journal.shards import shard_keys

MINE: Final = "musterstadt.example/24m/2026-12"
BEFORE: Final = "musterstadt.example/24m/2026-11"
OTHER: Final = "musterstadt.example/12m/2026-12"
SECRETS: Final = "einmal/shard/v1|"
STRANGER: Final = Signer.from_seed(MINE, b"\x41" * 32)


@dataclass(frozen=True, slots=True)
class Attacker:
    """Who has everything the operator has."""

    home: Path
    database: sqlite3.Connection

    def one(self, query: str, *values: object) -> tuple[Any, ...]:
        found: tuple[Any, ...] = self.database.execute(query, values).fetchone()
        return found

    def run(self, statement: str, *values: object) -> None:
        assert self.database.execute(statement, values).rowcount

    def shard(self, origin: str = MINE) -> int:
        return int(self.one("SELECT id FROM shard WHERE origin = ?", origin)[0])

    def size(self, origin: str = MINE) -> int:
        return int(self.one("SELECT size FROM shard WHERE origin = ?", origin)[0])

    def keys(self, origin: str = MINE) -> ShardKeys:
        sealed = self.one("SELECT secrets FROM shard WHERE origin = ?", origin)[0]
        return shard_keys(origin, sealed, open_keys(self.home))

    def note(self, origin: str = MINE) -> tuple[int, str]:
        """Out: the newest kept checkpoint of that shard, and its size."""
        query = "SELECT size, note FROM checkpoint WHERE shard = ? ORDER BY size DESC"
        size, note = self.one(query, self.shard(origin))
        return int(size), str(note)

    def puts_note(self, note: str) -> None:
        """Put it in the place of the newest checkpoint."""
        self.run(
            "UPDATE checkpoint SET note = ? WHERE shard = ? AND size = ?", note, self.shard(), self.note()[0]
        )

    def keeps(self, note: str, name: str = MINE) -> None:
        """Put it in the place of the file outside the database."""
        self.file(name).write_text(note)

    def file(self, name: str = MINE) -> Path:
        return self.home / CHECKPOINTS / f"{name.replace('/', '%2F')}.checkpoint"

    def swap(self, column: str, one: int, other: int) -> None:
        """Swap a column of two lines."""
        shard = self.shard()
        query = f"SELECT {column} FROM line WHERE shard = ? AND idx = ?"
        mine, yours = self.one(query, shard, one)[0], self.one(query, shard, other)[0]
        self.sets_line(one, column, yours)
        self.sets_line(other, column, mine)

    def sets_line(self, idx: int, column: str, value: object) -> None:
        self.run(f"UPDATE line SET {column} = ? WHERE shard = ? AND idx = ?", value, self.shard(), idx)

    def epoch(self, number: int) -> tuple[int, bytes]:
        size, leaf = self.one(
            "SELECT size, leaf FROM epoch WHERE shard = ? AND number = ?", self.shard(), number
        )
        return int(size), bytes(leaf)

    @property
    def last_epoch(self) -> int:
        return int(self.one("SELECT max(number) FROM epoch WHERE shard = ?", self.shard())[0])

    def sets_epoch(self, number: int, leaf: bytes) -> None:
        self.run("UPDATE epoch SET leaf = ? WHERE shard = ? AND number = ?", leaf, self.shard(), number)
