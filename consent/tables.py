"""Parsed TOML as it is before any model has read it: what has the wrong type is passed over, not refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from consent.problems import Document, KeyPath, did_you_mean
from consent.vocabulary import Problem

Toml: TypeAlias = Mapping[str, Any]


def text(table: Toml, key: str) -> str | None:
    """Out: a text of the table, if it is one."""
    value = table.get(key)
    return value if isinstance(value, str) else None


def texts(table: Toml, key: str) -> list[str]:
    """Out: the texts of a list (or the keys of a table) of the table."""
    value = table.get(key)
    return (
        [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple | Mapping) else []
    )


def tables(document: Document, *keys: str) -> Iterator[tuple[KeyPath, Toml]]:
    """Out: each table of an array of tables, with its path: `tables(doc, "evidence", "person")`."""

    def walk(table: Toml, path: KeyPath, rest: Sequence[str]) -> Iterator[tuple[KeyPath, Toml]]:
        if not rest:
            yield path, table
            return
        items = table.get(rest[0])
        for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
            if isinstance(item, Mapping):
                yield from walk(item, (*path, rest[0], index), rest[1:])

    return walk(document.data, (), keys)


def period(table: Toml) -> tuple[Any, Any]:
    """Out: first and last day (or moment); None twice unless they can be compared."""
    start, end = table.get("valid_from"), table.get("valid_to")
    return (start, end) if comparable(start, end) else (None, None)


def comparable(start: object, end: object) -> bool:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return (start.tzinfo is None) is (end.tzinfo is None)
    plain = not isinstance(start, datetime) and not isinstance(end, datetime)
    return plain and isinstance(start, date) and isinstance(end, date)


@dataclass(frozen=True, slots=True)
class Fields:
    """What a register says about the fields of an evidence type."""

    names: frozenset[str]
    """Every field there is, those of a group's entries among them (`consent.parties.EvidenceType.names`)."""
    special: frozenset[str]
    writable: frozenset[str]


_NAMED_IN: Final = MappingProxyType(
    {
        "consumer": ("consumers",),
        "register": ("registers",),
        "recorder": ("consumers", "people"),
        "purpose": ("purposes.toml",),
        "procedure": ("purposes.toml",),
    }
)


@dataclass
class Home:
    """What the files name, gathered first, so that the order of files does not matter."""

    documents: Sequence[Document]
    revoked: frozenset[str]
    """Ids of grants that are revoked."""
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)
    purpose_of: dict[str, str | None] = field(default_factory=dict)
    fields_of: dict[tuple[str, str], Fields] = field(default_factory=dict)
    """By register and evidence type."""

    def of(self, folder: str) -> Iterator[Document]:
        return (item for item in self.documents if item.file.partition("/")[0] == folder)

    def unsure(self, word: str, *folders: str) -> bool:
        """Out: whether a file there that could not be parsed would probably have named that word."""
        return any(
            document.broken and document.would_name(word)
            for folder in folders
            for document in self.of(folder)
        )

    def known(self, what: str) -> set[str]:
        return self.names.setdefault(what, set())

    def say(self, document: Document, path: KeyPath, wrong: str, mend: str) -> None:
        self.problems.append(document.problem(path, wrong, mend))

    def fields_known(self, at: tuple[Document, KeyPath], names: Iterable[str], known: Iterable[str]) -> None:
        known = set(known)
        for name in names:
            if name not in known and "*" not in name:
                self.say(*at, f"field {name!r} is unknown", did_you_mean(name, known, "field"))

    def must_be_known(self, document: Document, path: KeyPath, words: Iterable[str], what: str) -> None:
        known = self.known(what)
        for word in words:
            if word not in known and "*" not in word and not self.unsure(word, *_NAMED_IN.get(what, ())):
                self.say(document, path, f"{what} {word!r} is unknown", did_you_mean(word, known, what))
