"""Files that are replaced whole, and the room on a disk (adapters.machine)."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.machine import FileSlate, free_bytes, replace_file


def test_a_file_is_replaced_whole_and_is_its_owners(tmp_path: Path) -> None:
    """0600, the new text or the old one, nothing left beside it."""
    file = tmp_path / "health.json"
    for text in ("one", "zwei ü"):
        replace_file(file, text)
        assert file.read_text("utf-8") == text
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(OSError):
        replace_file(tmp_path / "nowhere" / "health.json", "x")


def test_a_slate_keeps_what_was_seen_and_how_it_is(tmp_path: Path) -> None:
    """Each in its file; nothing seen is empty, and so is what is no text."""
    slate = FileSlate(tmp_path)
    assert slate.seen() == ""
    slate.keep("seen")
    slate.tell("health")
    assert slate.last_run() == ""
    slate.keep_run("run")
    assert FileSlate(tmp_path).last_run() == "run"
    assert FileSlate(tmp_path).seen() == "seen"
    assert (tmp_path / "health.json").read_text("utf-8") == "health"
    (tmp_path / "watch.json").write_bytes(b"\xff")
    assert slate.seen() == ""


def test_a_disk_has_room(tmp_path: Path) -> None:
    """Of the folder that is asked for."""
    assert free_bytes(tmp_path) > 0
    with pytest.raises(OSError):
        free_bytes(tmp_path / "nowhere")
