"""The check of a kept log: whatever one byte of whatever column is changed, its place is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_log import IDENTITY, SmallShard, chance, small_log

from gateway.audit import labels, note, tree
from gateway.audit.note import Checkpoint, Signer
from gateway.audit.retention import Span
from gateway.audit.verify.erasures import Erasures
from gateway.audit.verify.stored.columns import CheckpointRow, LineRow, LogReport, StoredLog, TileRow
from gateway.audit.verify.stored.log import verify_log

SHARDS = small_log(lines=150)
SHARD = SHARDS["24m/11"]
GOOD = SHARD.stored()
LINES = tuple(GOOD.lines)
TILES = tuple(GOOD.tiles)
NAME = SHARD.origin


def checked(log: StoredLog) -> LogReport:
    return verify_log(log, IDENTITY.verifier)


def places(log: StoredLog) -> list[tuple[str, str, str]]:
    return [(wrong.table, wrong.key, wrong.column) for wrong in checked(log).wrong]


def with_line(at: int, **columns: Any) -> StoredLog:
    changed = replace(LINES[at], **columns)
    return replace(GOOD, lines=(*LINES[:at], changed, *LINES[at + 1 :]))


def with_tile(at: int, **columns: Any) -> StoredLog:
    return replace(GOOD, tiles=(*TILES[:at], replace(TILES[at], **columns), *TILES[at + 1 :]))


def flip(data: bytes | None, at: int, how: int = 1) -> bytes:
    assert data is not None
    changed = bytearray(data)
    changed[at % len(changed)] ^= how
    return bytes(changed)


@pytest.mark.parametrize("name", SHARDS)
def test_a_true_log_holds(name: str) -> None:
    """All lines open, nothing is wrong, and the next shard's `previous` is the head."""
    report = checked(SHARDS[name].stored())
    assert report.holds
    assert (report.lines, report.opened, report.erased) == (301, 301, 0)
    assert report.head == note.split(SHARDS[name].notes[-1])[0]


@settings(deadline=None, max_examples=120)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(["leaf", "label", "salt", "event"]), st.data())
def test_any_flipped_byte_of_a_line_is_named(at: int, column: str, data: st.DataObject) -> None:
    """One wrong byte, one place: that line, that column (salt and event are told apart where possible)."""
    old: bytes = getattr(LINES[at], column)
    how, where = data.draw(st.integers(1, 255)), data.draw(st.integers(0, len(old) - 1))
    ((table, key, named),) = places(with_line(at, **{column: flip(old, where, how)}))
    assert (table, key) == ("line", f"{NAME} {at}")
    assert column in named.split(", ")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(TILES) - 1), st.data())
def test_any_flipped_byte_of_a_tile_is_named(at: int, data: st.DataObject) -> None:
    """One wrong byte, one place: that tile."""
    tile = TILES[at]
    where = data.draw(st.integers(0, len(tile.hashes) - 1))
    assert places(with_tile(at, hashes=flip(tile.hashes, where))) == [
        ("tile", f"{NAME} {tile.level}/{tile.n}", "hashes")
    ]


@pytest.mark.parametrize(
    ("column", "value", "extra"),
    [
        ("size", GOOD.shard.size + 1, []),
        ("size", GOOD.shard.size - 1, []),
        ("size", 2**40, []),
        ("size", 0, []),
        ("root", flip(GOOD.shard.root, 3), []),
        ("closed", True, []),
        ("retention", "12m", []),
        ("origin", "musterstadt.example/24m/2026-12", []),
        ("origin", "musterstadt.example/12m/2026-11", [("shard", "retention")]),
        ("origin", "nonsense", []),
    ],
)
def test_a_changed_shard_row_is_named(column: str, value: object, extra: Sequence[tuple[str, str]]) -> None:
    """Size, root, state, class and name each are held against the rest."""
    changed = replace(GOOD, shard=replace(GOOD.shard, **{column: value}))  # type: ignore[arg-type]
    named = {(table, place) for table, _, place in places(changed)}
    assert named == {("shard", column), *extra}


