"""Somebody with the database in their hands, who rewrites a shard so that all in it fits together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from adapters.storage.schema import LINE, SHARD, TILE
from gateway.audit.tree import EMPTY_EDGE, append, leaf_hash

Database: TypeAlias = Path | str
"""A file of SQLite, or a URL."""


@contextmanager
def _changing(database: Database) -> Iterator[sa.Connection]:
    engine = sa.create_engine(f"sqlite:///{database}" if isinstance(database, Path) else database)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def rewrite(database: Database, origin: str, leaves: Sequence[bytes]) -> None:
    """Lines, tiles and head become those of a log of these leaves."""
    grown = append(EMPTY_EDGE, [leaf_hash(leaf) for leaf in leaves])
    there = list(leaves_of(database, origin))
    pairs = enumerate(zip(there, leaves, strict=False))
    same = next((at for at, (old, new) in pairs if old != new), min(len(there), len(leaves)))
    with _changing(database) as connection:
        shard = connection.execute(sa.select(SHARD.c.id).where(SHARD.c.origin == origin)).scalar_one()
        connection.execute(sa.delete(LINE).where(LINE.c.shard == shard, LINE.c.idx >= same))
        made = {"shard": shard, "salt": b"s" * 32, "event": b"{}"}
        new = [made | {"idx": at, "label": leaf[1:33], "leaf": leaf} for at, leaf in enumerate(leaves)][same:]
        if new:
            connection.execute(sa.insert(LINE), new)
        connection.execute(sa.delete(TILE).where(TILE.c.shard == shard))
        for tile in grown.tiles:
            row = {"shard": shard, "level": tile.level, "n": tile.number, "hashes": tile.hashes}
            connection.execute(sa.insert(TILE), row)
        head = {"size": len(leaves), "root": grown.root}
        connection.execute(sa.update(SHARD).where(SHARD.c.id == shard).values(**head))


def leaves_of(database: Database, origin: str) -> Sequence[bytes]:
    """Out: the shard's leaves, in order."""
    query = sa.select(LINE.c.leaf).join(SHARD, SHARD.c.id == LINE.c.shard).where(SHARD.c.origin == origin)
    with _changing(database) as connection:
        return list(connection.execute(query.order_by(LINE.c.idx)).scalars())


def cut(database: Database, origin: str, lines: int) -> None:
    """The last lines were never written."""
    rewrite(database, origin, leaves_of(database, origin)[:-lines])


def swap(database: Database, origin: str, lines: int = 1) -> None:
    """The last lines are others, as many as there were."""
    leaves = leaves_of(database, origin)
    others = [b"\x01" + sha256(leaf).digest() * 2 for leaf in leaves[-lines:]]
    rewrite(database, origin, [*leaves[:-lines], *others])


def lengthen(database: Database, origin: str, lines: int) -> None:
    """Lines are added to what is there."""
    leaves = leaves_of(database, origin)
    rewrite(database, origin, [*leaves, *(b"\x01" + sha256(b"%d" % at).digest() * 2 for at in range(lines))])
