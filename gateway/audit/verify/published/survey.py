"""A whole folder of tiles, shard by shard: for an auditor with the leaves, and for a witness without them.

What no shard shows alone: that shards follow each other, that none is gone before its time, that every class is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from gateway.audit import tiles
from gateway.audit.identity import Identity
from gateway.audit.index import CLOCK_SKEW
from gateway.audit.note import NoteInvalid, parse_checkpoint
from gateway.audit.shard import Origin
from gateway.audit.verify.published.auditing import Audited, Misfit, audit
from gateway.audit.verify.published.folder import Files, Head, Unreadable, read_head, read_tile, shards_of
from gateway.audit.verify.published.seen import State, forked, root_from_tiles, shrunk

Month = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What came out of a folder."""

    shards: tuple[Audited, ...]
    misfits: tuple[Misfit, ...]
    """What concerns no single shard: while there is any, nothing is cosigned."""
    destroyed: tuple[str, ...]
    """Shards whose time is over: their entries are gone, as the law wants it."""

    def agreed(self, one: Audited) -> bool:
        """Out: whether the shard's index may be cosigned."""
        return not one.misfits and not self.misfits


def survey(files: Files, identity: Identity, state: State, now: datetime) -> Surveyed:
    """Audit every shard of the authority in a folder. In: what was seen before; the auditor's own clock (UTC).

    Out: what was found; `state` is as it was. Raises nothing for what is in the folder.
    """
    month = (now.year, now.month)
    misfits: list[Misfit] = []
    origins = _origins(files, identity, misfits)
    misfits += [
        Misfit(gone, "it was seen before, and is gone") for gone in state.gone(set(map(str, origins)), month)
    ]
    found: list[Audited] = []
    destroyed: list[str] = []
    for origin in origins:
        try:
            if _is_over(origin, month) and files.read(f"{origin}/{tiles.OPENING}", 1 << 20) is None:
                destroyed.append(str(origin))
            else:
                found.append(audit(files, read_head(files, origin, identity), identity, state, now))
        except Unreadable as wrong:
            misfits.append(Misfit(wrong.place, wrong.text))
    if not origins:
        misfits.append(Misfit("the folder", f"no shard of {identity.name} is in it"))
    return Surveyed(_chained(found, identity, month), (*misfits, *_classes(found)), tuple(destroyed))


def _origins(files: Files, identity: Identity, misfits: list[Misfit]) -> list[Origin]:
    try:
        return shards_of(files, identity.name)
    except Unreadable as wrong:
        misfits.append(Misfit(wrong.place, wrong.text))
        return []


def _is_over(origin: Origin, month: Month) -> bool:
    due = origin.gone_from
    return due is not None and month >= due


def _classes(found: Sequence[Audited]) -> list[Misfit]:
    """Out: the classes that a leaf 0 names and no shard is of; those that the newest shard of another class does not
    name: an export could leave them out unseen."""
    there = {one.head.origin.retention for one in found}
    named = {name for one in found if one.opening is not None for name in one.opening.classes}
    gone = [Misfit("the folder", f"no shard of the class {name} is in it") for name in sorted(named - there)]
    newest = {one.head.origin.retention: (str(one.head.origin), one.opening) for one in found}
    unnamed = [
        Misfit(origin, f"it is its class's newest, and does not name the class {name}")
        for origin, opening in newest.values()
        for name in sorted(there - set(opening.classes if opening is not None else there))
    ]
    return [*gone, *unnamed]


def _chained(found: Sequence[Audited], identity: Identity, month: Month) -> tuple[Audited, ...]:
    """Out: the same, each with what does not fit between it and the class's shards before and after it."""
    chained: list[Audited] = []
    for _, group in groupby(found, lambda one: one.head.origin.retention):
        shards = list(group)
        around = zip([None, *shards], shards, [*shards[1:], None], strict=False)
        for before, one, after in around:
            texts = [_follows(one, before, month), _ends(one, after), _stated(one, before, after, identity)]
            wrong = [Misfit(str(one.head.origin), text) for text in texts if text is not None]
            chained.append(replace(one, misfits=(*one.misfits, *wrong)))
    return tuple(chained)


