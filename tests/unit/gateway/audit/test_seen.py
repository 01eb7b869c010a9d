"""A witness with the public tiles alone: what a log was is a beginning of what it is, or it is said not to be."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.audit.note import Checkpoint
from gateway.audit.tiles import TileName, all_tiles
from gateway.audit.verify.growing import Growing, root
from gateway.audit.verify.published.folder import Unreadable
from gateway.audit.verify.published.seen import root_from_tiles

ORIGIN = "town.example/24m/2026-11"
SIZES = (1, 2, 255, 256, 257, 700, 65_536, 66_000)
HASHES = [sha256(number.to_bytes(4, "big")).digest() for number in range(max(SIZES))]


@cache
def tiles_at(size: int) -> dict[TileName, bytes]:
    """Out: the public tiles of the log of that size."""
    growing = Growing()
    found = dict(pair for hash_ in HASHES[:size] for pair in growing.add(hash_))
    return found | dict(growing.unfinished())


@cache
def now_at(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root(HASHES[:size]))


@pytest.mark.parametrize("size", SIZES)
def test_every_older_size_has_its_root(size: int) -> None:
    """Proved from the tiles of the newer one, at and around the borders of tiles."""
    root_at = root_from_tiles(tiles_at(size).__getitem__, now_at(size))
    for older in {0, 1, 3, 255, 256, 257, 511, 65_535, 65_536, size - 1, size}:
        if older <= size:
            assert root_at(older) == root(HASHES[:older]), older


@given(size=st.sampled_from([257, 700]), data=st.data())
@settings(deadline=None)
def test_a_tile_that_is_another_never_proves_anything(size: int, data: st.DataObject) -> None:
    """One flipped bit anywhere: unreadable, or of no tile that was needed; never another root."""
    name = data.draw(st.sampled_from(sorted(tiles_at(size))))
    at = data.draw(st.integers(0, name.length * 8 - 1))
    older = data.draw(st.integers(0, size))
    flipped = bytearray(tiles_at(size)[name])
    flipped[at // 8] ^= 1 << at % 8
    changed = tiles_at(size) | {name: bytes(flipped)}
    try:
        found = root_from_tiles(changed.__getitem__, now_at(size))(older)
    except Unreadable:
        return
    assert found == root(HASHES[:older])


def test_tiles_of_another_log_are_not_believed() -> None:
    """Whatever they prove among themselves."""
    with pytest.raises(Unreadable, match="not those of its checkpoint"):
        root_from_tiles(tiles_at(700).__getitem__, Checkpoint(ORIGIN, 700, bytes(32)))


def test_a_tree_has_no_tile_but_its_own() -> None:
    """What is read is what `all_tiles` names: nothing else is asked of a folder."""
    asked: set[TileName] = set()

    def read(name: TileName) -> bytes:
        asked.add(name)
        return tiles_at(66_000)[name]

    root_from_tiles(read, now_at(66_000))(65_000)
    assert asked <= set(all_tiles(66_000))
