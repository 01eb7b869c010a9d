"""How registers are connected: the table named after its adapter in registers/*.toml (CONTRACT.md 3)."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from consent.parties import Table, Text
from consent.problems import mistake
from consent.vocabulary import Subject

ENV: Final = "env:"
FILE: Final = "file:"
_SECRETS: Final = frozenset({"password", "passwd", "sslpassword"})
"""What drivers take behind the `?` of a URL instead."""


def database_url(said: str | URL) -> URL | None:
    """Out: a SQLAlchemy URL, read; None if it is none. Why not is left behind: it may quote part of a password."""
    try:
        return make_url(said)
    except (ArgumentError, ValueError):
        return None


def _by_reference(url: str) -> str:
    """Out: the URL, unless it carries a password itself: files of a home are read by many, and archived."""
    if url.startswith((ENV, FILE)):
        return url
    parsed = database_url(url)
    if parsed is None:
        mistake("is no database URL", 'Write it as "sqlite:///data/x.sqlite3", "env:NAME" or "file:PATH".')
    if parsed.password is not None or not _SECRETS.isdisjoint(parsed.query):
        mistake("has a password in it", 'Put the whole URL elsewhere and write "env:NAME" or "file:PATH".')
    return url


DatabaseUrl = Annotated[Text, AfterValidator(_by_reference)]
"""A SQLAlchemy URL, or `env:NAME` or `file:PATH` where it is kept; relative paths are relative to the home."""


class SqlMatch(Table):
    """Which columns identify a person."""

    birth_date: Text
    idnr: Text | None = None
    family_name: Text | None = None
    given_name: Text | None = None
    town: Text | None = None
    postcode: Text | None = None

    def columns(self) -> dict[str, str]:
        """Out: what the register can compare, by the parts of a subject."""
        return {part: column for part, column in self.model_dump().items() if column is not None}

    @model_validator(mode="after")
    def _sufficient(self) -> SqlMatch:
        named = {part: column for part, column in self.columns().items() if part != "birth_date"}
        if not Subject(birth_date=date.min, **named).forms():
            mistake(
                "identifies nobody", "Add idnr, or family_name with given_name, or with town and postcode."
            )
        return self


def _said(blocked: str | bool) -> str | bool:
    if blocked is True or blocked == "" or (isinstance(blocked, str) and blocked.isspace()):
        mistake(
            "names no column", "Name the column of the blocks, or write false where the register keeps none."
        )
    return blocked


class SqlWrite(Table):
    """`[sql.write]`: how what is submitted is put on file. Without it a register is only ever read."""

    source: Text
    """A column of the person's row: which consumer submitted what was written last."""
    time: Text
    """A column of the person's row: when that was, UTC."""
    journal: Text
    """The adapter's own table in the register's database: what was written for which exchange."""
    url: DatabaseUrl | None = None
    """The same database with a user that may write; None: `[sql] url` opened for writing."""

    @model_validator(mode="after")
    def _apart(self) -> SqlWrite:
        if self.source == self.time:
            mistake("is the same column for source and time", "Name a column for each.")
        return self


class SqlSettings(Table):
    """`[sql]`: a table or view of a database, read and, with `[sql.write]`, written."""

    url: DatabaseUrl
    table: Text
    key: Text
    """The register's own person key."""
    blocked: Annotated[str | bool, AfterValidator(_said)]
    """A column that is true for blocked persons, or `false`: this register keeps no blocks. Never left unsaid."""
    match: SqlMatch
    write: SqlWrite | None = None


CONNECTIONS: Final = MappingProxyType({"sql": SqlSettings})
"""What each kind of adapter wants in its table."""
