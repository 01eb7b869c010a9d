"""Powers to act for somebody (§§ 164, 1629, 1814 BGB; § 14 VwVfG): kept like decisions, as a fold over events.

A power says who acts for whom, what proves it, in which procedures and until when. It permits nothing by
itself: who acts under it must still have a grant, and the person's decision or a statute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field, PlainSerializer, model_validator

from consent.ledger import (
    Authentication,
    Digest,
    Moment,
    Named,
    Part,
    Stepped,
    Text,
    holds_together,
    latest,
    read_as,
)
from consent.parties import Id
from consent.vocabulary import PERMITTING, Power, ProofKind

_FOREVER: Final = ("record", "subject", "representative", "proof")


class PowerTerms(Part):
    """What a power says, as whoever records it says it."""

    kind: Literal["representation"]
    subject: Named = Field(repr=False)
    """Who is represented."""
    representative: Named = Field(repr=False)
    proof: ProofKind
    document_sha256: Digest | None = None
    """Of the scanned deed or order, where there is one."""
    procedures: Annotated[frozenset[Id], PlainSerializer(sorted), Field(min_length=1)] | None = None
    """In which procedures it counts; left out: in all."""
    norm: Text
    authentication: Authentication
    not_before: Moment
    not_after: Moment

    @model_validator(mode="after")
    def _whole(self) -> PowerTerms:
        if self.not_after <= self.not_before:
            raise ValueError("a power ends after it begins")
        if not self.subject.subject().forms() or not self.representative.subject().forms():
            raise ValueError("a person is not named sufficiently")
        if self.subject == self.representative:
            raise ValueError("nobody needs a power to act for themselves")
        return self


class PowerStep(Stepped, PowerTerms):
    """One event of a power, version 1. Its JSON in RFC 8785 form is what is signed and kept."""


def read_power(body: bytes) -> PowerStep:
    """In: an event's bytes. Out: the event. Raises: ValueError, without content, as `ledger.read_step` does."""
    return read_as(PowerStep, body)


def fold_power(steps: Sequence[PowerStep], authentic: bool) -> Power:
    """In: all events of one power in order; whether the house's receipt over each verified. Out: the power as it
    stands. Raises: ValueError when there is no event at all."""
    if not steps:
        raise ValueError("a power without events")
    terms = next((step for step in reversed(steps) if step.state in PERMITTING), steps[-1])
    return Power(
        id=terms.record,
        state=latest(steps),
        revision=len(steps),
        subject=terms.subject.subject(),
        representative=terms.representative.subject(),
        proof=terms.proof,
        recorded_by=steps[0].recorded_by,
        not_before=terms.not_before,
        not_after=terms.not_after,
        procedures=terms.procedures,
        authentic=authentic is True and holds_together(steps, _FOREVER),
    )
