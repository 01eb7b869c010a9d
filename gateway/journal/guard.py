"""The guard at the door of the store: nothing is signed over a log that was restored from a backup (LOG.md 9.6).

The last signed checkpoint of each shard is kept outside the database. A shard that is behind it, grew otherwise or
is not there any more was restored, or belongs to a copy of the house. What a restore has lost is done with once the
shard that was opened after it says so: from then on the older one only stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias

from gateway.audit.losses import own_losses
from gateway.audit.note import Checkpoint, NoteInvalid, parse_checkpoint, split
from gateway.audit.shard import Origin, index_origin
from gateway.audit.tree import verify_consistency
from gateway.errors import JournalUnavailable
from gateway.ports import Head, JournalStore, Shard
from gateway.stages import Position

BEHIND = "is behind its last signed checkpoint"
GONE = "was signed, and is not in the database"
OTHER = "grew otherwise than its last signed checkpoint says: a copy of this house has signed too"
UNKEPT = "has lines, and its last signed checkpoint is not in data/checkpoints"
UNFINISHED = "was restored, and `einmal log restored` did not come to its end"


Month: TypeAlias = tuple[int, int]
Seal: TypeAlias = Callable[[Shard], bytes | None]
"""Out: a shard's seal secret; None, where nobody can tell (`Shards.seal`)."""


class Restored(JournalUnavailable):
    """The store is not what was signed: it was restored from a backup, is one of two copies, or was changed."""

    def __init__(self, origin: str, why: str = BEHIND) -> None:
        super().__init__(f"log {origin} ({why})")
        self.origin, self.why = origin, why

    def __str__(self) -> str:
        return f"the log {self.origin} {self.why}"


class CheckpointKeeper(Protocol):
    """Where the last signed checkpoint of each shard is kept, outside the database. Raises: JournalUnavailable."""

    def read(self, origin: str) -> str | None:
        """Out: the signed note, or None when none was ever kept."""
        ...

    def origins(self) -> Sequence[str]:
        """Out: of which logs one is kept."""
        ...

    def keep(self, origin: str, note: str) -> None:
        """Replace the kept note, atomically."""
        ...

    def flush(self) -> None:
        """Wait until what was kept so far is on the disk."""
        ...


async def guarded(
    store: JournalStore, kept: CheckpointKeeper, seal: Seal, sound: Collection[Head] = ()
) -> Sequence[Shard]:
    """In: heads of closed shards that were found to be what was signed before. Out: the store's shards, once all of
    them are. Raises: Restored."""
    shards = await store.shards()
    signed = kept_checkpoints(kept)
    if behind(shards, signed, reached(shards, seal)):
        # Lines committed and signed since the store was read put the note ahead, or its shard was opened since: only
        # what is read after the note says that the store is behind.
        shards = await store.shards()
    for origin, why in behind(shards, signed, reached(shards, seal)).items():
        if not await declared(origin, shards, signed, store, seal):
            raise Restored(str(origin), why)
    for shard in shards:
        if shard.head not in sound and not await grew_from(shard, signed, store):
            raise Restored(shard.head.origin, OTHER)
    return shards


def kept_checkpoints(kept: CheckpointKeeper) -> Mapping[Origin, Checkpoint]:
    """Out: the last signed checkpoint of each shard. Raises: JournalUnavailable."""
    found = ((origin, kept_checkpoint(str(origin), kept)) for origin in kept_origins(kept))
    return {origin: checkpoint for origin, checkpoint in found if checkpoint is not None}


def kept_origins(kept: CheckpointKeeper) -> Sequence[Origin]:
    """Out: of which shards a checkpoint is kept. Raises: JournalUnavailable."""
    found: list[Origin] = []
    for name in kept.origins():
        with suppress(ValueError):  # that of an index: `gateway.proving.outputs` looks after it
            found.append(Origin.parse(name))
    return found


def kept_checkpoint(origin: str, kept: CheckpointKeeper) -> Checkpoint | None:
    """Out: the last signed checkpoint of one shard, if one is kept. Raises: JournalUnavailable."""
    note = kept.read(origin)
    try:
        return parse_checkpoint(split(note)[0]) if note is not None else None
    except NoteInvalid:
        raise JournalUnavailable("checkpoint file (not a checkpoint)") from None