def test_a_changed_checkpoint_is_named() -> None:
    """Its note, its size, another root under a true signature, another key."""
    (good,) = GOOD.checkpoints
    lie = note.sign(Checkpoint(NAME, good.size, chance("lie")).text, SHARD.keys.log)
    foreign = note.sign(Checkpoint(NAME, good.size, SHARD.edge.root).text, Signer.from_seed(NAME, bytes(32)))
    for changed, column in (
        (replace(good, note=good.note.replace("2026", "2025", 1)), "note"),
        (replace(good, size=good.size - 1), "size"),
        (replace(good, note=lie), "note"),
        (replace(good, note=foreign), "note"),
        (replace(good, note=""), "note"),
    ):
        found = places(replace(GOOD, checkpoints=(changed,)))
        assert found == [("checkpoint", f"{NAME} {changed.size}", column)]


def test_a_store_behind_its_signed_checkpoint_is_named() -> None:
    """A checkpoint kept elsewhere, over more lines than there are: the store was restored."""
    ahead = note.sign(Checkpoint(NAME, 999, chance("ahead")).text, SHARD.keys.log)
    rows = (*GOOD.checkpoints, CheckpointRow(999, ahead, table="kept file"))
    assert places(replace(GOOD, checkpoints=rows)) == [("shard", NAME, "size")]
    size = GOOD.shard.size
    for span, holds in (
        ((size, 999), True),
        ((size, 998), False),
        ((size + 1, 999), False),
        ((size - 1, 999), False),
    ):
        told = replace(GOOD, checkpoints=rows, lost=span)
        assert checked(told).holds is holds, "only what a later shard says is lost may be missing"


@pytest.mark.parametrize("at", [1, 150, 255, 256, 299])
def test_a_missing_line_is_named(at: int) -> None:
    """In the middle, at a tile's border, and the rest is still checked in its place."""
    assert places(replace(GOOD, lines=(*LINES[:at], *LINES[at + 1 :]), terminals=())) == [
        ("line", f"{NAME} {at}", "idx")
    ]


def test_the_missing_last_line_and_a_line_too_many_are_named() -> None:
    """The head and the tiles know how many there are."""
    last = len(LINES) - 1
    assert places(replace(GOOD, lines=LINES[:-1], terminals=())) == [("line", f"{NAME} {last}", "idx")]
    more = replace(LINES[-1], idx=last + 1)
    assert places(replace(GOOD, lines=(*LINES, more))) == [("line", f"{NAME} {last + 1}", "idx")]
    assert places(replace(GOOD, lines=(*LINES, replace(more, idx=2**50)))) == [
        ("line", f"{NAME} {2**50}", "idx")
    ]
    assert places(replace(GOOD, lines=(*LINES[:5], LINES[4], *LINES[5:]))) == [("line", f"{NAME} 4", "idx")]


def test_swapped_lines_are_named() -> None:
    """Two lines that changed places: both leaves are not those the tree was grown with."""
    one, two = replace(LINES[10], idx=20), replace(LINES[20], idx=10)
    swapped = (*LINES[:10], two, *LINES[11:20], one, *LINES[21:])
    named = {key for table, key, _ in places(replace(GOOD, lines=swapped)) if table == "line"}
    assert named == {f"{NAME} 10", f"{NAME} 20"}


def test_tiles_that_are_missing_or_too_many_are_named() -> None:
    """Level and number are columns too."""
    for at, tile in enumerate(TILES):
        key = f"{NAME} {tile.level}/{tile.n}"
        assert places(replace(GOOD, tiles=(*TILES[:at], *TILES[at + 1 :]))) == [("tile", key, "level, n")]
        assert places(with_tile(at, hashes=tile.hashes[:-32])) == [("tile", key, "hashes")]
        assert places(with_tile(at, hashes=tile.hashes[:-1])) == [("tile", key, "hashes")]
    extra = TileRow(3, 0, bytes(32))
    assert places(replace(GOOD, tiles=(*TILES, extra))) == [("tile", f"{NAME} 3/0", "level, n")]
    moved = [*TILES[1:], replace(TILES[0], n=9)]
    assert ("tile", f"{NAME} 0/9", "level, n") in places(
        replace(GOOD, tiles=sorted(moved, key=lambda tile: (tile.level, tile.n)))
    )


