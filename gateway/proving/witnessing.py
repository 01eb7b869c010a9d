"""Asking witnesses to cosign the log's checkpoints (LOG.md 10; C2SP tlog-witness).

Which checkpoint a witness cosigned last is read from the cosignatures that were kept; what it says itself goes first.
A witness that is away, or refuses, stops nothing: what came of it is told, and it is asked again the next time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gateway.audit.note import NoteInvalid, Verifier, open_checkpoint, with_lines
from gateway.audit.shard import Origin
from gateway.audit.witness import Cosigned, Declined, Seen, Submission, Why, cosignature
from gateway.errors import Unwitnessed, WitnessUnavailable
from gateway.journal.shards import Shards
from gateway.ports import Cosignature, CosignatureStore, JournalStore, Tree, Witness
from gateway.proving.epochs import Indexed

_TRIES: Final = 3
"""How often a witness may name another size for one checkpoint, as other processes ask it too."""
_TELL_IT: Final = "give it the shard's `keys`, as `einmal log tiles` writes them"
_DECLINED: Final = {
    Why.MALFORMED: "it finds the request malformed",
    Why.KEY: f"it knows this log under another key, or not at all: {_TELL_IT}",  # litewitness says 403 for both
    Why.UNKNOWN_LOG: f"it does not know this log: {_TELL_IT}",
    Why.INCONSISTENT: "what it cosigned before is not the beginning of this log",
}


class State(StrEnum):
    """What came of asking a witness for one checkpoint."""

    COSIGNED = "cosigned"
    OVERTAKEN = "overtaken"
    """It has cosigned a later one of ours already."""
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    """It saw something that must not be: another log of this name, or more of it than there is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One checkpoint and one witness."""

    origin: str
    size: int
    witness: str
    state: State
    said: str
    """For operators."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that the log has signed."""

    origin: str
    size: int
    note: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose cosignatures a house wants."""

    witnesses: Sequence[Witness]
    """Whom it asks."""
    known: Sequence[Verifier]
    """Whom it believes: also those to whom checkpoints are carried by hand."""
    quorum: int
    """How many must have cosigned what is handed out."""


class Witnessing:
    """The witnesses of a house, and what they cosigned."""

    def __init__(self, wanted: Wanted, shards: Shards, store: JournalStore, kept: CosignatureStore) -> None:
        self._wanted, self._shards, self._store, self._kept = wanted, shards, store, kept

    @property
    def asks(self) -> bool:
        """Out: whether there is anybody to ask."""
        return bool(self._wanted.witnesses)

    async def ask(self) -> Sequence[Asked]:
        """Have the newest checkpoint of every shard cosigned, of a closed one its last. Raises: JournalUnavailable."""
        if not self.asks:
            return ()
        heads = [Signed(head.origin, head.size, note) for _, head, note in await self._shards.headed()]
        return await self.ask_for(heads)

    async def ask_for(self, checkpoints: Sequence[Signed]) -> Sequence[Asked]:
        """Have these cosigned by every witness. Raises: JournalUnavailable."""
        found: list[Asked] = []
        for witness in self._wanted.witnesses:
            away: str | None = None
            for checkpoint in checkpoints:
                if away is None:
                    try:
                        state, said = await self._ask(witness, checkpoint)
                    except WitnessUnavailable as fault:
                        state, said = State.UNAVAILABLE, fault.why
                        away = said
                else:  # it is not waited for again and again
                    state, said = State.UNAVAILABLE, away
                found.append(Asked(checkpoint.origin, checkpoint.size, witness.name, state, said))
        return found

    async def shown(self, indexed: Sequence[Indexed]) -> Sequence[Indexed]:
        """In: every shard at an epoch, to be shown to anybody. Out: the same, cosigned by whoever is there; an epoch
        that is not cosigned now never is, once a later one was. Raises: JournalUnavailable."""
        newest = _newest(indexed) if self.asks else ()
        await self.ask_for([Signed(one.head.origin, one.head.size, one.checkpoint) for one in newest])
        return [await self._with_kept(one) for one in indexed] if newest else indexed

    async def witnessed(self, make: Callable[[], Awaitable[Sequence[Indexed]]]) -> Sequence[Indexed]:
        """In: what makes, or finds, every shard at an epoch, by class and then age. Out: what it made, the newest
        shard of each class cosigned by as many witnesses as wanted; it vouches for the older ones, which it follows.

        Raises: Unwitnessed, naming who did not cosign and why; JournalUnavailable.
        """
        lacking: Sequence[Indexed] = ()
        asked: Sequence[Asked] = ()
        for _ in range(_TRIES):
            indexed = await make()
            if lacking := self._lacking(indexed):
                asked = await self.ask_for(
                    [Signed(one.head.origin, one.head.size, one.checkpoint) for one in lacking]
                )
                indexed = [await self._with_kept(one) for one in indexed]
                lacking = self._lacking(indexed)
            if not lacking:
                return indexed
            if all(one.state is not State.OVERTAKEN for one in asked):
                break
        raise Unwitnessed(_who(lacking[0].head.origin, asked))

    def _lacking(self, indexed: Sequence[Indexed]) -> list[Indexed]:
        return [one for one in _newest(indexed) if self._count(one) < self._wanted.quorum]

    def _count(self, indexed: Indexed) -> int:
        """Out: how many keys that the house believes cosigned the checkpoint; the same key under two names is one."""
        log = indexed.shard.keys.log.verifier
        try:
            _, opened = open_checkpoint(indexed.checkpoint, log, self._wanted.known)
        except NoteInvalid:
            raise Unwitnessed(
                f"witnesses (a kept cosignature of {log.name} is damaged: see einmal log verify)"
            ) from None
        return len({signed.by.public for signed in opened.signed if signed.by != log})

    async def _with_kept(self, indexed: Indexed) -> Indexed:
        kept = await self._kept.cosignatures(indexed.head.origin, Tree.LOG, indexed.head.size)
        return replace(indexed, checkpoint=with_lines(indexed.checkpoint, [one.line for one in kept]))

    async def _ask(self, witness: Witness, asked: Signed) -> tuple[State, str]:
        origin, size, vkey = asked.origin, asked.size, witness.verifier.vkey
        # Most checkpoints are those of closed shards, cosigned long ago: one look by its size is enough.
        if vkey in {one.vkey for one in await self._kept.cosignatures(origin, Tree.LOG, size)}:
            return State.COSIGNED, "cosigned"
        kept = await self._kept.cosignatures(origin, Tree.LOG)
        old = max((one.size for one in kept if one.vkey == vkey), default=0)
        for _ in range(_TRIES):
            if old > size:
                return await self._overtaken(origin, old)
            proof = await self._store.consistency(origin, old, size)
            match await witness.add(Submission(old, tuple(proof), asked.note)):
                case Cosigned(lines=lines):
                    return await self._keep(witness, asked, lines)
                case Declined(why=why):
                    return State.REFUSED, _DECLINED[why]
                case Seen(size=seen):
                    old = seen
        return State.UNAVAILABLE, "it names another size each time"

    async def _keep(self, witness: Witness, asked: Signed, lines: str) -> tuple[State, str]:
        try:
            line = cosignature(asked.note, lines, witness.verifier)
        except NoteInvalid as wrong:
            return State.UNAVAILABLE, f"what it signed does not hold: {wrong}"
        # A crash here leaves the cosignature with the witness: asked again, it names this size and signs it again.
        await self._store.keep_checkpoint(asked.origin, asked.size, asked.note)
        # A crash here leaves a kept checkpoint more.
        found = Cosignature(asked.origin, Tree.LOG, asked.size, witness.verifier.vkey, line)
        await self._kept.keep_cosignatures([found])
        return State.COSIGNED, "cosigned"

    async def _overtaken(self, origin: str, seen: int) -> tuple[State, str]:
        """It cosigned a larger tree: one that another process asked for since, or one that this log has lost."""
        sizes = {shard.head.origin: shard.head.size for shard in await self._store.shards()}
        if seen <= sizes.get(origin, 0):
            return State.OVERTAKEN, "it has cosigned a later one"
        return (
            State.REFUSED,
            f"it has seen {seen} lines, more than this log has: the house was restored from a backup, or runs twice",
        )


def _newest(indexed: Sequence[Indexed]) -> Sequence[Indexed]:
    """In: by class and then age. Out: the last of each class."""
    return list({Origin.parse(one.head.origin).retention: one for one in indexed}.values())


def _who(origin: str, asked: Sequence[Asked]) -> str:
    said = "; ".join(
        f"{one.witness}: {one.said}"
        for one in asked
        if one.origin == origin and one.state is not State.COSIGNED
    )
    return f"witnesses ({origin}; {said or 'nobody else can be asked'})"
