"""The journal's store and the records' store over one database: the ports' methods, threads and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Concatenate, Final, ParamSpec, TypeAlias, TypeVar, cast

from sqlalchemy.engine import Connection

from adapters.grouped import GroupedWriter
from adapters.storage import queries, shards
from adapters.storage.database import Database
from adapters.storage.dialect import Connect, Url, unavailable
from adapters.storage.group import Confirmation, write_group
from adapters.storage.growing import Edges
from adapters.storage.judging import TurnedAway, milliseconds
from adapters.storage.loading import record_events
from adapters.storage.saving import Fold
from consent.vocabulary import Held, Request, Subject
from gateway.ports import (
    Committed,
    Entry,
    ExchangeKey,
    Head,
    Known,
    Line,
    RecordEvent,
    Release,
    Shard,
    StoredLine,
)
from gateway.stages import Position

P = ParamSpec("P")
Out = TypeVar("Out")
Alone: TypeAlias = Callable[[Connection], object]
Look: TypeAlias = Callable[[Connection], object]
"""A look-up of a few rows by their keys: what every exchange does, so it shares a thread's turn with others."""
Job: TypeAlias = Entry | Confirmation | Alone

GROUP_LINES: Final = 256
LINGER_SECONDS: Final = 0.004
"""Groups are at most 256 lines or 5 ms (LOG.md 9.2)."""


