"""What the rooms of this floor hand each other: the thing to be said, before it is in any language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from consent.vocabulary import Check, Value
from gateway.outbound.reasons import Reason
from gateway.stages import Case
from xoev_schemas.languages import Languages, Unwritable


def stamp(moment: datetime) -> str:
    """Out: the time, RFC 3339 in UTC, with exactly three decimals."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class Setting:
    """What every reply needs: which exchange, in which language, under which id, when."""

    case: Case
    language: str
    context: Mapping[str, str] = field(repr=False)
    """What the request's header said, as far as it was read."""
    languages: Languages = field(repr=False)
    message_id: str
    now: datetime

    @property
    def created(self) -> str:
        """Out: the time, RFC 3339 in UTC, with exactly three decimals."""
        return stamp(self.now)


@dataclass(frozen=True, slots=True)
class No:
    """A refusal or a failure: its code, the words for it, the checks that failed."""

    code: str
    reason: Reason
    checks: tuple[Check, ...]
    failure: bool
    """Whether it is ours or the register's fault, or out of time: no refusal then."""
    fields: frozenset[str] = frozenset()
    """Fields the refusal is about, where the asker may know which."""


def in_entries(values: Mapping[str, Value]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """In: evidence. Out: its single fields, and its groups entry by entry, without what the register lacks.

    Raises: Unwritable for what is no text.
    """
    for value in values.values():
        if not all(isinstance(text, str) for text in (value if isinstance(value, tuple) else (value,))):
            raise Unwritable("a value that is no text")
    single = {name: value for name, value in values.items() if isinstance(value, str)}
    grouped = {name: value for name, value in values.items() if isinstance(value, tuple)}
    length = max((len(value) for value in grouped.values()), default=0)
    rows = [{name: value[at] for name, value in grouped.items() if value[at]} for at in range(length)]
    return single, [row for row in rows if row]
