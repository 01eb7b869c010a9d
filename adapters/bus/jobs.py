"""What can be done to the bus's file: each job a few statements inside its group's transaction.

`durable` jobs are on the disk when they are done. The others survive every crash of a process and may be undone by
a power failure: a delivery then comes again, which the journal knows how to answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

from adapters.bus.file import lives, lock_file
from gateway.errors import Undeliverable
from gateway.ports import Outbound
from gateway.stages import Outgoing

_COLUMNS: Final = (
    "queue, routing_key, message_id, user_id, reply_to, correlation_id, content_type, jws, traceparent, body,"
    " attempt"
)
Row: TypeAlias = tuple[int, str, str, str, str, str, str | None, str, str | None, str | None, bytes, int]
"""`id`, then `_COLUMNS`."""


class _Job:
    __slots__ = ()
    durable: ClassVar[bool] = False
    wakes: ClassVar[str] = ""
    """Whom it brings something: who waits for a `request`, or for a `reply`."""


@dataclass(frozen=True, slots=True)
class Declare(_Job):
    """Make these queues, unless they are there."""

    durable: ClassVar[bool] = True
    namespace: str
    queues: Sequence[str]

    def run(self, file: sqlite3.Connection) -> None:
        """Once for each."""
        file.executemany(
            "INSERT OR IGNORE INTO queue (name, namespace) VALUES (?, ?)",
            [(name, self.namespace) for name in self.queues],
        )


@dataclass(frozen=True, slots=True)
class Publish(_Job):
    """A consumer's request, into its queue."""

    durable: ClassVar[bool] = True
    wakes: ClassVar[str] = "request"
    queue: str
    request: Outbound
    now: int

    def run(self, file: sqlite3.Connection) -> Undeliverable | None:
        """A crash before the commit: the publisher was told nothing and publishes again."""
        it = self.request
        done = file.execute(
            f"INSERT INTO request ({_COLUMNS}, not_before)"  # noqa: S608  constant names
            " SELECT name, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ? FROM queue WHERE name = ?",
            (
                it.routing_key,
                it.message_id,
                it.user_id,
                it.reply_to,
                it.correlation_id,
                it.content_type,
                it.jws,
                it.traceparent,
                it.body,
                self.now,
                self.queue,
            ),
        )
        return None if done.rowcount else Undeliverable("bus (no such queue)")


@dataclass(frozen=True, slots=True)
class Send(_Job):
    """A reply, into a reply queue of the consumer that owns `queue`."""

    durable: ClassVar[bool] = True
    wakes: ClassVar[str] = "reply"
    queue: str
    message: Outgoing
    now: int

    def run(self, file: sqlite3.Connection) -> Undeliverable | None:
        """A crash before the commit: the reply is still in the journal's outbox."""
        it = self.message
        done = file.execute(
            "INSERT INTO reply (queue, correlation_id, message_id, type, content_type, headers, body, sent)"
            " SELECT ?, ?, ?, ?, ?, ?, ?, ? FROM queue WHERE name = ?",
            (
                it.reply_to,
                it.correlation_id,
                it.message_id,
                it.type,
                it.content_type,
                json.dumps(dict(it.headers)),
                it.body,
                self.now,
                self.queue,
            ),
        )
        return None if done.rowcount else Undeliverable("bus (no such queue)")


