"""The output logs of the shards' indexes, and what an index is made of (LOG.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.labelling import labelled, place, runs
from adapters.storage.prepared import Prepared
from adapters.storage.schema import EPOCH, LINE, SHARD
from adapters.storage.shards import keep_checkpoint
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import StoredEpoch

PART: Final = 20_000
"""Labels that are read at once."""
_SHARD: Final = sa.bindparam("b_shard", type_=sa.Integer)
_WIDE: Final = 8
"""So many bytes of a label tell how far on it stands among all there may be."""
_END: Final = b"\xff" * 33
"""Greater than any label."""


def _labels_of(part: int, some: sa.CTE, *those: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(LINE.c.label, LINE.c.idx)
        .where(labelled(LINE, _SHARD, some), place(LINE) < sa.bindparam("b_stop"), *those)
        .order_by(LINE.c.label, LINE.c.idx)
        .suffix_with(sa.text(f"LIMIT {part}"))  # in the text: as a value it has no name
    )


def _every_label(part: int) -> Prepared:
    after = sa.tuple_(sa.bindparam("b_label"), sa.bindparam("b_idx"))
    later = sa.tuple_(LINE.c.label, LINE.c.idx) > after
    return _labels_of(part, runs(_SHARD), later, LINE.c.label < sa.bindparam("b_end"))


def _changed_labels(part: int) -> Prepared:
    """The labels of the new lines, and then each one's others."""
    own, newer = runs(_SHARD), LINE.alias("newer")
    changed = sa.select(newer.c.label).where(
        labelled(newer, _SHARD, own, sa.bindparam("b_start")),
        place(newer) >= sa.bindparam("b_start"),
        place(newer) < sa.bindparam("b_stop"),
        newer.c.label >= sa.bindparam("b_label"),
        newer.c.label < sa.bindparam("b_end"),
    )
    later = sa.or_(LINE.c.label != sa.bindparam("b_label"), LINE.c.idx > sa.bindparam("b_idx"))
    return _labels_of(part, own, LINE.c.label.in_(changed), later)


class SqlEpochs:
    """EpochStore over the journal's database."""

    def __init__(self, store: SqlStore, part: int = PART) -> None:
        self._store = store
        self._part, self._every, self._changed = part, _every_label(part), _changed_labels(part)

    async def epochs(self, origin: str, start: int = 0) -> Sequence[StoredEpoch]:
        """Out: the shard's epochs from number `start` on, in order."""
        return await self._store.read(_epochs, origin, start)

    async def begin_epoch(
        self,
        origin: str,
        size: int,
        leaf: Callable[[StoredEpoch | None], bytes],
        checkpoint: str | None = None,
    ) -> StoredEpoch | None:
        """Append an epoch over the first `size` lines. Out: it; None: a later size has one."""
        return await self._store.change(_begin, origin, size, leaf, checkpoint)

    async def labels(
        self, origin: str, start: int, stop: int, after: tuple[bytes, int] | None = None
    ) -> Sequence[tuple[bytes, int]]:
        """Out: label and index of every line below `stop` whose label has a line from `start` on, in parts."""
        query = self._changed if start > 0 else self._every
        span = (self._part << 8 * _WIDE) // max(stop, 1)
        return await self._store.read(_labels, query, span, origin, start, stop, after)


def _epochs(connection: Connection, origin: str, start: int) -> list[StoredEpoch]:
    rows = connection.execute(
        sa.select(EPOCH.c.number, EPOCH.c.size, EPOCH.c.leaf)
        .join(SHARD, SHARD.c.id == EPOCH.c.shard)
        .where(SHARD.c.origin == origin, EPOCH.c.number >= start)
        .order_by(EPOCH.c.number)
    )
    return [StoredEpoch(*row) for row in rows]


def _begin(
    connection: Connection,
    origin: str,
    size: int,
    leaf: Callable[[StoredEpoch | None], bytes],
    checkpoint: str | None,
) -> StoredEpoch | None:
    shard = connection.execute(
        sa.select(SHARD.c.id, SHARD.c.size).where(SHARD.c.origin == origin).with_for_update()
    ).one_or_none()
    if shard is None or shard.size < size:
        raise JournalUnavailable("storage (no such lines)")
    row = connection.execute(
        sa.select(EPOCH.c.number, EPOCH.c.size, EPOCH.c.leaf)
        .where(EPOCH.c.shard == shard.id)
        .order_by(EPOCH.c.number.desc())
        .limit(1)
    ).one_or_none()
    last = StoredEpoch(*row) if row is not None else None
    if last is not None and last.size > size:
        return None
    epoch = StoredEpoch(last.number + 1 if last is not None else 0, size, leaf(last))
    connection.execute(
        sa.insert(EPOCH),
        {"shard": shard.id, "number": epoch.number, "size": epoch.size, "leaf": epoch.leaf},
    )
    if checkpoint is not None:
        keep_checkpoint(connection, origin, size, checkpoint)
    # A crash here leaves no epoch; after the commit its number has one leaf for ever, so whoever signs the output log
    # of that size signs the same.
    return epoch


def _labels(
    connection: Connection,
    query: Prepared,
    span: int,
    origin: str,
    start: int,
    stop: int,
    after: tuple[bytes, int] | None,
) -> list[tuple[bytes, int]]:
    """Labels are evenly spread: in a span there is about a part, and no more is sorted to find it. Where nothing is, it
    is wider the next time."""
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar()
    label, index = after if after is not None else (b"", -1)
    found: list[tuple[bytes, int]] = []
    while not found and label < _END:
        end = _beyond(label, span)
        values = {"b_shard": shard, "b_start": start, "b_stop": stop, "b_label": label, "b_idx": index}
        found = query.rows(connection, values | {"b_end": end})
        label, index, span = end, -1, 2 * span
    return found


def _beyond(label: bytes, span: int) -> bytes:
    """Out: what stands so far beyond the label."""
    end = int.from_bytes(label[:_WIDE].ljust(_WIDE, b"\0")) + span
    return end.to_bytes(_WIDE) if end < 1 << 8 * _WIDE else _END
