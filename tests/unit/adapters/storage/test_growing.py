"""What a process remembers of the trees it writes, and what it refuses by that."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from entries import ORIGIN, OTHER, committed, furnish, line
from stores import SqliteStores

from adapters.storage.growing import CUT, Edges
from adapters.storage.judging import ShardState
from gateway.audit.tree import EMPTY_EDGE, append, leaf_hash, root
from gateway.errors import JournalUnavailable
from gateway.ports import Head, Shard


@pytest.fixture
def stores(tmp_path: Path) -> SqliteStores:
    made = SqliteStores(tmp_path / "einmal.sqlite3")
    made.create()
    return made


def shard(size: int, root: bytes, *, closed: bool = False, origin: str = ORIGIN) -> Shard:
    return Shard(Head(origin, size, root), "24m", closed, b"")


class TestSeen:
    def test_the_first_sight_of_an_open_shard_is_remembered(self) -> None:
        """What was read before another head was known says nothing against it."""
        edges = Edges()
        before = edges.heads()
        edges.see([shard(5, b"five")], before)
        edges.see([shard(4, b"four")], before)
        assert edges.heads() == {ORIGIN: Head(ORIGIN, 5, b"five")}

    @pytest.mark.parametrize("now", [shard(4, b"four"), shard(5, b"other"), shard(5, b"five", origin=OTHER)])
    def test_less_another_one_or_none_is_refused(self, now: Shard) -> None:
        """Smaller than what was seen; as large and another; not there."""
        edges = Edges()
        edges.see([shard(5, b"five")], edges.heads())
        with pytest.raises(JournalUnavailable) as refused:
            edges.see([now], edges.heads())
        assert refused.value.where == CUT

    def test_what_was_added_or_closed_is_left_to_those_who_read_its_tiles(self) -> None:
        """A larger head is proved when something is added to it, a closed one when it is signed."""
        edges = Edges()
        edges.see([shard(5, b"five")], edges.heads())
        edges.see([shard(6, b"six")], edges.heads())
        edges.see([shard(5, b"other", closed=True)], edges.heads())
        assert edges.heads()[ORIGIN].size == 5

    def test_what_was_written_is_remembered_in_its_place(self) -> None:
        """With its edge."""
        edges = Edges()
        edges.see([shard(5, b"five")], edges.heads())
        grown = append(EMPTY_EDGE, [leaf_hash(b"leaf")] * 6)
        edges.keep({ORIGIN: grown})
        assert edges.heads() == {ORIGIN: Head(ORIGIN, 6, grown.root)}


class TestWritten:
    @pytest.mark.parametrize("before", [1, 3, 254, 255, 256, 300])
    async def test_another_process_s_lines_are_gone_on_from(self, stores: SqliteStores, before: int) -> None:
        """In turn, over the borders of tiles: one tree."""
        async with stores.using() as one, stores.using() as two:
            await furnish(one)
            await committed(one, "", lines=[line(f"a-{at}") for at in range(before)])
            await committed(two, "", lines=[line(f"b-{at}") for at in range(300)])
            await committed(one, "c")
            done = await committed(two, "d")
            lines = await one.lines(ORIGIN, 0, done.head.size)
            assert done.head.root == root([leaf_hash(kept.line.leaf) for kept in lines])

    def test_what_is_known_needs_no_tile(self) -> None:
        """The usual case reads nothing: here there is nothing to be read."""
        edges = Edges()
        grown = append(EMPTY_EDGE, [leaf_hash(b"leaf")] * 300)
        edges.keep({ORIGIN: grown})
        engine = sa.create_engine("sqlite://")
        with engine.connect() as empty:
            assert edges.at(empty, ShardState(1, ORIGIN, 300, grown.root, True)) == grown.edge
            with pytest.raises(sqlite3.OperationalError):
                edges.at(empty, ShardState(1, ORIGIN, 301, grown.root, True))
        engine.dispose()
