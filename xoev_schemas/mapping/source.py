"""A mapping file as declared: strictly parsed, nothing connected yet. README.md says what it may hold."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from xoev_schemas.mapping.errors import MappingInvalid
from xoev_schemas.mapping.words import KINDS

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_XML: Final = {"xml": "http://www.w3.org/XML/1998/namespace"}
_NAME: Final = r"[^\W\d][\w.\-]*"
_STEP: Final = re.compile(rf"(?:({_NAME}):)?({_NAME})(?:\[@({_NAME})='([^'<>&\"]*)'\])?")
_ATTRIBUTE: Final = re.compile(rf"@(?:({_NAME}):)?({_NAME})")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
_FILE_KEYS: Final = frozenset({"root", "ignore", "namespaces", "codes", "fields", "part"})
_SHARED_KEYS: Final = frozenset({"namespaces", "codes", "part"})
_ROW_KEYS: Final = frozenset({"key", "list", "const", "part", "codes", "type", "when", "beside"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name bound to its namespace; `said` is how this project writes it, `clark` how lxml names it."""

    said: str
    clark: str
    prefix: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One element of a path, perhaps chosen by an attribute's value: `rim:Slot[@name='Procedure']`."""

    name: Name
    select: tuple[str, str] | None = None

    @property
    def said(self) -> str:
        return f"{self.name.said}[@{self.select[0]}='{self.select[1]}']" if self.select else self.name.said


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a mapping file: a path, and what stands there."""

    file: str
    at: str
    """The key in the file: `fields."x:a/x:b"`."""
    steps: tuple[Step, ...]
    attribute: Name | None
    key: tuple[str, ...]
    """Where in the record; empty for constants, parts in place, and `.`, the list item itself."""
    many: bool
    const: str | None
    part: str | None
    codes: str | None
    kind: str
    when: tuple[str, str] | None
    beside: str | None
    """The key of a chosen branch's record that stands beside the branch's own key."""

    def wrong(self, what: str) -> MappingInvalid:
        return MappingInvalid(self.file, self.at, what)


@dataclass(frozen=True, slots=True)
class Source:
    """A mapping file and what it shares with its neighbours."""

    file: str
    root: Step
    ignore: frozenset[str]
    namespaces: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]
    rows: tuple[Row, ...]
    parts: Mapping[str, tuple[Row, ...]]
    own: frozenset[str]
    """`namespaces.x`, `codes.x`, `part.x` of the file itself: each must be used."""


def parse(toml: bytes, file: str, shared: tuple[bytes, str] | None) -> Source:
    """In: a mapping file and its name; a file of shared namespaces, codes, parts. Raises: MappingInvalid."""
    document = _document(toml, file, _FILE_KEYS)
    common, common_file = ({}, file) if shared is None else (_document(*shared, _SHARED_KEYS), shared[1])
    own = {f"{table}.{name}" for table in _SHARED_KEYS for name in _table(document, table, file)}
    for table in _SHARED_KEYS:
        for name in _table(common, table, common_file):
            if f"{table}.{name}" in own:
                raise MappingInvalid(file, f"{table}.{name}", f"is also in {common_file}")
    namespaces = _strings(common, "namespaces", common_file) | _strings(document, "namespaces", file)
    if len(set(namespaces.values())) != len(namespaces):
        raise MappingInvalid(file, "namespaces", "two prefixes are bound to one namespace")
    codes = _codes(common, common_file) | _codes(document, file)
    parts = _parts(common, common_file, namespaces) | _parts(document, file, namespaces)
    steps, attribute = _path(document.get("root"), file, "root", namespaces)
    if len(steps) != 1 or attribute is not None or steps[0].select is not None:
        raise MappingInvalid(file, "root", "must be one element")
    ignore = document.get("ignore", [])
    if not isinstance(ignore, list) or not all(
        isinstance(key, str) and _KEY.fullmatch(key) for key in ignore
    ):
        raise MappingInvalid(file, "ignore", "must be a list of record keys")
    rows = _rows(_table(document, "fields", file), "fields", file, namespaces)
    return Source(file, steps[0], frozenset(ignore), namespaces, codes, rows, parts, frozenset(own))


def _document(toml: bytes, file: str, allowed: frozenset[str]) -> dict[str, Any]:
    try:
        document = tomllib.loads(toml.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise MappingInvalid(file, "-", f"is not TOML ({exc})") from None
    for key in document.keys() - allowed:
        raise MappingInvalid(file, key, "is an unknown key")
    return document


def _table(document: Mapping[str, Any], name: str, file: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise MappingInvalid(file, name, "must be a table")
    return table


def _strings(document: Mapping[str, Any], name: str, file: str) -> dict[str, str]:
    table = _table(document, name, file)
    for key, value in table.items():
        if not isinstance(value, str) or not value:
            raise MappingInvalid(file, f"{name}.{key}", "must be text")
    return table


def _codes(document: Mapping[str, Any], file: str) -> dict[str, dict[str, str]]:
    tables = _table(document, "codes", file)
    out = {name: _strings(tables, name, file) for name in tables}
    for name, table in out.items():
        if len(set(table.values())) != len(table):
            raise MappingInvalid(file, f"codes.{name}", "two codes say the same")
    return out


def _parts(document: Mapping[str, Any], file: str, spaces: Mapping[str, str]) -> dict[str, tuple[Row, ...]]:
    tables = _table(document, "part", file)
    return {name: _rows(_table(tables, name, file), f"part.{name}", file, spaces) for name in tables}


def _rows(table: Mapping[str, Any], name: str, file: str, spaces: Mapping[str, str]) -> tuple[Row, ...]:
    if not table:
        raise MappingInvalid(file, name, "is empty")
    return tuple(_row(path, said, f'{name}."{path}"', file, spaces) for path, said in table.items())


def _row(path: str, said: object, at: str, file: str, spaces: Mapping[str, str]) -> Row:
    steps, attribute = _path(path, file, at, spaces)
    row = {"key": said} if isinstance(said, str) else said
    if not isinstance(row, dict):
        raise MappingInvalid(file, at, "must be a record key or a table")
    for unknown in row.keys() - _ROW_KEYS:
        raise MappingInvalid(file, f"{at}.{unknown}", "is an unknown key")
    for name, value in row.items():
        if name != "when" and not isinstance(value, str):
            raise MappingInvalid(file, f"{at}.{name}", "must be text")
    if len(row.keys() & {"const", "key", "list"}) != (0 if row.keys() == {"part"} else 1):
        raise MappingInvalid(file, at, "needs exactly one of key, list, const, or a part alone")
    if "const" in row and len(row) > 1:
        raise MappingInvalid(file, at, "a constant takes nothing else")
    if "part" in row and (attribute is not None or row.keys() & {"codes", "type"}):
        raise MappingInvalid(file, at, "a part stands at an element and takes no codes and no type")
    if "codes" in row and "type" in row:
        raise MappingInvalid(file, at, "has codes and a type")
    if row.get("type", "token") not in KINDS:
        raise MappingInvalid(file, f"{at}.type", f"must be one of {', '.join(sorted(KINDS))}")
    if "list" in row and (attribute is not None or not steps):
        raise MappingInvalid(file, at, "only an element below can be a list")
    key = str(row.get("key", row.get("list", ".")))
    if key != "." and not _KEY.fullmatch(key):
        raise MappingInvalid(file, at, "is not a record key")
    where = () if key == "." else tuple(key.split("."))
    when = _when(row, at, file)
    kind = row.get("type", "token")
    return Row(
        file,
        at,
        steps,
        attribute,
        where,
        "list" in row,
        row.get("const"),
        row.get("part"),
        row.get("codes"),
        kind,
        when,
        _beside(row, at, file),
    )


def _beside(row: Mapping[str, Any], at: str, file: str) -> str | None:
    if "beside" not in row:
        return None
    beside = str(row["beside"])
    if "when" not in row or not _KEY.fullmatch(beside) or "." in beside:
        raise MappingInvalid(file, f"{at}.beside", "must be one record key, in a branch that a value chooses")
    return beside


def _when(row: Mapping[str, Any], at: str, file: str) -> tuple[str, str] | None:
    if "when" not in row:
        return None
    when = row["when"]
    if not isinstance(when, dict) or len(when) != 1 or "part" not in row or "key" not in row:
        raise MappingInvalid(
            file, f"{at}.when", "must be one record key and its value, beside a key and a part"
        )
    [(key, value)] = when.items()
    if not isinstance(value, str) or not _KEY.fullmatch(key) or "." in key:
        raise MappingInvalid(file, f"{at}.when", "must be one record key and its value")
    return key, value


def _path(
    path: object, file: str, at: str, spaces: Mapping[str, str]
) -> tuple[tuple[Step, ...], Name | None]:
    """Out: the elements, and the attribute if the path ends in one. `.` is the element itself."""
    if not isinstance(path, str):
        raise MappingInvalid(file, at, "must be a path")
    if path == ".":
        return (), None
    steps: list[Step] = []
    position = 0
    while position < len(path):
        if found := _ATTRIBUTE.fullmatch(path, position):
            return tuple(steps), _name(found[1], found[2], file, at, spaces)
        match = _STEP.match(path, position)
        if match is None or path[match.end() : match.end() + 1] not in ("/", "") or path.endswith("/"):
            break
        select = None if match[3] is None else (match[3], match[4])
        steps.append(Step(_name(match[1], match[2], file, at, spaces), select))
        position = match.end() + 1
    else:
        if steps:
            return tuple(steps), None
    raise MappingInvalid(file, at, "is not a path")


def _name(prefix: str | None, local: str, file: str, at: str, spaces: Mapping[str, str]) -> Name:
    if prefix is None:
        return Name(local, local, None)
    uri = spaces.get(prefix) or _XML.get(prefix)
    if uri is None:
        raise MappingInvalid(file, at, f"the prefix {prefix} is not declared")
    return Name(f"{prefix}:{local}", f"{{{uri}}}{local}", prefix)
