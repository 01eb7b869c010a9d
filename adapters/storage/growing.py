"""How a shard's tree grows inside a transaction: lines, tiles, head (LOG.md 1, 9.2)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from adapters.storage.judging import ShardState
from adapters.storage.loading import read_tile
from adapters.storage.prepared import Prepared
from adapters.storage.schema import LINE, SHARD, TILE
from gateway.audit.tree import TILE_HEIGHT, TILE_WIDTH, Edge, Grown, append, edge_at, leaf_hash
from gateway.errors import JournalUnavailable
from gateway.ports import Line

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


class Edges:
    """The right edge of each open shard's tree, kept between groups; believed if the locked head agrees."""

    def __init__(self) -> None:
        self._edges: dict[int, tuple[Edge, bytes]] = {}

    def at(self, connection: Connection, shard: int, size: int, root: bytes) -> Edge:
        """Out: the edge of that very head. Raises: JournalUnavailable when the stored tiles say otherwise."""
        kept = self._edges.get(shard)
        if kept is not None and kept[0].size == size and kept[1] == root:
            return kept[0]
        edge = edge_at(size, lambda level, n, width: read_tile(connection, shard, level, n, width))
        if edge.root != root:
            raise JournalUnavailable("storage (tiles do not belong to the head)")
        return edge

    def keep(self, grown: dict[int, Grown]) -> None:
        """After the commit: remember."""
        for shard, tree in grown.items():
            self._edges[shard] = (tree.edge, tree.root)


def save_lines(connection: Connection, shard: ShardState, edges: Edges) -> Grown:
    """Add a shard's new lines, tiles and head. Out: the tree after them."""
    edge = edges.at(connection, shard.id, shard.size, shard.root)
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
