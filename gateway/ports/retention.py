"""What erases lines when their time is over, and what keeps some of them beyond it (LOG.md 8)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from gateway.audit.retention import Span
from gateway.ports.entries import RecordEvent, StoredLine


@dataclass(frozen=True, slots=True)
class StoredHold:
    """Why lines are kept beyond their time."""

    hold: str
    placed: datetime
    until: date
    """Its last day, German."""
    sealed: bytes | None = field(repr=False)
    """For whom, why, by whom, wrapped by the master key; None once it is over."""
    lifted: datetime | None = None


class RetentionStore(Protocol):
    """Where lines are erased, a few at a time, while others are added. Raises: JournalUnavailable."""

    async def unerased(self, origin: str, start: int) -> Sequence[StoredLine]:
        """Out: the next lines from index `start` on that can be opened, in order: the first part of them. Leaf 0 is
        none of them. Empty: that is all."""
        ...

    async def erase(
        self, origin: str, span: Span, withheld: str, exchanges: Collection[str], holds: Collection[str]
    ) -> bool:
        """Erase what opens these lines, but for leaf 0, and what is known of those `exchanges` whose last line is among
        what is erased; of one that used a decision which is still kept, only that it did. In one transaction, and only
        while exactly these holds stand. Out: False: others do, and nothing was erased."""
        ...

    async def destroy(self, origin: str, holds: Collection[str]) -> bool:
        """Destroy the keys of a closed shard that another one follows and none of whose lines can be opened any more.
        Out: False: it is none, or other holds stand. Idempotent."""
        ...

    async def clear(self, origin: str, most: int) -> bool:
        """Delete up to so many lines of a shard without keys; leaf 0 when the shard after it has no keys either.
        Out: whether more are left."""
        ...

    async def over(
        self, over: Callable[[RecordEvent], bool], after: str
    ) -> tuple[Sequence[RecordEvent], str | None]:
        """Look through the records and powers whose id follows on `after`, a part of them. Out: the last event of each
        that is `over` by it; and after which to go on, None: that is all."""
        ...

    async def forget_record(self, record: str, revision: int) -> bool:
        """Delete a record or power with its events, the names it is found by, its uses and what is left of the
        exchanges that used it. Out: False: an exchange that used it is still kept, it has gone on since that revision,
        or there is none."""
        ...

    async def settle(self, vacuum: bool) -> bool:
        """Let nothing erased stay in the database's files: empty the write-ahead log; with `vacuum` write the file anew
        before that (nobody can write meanwhile). Out: False: somebody was reading; try again later."""
        ...


class HoldStore(Protocol):
    """Holds and what they keep. Raises: JournalUnavailable."""

    async def place(self, hold: StoredHold) -> None:
        """Keep a new hold."""
        ...

    async def holds(self) -> Sequence[StoredHold]:
        """Out: every hold there ever was, oldest first."""
        ...

    async def lift(self, hold: str, now: datetime) -> bool:
        """Destroy what it keeps, and for whom and why. Out: False: there is no such hold, or it is over."""
        ...

    async def held(self, hold: str) -> Sequence[tuple[str, bytes]]:
        """Out: origin and wrapped part of each shard it keeps something of, in the order of the shards."""
        ...

    async def keep(self, hold: str, origin: str, sealed: bytes, before: bytes | None) -> bool:
        """Keep what a hold keeps of a shard, in place of what it kept `before`. Out: False: it kept something else, or
        the hold is over; nothing was written."""
        ...
