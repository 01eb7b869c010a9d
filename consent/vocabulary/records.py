"""Records of choice and consent as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, TypeAlias

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


Assurance: TypeAlias = Literal["none", "low", "substantial", "high"]
ASSURANCES: Final[tuple[Assurance, ...]] = ("none", "low", "substantial", "high")
"""Rising."""
ProofKind: TypeAlias = Literal[
    "power-of-attorney", "guardianship", "parental-responsibility", "court-order", "statutory"
]
"""What shows that somebody may act for somebody else (§§ 164, 1629, 1814 BGB; § 14 VwVfG)."""


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
    """The id of the power under which somebody else decided for the person."""
    assurance: Assurance = "none"
    """How sure it was who decided (Regulation (EU) 910/2014 Art. 8)."""
    previous: str | None = None
    """The record this one follows."""


@dataclass(frozen=True, slots=True)
class Power:
    """A power to act for somebody, as it stands: the fold over its events (`consent/powers.py`)."""

    id: str
    state: RecordState
    revision: int
    subject: Subject
    """Who is represented."""
    representative: Subject
    proof: ProofKind
    recorded_by: str
    not_before: datetime
    not_after: datetime
    procedures: frozenset[str] | None = None
    """In which procedures; None: in all."""
    authentic: bool = False
    """The house's own receipts over all its events verified."""


Held: TypeAlias = Record | Power
"""What the house holds that a decision may rest on."""

PERMITTING: Final = frozenset({RecordState.GIVEN, RecordState.RENEWED})
"""The only states a record permits in; anything unknown denies."""
