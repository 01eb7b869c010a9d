"""Where the completeness index's epochs and other authorities' cosignatures live (LOG.md 6, 10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.audit.index import Index


class Tree(StrEnum):
    """Which of a shard's two trees a checkpoint is of."""

    LOG = "log"
    """The lines."""
    INDEX = "index"
    """The output log: one leaf an epoch."""


@dataclass(frozen=True, slots=True)
class StoredEpoch:
    """A leaf of a shard's output log."""

    number: int
    """Its place in the output log, from 0."""
    size: int
    """How many lines it indexes."""
    leaf: bytes
    """RFC 8785 JSON (`gateway.audit.index.output_leaf`)."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A signature line of a witness or auditor under a checkpoint; it was verified before it is kept."""

    origin: str
    """The shard's, for both of its trees."""
    tree: Tree
    size: int
    vkey: str
    line: str
    """`— name base64` with its line feed."""


class EpochStore(Protocol):
    """The output logs. Raises: JournalUnavailable."""

    async def epochs(self, origin: str, start: int = 0) -> Sequence[StoredEpoch]:
        """Out: the shard's epochs from number `start` on, in order."""
        ...

    async def begin_epoch(
        self,
        origin: str,
        size: int,
        leaf: Callable[[StoredEpoch | None], bytes],
        checkpoint: str | None = None,
    ) -> StoredEpoch | None:
        """Append an epoch over the first `size` lines. In: `leaf` makes the output leaf that follows on the last one
        (None: the shard's first); the log's signed checkpoint of that size, to be kept with it. Out: it; None, and
        nothing is written, when a later size has an epoch already."""
        ...

    async def labels(
        self, origin: str, start: int, stop: int, after: tuple[bytes, int] | None = None
    ) -> Sequence[tuple[bytes, int]]:
        """Out: label and index of every line below `stop` whose label has a line with start ≤ index < stop, by label
        and then index: the first part of them, or what follows on `after`. Empty: that is all."""
        ...


class IndexCache(Protocol):
    """Where each shard's last index is kept, to be deleted at any time: nobody believes what comes out of it.

    What can't be read or written is not there.
    """

    def read(self, origin: str) -> Index | None:
        """Out: the index kept last, where nothing shows that it is damaged; else None."""
        ...

    def keep(self, origin: str, index: Index) -> None:
        """Replace what is kept, all at once."""
        ...

    def forget(self, origin: str) -> None:
        """Leave nothing of the shard's index. Raises: JournalUnavailable."""
        ...


class CosignatureStore(Protocol):
    """What witnesses and auditors signed. Raises: JournalUnavailable."""

    async def keep_cosignatures(self, found: Sequence[Cosignature]) -> None:
        """Keep them for good; of one key, tree and size the first stays."""
        ...

    async def cosignatures(self, origin: str, tree: Tree, size: int | None = None) -> Sequence[Cosignature]:
        """Out: those of one size, or of every size, by size and then vkey."""
        ...