def reached(shards: Iterable[Shard], seal: Seal) -> Month:
    """Out: the newest month of which the house has opened a shard. By its keys: a row says what its writer likes, and
    a month that has not come yet would let everything be gone in its time (LOG.md 8)."""
    months = sorted(((Origin.parse(one.head.origin).month_number, one) for one in shards), key=_month)
    return next((month for month, one in reversed(months) if seal(one) is not None), (0, 0))


def _month(found: tuple[Month, Shard]) -> Month:
    return found[0]


def absent(names: Iterable[Origin], shards: Sequence[Shard], by: Month) -> Sequence[Origin]:
    """In: the shards of which anything was signed; the month that was reached. Out: those that are not there, and by
    their own names are not gone in their time."""
    there = {Origin.parse(shard.head.origin) for shard in shards}
    return [origin for origin in names if origin not in there and not origin.is_gone(by)]


def behind(shards: Sequence[Shard], signed: Mapping[Origin, Checkpoint], by: Month) -> Mapping[Origin, str]:
    """In: the month that was reached. Out: the shards that are less than what was signed, and why. One without keys
    has had its time (`gateway.journal.whole`)."""
    there = {Origin.parse(shard.head.origin): shard for shard in shards}
    found = dict.fromkeys(absent(signed, shards, by), GONE)
    for origin, checkpoint in signed.items():
        shard = there.get(origin)
        if shard is not None and shard.head.size < checkpoint.size and shard.secrets is not None:
            found[origin] = BEHIND
    for origin, shard in there.items():
        if origin not in signed and not shard.closed and shard.head.size > 1:
            found[origin] = UNKEPT
    return found


async def declared(
    lost: Origin,
    shards: Sequence[Shard],
    signed: Mapping[Origin, Checkpoint],
    store: JournalStore,
    seal: Seal,
) -> bool:
    """Out: whether a shard that was opened after a restore says that this one lost what is missing of it, in a line
    that only the house writes."""
    there = next((shard for shard in shards if shard.head.origin == str(lost)), None)
    if there is not None and not there.closed:
        return False
    size = there.head.size if there is not None else 0
    for shard in shards:
        origin = Origin.parse(shard.head.origin)
        if origin.retention != lost.retention or origin.place <= lost.place:
            continue
        line = await store.line(Position(shard.head.origin, 1))
        if line is not None:
            told = line.line
            losses = own_losses(shard.head.origin, told.leaf, told.salt, told.event, seal(shard))
            span = losses.lines(str(lost))
            if span is not None and span[0] <= size and span[1] >= signed[lost].size:
                return True
    return False


def index_unkept(origin: str, epochs: int, kept: CheckpointKeeper) -> bool:
    """In: how many epochs of the shard are stored. Out: whether what was signed of its index was kept, and is not any
    more: that of no epoch is kept before the shard's first line, in a house of an earlier version with its first."""
    if kept.read(index_origin(origin)) is not None:
        return False
    return epochs > 0 or kept.read(origin) is None or bool(kept_indexes(kept))


def kept_indexes(kept: CheckpointKeeper) -> Sequence[str]:
    """Out: of which indexes a checkpoint is kept."""
    return [name for name in kept.origins() if name.endswith(index_origin(""))]


async def grew_from(shard: Shard, signed: Mapping[Origin, Checkpoint], store: JournalStore) -> bool:
    """Out: whether the shard's tree begins with the one that was signed last."""
    return await follows(shard.head, signed.get(Origin.parse(shard.head.origin)), store)


async def follows(head: Head, before: Checkpoint | None, store: JournalStore) -> bool:
    """Out: whether a shard's tree begins with one that was signed before; true, where it is the smaller one."""
    if before is None or before.size > head.size:
        return True
    if before.size == head.size:
        return before.root == head.root
    proof = await store.consistency(head.origin, before.size, head.size)
    return verify_consistency(before.size, before.root, head.size, head.root, proof)
