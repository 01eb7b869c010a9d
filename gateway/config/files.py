"""The files of a home's law: which there are, which only look like law, and their bytes with their signatures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from consent.policy import SIGNATURE
from consent.problems import Document, KeyPath
from consent.revocation import REVOKED
from consent.vocabulary import Problem
from gateway.config.toml import FILE_BYTES, parse, read_bytes

PURPOSES_FILE: Final = "purposes.toml"
FOLDERS: Final = ("consumers", "grants", "people", "registers")
SIGNATURE_BYTES: Final = 100_000
"""The largest signature file, and the largest revocation, that is read."""
_BESIDE: Final = frozenset({SIGNATURE, ".md", ".txt"})
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def documents_of(home: Path, problems: list[Problem]) -> Iterator[Document]:
    """Out: every file of the law, in the order of their names; those that can't be read or parsed as `broken`,
    with the reason added to `problems`."""
    for file in _files(home, problems):
        document = _document(home, file, problems)
        if isinstance(document, Problem):
            problems.append(document)
            yield Document(file, b"", {}, broken=True)
        else:
            yield document


def _document(home: Path, file: str, problems: list[Problem]) -> Document | Problem:
    if file.endswith(REVOKED):
        raw = read_bytes(home, file, SIGNATURE_BYTES)
        return raw if isinstance(raw, Problem) else Document(file, raw, {}, _first_line)
    raw = read_bytes(home, file, FILE_BYTES)
    if isinstance(raw, Problem):
        return raw
    return parse(file, raw, _signature(home, file, problems) if file.startswith("grants/") else None)


def _first_line(_path: KeyPath) -> int:
    return 1


def _signature(home: Path, file: str, problems: list[Problem]) -> bytes | None:
    name = file.removesuffix(".toml") + SIGNATURE
    if not (home / name).exists():
        return None
    found = read_bytes(home, name, SIGNATURE_BYTES)
    if isinstance(found, Problem):
        problems.append(found)
        return None
    return found


def _files(home: Path, problems: list[Problem]) -> Iterator[str]:
    for folder in FOLDERS:
        try:
            entries = sorted((home / folder).iterdir())
        except FileNotFoundError:
            continue
        except OSError as error:
            wrong = f"can't be read ({type(error).__name__})"
            problems.append(Problem(folder, None, "(folder)", wrong, "Make it a folder that may be read."))
            continue
        names = {entry.name for entry in entries}
        for entry in entries:
            law = entry.suffix == ".toml" or (folder == "grants" and entry.suffix == REVOKED)
            if law and not _FILE_NAME.fullmatch(entry.name):
                mend = "Use letters, digits, dot, hyphen and underscore only."
                problems.append(
                    Problem(folder, None, "(folder)", f"has a file of an unfit name, {entry.name!r}", mend)
                )
            elif law:
                yield f"{folder}/{entry.name}"
            else:
                problems += _stray(folder, entry, names)
    if os.path.lexists(home / PURPOSES_FILE):
        yield PURPOSES_FILE


def _stray(folder: str, entry: Path, names: set[str]) -> Iterator[Problem]:
    """Out: a problem for what looks like law and would silently not count."""
    file = f"{folder}/{entry.name}"
    if entry.name.startswith(".") or folder == "registers":
        return
    if entry.suffix == SIGNATURE and f"{entry.stem}.toml" not in names:
        yield Problem(
            file, None, "(file)", "signs a file that is not there", "Remove it, or bring the file back."
        )
    elif entry.suffix not in _BESIDE:
        mend = f"Only {folder}/*.toml is read: rename or remove it."
        yield Problem(file, None, "(file)", "does not count", mend)
