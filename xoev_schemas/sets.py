"""Schema sets: the files of one standard, as packaged here or as an administrator installed them.

A set is a folder. What is installed is copied whole, with the SHA-256 of every file beside it, and is read
only while the sums hold. These functions read and write where their paths say, and nowhere else.
"""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from typing_extensions import override

SUMS: Final = "SHA256SUMS"
LARGEST_FILE: Final = 20_000_000
"""Bytes of one file of a set; the largest published XÖV file is below 5 MB."""
MOST_FILES: Final = 5_000
LARGEST_SET: Final = 200_000_000
"""Bytes of all files of a set together."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong with a set: which file, what is wrong. Schema files hold no personal data."""

    set: str
    file: str
    wrong: str

    @override
    def __str__(self) -> str:
        return f"{self.set}/{self.file}: {self.wrong}" if self.file else f"{self.set}: {self.wrong}"


class Unusable(Exception):
    """A set can't be used; says every reason."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__("; ".join(str(flaw) for flaw in flaws))
        self.flaws = flaws


@dataclass(frozen=True, slots=True)
class SchemaSet:
    """The files of a set by their path in it, `/` between folders."""

    name: str
    files: Mapping[str, bytes] = field(repr=False)
    flaws: tuple[Flaw, ...] = ()
    """What reading found wrong; a set with flaws is not compiled."""


def packaged() -> tuple[SchemaSet, ...]:
    """Out: the sets that come with the house: every folder beside this file that holds schema files."""
    return tuple(one for one in map(_folder, _folders(Path(__file__).parent)) if one.files)


def installed(home: Path) -> tuple[SchemaSet, ...]:
    """In: the folder sets are installed in; it may be missing. Out: its sets, checked against their sums."""
    return tuple(map(_checked, _folders(home))) if home.is_dir() else ()


def read(path: Path) -> SchemaSet:
    """In: a folder or a ZIP file. Out: the set in it, named after it. Raises: Unusable."""
    path = path.resolve()
    if path.is_dir():
        return _folder(path)
    if path.is_file() and zipfile.is_zipfile(path):
        try:
            return _zip(path)
        # zipfile tells of an encrypted entry and of an unknown compression by a RuntimeError.
        except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError):
            raise Unusable((Flaw(path.stem, "", "is a damaged or encrypted ZIP file"),)) from None
    raise Unusable((Flaw(path.name, "", "is neither a folder nor a ZIP file"),))


def install(path: Path, home: Path, usable: Callable[[SchemaSet], tuple[Flaw, ...]]) -> SchemaSet:
    """Copy a set into the home, if it can be used there.

    In: a folder or ZIP file; the folder sets are installed in; the judge (`Catalogue.flaws_with`).
    Out: the set.
    The same files again are no error. Raises: Unusable, and nothing is left behind.
    """
    new = read(path)
    if not _NAME.fullmatch(new.name):
        raise Unusable((Flaw(new.name, "", "is no name for a set: letters, digits, dots and dashes"),))
    target = home / new.name
    if target.exists():
        if _checked(target).files == new.files:
            return new
        raise Unusable((Flaw(new.name, "", "is installed already, with other files"),))
    flaws = new.flaws or usable(new)
    if flaws:
        raise Unusable(flaws)
    halfway = home / f".{new.name}.new"
    shutil.rmtree(halfway, ignore_errors=True)  # what a crash before the rename left
    for name, body in {**new.files, SUMS: _sums(new.files)}.items():
        file = halfway / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    halfway.rename(target)
    return new


def _folders(home: Path) -> list[Path]:
    return sorted(entry for entry in home.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def is_schema(name: str) -> bool:
    """In: a path. Out: whether it is an XML Schema file. (One published is named just `.xsd`.)"""
    return name.lower().endswith(".xsd")


def _folder(folder: Path) -> SchemaSet:
    files = {
        file.relative_to(folder).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.is_symlink() and "__pycache__" not in file.parts
    }
    if not any(is_schema(name) for name in files):
        return SchemaSet(folder.name, {}, (Flaw(folder.name, "", "holds no schema file (.xsd)"),))
    flaws = tuple(
        Flaw(folder.name, name, f"is larger than {LARGEST_FILE} bytes")
        for name, file in files.items()
        if file.stat().st_size > LARGEST_FILE
    )
    flaws += _too_much(folder.name, [file.stat().st_size for file in files.values()])
    if flaws:
        return SchemaSet(folder.name, {}, flaws)
    return SchemaSet(folder.name, {name: file.read_bytes() for name, file in files.items()})


def _too_much(name: str, sizes: Sequence[int]) -> tuple[Flaw, ...]:
    if len(sizes) > MOST_FILES:
        return (Flaw(name, "", f"holds more than {MOST_FILES} files"),)
    return (Flaw(name, "", f"is larger than {LARGEST_SET} bytes"),) if sum(sizes) > LARGEST_SET else ()


def _checked(folder: Path) -> SchemaSet:
    """Out: an installed set; with flaws, if its files are not the ones that were installed."""
    found = _folder(folder)
    files = {name: body for name, body in found.files.items() if name != SUMS}
    told = dict(_lines(found.files.get(SUMS, b"")))
    flaws = list(found.flaws)
    for name in sorted(files.keys() | told.keys()):
        if name not in told:
            flaws.append(Flaw(found.name, name, f"is not in {SUMS}: it was not installed with the set"))
        elif name not in files:
            flaws.append(Flaw(found.name, name, "is missing"))
        elif sha256(files[name]).hexdigest() != told[name]:
            flaws.append(Flaw(found.name, name, "was changed after it was installed"))
    return SchemaSet(found.name, files, tuple(flaws))


def _zip(path: Path) -> SchemaSet:
    name = path.stem
    files: dict[str, bytes] = {}
    flaws: list[Flaw] = []
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if too_much := _too_much(name, [member.file_size for member in members]):
            raise Unusable(too_much)
        for member in members:
            inside = PurePosixPath(member.filename)
            if inside.is_absolute() or ".." in inside.parts or "\\" in member.filename:
                flaws.append(Flaw(name, member.filename, "would be written outside the set"))
            elif member.file_size > LARGEST_FILE:
                flaws.append(Flaw(name, member.filename, f"is larger than {LARGEST_FILE} bytes"))
            else:
                with archive.open(member) as packed:
                    files[inside.as_posix()] = packed.read(LARGEST_FILE + 1)
    if flaws:
        raise Unusable(tuple(flaws))
    if not any(is_schema(inside) for inside in files):
        raise Unusable((Flaw(name, "", "holds no schema file (.xsd)"),))
    return SchemaSet(name, files)


def _sums(files: Mapping[str, bytes]) -> bytes:
    """Out: the sums as `sha256sum` writes and checks them."""
    return "".join(f"{sha256(body).hexdigest()}  {name}\n" for name, body in sorted(files.items())).encode()


def _lines(sums: bytes) -> list[tuple[str, str]]:
    lines = (line.partition("  ") for line in sums.decode("utf-8", "replace").splitlines())
    return [(name, digest) for digest, _, name in lines]
