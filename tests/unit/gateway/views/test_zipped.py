"""What one program finds in a ZIP file and another does not makes it no export (gateway.views.zipped)."""

from __future__ import annotations

import stat
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest

from gateway.views.zipped import read_alike

FILES = {"auskunft.html": b"<p>Anna</p>" * 9, "proof/proof.json": b"{}"}


def packed(method: int = ZIP_DEFLATED, streamed: bool = False, mode: int = stat.S_IFREG | 0o644) -> bytes:
    archive = BytesIO()
    if streamed:
        archive.seekable = lambda: False  # type: ignore[method-assign]
    with ZipFile(archive, "w", method) as bundle:
        for name, body in FILES.items():
            entry = ZipInfo(name)
            entry.compress_type, entry.external_attr = method, mode << 16
            bundle.writestr(entry, body)
    return archive.getvalue()


def alike(archive: bytes) -> bool:
    with ZipFile(BytesIO(archive)) as bundle:
        return read_alike(archive, bundle.infolist(), bundle.start_dir)


@pytest.mark.parametrize("archive", [packed(), packed(ZIP_STORED), packed(streamed=True), packed(mode=0)])
def test_what_packers_write_is_read_alike(archive: bytes) -> None:
    """Packed or stored, its sizes before or behind the data, and by systems that know no kinds of files."""
    assert alike(archive)


def hidden(archive: bytes) -> bytes:
    """An entry that the directory does not name."""
    with ZipFile(BytesIO(archive)) as bundle:
        start = bundle.start_dir
    lie = BytesIO()
    with ZipFile(lie, "w") as other:
        other.writestr("auskunft.html", "<p>a lie</p>")
        end = other.start_dir
    directory = bytearray(archive[start:])
    where = len(directory) - 6
    directory[where : where + 4] = (start + end).to_bytes(4, "little")
    return archive[:start] + lie.getvalue()[:end] + bytes(directory)


def other_sizes(archive: bytes) -> bytes:
    """The first entry says of itself that it is shorter."""
    told = bytearray(archive)
    told[18] -= 1
    return bytes(told)


def a_link(_: bytes) -> bytes:
    return packed(mode=stat.S_IFLNK | 0o777)


LIES: dict[str, Callable[[bytes], bytes]] = {
    "something before": lambda archive: b"#!/bin/sh\n" + archive,
    "another file before": lambda archive: packed(ZIP_STORED) + archive,
    "something behind": lambda archive: archive + b"\n",
    "a comment": lambda archive: archive[:-2] + b"\x04\x00note",
    "a hidden entry": hidden,
    "other sizes": other_sizes,
    "a link": a_link,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_is_read_in_two_ways_is_found(lie: Callable[[bytes], bytes]) -> None:
    """Each of these opens without a word in programs that read the directory."""
    assert not alike(lie(packed()))
