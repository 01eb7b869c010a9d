"""A folder of tiles names and fills its files as C2SP tlog-tiles says, and reads back no more than was written."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.audit import tiles, tree
from gateway.audit.index import Index
from gateway.audit.tiles import TileName
from gateway.audit.verify.growing import Growing, root

HASHES = [sha256(number.to_bytes(4, "big")).digest() for number in range(65_537)]


def test_names_are_those_of_the_specification() -> None:
    """The examples of C2SP tlog-tiles: groups of three digits, all but the last with an x; a width where not full."""
    assert TileName(0, 1_234_067, 256).path == "tile/0/x001/x234/067"
    assert TileName(3, 5, 256).path == "tile/3/005"
    assert TileName(1, 1000, 17).path == "tile/1/x001/000.p/17"
    assert TileName(0, 273, 112).bundle == "tile/entries/273.p/112"
    assert tiles.partials("tile/0/000") == "tile/0/000.p"


@given(size=st.integers(0, 600))
@example(size=256)
@settings(deadline=None)
def test_a_tree_has_the_tiles_it_is_grown_with(size: int) -> None:
    """By name and by content: the plain reckoning of who checks is that of who writes."""
    agrees(size)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537])
def test_so_has_a_tree_of_three_levels(size: int) -> None:
    """Around the border where the third level begins."""
    agrees(size)


def agrees(size: int) -> None:
    written = tree.append(tree.EMPTY_EDGE, HASHES[:size])
    expected = {TileName(tile.level, tile.number, tile.width): tile.hashes for tile in written.tiles}
    growing = Growing()
    found = dict(pair for hash_ in HASHES[:size] for pair in growing.add(hash_))
    found |= dict(growing.unfinished())
    assert found == expected
    assert set(tiles.all_tiles(size)) == set(expected)
    assert growing.root() == root(HASHES[:size]) == written.root


@given(leaves=st.lists(st.binary(max_size=80), max_size=256), data=st.data())
def test_a_bundle_gives_its_leaves_back(leaves: list[bytes], data: st.DataObject) -> None:
    """All of them, or the first ones where the tree was smaller."""
    count = data.draw(st.integers(0, len(leaves)))
    assert tiles.parse_bundle(tiles.bundle(leaves), count) == leaves[:count]


@given(leaves=st.lists(st.binary(max_size=80), min_size=1, max_size=20), data=st.data())
def test_what_is_cut_off_or_too_short_is_no_bundle(leaves: list[bytes], data: st.DataObject) -> None:
    """A bundle ends with a leaf, and has as many as the tree wants."""
    whole = tiles.bundle(leaves)
    cut = data.draw(st.integers(1, len(whole) - 1))
    for damaged in (whole[:-cut], whole + b"\x00"):
        with pytest.raises(ValueError, match="not an entry bundle"):
            tiles.parse_bundle(damaged, len(leaves))


def test_no_tile_has_more_leaves_than_fit() -> None:
    """257 leaves are no bundle, however many are asked for."""
    with pytest.raises(ValueError, match="not an entry bundle"):
        tiles.parse_bundle(tiles.bundle([b""] * 257), 1)


def test_rows_are_those_of_the_index() -> None:
    """`index/leaves` is what the index holds of each label."""
    entries = {bytes([number]) * 32: [number, number + 40] for number in range(1, 40)}
    rows = tiles.parse_rows(bytes(Index.of(entries).rows()))
    assert [(row.label, row.count) for row in rows] == [(label, 2) for label in sorted(entries)]
    with pytest.raises(ValueError, match="not rows"):
        tiles.parse_rows(bytes(71))


def test_an_opening_is_read_back() -> None:
    """Salt and event, exactly."""
    assert tiles.parse_opening(tiles.opening(b"s" * 32, b"{}")) == (b"s" * 32, b"{}")


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"[]",
        b"{}",
        b'{"salt": "AA==", "event": 1}',
        b'{"salt": "A", "event": "AA=="}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_no_opening_is_said_to_be_none(damaged: bytes) -> None:
    """Never another exception than the one."""
    with pytest.raises(ValueError, match="not the opening"):
        tiles.parse_opening(damaged)


@pytest.mark.parametrize("damaged", [b"{}", b"[1]", b"", b"[" * 100_000, b"\xff"])
def test_what_are_no_notes_of_succession_is_said_to_be_none(damaged: bytes) -> None:
    """A list of notes, or nothing."""
    with pytest.raises(ValueError, match="not notes"):
        tiles.parse_succession(damaged)
    assert tiles.parse_succession(tiles.succession(["a", "ß"])) == ["a", "ß"]
