"""What every IndexCache does (gateway.ports.log; LOG.md 6): an index that nobody believes comes back, or nothing."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from small_log import chance

from adapters.indexes import IndexFiles
from gateway.audit.index import EMPTY_INDEX, Index
from gateway.errors import JournalUnavailable
from gateway.ports import IndexCache

ORIGIN = "musterstadt.example/24m/2026-11"
SECOND = "musterstadt.example/24m/2026-11.2"
SMALL = Index.of({chance(at): (at,) for at in range(3)})
LARGE = Index.of({chance(at): (at, 1000 + at) for at in range(600)})
IMPLEMENTATIONS: dict[str, Callable[[Path], IndexCache]] = {"files": IndexFiles}


@pytest.fixture(params=IMPLEMENTATIONS)
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> IndexCache:
    """An empty cache, in a folder that isn't there yet."""
    return IMPLEMENTATIONS[request.param](tmp_path / "index")


def same(found: Index | None, index: Index) -> bool:
    """Out: whether it is that one."""
    return (
        found is not None
        and (found.lines, found.root) == (index.lines, index.root)
        and bytes(found.rows()) == bytes(index.rows())
    )


class TestCache:
    def test_nothing_was_kept(self, cache: IndexCache) -> None:
        """There is none, and forgetting it is nothing."""
        cache.forget(ORIGIN)
        assert cache.read(ORIGIN) is None

    def test_the_last_one_kept_comes_back(self, cache: IndexCache) -> None:
        """Larger or smaller: the cache judges nothing."""
        for index in (SMALL, LARGE, SMALL, EMPTY_INDEX):
            cache.keep(ORIGIN, index)
            assert same(cache.read(ORIGIN), index)

    def test_shards_are_apart(self, cache: IndexCache) -> None:
        """One whose name begins another's too."""
        cache.keep(ORIGIN, SMALL)
        cache.keep(SECOND, LARGE)
        cache.forget(ORIGIN)
        assert cache.read(ORIGIN) is None
        assert same(cache.read(SECOND), LARGE)

    def test_what_was_read_stays_while_another_is_kept(self, cache: IndexCache) -> None:
        """Whoever reads an older one goes on reading it."""
        cache.keep(ORIGIN, LARGE)
        found = cache.read(ORIGIN)
        assert found is not None
        cache.keep(ORIGIN, SMALL)
        cache.forget(ORIGIN)
        assert same(found, LARGE)
        assert found.find(chance(599)) == LARGE.find(chance(599))

    async def test_many_at_once_leave_one_that_is_whole(self, cache: IndexCache) -> None:
        """Whoever is last: it is one of theirs."""
        await asyncio.gather(
            *(asyncio.to_thread(cache.keep, ORIGIN, index) for index in (SMALL, LARGE) * 10),
            *(asyncio.to_thread(cache.read, ORIGIN) for _ in range(10)),
        )
        found = cache.read(ORIGIN)
        assert same(found, SMALL) or same(found, LARGE)


class TestFiles:
    """What is true of files alone."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A folder with one index kept."""
        IndexFiles(tmp_path / "index").keep(ORIGIN, LARGE)
        return tmp_path / "index"

    def test_only_the_house_can_read_them(self, folder: Path) -> None:
        """Labels are the house's own: folder 0700, files 0600."""
        (file,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: data[: len(data) // 2],
            lambda data: data + b"\x00",
            lambda data: b"x" + data[1:],
            lambda data: bytes(len(data)),
        ],
        ids=["empty", "torn", "longer", "other", "zeros"],
    )
    def test_a_damaged_file_is_none(self, folder: Path, damage: Callable[[bytes], bytes]) -> None:
        """No exception; and it can be replaced."""
        (file,) = folder.iterdir()
        file.write_bytes(damage(file.read_bytes()))
        assert IndexFiles(folder).read(ORIGIN) is None
        IndexFiles(folder).keep(ORIGIN, SMALL)
        assert same(IndexFiles(folder).read(ORIGIN), SMALL)

    def test_where_nothing_can_be_written_nothing_is_kept(self, folder: Path) -> None:
        """Folders in the place of the file and of the folder: no exception, nothing left over."""
        (file,) = folder.iterdir()
        file.unlink()
        file.mkdir()
        (file / "x").touch()
        IndexFiles(folder).keep(ORIGIN, SMALL)
        assert IndexFiles(folder).read(ORIGIN) is None
        assert list(folder.iterdir()) == [file]
        with pytest.raises(JournalUnavailable):  # but what is to be gone is not said to be
            IndexFiles(folder).forget(ORIGIN)
        (folder / "plain").touch()
        IndexFiles(folder / "plain").keep(ORIGIN, SMALL)
        assert IndexFiles(folder / "plain").read(ORIGIN) is None

    def test_what_a_crash_left_goes_with_the_shard(self, folder: Path) -> None:
        """A half-written file is read by nobody, and forgotten with its shard's."""
        (file,) = folder.iterdir()
        (folder / f"{file.name}.half").write_bytes(b"half")
        assert same(IndexFiles(folder).read(ORIGIN), LARGE)
        IndexFiles(folder).forget(ORIGIN)
        assert list(folder.iterdir()) == []
