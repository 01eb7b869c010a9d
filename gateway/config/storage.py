"""`[storage]`: where the journal's database is."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import Field, ValidationInfo, field_validator

from consent.parties import Table
from consent.problems import mistake
from gateway.config.connections import DatabaseUrl
from gateway.config.references import Reference

Count: TypeAlias = Annotated[int, Field(gt=0)]
SQLITE: Final = "sqlite:///"


class Storage(Table):
    """The journal's database."""

    url: DatabaseUrl = "sqlite:///data/einmal.sqlite3"
    """`sqlite:///FILE`, relative to the home, or `postgresql://USER@HOST/DATABASE`."""
    password: Reference | None = None
    """PostgreSQL: where the user's password is kept; default: the server asks for none, or a certificate does."""
    connect_timeout_seconds: Count = 5
    """PostgreSQL: how long the server may take to let the house in."""
    statement_timeout_seconds: Count = 10
    """PostgreSQL: how long one statement may take."""
    lock_timeout_seconds: Count = 10
    """PostgreSQL: how long a process waits for the ones that write before it."""

    @field_validator(
        "password", "connect_timeout_seconds", "statement_timeout_seconds", "lock_timeout_seconds"
    )
    @classmethod
    def _of_a_server(cls, value: object, info: ValidationInfo) -> object:
        if str(info.data.get("url", "")).startswith(SQLITE):
            mistake("goes with a PostgreSQL server, not with a file", "Remove it, or name a server in url.")
        return value
