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
from gateway.audit.verify.erasures import Erasures, Row, Told
from gateway.audit.verify.stored.columns import CheckpointRow, LogReport, StoredLog
from gateway.audit.verify.stored.log import verify_log

NORM = "IDNrG § 9"
LATER = "musterstadt.example/24m/2028-12"
SEAL = b"\x07" * 32
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
    return row(event, **changed)


def row(event: bytes, teller: str = LATER, **changed: Any) -> Row:
    """Out: a line about the house as the house writes it in that shard."""
    salt = changed.get("made", labels.house_salt(SEAL, event))
    leaf = labels.leaf(changed.get("label", labels.system(teller)), labels.commit(salt, event))
    return leaf, changed.get("salt", salt), event


def erasures(
    *rows: Row,
    newest: tuple[int, int] = (2028, 12),
    teller: str = LATER,
    seal: bytes | None = SEAL,
    first: int = 1,
) -> Erasures:
    """Out: what is said of the shard. In: the lines that say it, from which index on, and of which shard."""
    found = Told()
    found.hear(teller, enumerate(rows, start=first), seal)
    return found.of(NAME, SHARD.edge.size, 24, newest)


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
        erasures(line(SPANS, made=b"\x05" * 32)),
        erasures(line(SPANS), seal=bytes(32)),
        erasures(line(SPANS), seal=None),
        erasures(line(SPANS, teller=(early := LATER.replace("12", "10"))), teller=early),
    ],
    ids=[
        "nothing",
        "norm",
        "shard",
        "too early",
        "a person's",
        "not opening",
        "erased",
        "kind",
        "made up",
        "another shard's secret",
        "nobody can tell",
        "too early a shard",
    ],
)
def test_what_no_true_line_says_is_named(said: Erasures) -> None:
    """No line, another norm, another shard, before its time by the event or by the shard it stands in, not about the
    house, not what was written, or not written by the house."""
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


SIZE = SHARD.edge.size
LOST = "lost in a restore"


def put_back(*spans: str, teller: str = LATER) -> Row:
    """Out: a line `restored` that says that these lines were put back."""
    told = (f"put back: {NAME} {span}" for span in spans)
    event = Event(kind=Kind.RESTORED, time=OVER, reasons=("disk", *told, f"{NAME} 7-9"))
    return row(to_bytes(event), teller)


def test_a_reason_that_is_no_norm_excuses_nothing() -> None:
    """Neither a restore that no line tells of, nor any other word; what was put back is told by its shard."""
    log = replace(GOOD, erasures=erasures(put_back(f"{SIZE - 2}-{SIZE}"), line(SPANS)))
    assert wrong(without(log, SIZE - 2, SIZE - 1, withheld=LOST)) == []
    for index, why in (
        (SIZE - 3, LOST),
        (9, LOST),
        (7, LOST),
        (3, "court order"),
        (3, NORM),
        (3, "erased: "),
    ):
        assert wrong(without(log, index, withheld=why)) == [(f"{NAME} {index}", "event, salt, withheld")]
    nobody = replace(GOOD, erasures=erasures(line(SPANS)))
    assert wrong(without(nobody, SIZE - 1, withheld=LOST)) == [
        (f"{NAME} {SIZE - 1}", "event, salt, withheld")
    ]


@pytest.mark.parametrize(
    ("said", "index"),
    [
        (erasures(put_back("3-5")), 4),
        (erasures(put_back(f"3-{SIZE + 1}")), 4),
        (erasures(put_back("3-5", f"6-{SIZE}")), 4),
        (erasures(put_back(f"3-{SIZE}"), first=2), 4),
        (erasures(put_back(f"3-{SIZE}", teller=NAME), teller=NAME), 4),
        (erasures(put_back(f"3-{SIZE}", teller=(other := LATER.replace("24m", "12m"))), teller=other), 4),
    ],
    ids=["in its middle", "beyond its end", "with a gap", "not line 1", "the shard itself", "another class"],
)
def test_what_was_put_back_is_a_shards_end(said: Erasures, index: int) -> None:
    """A restore puts lines back where the database ended, before the class went on in a later shard."""
    log = without(replace(GOOD, erasures=said), index, withheld=LOST)
    assert wrong(log) == [(f"{NAME} {index}", "event, salt, withheld")]


def test_what_two_restores_put_back_one_after_the_other_is_believed() -> None:
    """The first had only a part of it: what follows on it was put back later."""
    for spans in (("3-5", f"5-{SIZE}"), ("3-5", f"3-{SIZE}")):
        log = replace(GOOD, erasures=erasures(put_back(*spans)))
        assert wrong(without(log, 3, 4, 5, withheld=LOST)) == []
