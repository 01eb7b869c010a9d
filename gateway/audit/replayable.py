"""From a line of the log to the decision it tells of, so that it can be decided again (`consent/replay.py`)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from consent.policy import Policy
from consent.replay import Decided
from consent.vocabulary import Action, Check, ReasonCode
from gateway.audit.record import Event, Kind

_AFTERWARDS: Final = frozenset(
    {
        ReasonCode.NO_DATA,
        ReasonCode.HELD,
        ReasonCode.CONFLICT,
        ReasonCode.BASIS_CHANGED,
        ReasonCode.ANSWER_INVALID,
    }
)
"""Why nothing came of what was permitted: the register, the journal or our own words said no."""
_UNDECIDED: Final = frozenset({Kind.POSTPONED, Kind.QUARANTINED, Kind.EXPIRED})


def decided(event: Event, archived: Policy) -> Decided | None:
    """In: a line of an exchange; the policy its digest names, from the archive.

    Out: the decision it tells of; None: of none on a question or a submission.
    """
    facts, reason = event.facts or {}, _reason(event)
    judged = Check.GRANT in facts or reason is ReasonCode.TEST_MESSAGE
    if event.kind in _UNDECIDED or event.consumer is None or not judged or _order(event):
        return None
    permitted = reason is None or reason in _AFTERWARDS
    times, basis = event.times, event.basis
    return Decided(
        at=times.decided if times is not None and times.decided is not None else event.time,
        consumer=event.consumer,
        evidence=event.evidence or "",
        purpose=event.purpose or "",
        procedure=event.procedure or "",
        facts=MappingProxyType(dict(facts)),
        register=event.register,
        action=_action(event, archived),
        on_behalf_of=event.on_behalf_of,
        encrypted=_encrypted(event, reason, archived),
        requested=frozenset(event.requested or ()),
        grant=event.grant,
        kind=None if basis is None else basis.kind,
        norm=None if basis is None else basis.norm,
        reason=None if permitted else reason,
    )


def _order(event: Event) -> bool:
    """Out: whether a recorder wanted something of the house's own ledger. Such an order names no evidence, or what is
    to be recorded of it; that is never held against the check of the preview, as whatever comes to a grant is."""
    unjudged = event.grant is not None and Check.PREVIEW not in (event.facts or {})
    return event.evidence is None or unjudged


def _action(event: Event, archived: Policy) -> Action | None:
    """Out: what was wanted: by the grant named, which is one to read or to write; without one, by the form, since a
    submission names its register and its fields. None: it can't be told."""
    grant = archived.grants.get(event.grant or "")
    if grant is not None:
        return Action.WRITE if grant.write else Action.READ
    return None if event.register and event.requested else Action.READ


def _encrypted(event: Event, reason: ReasonCode | None, archived: Policy) -> bool:
    """Out: whether it must have come encrypted: its answer had to be, or nothing would have been judged otherwise."""
    if reason in (ReasonCode.ENCRYPTION_REQUIRED, ReasonCode.ENCRYPTION_KEY_MISSING):
        return reason is ReasonCode.ENCRYPTION_KEY_MISSING
    grant, asker = archived.grants.get(event.grant or ""), archived.consumers.get(event.consumer or "")
    return (grant is not None and grant.encrypt) or (asker is not None and asker.encrypt)


def _reason(event: Event) -> ReasonCode | None:
    """Out: the reason, if it is one of the law's or of what comes after: not a fault's, not `already-on-file`."""
    said = event.reasons[0] if event.reasons else None
    return ReasonCode(said) if said in set(ReasonCode) else None
