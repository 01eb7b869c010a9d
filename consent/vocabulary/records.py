"""Records of choice and consent as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from consent.vocabulary.requests import BasisKind, Subject


class RecordState(StrEnum):
    """States of a record of choice or consent (DOMAIN.md 4). Only `given` and `renewed` permit."""

    REQUESTED = "requested"
    DEFERRED = "deferred"
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    CONSUMED = "consumed"
    RENEWED = "renewed"


@dataclass(frozen=True, slots=True)
class Record:
    """A record of choice or consent as it stands: the fold over its events (`consent/ledger.py`)."""

    id: str
    kind: BasisKind
    state: RecordState
    revision: int
    """Number of record events so far; uses do not count (LOG.md 9.3)."""
    subject: Subject
    recipient: str
    register: str
    evidence: str
    fields: frozenset[str]
    purpose: str
    procedure: str
    case: str
    norm: str
    recorded_by: str
    not_before: datetime
    not_after: datetime
    max_uses: int | None = None
    """None: as often as needed within the period."""
    uses: int = 0
    """Uses reserved or consumed by other exchanges than the one being decided."""
    authentic: bool = False
    """The house's own receipt over the latest event verified."""
    representative: str | None = field(default=None, repr=False)


PERMITTING: Final = frozenset({RecordState.GIVEN, RecordState.RENEWED})
"""The only states a record permits in; anything unknown denies."""
