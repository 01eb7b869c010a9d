"""Implementations of the store's ports for the contract tests, with faults on demand; and entries to append."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Databases, connected, on_disk
from faults import Fault, faulty, faulty_postgresql

from adapters.storage.database import create
from adapters.storage.dialect import Connect
from adapters.storage.schema import METADATA
from adapters.storage.sqlite import connect_sqlite
from adapters.storage.store import SqlStore
from consent.vocabulary import BasisKind, Held, Power, Record, RecordState, Subject
from gateway.audit import labels
from gateway.ports import Committed, Entry, ExchangeKey, Line, RecordEvent, Settlement, Standing, Use

NOW = datetime(2026, 11, 21, 20, 15, tzinfo=UTC)
ORIGIN = "musterstadt.example/24m/2026-11"
OTHER = "musterstadt.example/12m/2026-11"
POLICY = "a" * 64
DIGEST = "d" * 64


# --- implementations ----------------------------------------------------------------------------------------
class Stores(ABC):
    """The store on one kind of database: as many openings of one database as a test wants."""

    def __init__(self) -> None:
        self.opened: list[SqlStore] = []
        self.altered = False
        """Whether its tables are other ones than were made."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Out: the database's URL."""

    @abstractmethod
    def create(self) -> None:
        """Make the database."""

    @abstractmethod
    def another(self) -> Stores:
        """Out: another database of the same kind, that was just made."""

    @abstractmethod
    def on_disk(self) -> bytes:
        """Out: all that the database's files hold."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """Meanwhile somebody reads the database as it is now."""

    @abstractmethod
    def _connect(self, fault: Fault) -> Connect:
        """Out: how the driver connects, broken by `fault`."""

    def open(self, fault: Fault | None = None) -> SqlStore:
        """Open the database once more."""
        store = SqlStore(self.url, fold, self._connect(fault) if fault else None)
        self.opened.append(store)
        return store

    @asynccontextmanager
    async def using(self, fault: Fault | None = None) -> AsyncIterator[SqlStore]:
        """An opening that is closed at the end."""
        store = self.open(fault)
        try:
            yield store
        finally:
            await store.close()

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Out: every row of every table."""
        engine = sa.create_engine(self.url)
        with engine.connect() as connection:
            found = {
                table.name: [
                    tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
                ]
                for table in METADATA.sorted_tables
            }
        engine.dispose()
        return found

    def alter(self, *statements: str) -> None:
        """Change the tables, as another version of the program would."""
        self.altered = True
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()

    async def close(self) -> None:
        """Close what was opened."""
        for store in self.opened:
            await store.close()


class SqliteStores(Stores):
    """On SQLite."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def create(self) -> None:
        create(self.url)

    def another(self) -> SqliteStores:
        made = SqliteStores(self.path.with_name(f"another {self.path.name}"))
        made.create()
        return made

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.path.parent.iterdir())

    @contextmanager
    def reading(self) -> Iterator[None]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM line").fetchall()
            yield

    def _connect(self, fault: Fault) -> Connect:
        return partial(faulty, fault, connect_sqlite)


class PostgresqlStores(Stores):
    """On PostgreSQL."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self._databases = databases
        self._taken: list[str] = []
        self._others: list[PostgresqlStores] = []

    @property
    def url(self) -> str:
        return self._taken[0]

    def create(self) -> None:
        self._taken.append(self._databases.take())

    def another(self) -> PostgresqlStores:
        made = PostgresqlStores(self._databases)
        made.create()
        self._others.append(made)
        return made

    def on_disk(self) -> bytes:
        return on_disk(self.url)

    @contextmanager
    def reading(self) -> Iterator[None]:
        with connected(self.url) as reader:
            reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM policy").fetchall()
            yield

    def _connect(self, fault: Fault) -> Connect:
        return partial(faulty_postgresql, fault)

    async def close(self) -> None:
        await super().close()
        for other in self._others:
            await other.close()
        for url in self._taken:
            if not self.altered:
                self._databases.give_back(url)


def of_kind(kind: str, path: Path, request: pytest.FixtureRequest) -> Stores:
    """Out: stores of one of KINDS, not made yet; of PostgreSQL if there is a server."""
    if kind == "postgresql":
        return PostgresqlStores(request.getfixturevalue("databases"))
    return SqliteStores(path)


KINDS = ("sqlite", "postgresql")


# --- entries ------------------------------------------------------------------------------------------------
def line(name: str, label: bytes | None = None, event: bytes | None = None) -> Line:
    """Out: a line that opens, whose label and salt follow from its name."""
    label = label or sha256(b"label" + name.encode()).digest()
    salt, said = sha256(b"salt" + name.encode()).digest(), event or f'{{"kind":"{name}"}}'.encode()
    return Line(labels.leaf(label, labels.commit(salt, said)), salt, said)


def key(name: str, attempt: int = 1, **changes: Any) -> ExchangeKey:
    """Out: the key of the exchange of that name: its own message id, unless told otherwise."""
    given: dict[str, Any] = {
        "exchange": f"exchange-{name}",
        "consumer": "wohngeldstelle",
        "message_id": f"message-{name}",
        "digest": DIGEST,
        "attempt": attempt,
        "retention": "24m",
    }
    return ExchangeKey(**(given | changes))


def entry(name: str, *more: str, **changes: Any) -> Entry:
    """Out: an entry with a line for each name."""
    given: dict[str, Any] = {"origin": ORIGIN, "lines": tuple(line(one) for one in (name, *more)), "now": NOW}
    return Entry(**(given | changes))


