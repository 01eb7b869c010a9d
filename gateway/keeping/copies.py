"""What a hold keeps of a line: its leaf, and what opens it or why nothing does (`gateway.keeping.holding`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from gateway.audit import labels, proof
from gateway.ports import StoredLine

Opening: TypeAlias = tuple[bytes, bytes] | str
"""Salt and event, or by which norm they are gone."""
Kept: TypeAlias = tuple[bytes, Opening]
"""A line's leaf and what opens it."""
DAMAGED: Final = "damaged"
"""Why a line can't be opened that nobody erased."""


def entry(line: StoredLine, old: Mapping[int, Kept]) -> Kept:
    """Out: the line with what opens it, from the copy where that has it: nothing takes the place of what was copied, as
    the line may be erased by now, or changed."""
    leaf, kept = line.line.leaf, old.get(line.position.index)
    if kept is not None and not isinstance(kept[1], str):
        return kept
    opened = labels.opened(leaf, line.line.salt, line.line.event)
    if opened is not None:
        return leaf, opened
    return kept or (leaf, line.withheld or ("erased" if line.line.event is None else DAMAGED))


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