def _follows(one: Audited, before: Audited | None, month: Month) -> str | None:
    """Out: how a shard's beginning does not fit."""
    if one.opening is None:
        return None
    previous = one.opening.previous
    if before is not None:
        fits = previous == before.head.log.text or _lost(before, one) is not None
        return None if fits else "its leaf 0 does not name the closing head of the shard before it"
    if previous is None:
        return None
    try:
        origin = Origin.parse(parse_checkpoint(previous).origin)
    except (NoteInvalid, ValueError):
        return "its leaf 0 names no shard before it"
    return None if _is_over(origin, month) else f"the shard before it, {origin}, is not in the folder"


def _ends(one: Audited, after: Audited | None) -> str | None:
    """Out: how a closed shard's end does not fit."""
    if after is None:
        return None
    if (signed := _lost(one, after)) is not None:
        return f"{signed} lines of it were signed, {one.head.log.size} are in the folder: the rest is lost"
    if one.indexed != one.head.log.size:
        return f"it is closed, and its lines from {one.indexed} on are in no index"
    if one.times is not None and after.times is not None and one.times[1] > after.times[0] + CLOCK_SKEW:
        return "it is closed, and its last epoch is later than the first of the shard after it"
    return None


def _lost(one: Audited, after: Audited) -> int | None:
    """Out: how many lines a shard had when the next one was opened, if the folder has fewer (docs/decisions/0027)."""
    try:
        closing = parse_checkpoint(after.opening.previous or "" if after.opening is not None else "")
    except NoteInvalid:
        return None
    mine = closing.origin == str(one.head.origin) and closing.size > one.head.log.size
    return closing.size if mine else None


def _stated(one: Audited, before: Audited | None, after: Audited | None, identity: Identity) -> str | None:
    """Out: how the identity key that states the shard is none it can be: a former one never comes back, and the newest
    shard is stated by the one in use (docs/decisions/0022)."""
    if one.opening is None:
        return None
    place = identity.keys.index(one.opening.stated_by)
    if (
        before is not None
        and before.opening is not None
        and place < identity.keys.index(before.opening.stated_by)
    ):
        return "stated by an identity key that another one had followed"
    if after is None and one.opening.stated_by != identity.current:
        return "stated by a former identity key: a shard may be missing"
    return None


# --- a witness ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Watched:
    """What a witness found of a shard."""

    origin: str
    head: Head | None
    misfits: tuple[Misfit, ...]


def watch(files: Files, identity: Identity, state: State, month: Month) -> tuple[Watched, ...]:
    """Hold every shard's log against what was seen of it, by its public tiles alone. In: what was seen before; the
    month it is now (UTC). Out: as `survey`."""
    misfits: list[Misfit] = []
    origins = _origins(files, identity, misfits)
    found = [Watched(misfit.place, None, (misfit,)) for misfit in misfits]
    found += [_watched(files, origin, identity, state) for origin in origins]
    for gone in state.gone(set(map(str, origins)), month):
        found.append(Watched(gone, None, (Misfit(gone, "it was seen before, and is gone"),)))
    return tuple(found)


def _watched(files: Files, origin: Origin, identity: Identity, state: State) -> Watched:
    head = None
    try:
        head = read_head(files, origin, identity)
        seen = state.logs.get(str(origin))
        text = shrunk(seen, head.log) if seen is not None else None
        if text is None:
            root_at = root_from_tiles(read_tile(files, str(origin)), head.log)
            text = forked(seen, root_at(seen.checkpoint.size)) if seen is not None else None
    except Unreadable as wrong:
        return Watched(str(origin), head, (Misfit(wrong.place, wrong.text),))
    return Watched(str(origin), head, () if text is None else (Misfit(str(origin), text),))
