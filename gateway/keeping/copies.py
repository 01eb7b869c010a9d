"""What a hold keeps of a line: its leaf, and what opens it or why nothing does (`gateway.keeping.holding`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from gateway.audit import proof
from gateway.ports import StoredLine

Opening: TypeAlias = tuple[bytes, bytes] | str
"""Salt and event, or by which norm they are gone."""
Kept: TypeAlias = tuple[bytes, Opening]
"""A line's leaf and what opens it."""


def entry(line: StoredLine, old: Mapping[int, Kept]) -> Kept:
    """Out: the line with what opens it, from the copy where it is erased by now."""
    leaf, salt, event = line.line.leaf, line.line.salt, line.line.event
    if salt is not None and event is not None:
        return leaf, (salt, event)
    return old.get(line.position.index, (leaf, line.withheld or "erased"))


def entries(part: proof.ShardProof) -> dict[int, Kept]:
    """Out: by index every line of a copy, as it was kept."""
    return {
        one.index: (
            one.leaf,
            one.withheld or "" if one.salt is None or one.event is None else (one.salt, one.event),
        )
        for subject in part.subjects
        for one in subject.entries
    }


def opened(part: proof.ShardProof) -> list[proof.Entry]:
    """Out: the lines of a copy that it opens."""
    return [one for subject in part.subjects for one in subject.entries if one.event is not None]
