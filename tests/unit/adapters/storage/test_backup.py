"""A database copied while it is in use (adapters.storage.backup)."""

from __future__ import annotations

import errno
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from entries import committed, furnish
from stores import SqliteStores

from adapters.storage.backup import copy
from adapters.storage.database import Database
from gateway.errors import JournalUnavailable


async def test_a_copy_is_one_state_and_can_be_opened(tmp_path: Path) -> None:
    """What is committed is in it, while somebody writes on; it is its owner's alone."""
    stores = SqliteStores(tmp_path / "einmal.sqlite3")
    stores.create()
    async with stores.using() as store:
        await furnish(store)
        before = stores.contents()
        target = copy(stores.path, tmp_path / "copy.sqlite3")
        await committed(store, "later")
    assert SqliteStores(target).contents() == before != stores.contents()
    assert target.stat().st_mode & 0o777 == 0o600
    Database(f"sqlite:///{target}").close()


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Nor is anything left where there was no database to copy."""
    target = tmp_path / "copy.sqlite3"
    target.write_text("mine", "utf-8")
    with pytest.raises(FileExistsError):
        copy(tmp_path / "einmal.sqlite3", target)
    assert target.read_text("utf-8") == "mine"
    for source in (tmp_path / "nowhere.sqlite3", target):
        with pytest.raises(JournalUnavailable):
            copy(source, tmp_path / "new.sqlite3")
        assert not (tmp_path / "new.sqlite3").exists()


@contextmanager
def no_file_longer_than(most: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_disk_that_does_not_take_the_copy_is_no_fault_of_the_journal(tmp_path: Path) -> None:
    """The file that can't be written is named, and goes."""
    stores = SqliteStores(tmp_path / "einmal.sqlite3")
    stores.create()
    target = tmp_path / "copy.sqlite3"
    with no_file_longer_than(65_536), pytest.raises(OSError, match="can't be written") as wrong:
        copy(stores.path, target)
    assert (wrong.value.errno, wrong.value.filename) == (errno.ENOSPC, str(target))
    assert not target.exists()


async def test_what_was_erased_is_not_in_it(tmp_path: Path) -> None:
    """Not even in pages that nobody uses any more."""
    stores = SqliteStores(tmp_path / "einmal.sqlite3")
    stores.create()
    async with stores.using() as store:
        await furnish(store)
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        connection.execute("update line set event = ?", (b"erased-marker" * 500,))
    with closing(sqlite3.connect(stores.path)) as connection, connection:
        connection.execute("update line set event = null")
    assert b"erased-marker" not in copy(stores.path, tmp_path / "copy.sqlite3").read_bytes()
