"""Opening and closing shards, keeping checkpoints, forgetting replies: rare, each its own transaction."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.growing import Edges, save_lines
from adapters.storage.judging import ShardState, milliseconds
from adapters.storage.schema import CHECKPOINT, EXCHANGE, SHARD
from gateway.audit.tree import EMPTY_ROOT, Grown
from gateway.errors import JournalUnavailable
from gateway.ports import Head, Line


def close_shard(connection: Connection, origin: str, edges: Edges) -> Head:
    """No line is added any more. Out: the final head. Raises: JournalUnavailable: no such shard, or it does not go on
    from what is known of it."""
    row = connection.execute(
        sa.select(SHARD.c.id, SHARD.c.size, SHARD.c.root).where(SHARD.c.origin == origin).with_for_update()
    ).one_or_none()
    if row is None:
        raise JournalUnavailable("storage (no such shard)")
    edges.follow(connection, ShardState(row.id, origin, row.size, row.root, True))
    connection.execute(sa.update(SHARD).where(SHARD.c.origin == origin).values(closed=1))
    # A crash here leaves the shard open; after the commit its class may have no open shard, and whoever comes
    # next opens one. Closing again gives the same head.
    return Head(origin, row.size, row.root)


def open_shard(
    connection: Connection, origin: str, retention: str, secrets: bytes, opening: Line, edges: Edges
) -> dict[str, Grown]:
    """Open a shard with leaf 0. Out: its tree by its origin; empty when the class has an open one.

    Raises: JournalUnavailable when the origin was used before.
    """
    rows = connection.execute(
        sa.select(SHARD.c.origin, SHARD.c.retention, SHARD.c.closed).order_by(SHARD.c.id).with_for_update()
    ).all()
    if any(row.retention == retention and not row.closed for row in rows):
        return {}
    if any(row.origin == origin for row in rows):
        raise JournalUnavailable("storage (the shard was there before)")
    made = connection.execute(
        sa.insert(SHARD),
        {
            "origin": origin,
            "retention": retention,
            "size": 0,
            "root": EMPTY_ROOT,
            "closed": 0,
            "secrets": secrets,
        },
    )
    key = made.inserted_primary_key
    assert key is not None
    added: int = key[0]
    # A crash here leaves no shard at all: it is never seen without its leaf 0.
    return {origin: save_lines(connection, ShardState(added, origin, 0, EMPTY_ROOT, True, [opening]), edges)}


def keep_checkpoint(connection: Connection, origin: str, size: int, note: str) -> None:
    """Keep a signed checkpoint (LOG.md 9: daily, each epoch's, closing ones); the first of a size stays."""
    shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar()
    if shard is None:
        raise JournalUnavailable("storage (no such shard)")
    kept = sa.select(CHECKPOINT.c.size).where(CHECKPOINT.c.shard == shard, CHECKPOINT.c.size == size)
    if connection.execute(kept).scalar() is None:
        connection.execute(sa.insert(CHECKPOINT), {"shard": shard, "size": size, "note": note})
        # A crash here leaves it out; the head it covers is committed, so it can be signed again, the same.


def forget(connection: Connection, now: datetime) -> int:
    """Erase replies and kept deliveries whose time is over. Out: how many exchanges held one."""
    over = sa.update(EXCHANGE).where(
        sa.text("(reply is not null or kept is not null)"), EXCHANGE.c.keep_until <= milliseconds(now)
    )
    return connection.execute(over.values(reply=None, kept=None)).rowcount
    # A crash here leaves them for the next run.