@dataclass(frozen=True, slots=True)
class Register(_Job):
    """An owner that will take deliveries; its process holds its lock already."""

    owner: str

    def run(self, file: sqlite3.Connection) -> None:
        """A crash after the commit leaves an owner without a lock: the next one that looks clears it away."""
        file.execute("INSERT INTO owner (name) VALUES (?)", (self.owner,))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a `Take` got, and when the next postponed delivery is due, if none was ready (milliseconds)."""

    rows: Sequence[Row]
    due: int | None


@dataclass(frozen=True, slots=True)
class Take(_Job):
    """Up to `want` ready deliveries of a namespace, one queue after the other in turn."""

    owner: str
    namespace: str
    want: int
    share: int
    """How many one queue may have in this owner's hand."""
    held: Mapping[str, int]
    """How many of each queue are in its hand."""
    after: str
    """The queue whose turn it was last."""
    now: int

    def run(self, file: sqlite3.Connection) -> Taken:
        """The attempt is counted with the taking: a process that dies of a delivery does not take it for ever."""
        names = [
            name for (name,) in file.execute("SELECT name FROM queue WHERE namespace = ?", (self.namespace,))
        ]
        names.sort(key=lambda name: (name <= self.after, name))
        ready = [self._ready(file, name) for name in names]
        turns = chain.from_iterable(zip_longest(*ready))
        chosen = [at for at in turns if at is not None][: self.want]
        if not chosen:
            return Taken((), self._due(file, names))
        rows: list[Row] = []
        for at in chosen:
            file.execute(
                "UPDATE request SET owner = ?, taken = ?, attempt = attempt + 1 WHERE id = ?",
                (self.owner, self.now, at),
            )
            rows += file.execute(f"SELECT id, {_COLUMNS} FROM request WHERE id = ?", (at,))  # noqa: S608
        return Taken(rows, None)

    def _ready(self, file: sqlite3.Connection, queue: str) -> list[int]:
        most = min(self.want, self.share - self.held.get(queue, 0))
        if most <= 0:
            return []
        found = file.execute(
            "SELECT id FROM request WHERE queue = ? AND owner IS NULL AND not_before <= ?"
            " ORDER BY not_before, id LIMIT ?",
            (queue, self.now, most),
        )
        return [at for (at,) in found]

    def _due(self, file: sqlite3.Connection, queues: Sequence[str]) -> int | None:
        statement = "SELECT min(not_before) FROM request WHERE queue = ? AND owner IS NULL AND not_before > ?"
        found = (file.execute(statement, (queue, self.now)).fetchone()[0] for queue in queues)
        return min((due for due in found if due is not None), default=None)


@dataclass(frozen=True, slots=True)
class Ack(_Job):
    """Done with; nothing if it is not the owner's any more."""

    owner: str
    id: int

    def run(self, file: sqlite3.Connection) -> None:
        """Undone by a power failure, it comes again and meets its own outcome."""
        file.execute("DELETE FROM request WHERE id = ? AND owner = ?", (self.id, self.owner))


@dataclass(frozen=True, slots=True)
class Return(_Job):
    """Back into its queue, not before a time (milliseconds); `uncount` for what nobody has seen."""

    wakes: ClassVar[str] = "request"
    owner: str
    id: int
    not_before: int
    uncount: bool = False

    def run(self, file: sqlite3.Connection) -> None:
        """Undone by a power failure, it comes again at once."""
        file.execute(
            "UPDATE request SET owner = NULL, taken = NULL, not_before = max(not_before, ?), attempt = attempt - ?"
            " WHERE id = ? AND owner = ?",
            (self.not_before, int(self.uncount), self.id, self.owner),
        )


@dataclass(frozen=True, slots=True)
class Bury(_Job):
    """Into the dead letters."""

    durable: ClassVar[bool] = True
    owner: str
    id: int
    now: int

    def run(self, file: sqlite3.Connection) -> None:
        """Both or neither: it is in its queue or among the dead, never lost."""
        file.execute(
            f"INSERT INTO dead (id, {_COLUMNS}, buried)"  # noqa: S608  constant names
            f" SELECT id, {_COLUMNS}, ? FROM request WHERE id = ? AND owner = ?",
            (self.now, self.id, self.owner),
        )
        file.execute("DELETE FROM request WHERE id = ? AND owner = ?", (self.id, self.owner))


