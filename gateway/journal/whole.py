"""Whether the shards are all there, with their keys and in their order, and end as they were ended.

The guard looks once, at the door. Whoever can write the database can take a month away, its keys or its end while the
house runs: so this is asked wherever shards are handed out to be signed, shown or erased. It costs a look at a folder.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Final

from gateway.audit import labels
from gateway.audit.losses import NOTHING, head_after, own_losses
from gateway.audit.note import Checkpoint, NoteInvalid, split
from gateway.audit.record import EventInvalid, ShardOpened, from_bytes
from gateway.audit.shard import Origin
from gateway.audit.tree import leaf_hash, verify_inclusion
from gateway.journal.guard import (
    GONE,
    OTHER,
    CheckpointKeeper,
    Month,
    Restored,
    Seal,
    absent,
    declared,
    follows,
    kept_checkpoint,
    kept_checkpoints,
    kept_origins,
    reached,
)
from gateway.ports import Head, JournalStore, Shard
from gateway.stages import Position

KEYLESS: Final = "has lost its keys before its time"
REOPENED: Final = "is open, and another shard follows it"
OTHER_END: Final = "ends otherwise than the shard after it says"
CHANGED: Final = frozenset({KEYLESS, REOPENED, OTHER_END})
"""What no restore leaves: somebody has changed rows."""


async def whole(
    store: JournalStore, kept: CheckpointKeeper, seal: Seal, sound: Collection[Head] = ()
) -> Sequence[Shard]:
    """In: heads of closed shards that were found to be right before. Out: the store's shards, oldest first within their
    class. Raises: Restored, JournalUnavailable."""
    named = kept_origins(kept)
    shards = await store.shards()  # after the names: a shard is stored before anything of it is kept
    by = reached(shards, seal)
    if missing := absent(named, shards, by):
        signed = kept_checkpoints(kept)
        for origin in missing:
            if not await declared(origin, shards, signed, store, seal):
                raise Restored(str(origin), GONE)
    in_order(shards, by)
    for shard, after in pairwise(shards):
        if shard.retention != after.retention or shard.secrets is None or shard.head in sound:
            continue
        if not await follows(shard.head, kept_checkpoint(shard.head.origin, kept), store):
            raise Restored(shard.head.origin, OTHER)
        if not await _ends_so(shard.head, after, store, kept, seal):
            raise Restored(shard.head.origin, OTHER_END)
    return shards


def in_order(shards: Sequence[Shard], by: Month) -> None:
    """In: the shards, oldest first within their class; the month that was reached. Raises: Restored, where one has no
    keys and may not be gone yet, or is open and not its class's newest."""
    for shard in shards:
        if shard.secrets is None and not Origin.parse(shard.head.origin).is_gone(by):
            raise Restored(shard.head.origin, KEYLESS)
    for shard, after in pairwise(shards):
        if not shard.closed and shard.retention == after.retention:
            raise Restored(shard.head.origin, REOPENED)


async def _ends_so(head: Head, after: Shard, store: JournalStore, kept: CheckpointKeeper, seal: Seal) -> bool:
    """Out: whether a closed shard's head is the one that its successor's leaf 0 names, or what its line 1 says that a
    restore has left of it. Where leaf 0 says nothing (`log verify` names it), only what was signed last."""
    ended = Checkpoint(head.origin, head.size, head.root)
    opening = await _opening(after, store, kept)
    if opening is None:
        return kept_checkpoint(head.origin, kept) == ended
    line = await store.line(Position(after.head.origin, 1))
    losses = NOTHING
    if line is not None:
        told = line.line
        losses = own_losses(after.head.origin, told.leaf, told.salt, told.event, seal(after))
    if opening.previous is None:
        return losses.restored
    try:
        previous = split(opening.previous)[0]
    except NoteInvalid:
        return False
    return head_after(ended.text, previous, losses, None) == previous


async def _opening(shard: Shard, store: JournalStore, kept: CheckpointKeeper) -> ShardOpened | None:
    """Out: what the shard's leaf 0 says; None, unless it is in the tree that was signed."""
    head = shard.head
    line = await store.line(Position(head.origin, 0))
    opened = labels.opened(line.line.leaf, line.line.salt, line.line.event) if line is not None else None
    if line is None or opened is None:
        return None
    [path] = await store.inclusions(head.origin, [0], head.size)
    if not verify_inclusion(leaf_hash(line.line.leaf), 0, head.size, path, head.root):
        return None
    if not await follows(head, kept_checkpoint(head.origin, kept), store):
        return None
    try:
        said = from_bytes(opened[1])
    except EventInvalid:
        return None
    return said if isinstance(said, ShardOpened) else None
