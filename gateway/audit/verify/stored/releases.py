"""Table `release`, held against the lines: what was kept from its persons is told on its day, the same and once.

What a row would tell lies sealed in it, with its day and its class: only the house itself can open it (`Opened`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeAlias

from gateway.audit.record import Kind
from gateway.audit.verify.stored.columns import Wrong


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A row of table `release`."""

    exchange: str
    due: int
    """Milliseconds since 1970, UTC."""
    retention: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedRelease:
    """What a row's seal holds."""

    due: int
    retention: str
    events: tuple[bytes, ...] = field(repr=False)


Opens: TypeAlias = Callable[[ReleaseRow], OpenedRelease | None]
"""Out: what is sealed in a row; None when it can't be opened."""


@dataclass(slots=True)
class _Said:
    """What the lines of one exchange say, each without its kind and time."""

    kept: list[bytes] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)


class Releases:
    """What the lines say of exempt exchanges, gathered line by line, then held against the table."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}

    def hear(self, said: Mapping[str, Any]) -> None:
        """In: a line's event, opened."""
        if said["kind"] in {Kind.EXEMPT, Kind.RELEASED} and "exchange" in said:
            known = self._said.setdefault(said["exchange"], _Said())
            (known.kept if said["kind"] == Kind.EXEMPT else known.told).append(_same(said))

    def check(
        self, rows: Iterable[ReleaseRow], opens: Opens, ended: Mapping[str, str | None], erased: bool
    ) -> list[Wrong]:
        """In: the table; how to open a row; by exchange that lines speak of: the kind it ended with, if it did;
        whether lines are erased, so that not everything is known. Out: every place that does not fit."""
        wrong: list[Wrong] = []
        seen: set[str] = set()
        for row in rows:
            seen.add(row.exchange)
            found = [*self._place(row, ended, erased), *self._content(row, opens(row))]
            wrong += [Wrong("release", row.exchange, column, text) for column, text in found]
        for exchange, said in self._said.items():
            if said.kept and not said.told and exchange not in seen:
                wrong.append(
                    Wrong("release", exchange, "exchange", "what its persons are to be told is missing")
                )
            if said.told and (said.kept or not erased) and sorted(said.told) != sorted(said.kept):
                wrong.append(Wrong("line", exchange, "event", "what was told is not what was kept back"))
        return wrong

    def _place(
        self, row: ReleaseRow, ended: Mapping[str, str | None], erased: bool
    ) -> Iterable[tuple[str, str]]:
        said = self._said.get(row.exchange, _Said())
        if row.exchange not in ended:
            if not erased:
                yield "exchange", "no line speaks of it"
        elif ended[row.exchange] not in {None, Kind.EXEMPT}:
            yield "exchange", "it was not kept back"
        elif said.told:
            yield "exchange", "it was told already"

    def _content(self, row: ReleaseRow, opened: OpenedRelease | None) -> Iterable[tuple[str, str]]:
        if opened is None:
            yield "sealed", "not what was sealed for this exchange"
            return
        if row.due != opened.due:
            yield "due", "not the day that was sealed"
        if row.retention != opened.retention:
            yield "retention", "not the class that was sealed"
        said = self._said.get(row.exchange)
        if said is not None and sorted(_same(json.loads(event)) for event in opened.events) != sorted(
            said.kept
        ):
            yield "sealed", "not what its lines say"


def _same(said: Mapping[str, Any]) -> bytes:
    """Out: a digest of what an event says but its kind and time: what is kept back and what is told agree in it."""
    rest = {name: value for name, value in said.items() if name not in {"kind", "time"}}
    return sha256(json.dumps(rest, sort_keys=True).encode()).digest()
