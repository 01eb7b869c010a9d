"""The output logs of the shards' indexes, and what an index is made of (LOG.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.prepared import Prepared
from adapters.storage.schema import EPOCH, LINE, SHARD
from adapters.storage.shards import keep_checkpoint
from adapters.storage.store import SqlStore
from gateway.errors import JournalUnavailable
from gateway.ports import StoredEpoch

PART: Final = 20_000
"""Labels that are read at once."""


def _labels_of(part: int, *those: sa.ColumnElement[bool]) -> Prepared:
    return Prepared(
        sa.select(LINE.c.label, LINE.c.idx)
        .where(LINE.c.shard == sa.bindparam("b_shard"), LINE.c.idx < sa.bindparam("b_stop"), *those)
        .order_by(LINE.c.label, LINE.c.idx)
        .suffix_with(sa.text(f"LIMIT {part}"))  # in the text: as a value it has no name
    )


def _every_label(part: int) -> Prepared:
    after = sa.tuple_(sa.bindparam("b_label"), sa.bindparam("b_idx"))
    return _labels_of(part, sa.tuple_(LINE.c.label, LINE.c.idx) > after)


def _changed_labels(part: int) -> Prepared:
    """The new lines are found by their place, and then each label's others by the label; `coalesce` keeps SQLite from
    going through all labels from `b_label` on instead."""
    newer = LINE.alias("newer")
    changed = sa.select(newer.c.label).where(
        newer.c.shard == sa.bindparam("b_shard"),
        newer.c.idx >= sa.bindparam("b_start"),
        newer.c.idx < sa.bindparam("b_stop"),
        sa.func.coalesce(newer.c.label, newer.c.label) >= sa.bindparam("b_label"),
    )
    later = sa.or_(LINE.c.label != sa.bindparam("b_label"), LINE.c.idx > sa.bindparam("b_idx"))
    return _labels_of(part, LINE.c.label.in_(changed), later)


class SqlEpochs:
    """EpochStore over the journal's database."""

    def __init__(self, store: SqlStore, part: int = PART) -> None:
        self._store = store
        self._every, self._changed = _every_label(part), _changed_labels(part)

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
        return await self._store.read(_labels, query, origin, start, stop, after)


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
    origin: str,
    start: int,
    stop: int,
    after: tuple[bytes, int] | None,
) -> list[tuple[bytes, int]]:
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar()
    label, index = after if after is not None else (b"", -1)
    values = {"b_shard": shard, "b_start": start, "b_stop": stop, "b_label": label, "b_idx": index}
    return cast("list[tuple[bytes, int]]", query.rows(connection, values))
