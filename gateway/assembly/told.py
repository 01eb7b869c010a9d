"""The law that the log told last, in a line that only the house writes (docs/decisions/0029)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.audit import labels
from gateway.audit.record import Event, EventInvalid, Kind, from_bytes
from gateway.audit.shard import Origin
from gateway.journal.guard import Seal
from gateway.ports import Clock, JournalStore, Shard


class ToldLaw:
    """Which law the house's own lines say is in force."""

    def __init__(self, store: JournalStore, seal: Seal, clock: Clock) -> None:
        self._store, self._seal, self._clock = store, seal, clock

    async def last(self) -> str | None:
        """Out: its hash; None: no line tells, since none is left that the house is known to have written. Raises:
        JournalUnavailable."""
        stored = await self._store.shards()
        found: list[tuple[datetime, str]] = []
        for retention in dict.fromkeys(shard.retention for shard in stored):
            told = await self._of_class([shard for shard in stored if shard.retention == retention])
            found += [told] if told is not None else []
        return max(found)[1] if found else None

    async def _of_class(self, shards: Sequence[Shard]) -> tuple[datetime, str] | None:
        """In: a class's shards, oldest first. Out: when its last such line was written, and of which law."""
        for shard in reversed(shards):
            origin, seal = shard.head.origin, self._seal(shard)
            if seal is None:
                continue
            for one in reversed(await self._store.labelled(origin, labels.system(origin))):
                if one.line.event is None and self._is_due(origin):
                    return None  # it may have told of one, and was erased in its time
                opened = labels.opened(one.line.leaf, one.line.salt, one.line.event)
                law = _law(opened[1]) if opened is not None and labels.by_house(seal, *opened) else None
                if law is not None:
                    return law
        return None

    def _is_due(self, origin: str) -> bool:
        due, now = Origin.parse(origin).first_due, self._clock.now()
        return due is not None and due <= (now.year, now.month)


def _law(event: bytes) -> tuple[datetime, str] | None:
    try:
        told = from_bytes(event)
    except EventInvalid:
        return None
    if not isinstance(told, Event) or told.kind is not Kind.POLICY_LOADED or told.digests is None:
        return None
    return (told.time, told.digests.policy) if told.digests.policy is not None else None
