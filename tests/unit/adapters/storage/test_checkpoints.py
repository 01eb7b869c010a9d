"""The last signed checkpoint outside the database (LOG.md 9.6)."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.storage.checkpoints import CheckpointFiles
from gateway.errors import JournalUnavailable

ORIGIN = "musterstadt.example/24m/2026-11"


def note(size: int, origin: str = ORIGIN) -> str:
    return f"{origin}\n{size}\nroot=\n\n— {origin} signature\n"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[CheckpointFiles]:
    """Files in a folder that was not there."""
    files = CheckpointFiles(tmp_path / "checkpoints")
    yield files
    files.close()


def reopened(tmp_path: Path) -> str | None:
    other = CheckpointFiles(tmp_path / "checkpoints")
    other.close()
    return other.read(ORIGIN)


def test_nothing_kept_is_none(files: CheckpointFiles) -> None:
    """A shard without a checkpoint has none."""
    assert files.read(ORIGIN) is None


def test_what_is_kept_is_read_at_once_and_after_a_restart(files: CheckpointFiles, tmp_path: Path) -> None:
    """The newest note is there before it is on the disk, and afterwards from the disk."""
    for size in range(1, 50):
        files.keep(ORIGIN, note(size))
        assert files.read(ORIGIN) == note(size)
    files.flush()
    assert reopened(tmp_path) == note(49)


def test_closing_writes_what_is_waiting(files: CheckpointFiles, tmp_path: Path) -> None:
    """Nothing that was kept is lost by an orderly end."""
    files.keep(ORIGIN, note(7))
    files.close()
    assert reopened(tmp_path) == note(7)


def test_a_smaller_tree_never_replaces_a_larger(files: CheckpointFiles, tmp_path: Path) -> None:
    """Not in this process, and not by another one that is behind."""
    files.keep(ORIGIN, note(10))
    files.keep(ORIGIN, note(9))
    assert files.read(ORIGIN) == note(10)
    files.flush()
    other = CheckpointFiles(tmp_path / "checkpoints")
    other.keep(ORIGIN, note(8))
    other.close()
    assert other.read(ORIGIN) == files.read(ORIGIN) == reopened(tmp_path) == note(10)


def test_shards_do_not_share_a_file(files: CheckpointFiles) -> None:
    """Every origin has its own, whatever characters it is made of."""
    other = f"{ORIGIN}.2"
    files.keep(ORIGIN, note(3))
    files.keep(other, note(4, other))
    files.flush()
    assert (files.read(ORIGIN), files.read(other)) == (note(3), note(4, other))


def test_the_files_are_for_their_owner_only(files: CheckpointFiles, tmp_path: Path) -> None:
    """Folder 0700, files 0600."""
    files.keep(ORIGIN, note(1))
    files.flush()
    folder = tmp_path / "checkpoints"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "rubbish",
        note(5, "elsewhere.example/24m/2026-11"),
        f"{ORIGIN}\nmany\nx\n",
        f"{ORIGIN}\n{'9' * 5000}\nx\n",
        f"{note(5)}{'x' * 65_536}",
    ],
    ids=["empty", "rubbish", "another's", "no size", "no number of lines", "long"],
)
def test_a_damaged_file_stops(files: CheckpointFiles, tmp_path: Path, content: str) -> None:
    """What can't be read is not taken for "none was ever kept", nor written over."""
    files.keep(ORIGIN, note(1))
    files.flush()
    (path,) = (tmp_path / "checkpoints").glob("*.checkpoint")
    path.write_text(content)
    with pytest.raises(JournalUnavailable):
        files.read(ORIGIN)
    files.keep(ORIGIN, note(2))
    with pytest.raises(JournalUnavailable):
        files.flush()
    with pytest.raises(JournalUnavailable):
        files.keep(ORIGIN, note(3))
    assert path.read_text() == content


def test_writing_goes_on_once_it_can(files: CheckpointFiles, tmp_path: Path) -> None:
    """A full disk stops the house while it is full, and no longer; what could not be written is not lost."""
    folder = tmp_path / "checkpoints"
    folder.rename(tmp_path / "elsewhere")
    files.keep(ORIGIN, note(1))
    with pytest.raises(JournalUnavailable):
        files.flush()
    with pytest.raises(JournalUnavailable):
        files.keep(ORIGIN, note(2))
    (tmp_path / "elsewhere").rename(folder)
    files.flush()
    assert reopened(tmp_path) == note(1)
    files.keep(ORIGIN, note(3))
    files.flush()
    assert reopened(tmp_path) == note(3)


def test_what_a_crash_left_behind_is_not_read(files: CheckpointFiles, tmp_path: Path) -> None:
    """A half-written new file beside the old one changes nothing."""
    files.keep(ORIGIN, note(1))
    files.flush()
    (path,) = (tmp_path / "checkpoints").glob("*.checkpoint")
    path.with_suffix(".new").write_text("half a che")
    assert reopened(tmp_path) == note(1)
    files.keep(ORIGIN, note(2))
    files.flush()
    assert reopened(tmp_path) == note(2)


def test_it_knows_of_which_logs_one_is_kept(files: CheckpointFiles, tmp_path: Path) -> None:
    """On the disk or on its way there; what else lies in the folder is none."""
    other = f"{ORIGIN}/index"
    files.keep(ORIGIN, note(1))
    files.flush()
    files.keep(other, note(2, other))
    assert files.origins() == [ORIGIN, other]
    (tmp_path / "checkpoints/README").write_text("", "utf-8")
    files.close()
    reread = CheckpointFiles(tmp_path / "checkpoints")
    reread.close()
    assert reread.origins() == [ORIGIN, other]


def test_it_says_why_it_can_not_keep(tmp_path: Path) -> None:
    """None while all is well."""
    files = CheckpointFiles(tmp_path / "checkpoints")
    told = [files.failed]
    (tmp_path / "checkpoints" / "lock").mkdir()
    files.keep(ORIGIN, note(1))
    with pytest.raises(JournalUnavailable):
        files.flush()
    told.append(files.failed)
    assert told == [None, "checkpoint file (IsADirectoryError)"]
    (tmp_path / "checkpoints" / "lock").rmdir()
    files.close()
