"""What a line means to the person it is about, before any words: its outcome, and which way the data went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consent.vocabulary import Check, Fact, ReasonCode
from gateway.audit.record import Kind
from gateway.errors import FaultCode
from gateway.views.auskunft import Event, Titles

ON_FILE: Final = "already-on-file"
"""The reason of a submission of which nothing had to be written (gateway/journal/lines.py)."""
_LATE: Final = frozenset({ReasonCode.DEADLINE_PASSED, ReasonCode.NOT_FRESH})
_GIVEN_UP: Final = frozenset({FaultCode.REGISTER_UNAVAILABLE, FaultCode.REGISTER_TIMEOUT})
"""Faults that time can cure: they end an exchange only when no attempt is left."""
_OF_FILING: Final = frozenset({Kind.ASKED, Kind.REFUSED, Kind.NO_DATA, Kind.FAILED, Kind.DEAD})
VARIANTS: Final = (
    *(f"{kind}/filing" for kind in sorted(_OF_FILING)),
    f"{Kind.REFUSED}/{ReasonCode.CONFLICT}",
    f"{Kind.NO_DATA}/blocked",
    f"{Kind.SUBMITTED}/{ON_FILE}",
)
"""Outcomes whose words are others than those of their kind."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What became of an exchange, as the person is told it."""

    kind: str
    """The line's kind; of a released one, its twin's."""
    words: str
    """The key of its words: the kind, or one of `VARIANTS`."""
    filing: bool
    blocked: bool = False
    """A bar on telling anyone stood in the way: the person's own, or of somebody else in the same evidence."""


def meaning(event: Event, titles: Titles) -> Meaning:
    """In: the event that has the last word on an exchange. Out: what it means."""
    kind = _twin(event) if event["kind"] == Kind.RELEASED else str(event["kind"])
    reasons = event.get("reasons", ())
    conflict = ReasonCode.CONFLICT in reasons
    filing = (
        kind == Kind.SUBMITTED or conflict or (kind != Kind.ANSWERED and event.get("grant") in titles.filing)
    )
    if kind == Kind.SUBMITTED:
        return Meaning(kind, f"{kind}/{ON_FILE}" if ON_FILE in reasons else kind, filing)
    if kind == Kind.REFUSED and conflict:
        return Meaning(kind, f"{kind}/{ReasonCode.CONFLICT}", filing)
    blocked = kind == Kind.NO_DATA and event.get("facts", {}).get(Check.HOLD) == Fact.FAILED
    if filing and kind in _OF_FILING:
        return Meaning(kind, f"{kind}/filing", filing, blocked)
    return Meaning(kind, f"{kind}/blocked" if blocked else kind, filing, blocked)


def _twin(event: Event) -> str:
    """Out: what a released line was before a law kept it back: its own kind stands in no line, what it says does."""
    reasons = frozenset(event.get("reasons", ()))
    if "released" in event:
        return Kind.ANSWERED
    if not reasons or ON_FILE in reasons:
        return Kind.SUBMITTED
    if ReasonCode.NO_DATA in reasons:
        return Kind.NO_DATA
    if reasons & _LATE:
        return Kind.EXPIRED
    if reasons & _GIVEN_UP:
        return Kind.DEAD
    return Kind.FAILED if reasons & frozenset(FaultCode) else Kind.REFUSED
