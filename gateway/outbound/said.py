"""What the rooms of this floor hand each other: the thing to be said, before it is in any language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from consent.vocabulary import Check
from gateway.outbound.reasons import Reason
from gateway.stages import Case
from xoev_schemas.languages import Languages


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
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.now.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class No:
    """A refusal or a failure: its code, the words for it, the checks that failed."""

    code: str
    reason: Reason
    checks: tuple[Check, ...]
    failure: bool
    """Whether it is ours or the register's fault, or out of time: no refusal then."""