class SqlStore:
    """JournalStore and ConsentStore. One thread writes, in groups; a few read, each on a consistent state."""

    def __init__(self, url: Url, fold: Fold, connect: Connect | None = None) -> None:
        """Open what `adapters.storage.database.create` made.

        In: `fold` makes a record of its events and uses (and judges its receipt). Raises: ConfigurationFault.
        """
        self._database = Database(url, connect)
        self._fold = fold
        self._edges = Edges()
        self._writer: GroupedWriter[Job, object] = GroupedWriter(
            "journal-write",
            self._write,
            fault=unavailable,
            weight=_weight,
            most=GROUP_LINES,
            linger_seconds=LINGER_SECONDS,
        )
        self._looker: GroupedWriter[Look, object] = GroupedWriter(
            "journal-look", self._look_up, fault=unavailable
        )

    # --- writing ---------------------------------------------------------------------------------------
    async def append(self, entry: Entry) -> Committed | TurnedAway:
        """Commit the entry with whatever else is waiting, or say why it is turned away."""
        if not entry.lines:
            raise ValueError("an entry has at least one line")
        return cast("Committed | TurnedAway", await self._writer.submit(entry))

    async def confirmed(self, exchange: str, now: datetime) -> None:
        """The bus has the reply."""
        await self._writer.submit(Confirmation(exchange, milliseconds(now)))

    async def writable(self) -> None:
        """Confirm the reply of no exchange, in a group with whatever else is waiting."""
        await self._writer.submit(Confirmation("", 0))

    async def change(
        self, change: Callable[Concatenate[Connection, P], Out], *args: P.args, **kwargs: P.kwargs
    ) -> Out:
        """Run a writing function as a transaction of its own, between groups. Raises: JournalUnavailable."""
        done = await self._writer.submit(lambda connection: change(connection, *args, **kwargs))
        return cast("Out", done)

    async def close_shard(self, origin: str) -> Head:
        """No line is added any more. Out: the final head. Idempotent."""
        return await self.change(shards.close_shard, origin, self._edges)

    async def open_shard(self, origin: str, retention: str, secrets: bytes, opening: Line) -> bool:
        """Open a shard with leaf 0. Out: False when the class has an open shard already."""
        return bool(await self.change(shards.open_shard, origin, retention, secrets, opening, self._edges))

    async def keep_checkpoint(self, origin: str, size: int, note: str) -> None:
        """Keep a signed checkpoint of a committed head for good."""
        await self.change(shards.keep_checkpoint, origin, size, note)

    async def forget(self, now: datetime) -> int:
        """Erase replies and kept deliveries whose time is over. Out: of how many exchanges."""
        return await self.change(shards.forget, now)

    def _write(self, jobs: Sequence[Job]) -> Sequence[object]:
        """In the writer's thread: a group in one transaction, the rare changes each in their own."""
        results: list[object] = []
        group: list[Entry | Confirmation] = []
        for job in jobs:
            if isinstance(job, Entry | Confirmation):
                group.append(job)
                continue
            results += self._write_group(group)
            group = []
            results.append(self._alone(job))
        return results + self._write_group(group)

    def _alone(self, change: Alone) -> object:
        try:
            return self._database.write(change)
        except Exception as error:  # noqa: BLE001  told to this job's caller alone
            return unavailable(error)

    def _write_group(self, group: Sequence[Entry | Confirmation]) -> list[object]:
        if not group:
            return []
        entries = [job for job in group if isinstance(job, Entry)]
        confirmations = [job for job in group if isinstance(job, Confirmation)]
        try:
            written = self._database.write(write_group, entries, confirmations, self._edges, self._fold)
        except self._database.environment as error:  # locked, full, broken: true for every member
            return [unavailable(error) for _ in group]
        except Exception as error:  # noqa: BLE001  one member the database refuses must not stop the others
            if len(group) == 1:
                return [unavailable(error)]
            return [result for job in group for result in self._write_group([job])]
        # A crash here leaves the group committed and nobody told: asking again finds the exchanges.
        self._edges.keep(written.grown)
        verdicts = iter(written.verdicts)
        return [next(verdicts) if isinstance(job, Entry) else None for job in group]

    # --- reading ---------------------------------------------------------------------------------------
    async def read(
        self, query: Callable[Concatenate[Connection, P], Out], *args: P.args, **kwargs: P.kwargs
    ) -> Out:
        """Run a reading function on one consistent state, in a reader's thread. Raises: JournalUnavailable."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._database.threads, lambda: self._database.read(query, *args, **kwargs)
        )

    async def _look(
        self, query: Callable[Concatenate[Connection, P], Out], *args: P.args, **kwargs: P.kwargs
    ) -> Out:
        found = await self._looker.submit(lambda connection: query(connection, *args, **kwargs))
        return cast("Out", found)

    def _look_up(self, looks: Sequence[Look]) -> Sequence[object]:
        def each(connection: Connection) -> Sequence[object]:
            return [self._seen(look, connection) for look in looks]

        return self._database.read(each)

    @staticmethod
    def _seen(look: Look, connection: Connection) -> object:
        try:
            return look(connection)
        except Exception as error:  # noqa: BLE001  told to this look-up's caller alone
            return unavailable(error)

    async def recall(self, consumer: str, message_id: str, digest: str, now: datetime) -> Known | None:
        """Out: what became of this message before, or None."""
        return await self._look(queries.recall, ExchangeKey("", consumer, message_id, digest, 0), now)

    async def unconfirmed(self) -> Sequence[tuple[str, bytes]]:
        """Out: exchange id and wrapped reply of every settled exchange whose reply the bus may not have."""
        return await self.read(queries.unconfirmed)

    async def due(self, now: datetime, after: Release | None = None) -> Sequence[Release]:
        """Out: the first, or next, of what settled exchanges kept from their persons until now or earlier."""
        return await self.read(queries.due, now, after)

    async def shards(self) -> Sequence[Shard]:
        """Out: every shard, oldest first within its class."""
        known = self._edges.heads()
        found = await self.read(queries.shards)
        self._edges.see(found, known)
        return found

    async def line(self, position: Position) -> StoredLine | None:
        """Out: the line there, or None."""
        found = await self.read(queries.lines, position.origin, position.index, position.index + 1)
        return found[0] if found else None

    async def lines(self, origin: str, start: int, stop: int) -> Sequence[StoredLine]:
        """Out: lines start ≤ index < stop, in order."""
        return await self.read(queries.lines, origin, start, stop)

    async def labelled(self, origin: str, label: bytes) -> Sequence[StoredLine]:
        """Out: the lines of one label in one shard, in order."""
        return await self.read(queries.labelled, origin, label)

    async def inclusions(self, origin: str, indexes: Sequence[int], size: int) -> Sequence[Sequence[bytes]]:
        """Out: the inclusion proofs of these lines in the tree of that size. Raises: ValueError."""
        return await self.read(queries.proofs, origin, indexes, size)

    async def consistency(self, origin: str, older: int, newer: int) -> Sequence[bytes]:
        """Out: the proof that the tree of `older` leaves begins that of `newer`. Raises: ValueError."""
        return await self.read(queries.consistency, origin, older, newer)

    async def checkpoints(self, origin: str) -> Sequence[tuple[int, str]]:
        """Out: size and note of each kept checkpoint, smallest first."""
        return await self.read(queries.checkpoints, origin)

    async def policy(self) -> tuple[str, bytes] | None:
        """Out: hash and archived bytes of the current policy."""
        return await self._look(queries.policy)

    async def archived_policy(self, digest: str) -> bytes | None:
        """Out: the archived bytes of that hash."""
        return await self.read(queries.archived_policy, digest)

    async def counts(self) -> tuple[int, int, int]:
        """Out: exchanges accepted, terminal, in flight."""
        return await self.read(queries.counts)

    async def held_for(self, request: Request, exchange: str) -> Sequence[Held]:
        """Out: the claimed record, or every record of that recipient and case when none is named; and the powers that
        these or the request name."""
        return await self._look(queries.held_for, request, exchange, self._fold)

    async def record(self, record: str) -> Held | None:
        """Out: the record as it stands."""
        return await self.read(queries.one_record, record, self._fold)

    async def events(self, record: str) -> Sequence[RecordEvent]:
        """Out: the record's events in order."""
        return await self.read(record_events, record)

    async def of_subject(self, subject: Subject) -> Sequence[Held]:
        """Out: every record that names this person."""
        return await self.read(queries.of_subject, subject, self._fold)

    async def close(self) -> None:
        """Write what is waiting, then close the database."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._looker.close)
        await asyncio.to_thread(self._database.close)


def _weight(job: Job) -> int:
    return len(job.lines) if isinstance(job, Entry) else 1