@dataclass(frozen=True, slots=True)
class Release(_Job):
    """An owner goes: what it still had in hand is ready again."""

    wakes: ClassVar[str] = "request"
    owner: str

    def run(self, file: sqlite3.Connection) -> None:
        """Undone by a power failure, the next one that looks does it."""
        file.execute("UPDATE request SET owner = NULL, taken = NULL WHERE owner = ?", (self.owner,))
        file.execute("DELETE FROM owner WHERE name = ?", (self.owner,))


@dataclass(frozen=True, slots=True)
class Relieve(_Job):
    """Free what dead owners had, and what anyone has had in hand since before `since` (milliseconds)."""

    path: Path
    owner: str
    since: int

    def run(self, file: sqlite3.Connection) -> None:
        """Undone by a power failure, the next one that looks does it again."""
        for (name,) in file.execute("SELECT name FROM owner").fetchall():
            if name != self.owner and not lives(self.path, name):
                Release(name).run(file)
                lock_file(self.path, name).unlink(missing_ok=True)
        file.execute(
            "UPDATE request SET owner = NULL, taken = NULL WHERE owner IS NOT NULL AND taken <= ?",
            (self.since,),
        )


@dataclass(frozen=True, slots=True)
class Look(_Job):
    """The oldest reply for each of these pairs of queue and correlation id, where there is one."""

    pairs: Sequence[tuple[str, str]]

    def run(self, file: sqlite3.Connection) -> dict[tuple[str, str], tuple[int, Outgoing]]:
        """Changes nothing."""
        found: dict[tuple[str, str], tuple[int, Outgoing]] = {}
        for pair in self.pairs:
            row = file.execute(
                "SELECT id, message_id, type, content_type, body, headers FROM reply"
                " WHERE queue = ? AND correlation_id = ? ORDER BY id LIMIT 1",
                pair,
            ).fetchone()
            if row is not None:
                at, message_id, kind, content_type, body, headers = row
                message = Outgoing(*pair, message_id, kind, content_type, body, json.loads(headers))
                found[pair] = (at, message)
        return found


@dataclass(frozen=True, slots=True)
class Claim(_Job):
    """Take a reply out of its queue. Out: whether it was still there."""

    id: int

    def run(self, file: sqlite3.Connection) -> bool:
        """Undone by a power failure, the reply is there once more."""
        return file.execute("DELETE FROM reply WHERE id = ?", (self.id,)).rowcount == 1


@dataclass(frozen=True, slots=True)
class Forget(_Job):
    """Drop replies nobody fetched and dead letters, both older than `before` (milliseconds). Out: how many."""

    durable: ClassVar[bool] = True
    before: int

    def run(self, file: sqlite3.Connection) -> int:
        """A crash leaves them for the next run."""
        replies = file.execute("DELETE FROM reply WHERE sent <= ?", (self.before,)).rowcount
        return replies + file.execute("DELETE FROM dead WHERE buried <= ?", (self.before,)).rowcount


@dataclass(frozen=True, slots=True)
class Dead(_Job):
    """Every dead letter, oldest first."""

    def run(self, file: sqlite3.Connection) -> list[Row]:
        """Changes nothing."""
        return file.execute(f"SELECT id, {_COLUMNS} FROM dead ORDER BY buried, id").fetchall()  # noqa: S608


@dataclass(frozen=True, slots=True)
class Holds(_Job):
    """Which of these pairs of queue and message id have a request there, whoever has it in hand."""

    pairs: Sequence[tuple[str, str]]

    def run(self, file: sqlite3.Connection) -> list[tuple[str, str]]:
        """Changes nothing."""
        there = "SELECT 1 FROM request WHERE queue = ? AND message_id = ? LIMIT 1"
        return [pair for pair in self.pairs if file.execute(there, pair).fetchone()]


Job: TypeAlias = (
    Declare | Publish | Send | Register | Take | Ack | Return | Bury | Release | Relieve | Look | Claim | Forget | Dead
    | Holds
)  # fmt: skip
