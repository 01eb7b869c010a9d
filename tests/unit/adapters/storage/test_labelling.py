"""Labels are found run by run, wherever the runs are."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from entries import fold

from adapters.storage.columns import open_columns
from adapters.storage.database import create
from adapters.storage.epochs import SqlEpochs
from adapters.storage.schema import RUN_BITS
from adapters.storage.sqlite import connect_sqlite
from adapters.storage.store import SqlStore

RUN = 1 << RUN_BITS
ORIGIN = "musterstadt.example/24m/2026-11"
LABELS = [bytes([first]) * 32 for first in (0, 1, 128, 255)]
PLACES = (0, 1, 2, RUN - 1, RUN, RUN + 1, 5 * RUN, 5 * RUN + 7, 900 * RUN + 3)
"""Lines of four runs; of those between them nothing is left."""
LINES = sorted((LABELS[at * at % 3 + at // 8], place) for at, place in enumerate(PLACES))
END = PLACES[-1] + 1
PART = 2


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with those lines, and another shard's under the same labels."""
    path = tmp_path / "einmal.sqlite3"
    create(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        for shard, origin in ((1, ORIGIN), (2, "musterstadt.example/12m/2026-11")):
            row = (shard, origin, origin, END, b"root")
            connection.execute("INSERT INTO shard VALUES (?, ?, ?, ?, ?, 0, NULL)", row)
            rows = [(shard, place + shard - 1, label, b"leaf") for label, place in LINES]
            connection.executemany("INSERT INTO line (shard, idx, label, leaf) VALUES (?, ?, ?, ?)", rows)
    return f"sqlite:///{path}"


@pytest.fixture
def asked() -> list[str]:
    """The statements that the store has run."""
    return []


@pytest.fixture
async def store(url: str, asked: list[str]) -> AsyncIterator[SqlStore]:
    """A store over them."""

    def connect(path: Path) -> sqlite3.Connection:
        connection = connect_sqlite(path)
        connection.set_trace_callback(asked.append)
        return connection

    opened = SqlStore(url, fold, connect)
    yield opened
    await opened.close()


async def parts(store: SqlStore, start: int, stop: int = END) -> list[tuple[bytes, int]]:
    """Out: what an epoch reads from line `start` on."""
    epochs, found = SqlEpochs(store, PART), list[tuple[bytes, int]]()
    while part := await epochs.labels(ORIGIN, start, stop, found[-1] if found else None):
        assert len(part) <= PART
        found += part
    return found


@pytest.mark.parametrize("label", [*LABELS, LABELS[0][:31] + b"\1"])
async def test_a_labels_lines_are_found_in_every_run(store: SqlStore, url: str, label: bytes) -> None:
    """In order, by the whole label, by the store as by the check of it."""
    expected = [place for its, place in LINES if its == label]
    assert [line.position.index for line in await store.labelled(ORIGIN, label)] == expected
    with open_columns(url) as columns:
        columns.shards()
        assert len(list(columns.labelled(ORIGIN, label))) == len(expected)


@pytest.mark.parametrize("start", [0, 1, RUN - 1, RUN, RUN + 1, 2 * RUN, 5 * RUN + 1, END - 1, END])
@pytest.mark.parametrize("stop", [2, RUN, 5 * RUN + 7, END])
async def test_an_epoch_reads_the_labels_of_every_run(store: SqlStore, start: int, stop: int) -> None:
    """By label and then place, all of those that have a line from the start on, however the labels are spread."""
    changed = {label for label, place in LINES if start <= place < stop}
    expected = [(label, place) for label, place in LINES if label in changed and place < stop]
    assert await parts(store, start, stop) == expected


async def test_no_look_for_labels_goes_through_the_lines(store: SqlStore, url: str, asked: list[str]) -> None:
    """Every run is looked up in the index of labels, the newer ones by the label too: none is read line by line."""
    await store.labelled(ORIGIN, LABELS[0])
    await parts(store, 0)
    await parts(store, RUN)
    looks = {text for text in asked if "line_label" not in text and "label" in text}
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        for look in looks:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {look}")]
            touched = [
                step for step in plan if any(name in step.split() for name in ("line", "newer", "later"))
            ]
            assert len(touched) >= 3
            assert all("INDEX line_label (shard=?" in step for step in touched)
            assert any("line_label (shard=? AND <expr>=? AND " in step for step in touched)
    assert {look.split("ORDER BY")[1].split()[0] for look in looks} == {"line.idx", "line.label,"}
    assert any("newer" in look for look in looks)
