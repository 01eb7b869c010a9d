"""What is promised to be on the disk is: the file, and then the folder that names it (adapters.atomic)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from adapters import atomic, keys
from adapters.clock import SystemIds
from adapters.folder import TileFolder
from adapters.keys import files
from adapters.machine import replace_file
from adapters.statefile import StateFile
from adapters.storage.backup import copy
from adapters.storage.checkpoints import CheckpointFiles
from gateway.assembly import back_up, law

NOTE = "a.example/24m/2026-11\n1\nroot\n"


class Disk:
    """What a power cut would leave: of a file what was written to it, of a folder its names, as of its last fsync."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[Path, set[str]] = {}
        self.bytes: dict[int, bytes] = {}
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._synced)

    def _synced(self, handle: int) -> None:
        self._fsync(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_dir():
            self.names[path] = {f"{one.name} {one.stat().st_ino}" for one in path.iterdir()}
        else:
            self.bytes[path.stat().st_ino] = path.read_bytes()

    def has(self, path: Path) -> bool:
        """Out: whether the file as it is now would be there afterwards."""
        number = path.stat().st_ino
        named = f"{path.name} {number}" in self.names.get(path.parent.resolve(), set())
        return named and self.bytes.get(number) == path.read_bytes()


def _kept(folder: Path) -> Path:
    kept = CheckpointFiles(folder)
    kept.keep("a.example/24m/2026-11", NOTE)
    kept.flush()
    kept.close()
    return next(folder.glob("*.checkpoint"))


def _copied(folder: Path) -> Path:
    with closing(sqlite3.connect(folder / "a.sqlite3")) as connection, connection:
        connection.execute("create table a (b)")
    return copy(folder / "a.sqlite3", folder / "copy.sqlite3")


def _tile(folder: Path) -> Path:
    TileFolder(folder).write("a/b/c", b"tile", True)
    return folder / "a/b/c"


def _moved(folder: Path) -> Path:
    files.write_new(folder / "next", "key")
    files.move(folder / "next", folder / "f")
    return folder / "f"


WRITERS: dict[str, Callable[[Path], Path | None]] = {
    "a tile": _tile,
    "a witness's memory": lambda folder: StateFile(folder / "f").keep(b"seen"),
    "a plan of a restore": lambda folder: replace_file(folder / "f", "plan"),
    "a checkpoint": _kept,
    "a backup": _copied,
    "a new key": lambda folder: files.write_new(folder / "f", "key"),
    "a key in another's place": lambda folder: files.put(folder / "f", "key"),
    "the key that follows": _moved,
    "the law in force": lambda folder: law._write(folder / "f", b"law"),
}


def _backed_up(new: Path) -> Path:
    home = new.parent / "home"
    (home / "data").mkdir(parents=True)
    said = '[authority]\nname = "a.example"\ntitle = { de = "A", en = "A" }\naudience = "a"\n'
    (home / "einmal.toml").write_text(f'{said}[storage]\nurl = "sqlite:///data/a.sqlite3"\n', "utf-8")
    for name in ("a.sqlite3", "bus.sqlite3"):
        with closing(sqlite3.connect(home / "data" / name)) as connection, connection:
            connection.execute("create table a (b)")
    return back_up(home, new)[-1]


FOLDERS: dict[str, Callable[[Path], object]] = {
    "a backup": _backed_up,
    "keys": lambda new: keys.create(new, SystemIds(), "a.example"),
    "former keys": files.folder,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_is_written_outlives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str
) -> None:
    """When the call returns, the bytes are on the disk, and so is the name they are found by."""
    disk = Disk(monkeypatch)
    written = WRITERS[writer](tmp_path) or tmp_path / "f"
    assert disk.has(written)
    assert {path.suffix for path in tmp_path.iterdir()}.isdisjoint({".new", ".part"})


def test_a_folder_made_on_the_way_is_there_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each one is named by the one above it."""
    disk = Disk(monkeypatch)
    _tile(tmp_path)
    above = {path.parent: path.name for path in (tmp_path / "a", tmp_path / "a/b")}
    for folder, name in above.items():
        assert name in {one.split(" ")[0] for one in disk.names[folder.resolve()]}


@pytest.mark.parametrize("maker", FOLDERS)
def test_a_folder_that_is_made_outlives_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: str
) -> None:
    """What is in it is found by its name."""
    disk = Disk(monkeypatch)
    FOLDERS[maker](tmp_path / "new")
    assert "new" in {one.split(" ")[0] for one in disk.names[tmp_path.resolve()]}


def test_what_a_crash_left_beside_is_in_nobodys_way(tmp_path: Path) -> None:
    """It is thrown away; a link in its place is not followed."""
    (tmp_path / "elsewhere").write_bytes(b"mine")
    (tmp_path / "f.new").symlink_to(tmp_path / "elsewhere")
    atomic.put(tmp_path / "f", b"one", 0o640)
    assert (tmp_path / "f").read_bytes() == b"one"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "elsewhere").read_bytes() == b"mine"


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a folder, a device: each is named at once, and nothing is read without end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "zeros"):
        with pytest.raises(OSError) as wrong:
            atomic.take(path, 10)
        assert wrong.value.filename == str(path)


def test_no_more_is_taken_than_may_be(tmp_path: Path) -> None:
    """To the byte; a file that is not there is none."""
    (tmp_path / "file").write_bytes(b"0123456789")
    assert atomic.take(tmp_path / "file", 10) == b"0123456789"
    assert atomic.take(tmp_path / "none", 10) is None
    with pytest.raises(OSError) as wrong:
        atomic.take(tmp_path / "file", 9)
    assert wrong.value.filename == str(tmp_path / "file")
