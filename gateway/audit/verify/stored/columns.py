"""What the check of a kept log is given, and what it finds. A store fills these in; no database here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.audit.verify.erasures import NOTHING, Erasures


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
    withheld: str | None = None


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
class EpochRow:
    """A row of table `epoch`."""

    number: int
    size: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """A row of table `cosignature`."""

    log: str
    size: int
    vkey: str
    line: str


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
    """One shard as it is kept. Each iterable is read once, and nothing of its length is held."""

    shard: ShardRow
    lines: Iterable[LineRow]
    """By `idx`."""
    tiles: Iterable[TileRow]
    """By `level`, then `n`."""
    checkpoints: Iterable[CheckpointRow]
    keys: PublicKeys | None
    """None once the shard's secrets are destroyed."""
    previous: str | None
    """The checkpoint text of the class's shard before this one, as its own check computed it
    (`LogReport.head`); None for the class's first shard."""
    followed: bool
    """A later shard of the class exists."""
    terminals: Iterable[TerminalRow] = ()
    """By `idx`."""
    epochs: Iterable[EpochRow] = ()
    """By `number`."""
    labels: Iterable[tuple[bytes, int]] = ()
    """Label and index of every line, by label and then index."""
    cosignatures: Iterable[CosignatureRow] = ()
    outputs: Iterable[CheckpointRow] = ()
    """Kept checkpoints of the index's output log."""
    seal: bytes | None = field(default=None, repr=False)
    """The shard's seal secret; None once destroyed: then nobody can tell which lines the house wrote."""
    erasures: Erasures = NOTHING
    """What the log says was erased of the shard."""
    lost: tuple[int, int] | None = None
    """Which lines at its end a later shard says were lost in a restore."""
    index_lost: bool = False
    """A later shard says that a restore lost some of its lines or of its epochs."""


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
        """Out: one line for a person; what a stranger put into a key does nothing to their terminal."""
        told = f"{self.table} [{self.key}] {self.column}: {self.text}"
        return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in told)


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
    epochs: int = 0
    """Epochs of the index whose root was computed again from the lines."""
    cosignatures: int = 0
    """Signatures of witnesses and auditors that hold."""
    lost: tuple[str, ...] = ()
    """What its line 1 says was lost in the restore it was opened after."""
    destroyed: bool = False
    """Its keys were destroyed in their time; what stays are tiles and checkpoints."""

    @property
    def holds(self) -> bool:
        """Out: whether nothing is wrong."""
        return not self.wrong
