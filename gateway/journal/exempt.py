"""What a law keeps from its persons until a day (DOMAIN.md 5, `exempt`): sealed, and complete for that day.

An exchange that was begun under such a law stays kept back, however it ends and whatever the law is by then. What its
lines would have told lies under the master key beside the log: whose they are stands nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Final, TypeAlias

from consent.vocabulary import Exemption, Refusal, Withheld
from gateway.audit import record
from gateway.audit.record import Event, Kind
from gateway.errors import Fault
from gateway.journal.lines import SEALED, Owner
from gateway.ports import Keys, Release
from gateway.stages import Answer, Case, Filing, Heard, Outcome

CONTEXT: Final = "einmal/release/v1|"
Told: TypeAlias = Sequence[tuple[Owner, Event]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is released one day, opened."""

    due: datetime
    retention: str
    lines: tuple[tuple[Owner, Event], ...] = field(repr=False)
    """As they will be told, but for their time; none while the exchange is under way."""


def kept_until(case: Case, *laws: Exemption | None) -> date | None:
    """In: an exchange, and the laws it is decided or ended under now. Out: the day on which its persons may be told
    of it, if it is kept from them, by one of these or by one it was begun under; of several the last."""
    days = [case.exempt_until, *(law.until for law in laws if law is not None)]
    return max((day for day in days if day is not None), default=None)


def laws_of(heard: Heard, outcome: Outcome) -> tuple[Exemption | None, ...]:
    """Out: the laws that keep an exchange back which ends like this, as far as there are any."""
    return heard.exempt, heard.mandate.permit.exempt if heard.mandate else None, _law_of(outcome)


def _law_of(outcome: Outcome) -> Exemption | None:
    match outcome:
        case Answer(evidence=evidence):
            return evidence.permit.exempt
        case Filing(submitted=submitted):
            return submitted.permit.exempt if submitted.permit else None
        case Refusal(exempt=law) | Withheld(refusal=Refusal(exempt=law)):
            return law
        case _:
            return None


def hidden(told: Told) -> Told:
    """In: the lines that would end an exchange. Out: what ends it while nobody is told: the same, sealed."""
    return [(SEALED, replace(event, kind=Kind.EXEMPT)) for _, event in told]


def seal(exchange: str, until: date, retention: str, told: Told, keys: Keys) -> Release:
    """In: the lines that would end an exchange, or none yet. Out: what its persons get to see from that day on."""
    due = datetime.combine(until, time(), UTC)
    plain = {
        "due": due.isoformat(),
        "retention": retention,
        "lines": [[owner.subject, record.to_bytes(_twin(event)).decode()] for owner, event in told],
    }
    return Release(exchange, due, retention, keys.wrap(json.dumps(plain).encode(), CONTEXT + exchange))


def unseal(exchange: str, sealed: bytes, keys: Keys) -> Kept:
    """Undo `seal`. Raises: Fault, when it isn't what was sealed for this exchange."""
    plain = json.loads(keys.unwrap(sealed, CONTEXT + exchange))
    lines = tuple((Owner(subject), _read(event)) for subject, event in plain["lines"])
    return Kept(datetime.fromisoformat(plain["due"]), plain["retention"], lines)


def open_due(kept: Release, keys: Keys, now: datetime) -> Told:
    """Out: the lines that tell it, now. Raises: Fault, when it isn't what was sealed, or its row says another day."""
    opened = unseal(kept.exchange, kept.sealed, keys)
    if (opened.due, opened.retention) != (kept.due, kept.retention) or not opened.lines:
        raise Fault("release")
    return [(owner, replace(event, time=now)) for owner, event in opened.lines]


def _twin(event: Event) -> Event:
    return replace(event, kind=Kind.RELEASED)


def _read(event: str) -> Event:
    read = record.from_bytes(event.encode())
    assert isinstance(read, Event)
    return read
