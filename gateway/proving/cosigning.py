"""What witnesses and auditors sent back, taken in by the house they signed for (LOG.md 6, 10).

Nothing is kept unless a known key signed this very log: a cosignature over another tree under our name would show that
somebody hands out another history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.audit import tree
from gateway.audit.note import Checkpoint, NoteInvalid, Verifier, open_note, parse_checkpoint, split
from gateway.audit.shard import index_origin
from gateway.audit.witness import cosignature
from gateway.ports import Cosignature, CosignatureStore, EpochStore, JournalStore, Tree


class NotOurs(Exception):
    """A cosigned checkpoint that is not this log's. The text says why, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A cosigned checkpoint that is kept now."""

    origin: str
    tree: Tree
    size: int
    by: tuple[Verifier, ...]


class Cosignatures:
    """Takes cosigned checkpoints in. In: whom the house knows, and where its logs are."""

    def __init__(
        self,
        witnesses: Sequence[Verifier],
        auditors: Sequence[Verifier],
        store: JournalStore,
        outputs: EpochStore,
        kept: CosignatureStore,
    ) -> None:
        self._known = {Tree.LOG: tuple(witnesses), Tree.INDEX: tuple(auditors)}
        self._store, self._outputs, self._kept = store, outputs, kept

    async def keep(self, note: str) -> Kept:
        """In: a checkpoint with its cosignatures, as it came back. Out: what is kept of it now.

        Raises: NoteInvalid, when nobody known signed it, or a signature does not hold; NotOurs; JournalUnavailable.
        """
        text, lines = split(note)
        checkpoint = parse_checkpoint(text)
        origin, which, root = await self._ours(checkpoint)
        known = self._known[which]
        if not known:
            role = "witness" if which is Tree.LOG else "auditor"
            raise NoteInvalid(f"no [[log.{role}]] is in einmal.toml")
        by = tuple(signed.by for signed in open_note(note, known).signed)
        if root != checkpoint.root:
            raise NotOurs(
                "they signed another history under this log's name: keep the file, and find out who made it"
            )
        found = [
            Cosignature(origin, which, checkpoint.size, one.vkey, cosignature(note, lines, one)) for one in by
        ]
        await self._kept.keep_cosignatures(found)
        return Kept(origin, which, checkpoint.size, by)

    async def _ours(self, checkpoint: Checkpoint) -> tuple[str, Tree, bytes]:
        """Out: the shard, which of its trees, and that one's root at the checkpoint's size. Raises: NotOurs."""
        for shard in await self._store.shards():
            head = shard.head
            if checkpoint.origin == head.origin and checkpoint.size <= head.size:
                proof = await self._store.consistency(head.origin, checkpoint.size, head.size)
                fits = tree.verify_consistency(checkpoint.size, checkpoint.root, head.size, head.root, proof)
                return head.origin, Tree.LOG, checkpoint.root if fits else b""
            if checkpoint.origin == index_origin(head.origin):
                epochs = (await self._outputs.epochs(head.origin))[: checkpoint.size]
                if len(epochs) == checkpoint.size:
                    return head.origin, Tree.INDEX, tree.root([tree.leaf_hash(one.leaf) for one in epochs])
            if checkpoint.origin in (head.origin, index_origin(head.origin)):
                raise NotOurs("it is of a larger log than there is: was this home restored from a backup?")
        raise NotOurs("it is of no shard of this home")
