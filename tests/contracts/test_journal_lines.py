"""What every JournalStore does with lines and the shards they stand in (gateway.ports; LOG.md 8)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from entries import ORIGIN, OTHER, committed, entry, line, size

from adapters.storage.store import SqlStore
from gateway.audit.tree import EMPTY_ROOT, leaf_hash, root, verify_inclusion
from gateway.errors import JournalUnavailable
from gateway.ports import Committed, ShardMoved
from gateway.stages import Position


class TestLines:
    async def test_lines_stand_in_order_with_what_opens_them(self, store: SqlStore) -> None:
        """An entry's lines follow each other, and come back byte for byte."""
        before = await size(store)
        done = await store.append(entry("first", "second"))
        assert isinstance(done, Committed)
        assert done.first == Position(ORIGIN, before)
        found = await store.lines(ORIGIN, before, before + 2)
        assert [one.line for one in found] == [line("first"), line("second")]
        assert [one.position.index for one in found] == [before, before + 1]
        assert await store.line(Position(ORIGIN, before + 1)) == found[1]

    async def test_no_line_is_none(self, store: SqlStore) -> None:
        """A position beyond the end, or of an unknown shard, has no line."""
        assert await store.line(Position(ORIGIN, 10_000)) is None
        assert await store.line(Position("nobody.example/24m/2026-11", 0)) is None

    async def test_a_label_finds_its_lines_in_one_shard(self, store: SqlStore) -> None:
        """All lines of a label, in order, and no others."""
        label = b"\x07" * 32
        mine = (line("mine 1", label), line("mine 2", label))
        await committed(store, "x", lines=(mine[0], line("another"), mine[1]))
        await committed(store, "y", origin=OTHER, lines=(line("mine elsewhere", label),))
        assert [one.line for one in await store.labelled(ORIGIN, label)] == list(mine)

    async def test_the_head_is_the_root_over_the_leaves(self, store: SqlStore) -> None:
        """After any number of groups, the head's root is RFC 6962's over all leaves, and each is provable."""
        for start in range(0, 600, 150):
            await asyncio.gather(*(store.append(entry(f"n{at}")) for at in range(start, start + 150)))
        head = next(shard.head for shard in await store.shards() if shard.head.origin == ORIGIN)
        leaves = [leaf_hash(one.line.leaf) for one in await store.lines(ORIGIN, 0, head.size)]
        assert len(leaves) == head.size == 603
        assert root(leaves) == head.root
        for index in (0, 1, 255, 256, 511, 602):
            proof = (await store.inclusions(ORIGIN, [index], head.size))[0]
            assert verify_inclusion(leaves[index], index, head.size, proof, head.root)
        proof = (await store.inclusions(ORIGIN, [17], 300))[0]
        assert verify_inclusion(leaves[17], 17, 300, proof, root(leaves[:300]))

    async def test_no_proof_for_what_is_not_there(self, store: SqlStore) -> None:
        """A proof is refused for a line beyond the tree, or a tree that never was."""
        with pytest.raises(ValueError):
            await store.inclusions(ORIGIN, [2], 2)
        with pytest.raises(ValueError):
            await store.inclusions(ORIGIN, [0], 10_000)

    async def test_an_empty_entry_is_a_mistake(self, store: SqlStore) -> None:
        """Nothing is committed without a line."""
        with pytest.raises(ValueError):
            await store.append(replace(entry("x"), lines=()))


class TestShards:
    async def test_a_new_shard_has_its_opening_and_one_of_a_class_is_open(self, store: SqlStore) -> None:
        """Leaf 0 is there from the start; a second open shard of the class is turned away unwritten."""
        found = {shard.head.origin: shard for shard in await store.shards()}
        assert found[OTHER].head.size == 1
        assert found[OTHER].head.root == root([leaf_hash(line("opening of the other").leaf)])
        assert found[OTHER].secrets == b"sealed secrets"
        assert not await store.open_shard("musterstadt.example/24m/2026-12", "24m", b"", line("no"))
        assert len(await store.shards()) == 2

    async def test_a_closed_shard_takes_no_line(self, store: SqlStore) -> None:
        """Closing gives the final head, again and again; appending says that the shard moved."""
        before = await size(store)
        head = await store.close_shard(ORIGIN)
        assert head.size == before
        assert await store.append(entry("late")) == ShardMoved()
        assert await store.close_shard(ORIGIN) == head
        assert await store.open_shard("musterstadt.example/24m/2026-12", "24m", b"", line("next"))
        months = [shard.head.origin for shard in await store.shards() if shard.retention == "24m"]
        assert months == [ORIGIN, "musterstadt.example/24m/2026-12"]

    async def test_an_origin_is_never_used_twice(self, store: SqlStore) -> None:
        """A closed shard's origin can't be opened again."""
        await store.close_shard(ORIGIN)
        with pytest.raises(JournalUnavailable):
            await store.open_shard(ORIGIN, "24m", b"", line("again"))

    async def test_an_unknown_shard_is_a_moved_one(self, store: SqlStore) -> None:
        """A line for a shard that isn't there is not written anywhere."""
        assert await store.append(entry("x", origin="musterstadt.example/24m/1999-01")) == ShardMoved()

    async def test_kept_checkpoints(self, store: SqlStore) -> None:
        """A kept checkpoint stays as it was first kept."""
        await store.keep_checkpoint(ORIGIN, 2, "two")
        await store.keep_checkpoint(ORIGIN, 1, "one")
        await store.keep_checkpoint(ORIGIN, 2, "other two")
        assert list(await store.checkpoints(ORIGIN)) == [(1, "one"), (2, "two")]


def test_an_empty_tree_has_the_root_of_nothing() -> None:
    """A shard before its leaf 0 would have this root; it is never seen."""
    assert root([]) == EMPTY_ROOT
