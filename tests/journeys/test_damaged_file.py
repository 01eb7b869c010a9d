"""A disk that damages the database's file: the check ends with what is wrong, and never with a traceback."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import counted
import lived_in
import pytest

from gateway.errors import ConfigurationFault, JournalUnavailable

PLACES = 20
PAGE = 4096


@pytest.fixture(scope="module")
def lived(lived: Path) -> Path:
    """The same, its database in one file."""
    with closing(sqlite3.connect(lived / lived_in.DATABASE)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return lived


def scrawled(raw: bytearray, at: int) -> None:
    raw[at : at + 64] = b"\xf1" * len(raw[at : at + 64])


def blank(raw: bytearray, at: int) -> None:
    start = at // PAGE * PAGE
    raw[start : start + PAGE] = bytes(PAGE)


def cut(raw: bytearray, at: int) -> None:
    del raw[max(at, 100) :]


def found(home: Path) -> bool:
    """Out: whether something is wrong."""
    try:
        return bool(lived_in.wrong(home))
    except (ConfigurationFault, JournalUnavailable):
        return True


@pytest.mark.parametrize("damage", [scrawled, blank, cut])
def test_damage_is_found_wherever_something_was_written(
    home: Path, damage: Callable[[bytearray, int], None]
) -> None:
    """All over the file: named, or the file can't be read. Only where nothing had been written nothing is wrong."""
    right = (home / lived_in.DATABASE).read_bytes()
    for place in range(PLACES):
        at = len(right) * place // PLACES + place * 37 % PAGE
        raw = bytearray(right)
        damage(raw, at)
        changed = [b for b, (old, new) in enumerate(zip(right, raw, strict=False)) if old != new]
        with lived_in.put_right(home):
            (home / lived_in.DATABASE).write_bytes(bytes(raw))
            named = found(home)
        empty = len(raw) == len(right) and not any(right[one] for one in changed)
        if not empty:
            counted.count("log battery", tampered=1, found=named, missed=not named)
        assert named or empty, (damage.__name__, at)