def settlement(kind: str = "answered", reply: bytes | None = b"sealed reply", **changes: Any) -> Settlement:
    """Out: a terminal outcome kept for ten days; only `answered` keeps a use."""
    given: dict[str, Any] = {"keeps_use": kind == "answered", "keep_until": NOW + timedelta(days=10)}
    return Settlement(kind, reply=reply, **(given | changes))


def standing(record: str | None = None, revision: int | None = None, **changes: Any) -> Standing:
    """Out: what must still be so: the policy of `opened`, and a record's revision."""
    given: dict[str, Any] = {"policy": POLICY, "not_after": None}
    return Standing(record=record, revision=revision, **(given | changes))


def step(record: str, revision: int, state: RecordState = RecordState.GIVEN, **terms: str) -> RecordEvent:
    """Out: one event of a record, whose body this module's `fold` understands."""
    given = {"recipient": "wohngeldstelle", "case": "wg-1", "family_name": "Beispiel", "born": "1990-02-03"}
    body = json.dumps(given | terms, sort_keys=True).encode()
    return RecordEvent(record, revision, state, body, f"receipt-{record}-{revision}")


def fold(events: Sequence[RecordEvent], uses: int) -> Held:
    """Out: the record of `step` events, or the power where they name a proof (stands in for gateway.records, which
    also checks the receipts)."""
    last, terms = events[-1], json.loads(events[-1].body)
    subject = Subject(
        idnr=terms.get("idnr"),
        birth_date=date.fromisoformat(terms["born"]),
        family_name=terms["family_name"],
        given_name=terms.get("given_name", "Anna"),
    )
    begins, ends = NOW, NOW + timedelta(days=30)
    if "proof" in terms:
        guardian = Subject(birth_date=date(1970, 1, 1), family_name="Muster", given_name="Max")
        return Power(
            last.record,
            last.state,
            last.revision,
            subject,
            guardian,
            terms["proof"],
            "buergerportal",
            begins,
            ends,
        )
    return Record(
        id=last.record,
        kind=BasisKind.CONSENT,
        state=last.state,
        revision=last.revision,
        subject=subject,
        recipient=terms["recipient"],
        register="melderegister",
        evidence="residence",
        fields=frozenset({"street"}),
        purpose="housing-benefit",
        procedure="wohngeld-antrag",
        case=terms["case"],
        norm="EGovG § 5",
        recorded_by="buergerportal",
        not_before=begins,
        not_after=ends,
        uses=uses,
        representative=terms.get("representative"),
    )


async def furnish(store: SqlStore, records: int = 1) -> None:
    """Open both classes' shards, make POLICY current, and give consent `records` times (c-1, c-2, …)."""
    assert await store.open_shard(ORIGIN, "24m", b"sealed secrets", line("opening"))
    assert await store.open_shard(OTHER, "12m", b"sealed secrets", line("opening of the other"))
    assert isinstance(await store.append(entry("policy", policy=(POLICY, b"archive"))), Committed)
    for number in range(1, records + 1):
        given = entry(f"consent {number}", records=(step(f"c-{number}", 1),))
        assert isinstance(await store.append(given), Committed)


def one_use(record: str = "c-1") -> Use:
    """Out: a use of a record that may be used once."""
    return Use(record, 1)


async def size(store: SqlStore, origin: str = ORIGIN) -> int:
    """Out: how many lines the shard has."""
    return next(shard.head.size for shard in await store.shards() if shard.head.origin == origin)


async def committed(store: SqlStore, name: str, **changes: object) -> Committed:
    """Append an entry that is taken. Out: its place and the head after it."""
    result = await store.append(entry(name, **changes))
    assert isinstance(result, Committed), result
    return result


async def settle(store: SqlStore, name: str, kind: str = "answered", **changes: object) -> Committed:
    """Append the end of an exchange."""
    given: dict[str, object] = {"exchange": key(name), "settlement": settlement(kind)}
    return await committed(store, f"{name} {kind}", **(given | changes))


# --- other processes --------------------------------------------------------------------------------------------
def write_until_killed(url: str, name: str, told: Pipe) -> None:
    """In another process: append and settle exchanges for ever; tell each one after its commit."""

    async def run() -> None:
        store = SqlStore(url, fold)
        count = 0
        while True:
            names = [f"{name}-{count + at}" for at in range(8)]
            await asyncio.gather(*(store.append(entry(one, exchange=key(one))) for one in names))
            done = await asyncio.gather(
                *(
                    store.append(entry(f"{one} done", exchange=key(one), settlement=settlement()))
                    for one in names
                )
            )
            count += len(names)
            for one, result in zip(names, done, strict=True):
                assert isinstance(result, Committed)
                told.send((one, result.first.index))

    asyncio.run(run())


def write_some(url: str, name: str, count: int, told: Pipe) -> None:
    """In another process: append `count` lines, eight at a time; tell where they stand."""

    async def run() -> None:
        store = SqlStore(url, fold)
        for start in range(0, count, 8):
            names = [f"{name}-{at}" for at in range(start, min(start + 8, count))]
            for one, result in zip(
                names, await asyncio.gather(*(store.append(entry(n)) for n in names)), strict=True
            ):
                assert isinstance(result, Committed)
                told.send((one, result.first.index))
        await store.close()
        told.send(None)

    asyncio.run(run())
