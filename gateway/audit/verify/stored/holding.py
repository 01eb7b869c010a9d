"""Tables `hold` and `held`, against the lines: what is kept beyond its time is what somebody ordered, to its day.

Why, for whom and until when lies sealed; only the house can open it. What a line placed and none lifted is there, with
a copy of each shard of which something was erased since. A process that dies right after the line leaves a hold that is
not there: it is lifted by its id, and placed once more under another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from gateway.audit.record import Kind
from gateway.audit.verify.stored.columns import Wrong

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A row of table `hold`. Times are milliseconds since 1970, UTC."""

    hold: str
    placed: int
    until: int
    lifted: int | None
    sealed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row of table `held`, with the origin of its shard."""

    hold: str
    origin: str
    sealed: bytes = field(repr=False)


def milliseconds(time: datetime) -> int:
    """Out: since 1970, UTC."""
    return (time - _EPOCH) // _MILLISECOND


class Holds:
    """What the lines say of holds, gathered line by line, then held against the tables."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], set[int]] = {}
        """By kind and hold: when."""
        self._norms: dict[str, str] = {}
        self._erased: dict[str, int] = {}
        """By shard: when a line told last that something of it is erased."""

    def hear(self, said: Mapping[str, Any]) -> None:
        """In: a line's event, opened; of `record.ONLY_HOUSE` only what the house wrote."""
        if "time" not in said:
            return
        moment = milliseconds(datetime.fromisoformat(said["time"]))
        kind: str = said["kind"]
        reasons: Sequence[str] = said.get("reasons") or ()
        if len(reasons) < 2:
            return
        if kind in {Kind.HOLD_PLACED, Kind.HOLD_LIFTED}:
            self._said.setdefault((kind, reasons[1]), set()).add(moment)
            self._norms[reasons[1]] = reasons[0]
        elif kind in {Kind.RETENTION_ERASED, Kind.RETENTION_DESTROYED}:
            origin = reasons[1].partition(" ")[0]
            self._erased[origin] = max(self._erased.get(origin, 0), moment)

    def placed(self, hold: str) -> str | None:
        """Out: the norm of a hold that a line placed and none lifted; None: there is no such line."""
        standing = (Kind.HOLD_PLACED, hold) in self._said and (Kind.HOLD_LIFTED, hold) not in self._said
        return self._norms[hold] if standing else None

    def missing(self, there: Collection[str]) -> Iterator[str]:
        """In: holds that are there. Out: those that a line placed and none lifted, and that are not."""
        for kind, hold in self._said:
            if kind == Kind.HOLD_PLACED and hold not in there and self.placed(hold) is not None:
                yield hold

    def uncopied(
        self, standing: Mapping[str, int], held: Collection[tuple[str, str]]
    ) -> Iterator[tuple[str, str]]:
        """Out: copies that are not there: each hold has one of every shard before something of it is erased. In: when
        each hold that stands was placed; the copies there are, by hold and shard."""
        for hold, since in standing.items():
            for origin, moment in self._erased.items():
                if moment > since and (hold, origin) not in held:
                    yield hold, origin

    def check(
        self,
        holds: Iterable[HoldRow],
        held: Iterable[HeldRow],
        opens: Callable[[HoldRow], bool],
        opens_part: Callable[[HeldRow], bool],
        may_be_gone: Callable[[datetime], bool],
    ) -> Iterator[Wrong]:
        """In: the tables; whether the house opens a row; whether a line about holds of that moment was due to be
        erased. Out: every place that does not fit."""
        standing: dict[str, bool] = {}
        placed: dict[str, int] = {}
        copies: set[tuple[str, str]] = set()
        for hold in holds:
            standing[hold.hold] = hold.lifted is None
            found = [*self._times(hold, may_be_gone), *self._seal(hold, opens)]
            yield from (Wrong("hold", hold.hold, column, text) for column, text in found)
            if hold.lifted is None:
                placed[hold.hold] = hold.placed
        for name in self.missing(standing):
            yield Wrong("hold", name, "hold", "a line placed it, none lifted it, and it is not there")
        for part in held:
            key = f"{part.hold} {part.origin}"
            copies.add((part.hold, part.origin))
            if not standing.get(part.hold):
                yield Wrong("held", key, "hold", "there is no such hold, or it is over")
            if not opens_part(part):
                yield Wrong("held", key, "sealed", "not what was sealed for this hold and shard")
        for name, origin in self.uncopied(placed, copies):
            yield Wrong(
                "held", f"{name} {origin}", "hold, shard", "something was erased, and no copy is there"
            )

    def _times(self, row: HoldRow, may_be_gone: Callable[[datetime], bool]) -> Iterator[tuple[str, str]]:
        for column, kind, kept in (
            ("placed", Kind.HOLD_PLACED, row.placed),
            ("lifted", Kind.HOLD_LIFTED, row.lifted),
        ):
            said = self._said.get((kind, row.hold))
            if kept is None or (said is None and _is_so(may_be_gone, kept)):
                continue
            if said is None:
                yield ("hold" if column == "placed" else column), "no line speaks of it"
            elif kept not in said:
                yield column, "not when its line says"

    def _seal(self, row: HoldRow, opens: Callable[[HoldRow], bool]) -> Iterator[tuple[str, str]]:
        if row.lifted is not None:
            if row.sealed is not None:
                yield "sealed", "kept, though the hold is over"
        elif row.sealed is None:
            yield "sealed", "gone, and the hold was not lifted"
        elif not opens(row):
            yield "sealed, until", "not what was sealed for this hold"


def _is_so(may_be_gone: Callable[[datetime], bool], moment: int) -> bool:
    try:
        return may_be_gone(_EPOCH + moment * _MILLISECOND)
    except OverflowError:
        return False
