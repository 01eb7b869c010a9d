"""The columns as the log's check reads them: as stored, nothing corrected (gateway.audit.verify)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from entries import ORIGIN, OTHER, entry, furnish, key, line, settlement
from stores import SqliteStores

from adapters.storage.columns import open_columns
from gateway.audit.tree import leaf_hash, root


@pytest.fixture
async def stores(tmp_path: Path) -> SqliteStores:
    """A closed database with 300 lines, one settled exchange and one kept checkpoint."""
    made = SqliteStores(tmp_path / "einmal.sqlite3")
    made.create()
    async with made.using() as store:
        await furnish(store)
        await store.append(
            entry("x", *(f"n{at}" for at in range(296)), exchange=key("x"), settlement=settlement())
        )
        await store.keep_checkpoint(ORIGIN, 300, "note")
    return made


async def test_every_table_of_the_log_is_read_as_it_is(stores: SqliteStores) -> None:
    """Shards, lines, tiles, checkpoints, terminals: what the store wrote."""
    with open_columns(stores.url) as columns:
        shards = {shard.origin: shard for shard in columns.shards()}
        lines = list(columns.lines(ORIGIN))
        assert list(shards) == [OTHER, ORIGIN]
        assert [one.idx for one in lines] == list(range(300))
        assert root([leaf_hash(one.leaf) for one in lines]) == shards[ORIGIN].root
        assert (lines[4].salt, lines[4].event) == (line("n0").salt, line("n0").event)
        assert lines[4].label == lines[4].leaf[1:33]
        assert [(tile.level, tile.n, len(tile.hashes) // 32) for tile in columns.tiles(ORIGIN)] == [
            (0, 0, 256),
            (0, 1, 44),
            (1, 0, 1),
        ]
        assert [(kept.size, kept.note) for kept in columns.checkpoints(ORIGIN)] == [(300, "note")]
        assert [(one.exchange, one.idx, one.kind) for one in columns.terminals(ORIGIN)] == [
            ("exchange-x", 3, "answered")
        ]
        assert columns.secrets(ORIGIN) == b"sealed secrets"
        assert columns.strays() == []


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE line SET shard = 9 WHERE idx = 17", "line"),
        ("UPDATE tile SET shard = 9 WHERE n = 1", "tile"),
        ("UPDATE checkpoint SET shard = 9", "checkpoint"),
        ("UPDATE exchange SET terminal_shard = 9", "exchange"),
        ("UPDATE shard SET id = 9 WHERE retention = '12m'", "line"),
    ],
)
async def test_a_row_of_no_shard_is_named(stores: SqliteStores, change: str, table: str) -> None:
    """A row that was moved out of every shard does not just disappear."""
    with sqlite3.connect(stores.path) as connection:
        connection.execute(change)
    connection.close()
    with open_columns(stores.url) as columns:
        assert {wrong.table for wrong in columns.strays()} >= {table}
