"""What one message may meet in the house. Wired in gateway/assembly, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.authenticate import Terms
from gateway.journal import Journal
from gateway.ports import Clock, ConsentStore, Ids, Keys, Measures, Policies, Register
from xoev_schemas.languages import Languages


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a curable fault is retried."""

    attempts: int
    first_seconds: float
    most_seconds: float
    decisions: int = 3
    """How often an exchange whose basis moves under it is decided again before it is refused."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything one message may meet."""

    journal: Journal
    policies: Policies
    consents: ConsentStore
    registers: Mapping[str, Register]
    languages: Languages
    keys: Keys
    clock: Clock
    ids: Ids
    terms: Terms
    patience: Patience
    measures: Measures
    slot: timedelta
    """How far apart the times are at which a no leaves that could mean a blocked person."""

    def next_slot(self, received: datetime) -> datetime:
        """Out: when such a no leaves: the next of the fixed times after its request was received (DOMAIN.md 3)."""
        passed = max((self.clock.now() - received) // self.slot, 0)
        return received + (passed + 1) * self.slot
