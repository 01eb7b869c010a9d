"""What can be said of a wrong message: a place, a rule and words of the schema, never a value of the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_FINDINGS: Final = 50
"""One mistake made in every line of a message need not be told a thousand times."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a message. Never a value of it."""

    rule: str
    path: str
    """XPath of the place by local names, since prefixes are the message's own affair."""
    text: str
    severity: str = "reject"
    """`reject` or `warn`."""
