"""TOML with the line of every key: tomllib says what is in a file, tree-sitter where.

A file that can't be trusted to be what it seems (not UTF-8, too large, a link out of the home, half written)
is a mistake with its place, never an exception.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from consent.problems import Document, KeyPath
from consent.vocabulary import Problem

FILE_BYTES: Final = 1_000_000
"""The largest file that is read."""
_PARSER: Final = Parser(Language(tree_sitter_toml.language()))
_AT_LINE: Final = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_AT_END: Final = re.compile(r"\s*\(at end of document\)$")

_TWICE: Final = re.compile(r"Cannot declare \((.*)\) twice")
_QUOTED: Final = r"'([^']*)'"
_HINTS: Final = (
    (
        re.compile(r"=\s*\d{1,2}\.\s?\d{1,2}\.\s?\d{4}\b"),
        "Write a date as 2026-12-31, without quotation marks.",
    ),
    (re.compile(r"=\s*(?:yes|no|on|off|ja|nein|True|False|TRUE|FALSE)\b"), "Write true or false."),
    (re.compile(r"=\s*[^\W\d]"), 'Write text in quotation marks: "a".'),
)
"""What people write for a value, and how TOML has it."""


def read_bytes(home: Path, file: str, most: int = FILE_BYTES) -> bytes | Problem:
    """In: a file of the home, by its path within it. Out: its bytes, or why they are not read."""
    path = home / file
    try:
        if not path.resolve(strict=True).is_relative_to(home.resolve()):
            return Problem(
                file, None, "(file)", "is a link out of the home", "Put the file itself into the home."
            )
        if not path.is_file():
            return Problem(file, None, "(file)", "is not a file", "Remove it, or make it a file.")
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except FileNotFoundError:
        mend = "Name the home's folder with --home; `einmal init` makes a new one."
        return Problem(file, None, "(file)", "is missing", mend)
    except (OSError, RuntimeError) as error:
        wrong = f"can't be read ({type(error).__name__})"
        return Problem(file, None, "(file)", wrong, "Check that it is there and may be read.")
    if len(data) > most:
        mend = "Split it into several files, or remove what is no law."
        return Problem(file, None, "(file)", f"is larger than {most} bytes", mend)
    return data


def parse(file: str, raw: bytes, signature: bytes | None = None) -> Document | Problem:
    """In: a file's name and bytes, and its signature's. Out: the document with its lines, or what is wrong."""
    if not raw.strip():
        return Problem(file, 1, "(file)", "is empty", "Fill it in, or remove it.")
    try:
        data = tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return Problem(file, line, "(file)", "is not UTF-8", "Save it as UTF-8, without a byte order mark.")
    except tomllib.TOMLDecodeError as error:
        return _not_toml(file, raw, str(error))
    except ValueError:  # no TOMLDecodeError: Python reads no number of more than 4300 digits
        return Problem(file, None, "(file)", "has a number that is too long", "Shorten it, or quote it.")
    except RecursionError:
        return Problem(file, None, "(file)", "is nested too deeply", "Write it as plain tables.")
    lines = _lines(raw)

    def locate(path: KeyPath) -> int | None:
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path)

    return Document(file, raw, data, locate, signature)


def _not_toml(file: str, raw: bytes, said: str) -> Problem:
    if raw.startswith(b"\xef\xbb\xbf"):
        return Problem(file, 1, "(file)", "begins with a byte order mark", "Save it as UTF-8 without one.")
    found = _AT_LINE.search(said)
    line = int(found[1]) if found else raw.rstrip().count(b"\n") + 1
    wrong = _AT_END.sub("", _AT_LINE.sub("", said)).replace(
        "Illegal character '\\n'", "a line ends within a text"
    )
    wrong = _TWICE.sub(_twice, wrong)
    if _AT_END.search(said):
        wrong += ", where the file ends, as if half of it were missing"
    mend = _hint(raw.split(b"\n")[line - 1].decode()) if found else None
    return Problem(
        file, line, "(file)", f"is not TOML: {wrong}", mend or "Correct this line or the one before it."
    )


def _twice(declared: re.Match[str]) -> str:
    return f"the table {'.'.join(re.findall(_QUOTED, declared[1]))} is declared twice"


def _hint(line: str) -> str | None:
    """Out: the mend of a value that people write otherwise than TOML; None when it is none of these."""
    return next((mend for form, mend in _HINTS if form.search(line)), None)


def _lines(raw: bytes) -> dict[KeyPath, int]:
    """Out: the line (from 1) of every key, table and item of a list."""
    lines: dict[KeyPath, int] = {(): 1}
    tables: dict[KeyPath, int] = {}
    for node in _PARSER.parse(raw).root_node.named_children:
        if node.type == "pair":
            _note_pair(lines, (), node)
        elif node.type in {"table", "table_array_element"}:
            head, *pairs = (child for child in node.named_children if child.type != "comment")
            path = _header(tables, _words(head), node.type == "table_array_element")
            _note(lines, path, node)
            for pair in pairs:
                _note_pair(lines, path, pair)
    return lines


def _header(tables: dict[KeyPath, int], words: list[str], in_list: bool) -> KeyPath:
    """Out: the path a header opens: through arrays of tables, its last table each."""
    path: KeyPath = ()
    for place, word in enumerate(words):
        path = (*path, word)
        if in_list and place == len(words) - 1:
            tables[path] = tables.get(path, -1) + 1
        if path in tables:
            path = (*path, tables[path])
    return path


def _note(lines: dict[KeyPath, int], path: KeyPath, node: Node) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], node.start_point.row + 1)


def _note_pair(lines: dict[KeyPath, int], path: KeyPath, node: Node) -> None:
    if node.type != "pair":
        return
    key, value = (child for child in node.named_children if child.type != "comment")
    inner = (*path, *_words(key))
    _note(lines, inner, key)
    _note_value(lines, inner, value)


def _note_value(lines: dict[KeyPath, int], path: KeyPath, node: Node) -> None:
    if node.type == "inline_table":
        for pair in node.named_children:
            _note_pair(lines, path, pair)
    elif node.type == "array":
        items = (child for child in node.named_children if child.type != "comment")
        for index, item in enumerate(items):
            _note(lines, (*path, index), item)
            _note_value(lines, (*path, index), item)


def _words(key: Node) -> list[str]:
    return list(_each_word(key))


def _each_word(key: Node) -> Iterator[str]:
    if key.type == "dotted_key":
        for child in key.named_children:
            yield from _each_word(child)
        return
    text = (key.text or b"").decode()
    yield next(iter(tomllib.loads(f"{text} = 0"))) if key.type == "quoted_key" else text
