"""A shard's lines and the lowest level of its tiles, walked side by side, tile by tile, each against the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from gateway.audit.identity import Identity
from gateway.audit.note import Verifier
from gateway.audit.verify.stored.columns import StoredLog, TerminalRow, TileRow, Wrong
from gateway.audit.verify.stored.lines import LineReader
from gateway.audit.verify.stored.truth import HASH, WIDTH, Choice, Hashes, TileTree, Truth

T = TypeVar("T")
_MOST_MISSING: Final = 4096
"""Tiles that may be missing in one place and are still looked beyond."""
_WRONG, _OPEN, _ERASED = range(3)


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A tile of which lines and kept tile say different things."""

    n: int
    own: Hashes
    kept: Hashes
    states: bytes
    """Of each line: wrong, open or erased."""
    row: TileRow | None


class RowWalk:
    """One walk over one shard. Holds what is wrong, and of the rest the roots of the tiles."""

    def __init__(self, log: StoredLog, identity: Verifier | Identity, wanted: Collection[int]) -> None:
        """In: the sizes whose roots will be asked for."""
        self._log, self._name = log, log.shard.origin
        self.reader = LineReader(self._name, identity, log.erasures, log.seal)
        self._lines, self._tiles = Ahead(log.lines), Ahead(log.tiles)
        self._terminals = Ahead(log.terminals)
        self._truth = Truth({*wanted, log.shard.size})
        self._doubts: list[_Doubt] = []
        self._bad: dict[int, tuple[str, str]] = {}
        self._gone = False
        """A line is missing, as lines of a destroyed shard may."""
        self._stray: list[Wrong] = []
        self._upper: dict[tuple[int, int], TileRow] = {}
        self.count = self.opened = self.erased = self._tiled = 0

    @property
    def leaves_hold(self) -> bool:
        """Out: whether every leaf and every label is what it must be, so that an index can be made of them."""
        if self._gone:
            return False
        return not any(column in {"idx", "leaf", "label"} for column, _ in self._bad.values())

    def run(self) -> tuple[TileTree, int, list[Wrong]]:
        """Out: the tree and its size, as far as they can be known, and every wrong line and tile."""
        while self._tiles.next is not None and self._tiles.next.level < 0:
            self._no_tile(self._tiles.take())
        n, due = 0, self._due(0)
        while due is not None:
            due = self._one(n)
            n += 1
        self._rest()
        row = self._log.shard
        grown, size, choice = self._truth.decide(self.count, self._tiled, row.size, row.root)
        tiles = [found for doubt in self._doubts for found in self._settle(doubt, size, choice)]
        return (
            grown,
            size,
            [*self.reader.wrong, *self._lines_wrong(), *tiles, *self._above(grown), *self._stray],
        )

    # --- walking -----------------------------------------------------------------------------------------------
    def _due(self, n: int) -> int | None:
        """Out: the next tile of which there is something; None: whatever comes belongs to no tree."""
        line, tile = self._lines.next, self._tiles.next
        found = [max(n, line.idx // WIDTH)] if line is not None else []
        found += [max(n, tile.n)] if tile is not None and tile.level == 0 else []
        due = min(found, default=None)
        if due is None or (due > n and (due - n > _MOST_MISSING or due * WIDTH >= self._log.shard.size)):
            return None
        return due

    def _one(self, n: int) -> int | None:
        """Walk tile `n`. Out: the next one due."""
        own, states = self._own(n)
        row = self._kept(n)
        hashes = row.hashes if row is not None else b""
        kept: list[bytes | None] = [
            hashes[at : at + HASH] for at in range(0, min(len(hashes) // HASH, WIDTH) * HASH, HASH)
        ]
        if kept:
            self._tiled = n * WIDTH + len(kept)
        due = self._due(n + 1)
        width = WIDTH if due is not None else max(len(own), len(kept))
        whole = len(own) == width and None not in own
        own += [None] * (width - len(own))
        kept += [None] * (width - len(kept))
        states += bytes(width - len(states))
        self._truth.add(own, kept, states)
        if not (whole and own == kept and len(hashes) == width * HASH):
            self._doubts.append(_Doubt(n, own, kept, bytes(states), row))
        return due

    def _own(self, n: int) -> tuple[list[bytes | None], bytearray]:
        own: list[bytes | None] = []
        states = bytearray()
        while self._lines.next is not None and self._lines.next.idx < (n + 1) * WIDTH:
            row = self._lines.take()
            at = row.idx - n * WIDTH
            if at < len(own):
                self._stray.append(Wrong("line", f"{self._name} {row.idx}", "idx", "no line belongs here"))
                continue
            own += [None] * (at - len(own))
            states += bytes(at - len(states))
            line = self.reader.read(row, self._ended(row.idx))
            own.append(line.hash)
            states.append(_WRONG if line.column else _ERASED if line.erased else _OPEN)
            if line.column:
                self._bad[row.idx] = line.column, line.text
            self.opened += states[-1] == _OPEN
            self.erased += states[-1] == _ERASED
            self.count = row.idx + 1
        return own, states

    def _kept(self, n: int) -> TileRow | None:
        found: TileRow | None = None
        while self._tiles.next is not None and self._tiles.next.level == 0 and self._tiles.next.n <= n:
            row = self._tiles.take()
            if row.n == n and found is None:
                found = row
            else:
                self._no_tile(row)
        return found

    def _ended(self, idx: int) -> list[TerminalRow]:
        found: list[TerminalRow] = []
        while self._terminals.next is not None and self._terminals.next.idx <= idx:
            row = self._terminals.take()
            if row.idx == idx:
                found.append(row)
            else:
                self._no_line(row)
        return found

    def _rest(self) -> None:
        for line in self._lines:
            self._stray.append(Wrong("line", f"{self._name} {line.idx}", "idx", "no line belongs here"))
        for tile in self._tiles:
            if tile.level == 0:
                self._no_tile(tile)
            else:
                self._upper[tile.level, tile.n] = tile
        for terminal in self._terminals:
            self._no_line(terminal)

    def _no_line(self, row: TerminalRow) -> None:
        if self._missing() is None:
            return
        self.reader.wrong.append(Wrong("exchange", row.exchange, "terminal_idx", "there is no such line"))

    def _no_tile(self, row: TileRow) -> None:
        text = "no such tile in a tree of this size"
        self._stray.append(Wrong("tile", f"{self._name} {row.level}/{row.n}", "level, n", text))

    # --- judging -----------------------------------------------------------------------------------------------
    def _settle(self, doubt: _Doubt, size: int, choice: Choice) -> Iterator[Wrong]:
        """Name the wrong lines of a tile, now that it is known who is right; and the tile, if it is wrong."""
        start = doubt.n * WIDTH
        truth = choice(doubt.own, doubt.kept, doubt.states)
        for at, (mine, right) in enumerate(zip(doubt.own, truth, strict=True)):
            if start + at >= size:
                wrong = ("idx", "the line is beyond the head") if mine is not None else None
            elif mine is None:
                wrong = self._missing()
            else:
                wrong = ("leaf", "not the leaf the tree was grown with") if mine != right else None
            if wrong is not None:
                self._bad[start + at] = wrong
                self.opened -= doubt.states[at] == _OPEN
        expected = b"".join(hash_ or bytes(HASH) for hash_ in truth[: max(size - start, 0)])
        found = _compared(doubt.row, expected)
        if found is not None:
            yield Wrong("tile", f"{self._name} 0/{doubt.n}", *found)

    def _missing(self) -> tuple[str, str] | None:
        if self._log.erasures.destroyed and self._log.keys is None:
            self._gone = True
            return None
        return "idx", "the line is missing"

    def _lines_wrong(self) -> Iterator[Wrong]:
        """Out: the wrong lines in their order; missing ones that stand together as one place."""
        first, last, what = -1, -1, ("", "")
        for at, found in [*sorted(self._bad.items()), (-1, ("", ""))]:
            if at == last + 1 and found == what and found[0] == "idx":
                last = at
                continue
            if last >= 0:
                key = f"{first}" if first == last else f"{first}-{last}"
                yield Wrong("line", f"{self._name} {key}", *what)
            first, last, what = at, at, found

    def _above(self, grown: TileTree) -> Iterator[Wrong]:
        """Every cached node is what the leaves make it; none is missing, none is too many."""
        expected = grown.tiles()
        for level, n in sorted(expected.keys() | self._upper.keys()):
            found = _compared(self._upper.get((level, n)), expected.get((level, n), b""))
            if found is not None:
                yield Wrong("tile", f"{self._name} {level}/{n}", *found)


class Ahead(Generic[T]):
    """Rows with a look at the next one."""

    def __init__(self, rows: Iterable[T]) -> None:
        self._rows = iter(rows)
        self.next: T | None = next(self._rows, None)

    def take(self) -> T:
        """Out: the next one, which there is."""
        found = self.next
        assert found is not None
        self.next = next(self._rows, None)
        return found

    def __iter__(self) -> Iterator[T]:
        while self.next is not None:
            yield self.take()


def _compared(row: TileRow | None, expected: bytes) -> tuple[str, str] | None:
    """Out: column and what is wrong with a tile; None when it is as it must be."""
    if row is None:
        return ("level, n", "the tile is missing") if expected else None
    if not expected:
        return "level, n", "no such tile in a tree of this size"
    if row.hashes == expected:
        return None
    if len(row.hashes) != len(expected):
        return "hashes", f"{len(row.hashes) / HASH:g} hashes, but {len(expected) // HASH} belong there"
    places = range(0, len(expected), HASH)
    wrong = [str(at // HASH) for at in places if row.hashes[at : at + HASH] != expected[at : at + HASH]]
    return "hashes", f"not what the leaves make it, at {', '.join(wrong[:8])}"
