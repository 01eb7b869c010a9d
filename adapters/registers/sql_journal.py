"""The adapter's own table in a register's database: what was written for which exchange.

It is written in the transaction that writes the register, so that an exchange whose answer got lost is never written
twice. Whoever runs the register creates it, with the statement that `einmal check` prints; running never does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from adapters.registers.sql_text import iso

COLUMNS: Final = ("exchange", "person", "evidence", "fields", "consumer", "time")


def journal_table(name: str) -> sa.Table:
    """Out: the table of that name, ready to be created. One for each register."""
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("exchange", sa.String(36), primary_key=True),
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("evidence", sa.String(63), nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("consumer", sa.String(63), nullable=False),
        sa.Column("time", sa.String(32), nullable=False),
        sa.UniqueConstraint("person", "evidence", "time", "exchange"),  # for its index: "on file since …"
    )


def journal_statement(name: str, dialect: sa.Dialect) -> str:
    """Out: the statement that creates it, on one line."""
    return " ".join(str(CreateTable(journal_table(name)).compile(dialect=dialect)).split())


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange's write: whose row, which fields of which evidence changed, for whom and when."""

    exchange: str
    person: str
    """The register's own key, as text."""
    evidence: str
    fields: frozenset[str]
    consumer: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """One exchange that ended without a write."""

    exchange: str


class WriteJournal:
    """Reads and appends entries on a connection of the caller's transaction."""

    def __init__(self, name: str) -> None:
        self._table = table = journal_table(name)
        self._of = sa.select(table).where(table.c.exchange == sa.bindparam("asked"))
        self._append = sa.insert(table)

    def of(self, connection: sa.Connection, exchange: str) -> Entry | Closed | None:
        """Out: what was written for that exchange, or that nothing ever will be; None: neither yet."""
        row = connection.execute(self._of, {"asked": exchange}).mappings().one_or_none()
        if row is None:
            return None
        if not row["person"]:
            return Closed(exchange)
        return Entry(
            row["exchange"],
            row["person"],
            row["evidence"],
            frozenset(row["fields"].split()),
            row["consumer"],
            datetime.fromisoformat(row["time"]).astimezone(UTC),
        )

    def append(self, connection: sa.Connection, entry: Entry) -> None:
        """Keep what the same transaction writes."""
        row = {
            "exchange": entry.exchange,
            "person": entry.person,
            "evidence": entry.evidence,
            "fields": _listed(entry.fields),
            "consumer": entry.consumer,
            "time": iso(entry.time),
        }
        connection.execute(self._append, row)

    def close(self, connection: sa.Connection, exchange: str) -> None:
        """Keep that nothing was written for it: whoever comes later to write finds that. Raises: IntegrityError,
        when something else was kept in the meantime."""
        nothing = dict.fromkeys(("person", "evidence", "consumer", "time"), "")
        connection.execute(self._append, {"exchange": exchange, "fields": _listed(()), **nothing})

    def since(
        self, connection: sa.Connection, person: str, evidence: str, fields: Iterable[str]
    ) -> datetime | None:
        """Out: when one of these fields of that person was last written; None: never by submission."""
        table = self._table
        wrote = (table.c.fields.contains(f" {name} ", autoescape=True) for name in sorted(fields))
        last = sa.select(sa.func.max(table.c.time)).where(
            table.c.person == person, table.c.evidence == evidence, sa.or_(*wrote)
        )
        found = connection.execute(last).scalar_one()
        return None if found is None else datetime.fromisoformat(found).astimezone(UTC)


def _listed(fields: Iterable[str]) -> str:
    """Out: the names in order, each between spaces so that one can be found among them."""
    return "".join(f" {name}" for name in sorted(fields)) + " "
