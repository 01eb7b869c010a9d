"""What publishing the log as tiles relies on: the stored hashes and leaves, and the folder (gateway.ports.tiles)."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from entries import ORIGIN, OTHER, committed, entry, line

from adapters.folder import TileFolder
from adapters.storage.store import SqlStore
from adapters.storage.tiles import SqlTiles
from gateway.audit.tree import leaf_hash
from gateway.audit.verify.published.folder import Files, Unreadable
from gateway.errors import JournalUnavailable
from gateway.ports.tiles import Folder, TileStore

STORES: dict[str, Callable[[SqlStore], TileStore]] = {"sql": SqlTiles}
FOLDERS: dict[str, Callable[[Path], TileFolder]] = {"disk": TileFolder}


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, store: SqlStore) -> TileStore:
    """A port over two shards."""
    return STORES[request.param](store)


@pytest.fixture(params=FOLDERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> TileFolder:
    """An empty folder."""
    (tmp_path / "log").mkdir()
    return FOLDERS[request.param](tmp_path / "log")


class TestTileStore:
    async def test_leaves_are_the_lines_in_order(self, store: SqlStore, stored: TileStore) -> None:
        """From a position to another, of one shard."""
        names = [f"n{number}" for number in range(300)]
        for start in range(0, 300, 100):
            first, *more = names[start : start + 100]
            await store.append(entry(first, *more))
        head = (await committed(store, "last")).head
        found = await stored.leaves(ORIGIN, head.size - 301, head.size)
        assert found == [line(name).leaf for name in (*names, "last")]
        assert list(await stored.leaves(OTHER, 0, 9)) == [line("opening of the other").leaf]
        assert list(await stored.leaves(ORIGIN, head.size, head.size + 9)) == []

    async def test_a_tile_is_its_leaves_hashes(self, store: SqlStore, stored: TileStore) -> None:
        """As many as are asked for, also of a tile that has grown since."""
        names = [f"n{number}" for number in range(40)]
        head = await committed(store, "first")
        await store.append(entry(names[0], *names[1:]))
        width = head.head.size
        leaves = await stored.leaves(ORIGIN, 0, width)
        assert await stored.tile(ORIGIN, 0, 0, width) == b"".join(map(leaf_hash, leaves))

    async def test_a_tile_that_is_not_there_is_a_fault(self, stored: TileStore) -> None:
        """Too wide, of another level, of no shard."""
        for place in ((ORIGIN, 0, 0, 200), (ORIGIN, 1, 0, 1), ("nobody.example/24m/2026-11", 0, 0, 1)):
            with pytest.raises(JournalUnavailable):
                await stored.tile(*place)


class TestFolder:
    def test_what_is_written_is_there(self, folder: Folder) -> None:
        """In folders made for it; written again, it is the newer one."""
        assert (folder.read("a/b/c", 9), folder.has("a/b/c")) == (None, False)
        folder.write("a/b/c", b"one", True)
        folder.write("a/b/c", b"two", True)
        assert (folder.read("a/b/c", 9), folder.has("a/b/c"), folder.has("a/b")) == (b"two", True, True)

    def test_only_its_owner_reads_what_is_not_public(self, folder: TileFolder, tmp_path: Path) -> None:
        """Whatever was there before."""
        folder.write("a", b"", True)
        folder.write("a", b"", False)
        folder.write("b", b"", True)
        modes = [stat.S_IMODE((tmp_path / "log" / name).stat().st_mode) for name in "ab"]
        assert modes == [0o600, 0o644]

    def test_what_a_killed_writer_left_is_in_nobodys_way(self, folder: TileFolder, tmp_path: Path) -> None:
        """A half-written file beside the right one is not read, and replaced the next time."""
        folder.write("a", b"whole", True)
        (tmp_path / "log/a.new").write_bytes(b"ha")
        assert folder.read("a", 9) == b"whole"
        folder.write("a", b"newer", True)
        assert folder.names("") == ["a"]

    def test_dropped_is_gone_with_all_in_it(self, folder: Folder) -> None:
        """A file, a folder, and what was never there."""
        folder.write("a/b", b"", True)
        folder.write("c", b"", True)
        for path in ("a", "c", "d"):
            folder.drop(path)
            assert not folder.has(path)


class TestFiles:
    def test_names_are_in_order_and_nothing_is_no_names(self, folder: TileFolder) -> None:
        """Of a folder, of a file, of nothing."""
        for name in ("b", "a/x", "c"):
            folder.write(name, b"", True)
        files: Files = folder
        assert list(files.names("")) == ["a", "b", "c"]
        assert list(files.names("a")) == ["x"]
        assert (list(files.names("b")), list(files.names("nothing"))) == ([], [])

    def test_nothing_leads_out_of_it(self, folder: TileFolder, tmp_path: Path) -> None:
        """Dots, absolute paths and links: there is no such file, or it can't be opened; nothing outside is read."""
        (tmp_path / "secret").write_text("outside")
        (tmp_path / "log/link").symlink_to(tmp_path / "secret")
        (tmp_path / "log/around").symlink_to(tmp_path)
        assert folder.read("../secret", 99) is None
        assert folder.read(f"{tmp_path}/secret", 99) is None
        assert folder.read("around/secret", 99) is None
        assert not folder.names("..")
        assert not folder.names("around")
        with pytest.raises(Unreadable):
            folder.read("link", 99)

    def test_what_is_longer_than_it_may_be_is_unreadable(self, folder: TileFolder) -> None:
        """By one byte."""
        folder.write("a", b"12345", True)
        assert folder.read("a", 5) == b"12345"
        with pytest.raises(Unreadable, match="longer than 4 bytes"):
            folder.read("a", 4)
