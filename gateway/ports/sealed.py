"""What the store keeps sealed under the master key, to be sealed anew when that changes (docs/decisions/0024)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Place(StrEnum):
    """Where sealed bytes are kept."""

    SECRETS = "secrets"
    """A shard's keys; named by its origin."""
    REPLY = "reply"
    """A reply until its time is over; named by its exchange."""
    RELEASE = "release"
    """What is told of an exempt exchange one day; named by the exchange."""
    POLICY = "policy"
    """An archived law; named by its hash."""
    HOLD = "hold"
    """For whom and why lines are held; named by the hold."""
    HELD = "held"
    """What a hold keeps of a shard; named by the hold and the shard's number."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Sealed bytes where they are kept."""

    place: Place
    name: str
    part: int
    """The shard's number for HELD, else 0."""
    bytes: bytes = field(repr=False)


class SealedStore(Protocol):
    """Everything that is sealed. Raises: JournalUnavailable."""

    async def sealed(
        self, place: Place, mark: bytes, after: tuple[str, int] | None = None
    ) -> Sequence[Sealed]:
        """Out: what does not begin with `mark`, by name and part: the first of it, or what follows on `after`. Empty:
        that is all."""
        ...

    async def reseal(self, changes: Sequence[tuple[Sealed, bytes]]) -> int:
        """Put other bytes in place of these, where these still are. Out: how often they were."""
        ...
