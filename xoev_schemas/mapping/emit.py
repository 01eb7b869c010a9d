"""From flat rows to a document, by string concatenation in the document's order.

An element is taken back if nothing of the record stood in it; what is constant was joined at compile time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from xoev_schemas.mapping.pour import Row


class Emit(Protocol):
    """A piece of the document."""

    def emit(self, row: Row, out: list[str]) -> bool:
        """Append what the row has for it. Out: whether anything came from the record."""
        ...


@dataclass(slots=True, eq=False)
class EmitConstant:
    text: str

    def emit(self, row: Row, out: list[str]) -> bool:
        out.append(self.text)
        return False


@dataclass(slots=True, eq=False)
class EmitText:
    """An element whose only content from the record is its text."""

    begin: str
    slot: int
    end: str

    def emit(self, row: Row, out: list[str]) -> bool:
        text = row[self.slot]
        if text is None:
            return False
        out += (self.begin, text, self.end)
        return True


@dataclass(slots=True, eq=False)
class EmitTexts:
    begin: str
    slot: int
    end: str

    def emit(self, row: Row, out: list[str]) -> bool:
        for text in row[self.slot] or ():
            out += (self.begin, text, self.end)
        return bool(row[self.slot])


@dataclass(slots=True, eq=False)
class EmitElement:
    """An element with attributes, text or elements; left out when nothing of the record stands in it."""

    begin: str
    """`<x:a` with its constant attributes."""
    attributes: tuple[tuple[str, int], ...]
    """` name="` and slot."""
    text: int | None
    content: tuple[Emit, ...]
    end: str

    def emit(self, row: Row, out: list[str]) -> bool:
        mark = len(out)
        if self.fill(row, out):
            return True
        del out[mark:]
        return False

    def fill(self, row: Row, out: list[str]) -> bool:
        found = False
        out.append(self.begin)
        for name, slot in self.attributes:
            if row[slot] is not None:
                out += (name, row[slot], '"')
                found = True
        out.append(">")
        if self.text is not None and row[self.text] is not None:
            out.append(row[self.text])
            found = True
        for piece in self.content:
            if piece.emit(row, out):
                found = True
        out.append(self.end)
        return found


@dataclass(slots=True, eq=False)
class EmitRows:
    """A list: the element once for each item, also for an item that has nothing in it."""

    slot: int
    element: EmitElement

    def emit(self, row: Row, out: list[str]) -> bool:
        for item in row[self.slot] or ():
            self.element.fill(item, out)
        return bool(row[self.slot])


@dataclass(slots=True, eq=False)
class EmitBranch:
    """The branch a key's value chose, also when its record is empty."""

    slot: int
    element: EmitElement

    def emit(self, row: Row, out: list[str]) -> bool:
        if row[self.slot] is None:
            return False
        self.element.fill(row[self.slot], out)
        return True
