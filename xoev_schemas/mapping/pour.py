"""From a record to flat rows of escaped texts: unknown keys and wrong types end here.

One pass over the record; a row has a slot for every value its level can hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from xoev_schemas.mapping.errors import MappingError, Unfit
from xoev_schemas.mapping.words import Write

Row: TypeAlias = list[Any]
"""Per slot: escaped text, a list of texts, a list of rows, a row, or None for nothing."""


class Pour(Protocol):
    """What becomes of one key of a record."""

    def pour(self, value: object, record: Mapping[str, object], row: Row) -> None:
        """Put the value into its slot. Raises: MappingError (key only)."""
        ...


@dataclass(slots=True, eq=False)
class Level:
    """One record level: its keys, and how many slots its row has."""

    keys: dict[str, Pour] = field(default_factory=dict)
    size: int = 0
    plain: Pour | None = None
    """Set when the level is a plain value and not a record."""

    def row(self, value: object, key: str) -> Row:
        """In: a record, and the key it stands at. Out: its row. Raises: MappingError."""
        row: Row = [None] * self.size
        if self.plain is not None:
            self.plain.pour(value, {}, row)
        else:
            pour(value, self.keys, key, row)
        return row


def pour(value: object, keys: Mapping[str, Pour], key: str, row: Row) -> None:
    """Put every key of a record into the row. Raises: MappingError, also for unknown keys."""
    if not isinstance(value, dict):
        raise MappingError(key, "is not a record")
    for name, inside in value.items():
        known = keys.get(name)
        if known is None:
            raise MappingError(f"{key}.{name}" if key else str(name), "has no place in this message")
        known.pour(inside, value, row)


@dataclass(slots=True, eq=False)
class PourText:
    key: str
    slot: int
    write: Write

    def pour(self, value: object, _: Mapping[str, object], row: Row) -> None:
        try:
            row[self.slot] = self.write(value)
        except Unfit as unfit:
            raise MappingError(self.key, str(unfit)) from None


@dataclass(slots=True, eq=False)
class PourTexts:
    key: str
    slot: int
    write: Write

    def pour(self, value: object, _: Mapping[str, object], row: Row) -> None:
        try:
            row[self.slot] = [self.write(item) for item in _listed(value, self.key)]
        except Unfit as unfit:
            raise MappingError(self.key, str(unfit)) from None


@dataclass(slots=True, eq=False)
class PourRows:
    key: str
    slot: int
    level: Level

    def pour(self, value: object, _: Mapping[str, object], row: Row) -> None:
        row[self.slot] = [self.level.row(item, self.key) for item in _listed(value, self.key)]


@dataclass(slots=True, eq=False)
class PourNested:
    """A dict inside the record whose values stand in the same row."""

    key: str
    keys: dict[str, Pour]

    def pour(self, value: object, _: Mapping[str, object], row: Row) -> None:
        pour(value, self.keys, self.key, row)


@dataclass(slots=True, eq=False)
class PourBranch:
    """Where a chosen record goes, and the key beside it that goes there too."""

    slot: int
    level: Level
    beside: str | None


@dataclass(slots=True, eq=False)
class PourChoice:
    """The key whose value chooses the branch that another key's record is written to."""

    key: str
    other: str
    branches: dict[str, PourBranch] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    """What any of the branches takes from beside its record."""

    def pour(self, value: object, record: Mapping[str, object], row: Row) -> None:
        branch = self.branches.get(value) if isinstance(value, str) else None
        if branch is None:
            raise MappingError(self.key, "chooses nothing this message knows")
        row[branch.slot] = branch.level.row(self._inside(branch, record), self.other)

    def _inside(self, branch: PourBranch, record: Mapping[str, object]) -> object:
        """Out: the branch's record together with what stands beside it. Raises: MappingError."""
        inside = record.get(self.other, {})
        if not isinstance(inside, dict):
            return inside
        for name in self.beside:
            if name in inside or (name in record and name != branch.beside):
                raise MappingError(name, "has no place in this message")
        return inside | {name: record[name] for name in self.beside & record.keys()}


@dataclass(slots=True, eq=False)
class PourChosen:
    """The other key, or one beside it: poured by its choice, which has to be there."""

    key: str
    choice: str

    def pour(self, _: object, record: Mapping[str, object], row: Row) -> None:
        if self.choice not in record:
            raise MappingError(self.key, "stands without the key that chooses its form")


class PourAway:
    """A key the file says it has no place for."""

    def pour(self, value: object, record: Mapping[str, object], row: Row) -> None:
        return


def _listed(value: object, key: str) -> list[object]:
    if not isinstance(value, list | tuple):
        raise MappingError(key, "is not a list")
    return list(value)
