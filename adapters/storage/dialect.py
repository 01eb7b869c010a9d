"""What every kind of database is to this package: made, opened, settled; and its faults, mapped in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from consent.vocabulary import Problem
from gateway.errors import ConfigurationFault, JournalUnavailable

Url: TypeAlias = str | URL
"""As SQLAlchemy writes it: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`. A `URL` shows no password."""
Connect: TypeAlias = Callable[[Any], Any]
"""In: where the database is, as its kind says it. Out: a connection of its driver."""

FOREIGN: Final = (SQLAlchemyError, OSError, UnicodeDecodeError)
"""What every kind may raise; the last: SQLite tells of a damaged file in words of that file."""
ENVIRONMENT: Final = (OperationalError, OSError)
"""Locked, full, broken: what is true for every member of a group, and no fault of its values."""


class Dialect(Protocol):
    """One kind of database, and where this one is."""

    @property
    def name(self) -> str:
        """What a problem calls it; no password."""
        ...

    @property
    def foreign(self) -> tuple[type[Exception], ...]:
        """Out: whatever it may raise."""
        ...

    @property
    def environment(self) -> tuple[type[Exception], ...]:
        """Out: of these, what is true for every member of a group, and no fault of its values."""
        ...

    def make(self) -> None:
        """Make what tables can be made in. Raises: ConfigurationFault: there is something; JournalUnavailable."""
        ...

    def find(self) -> None:
        """Look where it should be. Raises: ConfigurationFault, when it is missing; JournalUnavailable."""
        ...

    def writer(self) -> Engine:
        """Out: an engine with one connection, each of whose transactions is alone among all processes' ones."""
        ...

    def reader(self, size: int) -> Engine:
        """Out: an engine that writes nothing, each of whose transactions is on one consistent state."""
        ...

    def explain(self, error: Exception) -> ConfigurationFault | None:
        """In: what the first statement raised. Out: what is wrong with the database, if that says so."""
        ...

    def before_tables(self, connection: Connection, *, new: bool) -> None:
        """In the transaction that changes the tables, before. In: whether there may be none yet. Raises:
        ConfigurationFault."""
        ...

    def used_by_others(self, connection: Connection) -> bool:
        """Out: whether another process of the house has it open, as far as can be seen from here."""
        ...

    def after_tables(self, connection: Connection) -> None:
        """In the same transaction, afterwards: bring new tables and columns into the form this kind needs."""
        ...

    def settle(self, vacuum: bool) -> bool:
        """Let nothing erased stay (gateway.ports.retention). Raises: foreign exceptions."""
        ...

    def planted(self, connection: Connection) -> list[str]:
        """Out: what of the tables is not as the migrations make it, where this kind can tell."""
        ...

    def damage(self, connection: Connection) -> list[str]:
        """Out: what the database itself finds wrong with its pages and indexes."""
        ...


def unavailable(error: Exception) -> JournalUnavailable:
    """In: whatever a database raised. Out: the fault the house knows; the foreign text stays behind."""
    if isinstance(error, JournalUnavailable):
        return JournalUnavailable(error.where)
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return JournalUnavailable(f"storage ({code or type(cause).__name__})")


def wrong(name: str, wrong: str, mend: str) -> ConfigurationFault:
    """Out: what is wrong with `[storage] url`, told of a database by its name."""
    return ConfigurationFault((Problem(name, None, "storage.url", wrong, mend),))
