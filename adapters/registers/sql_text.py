"""Values between a register's columns and evidence, where everything is text and dates are ISO 8601."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa

Read: TypeAlias = Callable[[object], str | None]
"""From a column's value to evidence; None: no value. Raises: ValueError, LookupError for nonsense."""
Bind: TypeAlias = Callable[[str], object]
"""From a text to what a column holds. Raises: ValueError, LookupError, ArithmeticError for what it can't hold."""

_NOT_BLOCKED: Final = frozenset({"", "0", "f", "false", "n", "no", "nein"})
_BOOLEANS: Final = {"true": True, "false": False}


def text(value: object) -> str | None:
    """Out: a value as it is written in evidence: dates ISO 8601, whole numbers plain. Raises: ValueError."""
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat()
        case date():
            return value.isoformat()
        case Decimal() if value.is_finite():
            return format(value, "f")
        case UUID():
            return str(value)
        case _:
            raise ValueError


def reader(codes: Mapping[str, str]) -> Read:
    """In: the field map's codes, by what the column holds. Out: how the column's values become evidence."""
    if not codes:
        return text

    def coded(value: object) -> str | None:
        own = text(value)
        return codes[own] if own else None

    return coded


def writer(column: sa.Column[Any], codes: Mapping[str, str]) -> Bind:
    """Out: how evidence becomes the column's values: `reader` backwards, for what reads the same again. No value,
    a day written otherwise, half a character are nothing that can be written."""
    own, bind = {code: value for value, code in codes.items()}, binder(column)

    def written(value: str) -> object:
        value.encode()
        held = own[value] if codes else value
        bound = bind(held)
        if not value or text(bound) != held or len(own) < len(codes):
            raise ValueError
        return bound

    return written


def binder(column: sa.Column[Any]) -> Bind:
    """Out: how a text becomes what the column holds and compares with."""
    match column.type:
        case sa.DateTime():
            return datetime.fromisoformat
        case sa.Date():
            return date.fromisoformat
        case sa.Boolean():
            return _BOOLEANS.__getitem__
        case sa.Integer():
            return int
        case sa.Numeric():
            return Decimal
        case sa.Uuid():
            return UUID
        case _:
            return str


def is_blocked(value: object) -> bool:
    """Out: False for what clearly says no; anything else is a block."""
    return str(value).strip().casefold() not in _NOT_BLOCKED if value is not None else False


def stamp(moment: datetime, column: sa.Column[Any]) -> object:
    """Out: a moment as the column holds it, in UTC; as ISO 8601 where it holds text."""
    utc = moment.astimezone(UTC)
    match column.type:
        case sa.DateTime(timezone=True):
            return utc
        case sa.DateTime():
            return utc.replace(tzinfo=None)
        case sa.Date():
            return utc.date()
        case _:
            return iso(utc)


def iso(moment: datetime) -> str:
    """Out: RFC 3339 UTC to the microsecond; later ones sort later."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(value: object) -> datetime | None:
    """Out: when a column says something was, taken as UTC where it names no zone; None when it doesn't say."""
    match value:
        case datetime():
            found = value
        case date():
            found = datetime.combine(value, time())
        case str():
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                return None
        case _:
            return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
