"""Whether every reader of a ZIP file finds the same files in it (PKWARE APPNOTE 4.3).

Some read the directory at its end, some the entries from its beginning. Where nothing lies before, between or behind
them, and both say the same of each, they agree.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from itertools import pairwise
from struct import Struct
from typing import Final
from zipfile import ZipInfo

_ENTRY: Final = Struct("<4s5H3I2H")
"""What stands before an entry's name: signature, version, flags, method, time, day, CRC, both sizes, both lengths."""
_END: Final = Struct("<4s4H2IH")
"""The end: signature, disks, numbers of entries, the directory's size and place, the comment's length."""
_STREAMED: Final = 0x08
"""A flag: CRC and sizes stand behind the data."""
_DESCRIPTORS: Final = (12, 16)
"""What then stands there has so many bytes: without or with a signature of its own."""


def read_alike(archive: bytes, entries: Sequence[ZipInfo], directory: int) -> bool:
    """In: a ZIP file, what its directory says, and where that begins. Out: whether nothing else is in it."""
    placed = sorted(entries, key=lambda entry: entry.header_offset)
    starts = [*(entry.header_offset for entry in placed), directory]
    return (
        starts[0] == 0
        and all(_fills(archive, entry, *span) for entry, span in zip(placed, pairwise(starts), strict=True))
        and _ends(archive, directory)
    )


def _fills(archive: bytes, entry: ZipInfo, start: int, stop: int) -> bool:
    """Out: whether the entry is a plain file, and itself says what the directory says."""
    kind = stat.S_IFMT(entry.external_attr >> 16)  # 0: written where files have no kinds
    if entry.is_dir() or kind not in (0, stat.S_IFREG):
        return False
    if stop - start < _ENTRY.size:
        return False
    _, _, flags, method, _, _, _, packed, size, name, extra = _ENTRY.unpack_from(archive, start)
    end = start + _ENTRY.size + name + extra + entry.compress_size
    if method != entry.compress_type or flags != entry.flag_bits:
        return False
    if flags & _STREAMED:
        return any(end + length == stop for length in _DESCRIPTORS)
    return (packed, size) == (entry.compress_size, entry.file_size) and end == stop


def _ends(archive: bytes, directory: int) -> bool:
    """Out: whether the file ends with its directory, without a comment."""
    end = len(archive) - _END.size
    if end < directory:
        return False
    signature, *_, size, _, comment = _END.unpack_from(archive, end)
    return bool(signature == b"PK\x05\x06" and directory + size == end and comment == 0)
