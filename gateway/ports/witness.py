"""Another authority that sees to it that our log only grows, and signs that it has seen it (LOG.md 10)."""

from __future__ import annotations

from typing import Protocol

from gateway.audit.note import Verifier
from gateway.audit.witness import Answer, Submission


class Witness(Protocol):
    """One witness, wherever it stands."""

    @property
    def name(self) -> str:
        """What its operators call it here."""
        ...

    @property
    def verifier(self) -> Verifier:
        """The key it cosigns with."""
        ...

    async def add(self, asked: Submission) -> Answer:
        """Ask it to cosign a checkpoint. Out: what it says; nothing of it was verified yet. It may have cosigned even
        where no answer came: asking again gets the same. Raises: WitnessUnavailable."""
        ...
