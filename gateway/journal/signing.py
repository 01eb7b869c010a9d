"""The one place where a head of the log is signed: never two that are not of one log (LOG.md 2, 9).

What was signed last is kept outside the database, by every process of the house. A head is held against that before it
is signed: whoever can write the database can put another state there, at any time.
"""

from __future__ import annotations

from gateway.audit import tree
from gateway.audit.note import Checkpoint, sign
from gateway.audit.shard import ShardKeys, index_origin
from gateway.journal.guard import BEHIND, OTHER, CheckpointKeeper, Restored, follows, kept_checkpoint
from gateway.ports import Head, JournalStore, Shard


class Signing:
    """Signs the heads of one house's shards, as one of its processes."""

    def __init__(self, store: JournalStore, kept: CheckpointKeeper) -> None:
        self._store, self._kept = store, kept
        self._notes: dict[str, tuple[int, str]] = {}
        """The largest that was signed here, with its size."""
        self._own: dict[str, str] = {}
        """The last that was signed of a head which this process's own lines made."""
        self.sound: set[Head] = set()
        """Heads of closed shards that were found to be what was signed, or what a restore has left of it."""

    async def committed(self, head: Head, keys: ShardKeys) -> str:
        """In: a head that lines of this process have made. Out: its signed note. Raises: as `agree`.

        The store adds lines only to those it added before, so that all these heads are of one log: no more than what
        others have signed since is proved to be of it too."""
        kept = self._kept.read(head.origin)
        if kept is not None and kept != self._own.get(head.origin):
            await self._agree(head)
        note = self.sign(head, keys)
        if self._notes[head.origin] == (head.size, note):
            self._own[head.origin] = note
        return note

    async def stored(self, shard: Shard, keys: ShardKeys) -> str:
        """In: a shard as it was read, with lines of anybody. Out: the signed note of its head. Raises: as `agree`."""
        await self.agree(shard)
        return self.sign(shard.head, keys)

    async def agree(self, shard: Shard) -> None:
        """Raises: Restored, when the head is not of one log with what was signed last; JournalUnavailable."""
        if shard.head in self.sound:
            return
        await self._agree(shard.head)
        if shard.closed:
            self.sound.add(shard.head)

    def begin_index(self, origin: str, keys: ShardKeys) -> None:
        """Keep the checkpoint of the shard's index before it has an epoch: one that is missing later was lost."""
        name = index_origin(origin)
        self._kept.keep(name, sign(Checkpoint(name, 0, tree.EMPTY_ROOT).text, keys.index))

    async def _agree(self, head: Head) -> None:
        while (signed := kept_checkpoint(head.origin, self._kept)) is not None:
            if (why := await self._contradiction(head, signed)) is not None:
                raise Restored(head.origin, why)
            # What was signed while that was proved goes on from `signed`, and so from this head where that is smaller.
            if signed.size >= head.size or signed == kept_checkpoint(head.origin, self._kept):
                return

    async def _contradiction(self, head: Head, signed: Checkpoint) -> str | None:
        """Out: why the two are not of one log, by the stored tiles; None: they are."""
        try:
            # Signed since the head was read, or the log was cut since it was signed.
            if signed.size > head.size:
                later = Head(head.origin, signed.size, signed.root)
                fits = await follows(later, Checkpoint(head.origin, head.size, head.root), self._store)
            else:
                fits = await follows(head, signed, self._store)
        except ValueError:  # the store has less by now
            return BEHIND
        return None if fits else OTHER

    def sign(self, head: Head, keys: ShardKeys) -> str:
        """In: a head that is of one log with what was signed. Out: its note; for the same head the same."""
        size, note = self._notes.get(head.origin, (0, ""))
        if head.size == size:
            return note
        note = sign(Checkpoint(head.origin, head.size, head.root).text, keys.log)
        if head.size > size:
            if head.size == 1 and self._kept.read(head.origin) is None:
                self.begin_index(head.origin, keys)
            self._kept.keep(head.origin, note)
            self._notes[head.origin] = (head.size, note)
        return note
