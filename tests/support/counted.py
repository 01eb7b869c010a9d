"""What a run of the tests has counted, for its last lines; the same whether one process ran them or several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

TOLD: list[str] = []
COUNTS: dict[str, Counter[str]] = {}


def tell(text: str) -> None:
    """Say it once the tests are over."""
    TOLD.append(text)


def count(what: str, **numbers: int) -> None:
    """Add to what is said as `what: 3 told, 3 found`, in the order of the words' first use."""
    COUNTS.setdefault(what, Counter()).update(numbers)


def lines() -> list[str]:
    """Out: what there is to say."""
    counts = (
        f"{what}: {', '.join(f'{number} {word}' for word, number in numbers.items())}"
        for what, numbers in sorted(COUNTS.items())
    )
    return [*sorted(TOLD), *counts]


def plain() -> dict[str, Any]:
    """Out: all of it, for the process that says it."""
    return {"told": TOLD, "counts": {what: dict(numbers) for what, numbers in COUNTS.items()}}


def take(other: Mapping[str, Any]) -> None:
    """Undo `plain`, beside what was counted here."""
    TOLD.extend(other["told"])
    for what, numbers in other["counts"].items():
        count(what, **numbers)
