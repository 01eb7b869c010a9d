"""How a shard's tree grows inside a transaction: lines, tiles, head (LOG.md 1, 9.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.judging import ShardState
from adapters.storage.loading import read_tile
from adapters.storage.prepared import Prepared
from adapters.storage.schema import LINE, SHARD, TILE
from gateway.audit.tree import (
    TILE_HEIGHT,
    TILE_WIDTH,
    Edge,
    Grown,
    Reader,
    append,
    consistency,
    edge_at,
    leaf_hash,
    verify_consistency,
)
from gateway.errors import JournalUnavailable
from gateway.ports import Head, Line, Shard

_ADD_LINES: Final = Prepared(
    sa.insert(LINE).values(
        {name: sa.bindparam(name) for name in ("shard", "idx", "label", "leaf", "salt", "event")}
    )
)
_ADD_TILES: Final = Prepared(sa.insert(TILE))
_REPLACE_TILE: Final = Prepared(
    sa.update(TILE)
    .where(
        TILE.c.shard == sa.bindparam("b_shard"),
        TILE.c.level == sa.bindparam("b_level"),
        TILE.c.n == sa.bindparam("b_n"),
    )
    .values(hashes=sa.bindparam("b_hashes"))
)
_MOVE_HEAD: Final = Prepared(
    sa.update(SHARD)
    .where(SHARD.c.id == sa.bindparam("b_id"))
    .values(size=sa.bindparam("b_size"), root=sa.bindparam("b_root"))
)


CUT: Final = "storage (the log was cut or grew otherwise)"


class Edges:
    """What this process knows of each shard's tree: the head that it wrote or saw last, and the right edge of what it
    wrote, kept between groups. Nothing is added to a head that does not go on from that one: whoever can write the
    database can put an earlier state there, and what is signed over it would be a second history (LOG.md 2)."""

    def __init__(self) -> None:
        self._heads: dict[str, Head] = {}
        self._edges: dict[str, Edge] = {}

    def heads(self) -> Mapping[str, Head]:
        """Out: the heads known now. To be asked before any are read, as others are committed meanwhile."""
        return dict(self._heads)

    def see(self, shards: Sequence[Shard], known: Mapping[str, Head]) -> None:
        """In: every shard as it was read, and what `heads` said before. An open one that was not known is from now on.
        Raises: JournalUnavailable, when an open one is less than it was, or one is not there any more."""
        if not known.keys() <= {shard.head.origin for shard in shards}:
            raise JournalUnavailable(CUT)
        for head in (shard.head for shard in shards if not shard.closed):
            before = known.get(head.origin)
            if before is None:
                self._heads.setdefault(head.origin, head)
            elif before.size > head.size or (before.size == head.size and before.root != head.root):
                raise JournalUnavailable(CUT)

    def follow(self, connection: Connection, shard: ShardState) -> None:
        """Raises: JournalUnavailable, unless the locked head goes on from the known one. Reads nothing where it is that
        one; where another process has added to it, that is proved from the tiles."""
        known = self._heads.get(shard.origin)
        if known is None or (known.size, known.root) == (shard.size, shard.root):
            return
        if known.size >= shard.size:
            raise JournalUnavailable(CUT)
        proof = consistency(_reader(connection, shard), known.size, shard.size)
        if not verify_consistency(known.size, known.root, shard.size, shard.root, proof):
            raise JournalUnavailable(CUT)

    def at(self, connection: Connection, shard: ShardState) -> Edge:
        """Out: the edge of the locked head. Raises: JournalUnavailable, as `follow`, and when the stored tiles are not
        those of the head."""
        self.follow(connection, shard)
        kept = self._edges.get(shard.origin)
        if kept is not None and kept.size == shard.size:
            return kept
        edge = edge_at(shard.size, _reader(connection, shard))
        if edge.root != shard.root:
            raise JournalUnavailable("storage (tiles do not belong to the head)")
        return edge

    def keep(self, grown: Mapping[str, Grown]) -> None:
        """After the commit: remember. In: the trees by their shards' origins."""
        for origin, tree in grown.items():
            self._heads[origin] = Head(origin, tree.size, tree.root)
            self._edges[origin] = tree.edge


def _reader(connection: Connection, shard: ShardState) -> Reader:
    return lambda level, n, width: read_tile(connection, shard.id, level, n, width)


def save_lines(connection: Connection, shard: ShardState, edges: Edges) -> Grown:
    """Add a shard's new lines, tiles and head. Out: the tree after them."""
    edge = edges.at(connection, shard)
    grown = append(edge, [leaf_hash(line.leaf) for line in shard.added])
    _ADD_LINES.run(
        connection, [_line_row(shard.id, at, line) for at, line in enumerate(shard.added, shard.size)]
    )
    _save_tiles(connection, shard.id, edge, grown)
    _MOVE_HEAD.run(connection, [{"b_id": shard.id, "b_size": grown.size, "b_root": grown.root}])
    # A crash here leaves the old head and none of its lines; after the commit the new head's root is the only
    # one its size ever has, so whoever signs it signs the same.
    return grown


def _line_row(shard: int, at: int, line: Line) -> dict[str, object]:
    return {
        "shard": shard,
        "idx": at,
        "label": line.leaf[1:33],
        "leaf": line.leaf,
        "salt": line.salt,
        "event": line.event,
    }


def _save_tiles(connection: Connection, shard: int, before: Edge, grown: Grown) -> None:
    """Write the tiles that changed: one that was started before is replaced, any other is new."""
    new: list[dict[str, object]] = []
    replaced: list[dict[str, object]] = []
    for tile in grown.tiles:
        if before.size >> TILE_HEIGHT * tile.level > tile.number * TILE_WIDTH:
            replaced.append(
                {"b_shard": shard, "b_level": tile.level, "b_n": tile.number, "b_hashes": tile.hashes}
            )
        else:
            new.append({"shard": shard, "level": tile.level, "n": tile.number, "hashes": tile.hashes})
    _REPLACE_TILE.run(connection, replaced)
    _ADD_TILES.run(connection, new)
