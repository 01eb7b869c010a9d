"""What was erased by the rules holds, and only that: a line of the log says so, by the same norm, and in its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from small_log import IDENTITY, SmallShard

from gateway.audit import labels, note, tree
from gateway.audit.note import Checkpoint
from gateway.audit.record import Event, Kind, to_bytes
from gateway.audit.retention import Erased, Span, told
from gateway.audit.verify.columns import CheckpointRow, LogReport, StoredLog
from gateway.audit.verify.erasures import Erasures, Row, Told
from gateway.audit.verify.log import verify_log

NORM = "IDNrG § 9"
LATER = "musterstadt.example/24m/2028-11"
SHARD = SmallShard.open("24m", 2026, 11)
SHARD.add(150)
SHARD.close()
NAME = SHARD.origin
GOOD = SHARD.stored()
LINES = tuple(GOOD.lines)
OVER = datetime(2028, 12, 2, tzinfo=UTC)


def line(erased: Erased, kind: Kind = Kind.RETENTION_ERASED, time: datetime = OVER, **changed: Any) -> Row:
    """Out: the house's line in a later shard that tells of it."""
    event = to_bytes(Event(kind=kind, time=time, reasons=told(erased)))
    salt = b"\x05" * 32
    leaf = labels.leaf(changed.get("label", labels.system(LATER)), labels.commit(salt, event))
    return leaf, changed.get("salt", salt), event


def erasures(*rows: Row, newest: tuple[int, int] = (2028, 12)) -> Erasures:
    found = Told()
    found.hear(LATER, rows)
    return found.of(NAME, 24, newest)


def without(log: StoredLog, *indexes: int, withheld: str = f"erased: {NORM}") -> StoredLog:
    gone: dict[str, Any] = {"salt": None, "event": None, "withheld": withheld}
    rows = tuple(replace(row, **gone) if row.idx in indexes else row for row in LINES)
    return replace(log, lines=rows, terminals=())


def destroyed(said: Erasures, lines: tuple[Any, ...] = ()) -> LogReport:
    """Out: what the check says of a shard without keys and lines."""
    log = replace(GOOD, lines=lines, terminals=(), labels=(), keys=None, erasures=said)
    return verify_log(log, IDENTITY.verifier)


def wrong(log: StoredLog) -> list[tuple[str, str]]:
    return [(found.key, found.column) for found in verify_log(log, IDENTITY.verifier).wrong]


SPANS = Erased(NORM, NAME, (Span(3, 5), Span(9, 10)))
GONE = Erased(NORM, NAME, ())


def test_lines_that_a_line_says_are_erased_hold() -> None:
    """Exactly those; one beside them is named."""
    log = replace(GOOD, erasures=erasures(line(SPANS)))
    assert wrong(without(log, 3, 4, 9)) == []
    assert wrong(without(log, 3, 4, 5)) == [(f"{NAME} 5", "event, salt, withheld")]
    assert wrong(without(log)) == []


@pytest.mark.parametrize(
    "said",
    [
        erasures(),
        erasures(line(replace(SPANS, norm="BMG § 40"))),
        erasures(line(replace(SPANS, origin=LATER))),
        erasures(line(SPANS, time=datetime(2028, 10, 31, tzinfo=UTC))),
        erasures(line(SPANS, label=bytes(32))),
        erasures(line(SPANS, salt=bytes(32))),
        erasures(line(SPANS, salt=None)),
        erasures(line(SPANS, kind=Kind.HOLD_PLACED)),
    ],
    ids=["nothing", "norm", "shard", "too early", "a person's", "not opening", "erased", "kind"],
)
def test_what_no_true_line_says_is_named(said: Erasures) -> None:
    """No line, another norm, another shard, before its time, not the house's own, or not what was written."""
    assert wrong(without(replace(GOOD, erasures=said), 4)) == [(f"{NAME} 4", "event, salt, withheld")]


def test_a_destroyed_shard_holds_by_its_tiles() -> None:
    """Lines and keys are gone, the head is that of the tiles, and every kept checkpoint is one of its heads."""
    report = destroyed(erasures(line(GONE, Kind.RETENTION_DESTROYED)))
    assert report.holds
    assert report.destroyed
    assert report.head == note.split(SHARD.notes[-1])[0]
    assert destroyed(erasures(line(GONE, Kind.RETENTION_DESTROYED)), LINES[:1]).holds


def test_lines_gone_without_a_word_are_named() -> None:
    """As long as the line that would say so has to be there."""
    early = line(GONE, Kind.RETENTION_DESTROYED, datetime(2028, 11, 30, tzinfo=UTC))
    for said in (erasures(), erasures(line(SPANS)), erasures(early)):
        assert [found.column for found in destroyed(said).wrong] == ["idx"]
    assert destroyed(erasures(newest=(2030, 11))).wrong
    assert destroyed(erasures(newest=(2030, 12))).holds


def test_lines_are_not_missing_while_the_keys_are_there() -> None:
    """Keys go before lines."""
    said = erasures(line(GONE, Kind.RETENTION_DESTROYED))
    log = replace(GOOD, lines=LINES[:-1], terminals=(), erasures=said)
    assert [found.column for found in verify_log(log, IDENTITY.verifier).wrong] == ["idx"]


def test_a_flipped_tile_or_head_of_a_destroyed_shard_is_named() -> None:
    """What stays is held against itself: tiles against the head, checkpoints against the tiles."""
    said = erasures(line(GONE, Kind.RETENTION_DESTROYED))
    log = replace(GOOD, lines=(), terminals=(), labels=(), keys=None, erasures=said)
    tiles = tuple(GOOD.tiles)
    bad = replace(tiles[0], hashes=bytes([tiles[0].hashes[0] ^ 1]) + tiles[0].hashes[1:])
    assert not verify_log(replace(log, tiles=(bad, *tiles[1:])), IDENTITY.verifier).holds
    lie = CheckpointRow(5, note.sign(Checkpoint(NAME, 5, tree.EMPTY_ROOT).text, SHARD.keys.log))
    assert wrong(replace(log, checkpoints=(lie,))) == [(f"{NAME} 5", "size, note")]


def test_a_reason_that_is_no_norm_excuses_nothing() -> None:
    """Neither a restore that no line tells of, nor any other word; what was put back is told by its shard."""
    event = Event(kind=Kind.RESTORED, time=OVER, reasons=("disk", f"put back: {NAME} 3-5", f"{NAME} 7-9"))
    salt, said = b"\x05" * 32, to_bytes(event)
    restored = labels.leaf(labels.system(LATER), labels.commit(salt, said)), salt, said
    log = replace(GOOD, erasures=erasures(line(SPANS), restored))
    lost = "lost in a restore"
    assert wrong(without(log, 3, 4, withheld=lost)) == []
    for index, why in ((5, lost), (9, lost), (7, lost), (3, "court order"), (3, NORM), (3, "erased: ")):
        assert wrong(without(log, index, withheld=why)) == [(f"{NAME} {index}", "event, salt, withheld")]
    nobody = replace(GOOD, erasures=erasures(line(SPANS)))
    assert wrong(without(nobody, 3, withheld=lost)) == [(f"{NAME} 3", "event, salt, withheld")]