def test_an_erased_line_holds_and_half_an_erased_one_does_not() -> None:
    """Event and salt go together; the leaf stays and is still held against the tree; leaf 0 is never erased."""
    gone = {"salt": None, "event": None, "withheld": "lost in a restore"}
    assert places(with_line(7, **gone)) == [("line", f"{NAME} 7", "event, salt, withheld")]
    told = Erasures(lost=(Span(7, 8),))
    report = checked(replace(with_line(7, **gone), erasures=told))
    assert report.holds
    assert (report.lines, report.opened, report.erased) == (301, 300, 1)
    assert places(with_line(7, salt=None)) == [("line", f"{NAME} 7", "salt")]
    assert places(with_line(7, event=None)) == [("line", f"{NAME} 7", "event")]
    assert places(with_line(7, **gone, leaf=flip(LINES[7].leaf, 40))) == [("line", f"{NAME} 7", "leaf")]
    assert places(with_line(7, salt=None, event=None)) == [("line", f"{NAME} 7", "event, salt, withheld")]
    assert places(with_line(7, withheld="erased: IDNrG § 9")) == [("line", f"{NAME} 7", "withheld")]
    assert ("line", f"{NAME} 0", "event, salt") in places(with_line(0, **gone))


def test_keys_other_than_those_vouched_for_are_named() -> None:
    """The secrets in the row must be those whose public side leaf 0 names."""
    assert GOOD.keys is not None
    other = SHARDS["24m/10"].stored().keys
    assert places(replace(GOOD, keys=replace(GOOD.keys, vrf=bytes(32)))) == [("shard", NAME, "secrets")]
    assert places(replace(GOOD, keys=other)) == [("shard", NAME, "secrets")]
    assert checked(replace(GOOD, keys=None)).holds


def test_a_shard_must_name_the_head_before_it() -> None:
    """The link to the class's shard before, or that there was none."""
    for previous in (None, "another head\n"):
        assert places(replace(GOOD, previous=previous)) == [("line", f"{NAME} 0", "event")]


def test_a_shard_of_another_authority_is_not_ours() -> None:
    """The key statement must be signed by the identity key that is asked for."""
    stranger = Signer.from_seed("musterstadt.example", bytes(32))
    report = verify_log(GOOD, stranger.verifier)
    assert ("line", "event") in {(wrong.table, wrong.column) for wrong in report.wrong}


def test_the_terminal_line_of_an_exchange_is_the_one_named() -> None:
    """What the table of exchanges says of a line is held against the line."""
    first, *rest = GOOD.terminals
    for changed in (
        replace(first, exchange="x"),
        replace(first, kind="refused"),
        replace(first, idx=first.idx - 1),
    ):
        ((table, key, _),) = places(replace(GOOD, terminals=(changed, *rest)))
        assert (table, key) == ("exchange", changed.exchange)
    same = replace(first, idx=rest[0].idx)
    for rows in ((same, *rest), (rest[0], same, *rest[1:])):
        assert places(replace(GOOD, terminals=rows)) == [("exchange", first.exchange, "kind, terminal_idx")]
    ((table, _, column),) = places(replace(GOOD, terminals=(*rest, replace(first, idx=9999))))
    assert (table, column) == ("exchange", "terminal_idx")


def test_a_system_line_under_a_persons_label_is_named() -> None:
    """A tree grown over a line with the wrong kind of label holds together, and is wrong all the same."""
    shard = SmallShard.open("24m", 2026, 10)
    shard.add(1)
    asked = shard.lines[1]
    assert asked.salt is not None
    assert asked.event is not None
    label = labels.system(shard.origin)
    forged = LineRow(1, label, labels.leaf(label, asked.leaf[33:]), asked.salt, asked.event)
    lines = (shard.lines[0], forged, shard.lines[2])
    grown = tree.append(tree.EMPTY_EDGE, [tree.leaf_hash(line.leaf) for line in lines])
    log = replace(
        shard.stored(),
        shard=replace(shard.stored().shard, root=grown.root),
        lines=lines,
        tiles=[TileRow(tile.level, tile.number, tile.hashes) for tile in grown.tiles],
    )
    assert places(log) == [("line", f"{shard.origin} 1", "leaf")]


def test_a_log_without_anything_is_not_in_order() -> None:
    """No lines, no tiles: everything is missed and nothing raises."""
    empty = replace(GOOD, lines=(), tiles=(), terminals=())
    report = checked(empty)
    assert report.lines == 0
    assert not report.holds


def test_the_first_wrong_place_is_the_first_named_and_all_are_named() -> None:
    """Several lies at once: each is there, lines in their order before what is derived from them."""
    log = replace(
        with_line(5, salt=bytes(32)),
        tiles=with_tile(1, hashes=flip(TILES[1].hashes, 5)).tiles,
        shard=replace(GOOD.shard, retention="12m"),
    )
    assert [table for table, _, _ in places(log)] == ["line", "tile", "shard"]
