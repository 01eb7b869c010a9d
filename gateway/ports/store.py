"""Where lines, records, uses, exchanges and the outbox live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from consent.vocabulary import Held, Request, Subject
from gateway.ports.entries import (
    Committed,
    Entry,
    Head,
    Known,
    Line,
    RecordEvent,
    RecordMoved,
    Release,
    Shard,
    ShardMoved,
    StandingMoved,
    StoredLine,
    UsedUp,
)
from gateway.stages import Position


class JournalStore(Protocol):
    """Where lines, records, uses, exchanges and the outbox live: one database, one transaction.

    Appends are grouped (≤ 256 lines or ≤ 5 ms) under one head lock; a group member that is turned away
    (any result but Committed) leaves the others untouched. Nothing is added to a shard whose head does not go on from
    the one that this process wrote or saw last, nor is it closed or told of: the heads that one process gets of an open
    shard are one log's. Raises: JournalUnavailable.
    """

    async def append(
        self, entry: Entry
    ) -> Committed | ShardMoved | StandingMoved | UsedUp | RecordMoved | Known: ...

    async def recall(self, consumer: str, message_id: str, digest: str, now: datetime) -> Known | None:
        """Out: what became of this message before, or None."""
        ...

    async def confirmed(self, exchange: str, now: datetime) -> None:
        """The bus has the reply."""
        ...

    async def writable(self) -> None:
        """Write nothing, in the way everything is written. Raises: JournalUnavailable, when nothing can be."""
        ...

    async def unconfirmed(self) -> Sequence[tuple[str, bytes]]:
        """Out: exchange id and wrapped reply of every settled exchange whose reply the bus may not have.

        Without evidence whose record was withdrawn since: its delivery comes back and is told so (LOG.md 9.4).
        """
        ...

    async def shards(self) -> Sequence[Shard]:
        """Out: every shard, oldest first within its class."""
        ...

    async def close_shard(self, origin: str) -> Head:
        """No line is added any more. Out: the final head. Idempotent."""
        ...

    async def open_shard(self, origin: str, retention: str, secrets: bytes, opening: Line) -> bool:
        """Open a shard with leaf 0. Out: False when the class has an open shard already (nothing was written)."""
        ...

    async def keep_checkpoint(self, origin: str, size: int, note: str) -> None:
        """Keep a signed checkpoint of a committed head for good (LOG.md 9: closing ones, one a day)."""
        ...

    async def forget(self, now: datetime) -> int:
        """Erase replies and kept deliveries whose time is over (DOMAIN.md 5). Out: of how many exchanges."""
        ...

    async def due(self, now: datetime, after: Release | None = None) -> Sequence[Release]:
        """Out: what settled exchanges kept from their persons until now or earlier, oldest first: the first of it,
        or what follows on `after`. Empty: that is all."""
        ...

    async def line(self, position: Position) -> StoredLine | None: ...

    async def lines(self, origin: str, start: int, stop: int) -> Sequence[StoredLine]:
        """Out: lines start ≤ index < stop, in order."""
        ...

    async def labelled(self, origin: str, label: bytes) -> Sequence[StoredLine]:
        """Out: the lines of one label in one shard, in order."""
        ...

    async def inclusions(self, origin: str, indexes: Sequence[int], size: int) -> Sequence[Sequence[bytes]]:
        """Out: the inclusion proofs of these lines in the tree of that size, each with the sibling of the leaf first.
        Raises: ValueError, when there is no such line."""
        ...

    async def consistency(self, origin: str, older: int, newer: int) -> Sequence[bytes]:
        """Out: the proof that the tree of `older` leaves begins that of `newer` (RFC 6962 2.1.2). Raises: ValueError,
        when the shard was never that large."""
        ...

    async def checkpoints(self, origin: str) -> Sequence[tuple[int, str]]:
        """Out: size and note of each kept checkpoint, smallest first."""
        ...

    async def policy(self) -> tuple[str, bytes] | None:
        """Out: hash and archived bytes of the current policy."""
        ...

    async def archived_policy(self, digest: str) -> bytes | None: ...

    async def counts(self) -> tuple[int, int, int]:
        """Out: exchanges accepted, terminal, in flight."""
        ...

    async def close(self) -> None: ...


class ConsentStore(Protocol):
    """Records of choice and consent, and powers, as they stand (kept in the journal's database)."""

    async def held_for(self, request: Request, exchange: str) -> Sequence[Held]:
        """Out: the claimed record, or every record of that recipient and case when none is named; and every power
        that one of these or the request names. `uses` counts the uses of other exchanges than `exchange`.
        """
        ...

    async def record(self, record: str) -> Held | None: ...

    async def events(self, record: str) -> Sequence[RecordEvent]: ...

    async def of_subject(self, subject: Subject) -> Sequence[Held]:
        """Out: every record about the person, and every power to act for them."""
        ...
