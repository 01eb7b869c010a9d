"""What is left to chance in the demo's town, and is the same every time: SHA-256 of what it is drawn for."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

_Item = TypeVar("_Item")


class Chance:
    """Draws for one person (by number) or one household (by name)."""

    def __init__(self, whose: int | str) -> None:
        self._whose = whose

    def below(self, limit: int, purpose: str) -> int:
        """Out: a number from 0 to `limit` - 1, for that purpose."""
        digest = sha256(f"einmal/demo/v1|{self._whose}|{purpose}".encode()).digest()
        return int.from_bytes(digest[:8]) % limit

    def one(self, items: Sequence[_Item], purpose: str) -> _Item:
        """Out: one of them."""
        return items[self.below(len(items), purpose)]

    def shuffled(self, items: Sequence[_Item], purpose: str) -> list[_Item]:
        """Out: all of them, in some order."""
        rest, drawn = list(items), []
        while rest:
            drawn.append(rest.pop(self.below(len(rest), f"{purpose}/{len(rest)}")))
        return drawn
