"""Somebody with the database in their hands, who rewrites a shard so that all in it fits together."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from gateway.audit.tree import EMPTY_EDGE, append, leaf_hash


def rewrite(database: Path, origin: str, leaves: Sequence[bytes]) -> None:
    """Lines, tiles and head become those of a log of these leaves."""
    grown = append(EMPTY_EDGE, [leaf_hash(leaf) for leaf in leaves])
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        (shard,) = connection.execute("select id from shard where origin = ?", (origin,)).fetchone()
        there = list(leaves_of(database, origin))
        same = next(
            (at for at, (old, new) in enumerate(zip(there, leaves, strict=False)) if old != new), len(leaves)
        )
        connection.execute("delete from line where shard = ? and idx >= ?", (shard, same))
        connection.executemany(
            "insert into line (shard, idx, label, leaf, salt, event) values (?, ?, ?, ?, ?, ?)",
            [(shard, at, leaf[1:33], leaf, b"s" * 32, b"{}") for at, leaf in enumerate(leaves)][same:],
        )
        connection.execute("delete from tile where shard = ?", (shard,))
        connection.executemany(
            "insert into tile (shard, level, n, hashes) values (?, ?, ?, ?)",
            [(shard, tile.level, tile.number, tile.hashes) for tile in grown.tiles],
        )
        connection.execute(
            "update shard set size = ?, root = ? where id = ?", (len(leaves), grown.root, shard)
        )


def leaves_of(database: Path, origin: str) -> Sequence[bytes]:
    """Out: the shard's leaves, in order."""
    query = "select leaf from line where shard = (select id from shard where origin = ?) order by idx"
    with closing(sqlite3.connect(database, timeout=10)) as connection:
        return [leaf for (leaf,) in connection.execute(query, (origin,))]


def cut(database: Path, origin: str, lines: int) -> None:
    """The last lines were never written."""
    rewrite(database, origin, leaves_of(database, origin)[:-lines])


def swap(database: Path, origin: str, lines: int = 1) -> None:
    """The last lines are others, as many as there were."""
    leaves = leaves_of(database, origin)
    others = [b"\x01" + sha256(leaf).digest() * 2 for leaf in leaves[-lines:]]
    rewrite(database, origin, [*leaves[:-lines], *others])


def lengthen(database: Path, origin: str, lines: int) -> None:
    """Lines are added to what is there."""
    leaves = leaves_of(database, origin)
    rewrite(database, origin, [*leaves, *(b"\x01" + sha256(b"%d" % at).digest() * 2 for at in range(lines))])
