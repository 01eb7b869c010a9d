"""What a restore from a backup has lost, as line 1 of the shard that was opened after it says (docs/decisions/0027).

A shard's end, or a whole shard, may be missing only where the log itself says so; what is not said is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from gateway.audit import labels
from gateway.audit.note import Checkpoint, NoteInvalid, parse_checkpoint
from gateway.audit.record import Event, EventInvalid, Kind, from_bytes
from gateway.audit.shard import Origin, index_origin

Span: TypeAlias = tuple[int, int]
"""Lines from the first index to before the second."""
_SPAN = re.compile(r"(\S+) (0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18}|\?)\Z")
_THERE = re.compile(r"last there: (?:none|(\S+) ([1-9][0-9]{0,18}))\Z")
_NONE = ("", 0)
DONE: Final = "the restore came to its end"
"""What a later line of the shard says, once nothing of the restore is left to do."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What one such line says."""

    spans: Mapping[str, Span] = field(default_factory=dict)
    """By shard, lines that are gone; by the name of a shard's output log, lines that no index proves any more."""
    restored: bool = True
    """Whether a restore is told of at all."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """By shard, from which line on some may be gone: nobody knows how many."""
    there: tuple[str, int] | None = None
    """Where a whole shard is gone: the class's last shard that is there, and how many lines it has; no name, if there
    was none."""

    def lines(self, origin: str) -> Span | None:
        """Out: which lines of the shard are gone."""
        return self.spans.get(origin)

    def unproved(self, origin: str) -> Span | None:
        """Out: which lines of the shard no export can prove: those that are told of, and no others."""
        lines, index = self.spans.get(origin), self.spans.get(index_origin(origin))
        if lines is None or index is None:
            return lines or index
        return (index[0], lines[1]) if index[1] == lines[0] else None

    def after(self, origin: str, size: int, previous: str | None) -> bool:
        """In: the shard before, as far as it is there, and the checkpoint that the one after it follows. Out: whether
        what is missing between them is what was lost."""
        try:
            named = parse_checkpoint(previous or "")
        except NoteInvalid:
            return False
        span = self.unproved(named.origin)
        if span is None or span[1] != named.size:
            return False
        if named.origin == origin:
            return span[0] <= size < named.size
        return span[0] == 0 and self._ends(origin, size)

    def last_there(self, previous: str | None) -> str | None:
        """In: the checkpoint that the shard follows. Out: where that one's shard is gone as a whole, the one that is
        the last before it."""
        try:
            named = parse_checkpoint(previous or "")
        except NoteInvalid:
            return None
        gone = self.unproved(named.origin) == (0, named.size)
        return self.there[0] or None if gone and self.there is not None else None

    def first(self, previous: str | None) -> Origin | None:
        """In: the checkpoint that the shard follows. Out: where every shard before it is gone, the first of them."""
        try:
            named = parse_checkpoint(previous or "")
            gone = self.unproved(named.origin) == (0, named.size)
            whole = [
                name.removesuffix(index_origin("")) for name, (start, _) in self.spans.items() if not start
            ]
            return min(map(Origin.parse, whole), key=str) if gone and self.there == _NONE else None
        except (NoteInvalid, ValueError):
            return None

    def _ends(self, origin: str, size: int) -> bool:
        """Out: whether this is the last shard that is there, and what is missing of it is told: behind a shard that is
        gone as a whole no older one can be left out. After it may come one that no index proves, as it is told."""
        span, there = self.unproved(origin), self.there
        if there is None or origin != there[0]:
            return there is not None and span is not None and span[0] == 0 and size <= span[1]
        return size >= there[1] or (span is not None and span[0] <= size and span[1] >= there[1])

    @property
    def told(self) -> tuple[str, ...]:
        """Out: for each shard its name and the lines' numbers, for people of any language."""
        known = (
            f"{name}: {start}–{stop - 1}" if stop - start > 1 else f"{name}: {start}"
            for name, (start, stop) in self.spans.items()
            if start < stop
        )
        # What came between the last shard that is there and one that is gone as a whole, nothing proves.
        open_ended = {**dict([self.there] if self.there not in (None, _NONE) else []), **self.unknown}
        before = ("?",) if self.there == _NONE else ()
        return (*known, *(f"{name}: {start}–?" for name, start in open_ended.items()), *before)


NOTHING: Final = Losses(restored=False)


def read_losses(origin: str, data: bytes, salt: bytes | None, said: bytes | None) -> Losses:
    """In: a shard's line 1. Out: what it says was lost; nothing, where it does not tell of a restore."""
    event = opened(origin, data, salt, said)
    if event is None or event.kind is not Kind.RESTORED:
        return NOTHING
    reasons = (event.reasons or ())[1:]
    found = [span.groups() for span in map(_SPAN.match, reasons) if span is not None]
    spans = {name: (int(start), int(stop)) for name, start, stop in found if stop != "?"}
    there = [
        (last[1], int(last[2])) if last[1] else _NONE
        for last in map(_THERE.match, reasons)
        if last is not None
    ]
    return Losses(
        {name: span for name, span in spans.items() if _is_span(name, span)},
        unknown={name: int(start) for name, start, stop in found if stop == "?"},
        there=there[0] if len(there) == 1 else None,
    )


def own_losses(
    origin: str, data: bytes, salt: bytes | None, said: bytes | None, seal: bytes | None
) -> Losses:
    """In: a shard's line 1; its seal secret. Out: what it says was lost, where only the house can have said it."""
    return read_losses(origin, data, salt, said) if labels.by_house(seal, salt, said) else NOTHING


def opened(origin: str, data: bytes, salt: bytes | None, said: bytes | None) -> Event | None:
    """Out: what a line about the house says, if it opens."""
    leaf = labels.parse_leaf(data)
    if leaf is None or leaf.label != labels.system(origin) or salt is None or said is None:
        return None
    try:
        event = from_bytes(said)
    except EventInvalid:
        return None
    return event if isinstance(event, Event) and labels.opens(leaf, salt, said) else None


def _is_span(name: str, span: Span) -> bool:
    """Out: whether it names lines. Of an index it may name none: then an epoch was lost that indexed lines lost too."""
    return span[0] < span[1] or (span[0] == span[1] and name.endswith(index_origin("")))


def head_after(head: str, previous: str | None, losses: Losses, forgotten: tuple[int, int] | None) -> str:
    """In: the checkpoint text of the shard before, as it is kept; what its successor follows and says was lost; where
    the shard before has had its time, the month that the log has reached: what was lost is not told any more of those
    that are gone by then. Out: the text that the successor follows."""
    try:
        kept: Checkpoint = parse_checkpoint(head)
    except NoteInvalid:
        return head
    if previous is None:
        return head
    lost = losses.after(kept.origin, kept.size, previous)
    lost = lost or (forgotten is not None and _beyond(kept, previous, forgotten))
    return previous if lost else head


def _beyond(kept: Checkpoint, previous: str, by: tuple[int, int]) -> bool:
    """Out: whether the successor follows more than is kept, of a shard that is itself gone in its time: no name in the
    place before it excuses another."""
    try:
        named = parse_checkpoint(previous)
        gone = Origin.parse(named.origin).is_gone(by)
    except (NoteInvalid, ValueError):
        return False
    return gone and (named.origin != kept.origin or named.size > kept.size)
