"""What the check of a kept log is given, and what it finds. A store fills these in; no database here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ShardRow:
    """The row of table `shard`."""

    origin: str
    retention: str
    size: int
    root: bytes
    closed: bool


@dataclass(frozen=True, slots=True)
class LineRow:
    """A row of table `line`. Salt and event are None once erased."""

    idx: int
    label: bytes
    leaf: bytes
    salt: bytes | None = field(repr=False)
    event: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TileRow:
    """A row of table `tile`."""

    level: int
    n: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A row of table `checkpoint`, or the one kept outside the database (then `table` says where)."""

    size: int
    note: str
    table: str = "checkpoint"


@dataclass(frozen=True, slots=True)
class TerminalRow:
    """What table `exchange` says of a settled exchange's terminal line in this shard."""

    exchange: str
    idx: int
    kind: str


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """The public side of a shard's secrets, computed from them (`shard.ShardKeys.public`)."""

    log: str
    """The log key's vkey."""
    index: str
    """The index key's vkey."""
    vrf: bytes


@dataclass(frozen=True, slots=True)
class StoredLog:
    """One shard as it is kept. Lines in the order of `idx`, the rest in any. Each iterable is read once."""

    shard: ShardRow
    lines: Iterable[LineRow]
    tiles: Iterable[TileRow]
    checkpoints: Iterable[CheckpointRow]
    keys: PublicKeys | None
    """None once the shard's secrets are destroyed."""
    previous: str | None
    """The checkpoint text of the class's shard before this one, as its own check computed it
    (`LogReport.head`); None for the class's first shard."""
    followed: bool
    """A later shard of the class exists."""
    terminals: Iterable[TerminalRow] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """A place that does not fit the rest of the log, and what is wrong with it. Never content."""

    table: str
    key: str
    """The row: the origin for `shard`, else `<origin> <idx>`, `<origin> <level>/<n>`, `<origin> <size>`."""
    column: str
    text: str

    @property
    def told(self) -> str:
        """Out: one line for a person."""
        return f"{self.table} [{self.key}] {self.column}: {self.text}"


@dataclass(frozen=True, slots=True)
class LogReport:
    """What came out of the check of one shard."""

    origin: str
    lines: int
    """Lines checked."""
    opened: int
    """Lines whose event and salt open the leaf."""
    erased: int
    """Lines whose event was erased; their leaves still stand in the tree."""
    head: str
    """The checkpoint text computed from the leaves: what the next shard's `previous` must be."""
    wrong: tuple[Wrong, ...]
    """Every wrong place, the first one first."""

    @property
    def holds(self) -> bool:
        """Out: whether nothing is wrong."""
        return not self.wrong
