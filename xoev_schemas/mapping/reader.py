"""From a parsed document to a record, in one pass: each element is looked up once.

Names are compared as lxml gives them, `{namespace}local`; prefixes play no part. What the mapping does
not name is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from lxml import etree

from xoev_schemas.mapping.errors import MappingError, Unfit
from xoev_schemas.mapping.words import Read, collapse

Record: TypeAlias = dict[str, Any]
_SILENT: Final = (etree._Comment, etree._ProcessingInstruction)
ITEM: Final = "."
"""Where a list item that is a plain value is kept until it is complete."""


@dataclass(slots=True, eq=False)
class Value:
    """A place in the record that one text fills."""

    path: str
    where: tuple[str, ...]
    """The nested dicts around it."""
    key: str
    many: bool
    read: Read
    qname: bool = False

    def put(self, record: Record, text: str, element: etree._Element) -> None:
        """Read the text into the record. Raises: MappingError."""
        try:
            value = self.read(_resolved(text, element) if self.qname else text)
        except Unfit as unfit:
            raise MappingError(self.path, str(unfit)) from None
        for step in self.where:
            record = record.setdefault(step, {})
        if self.many:
            record.setdefault(self.key, []).append(value)
        else:
            record[self.key] = value


@dataclass(slots=True, eq=False)
class Inner:
    """An element that begins a record of its own: an item of a list, or the branch a key's value chooses."""

    where: tuple[str, ...]
    key: str
    plain: bool = False
    """A list of plain values, not of records."""
    when: tuple[str, str] | None = None
    """The sibling key and value that this branch stands for; None for a list."""
    beside: str | None = None
    """The key of the branch's record that goes beside the record."""


@dataclass(slots=True, eq=False)
class Node:
    """One element that a mapping knows."""

    path: str
    bit: int = 0
    """Its bit among its siblings; 0 if it may be repeated."""
    attributes: tuple[tuple[str, Value], ...] = ()
    text: Value | None = None
    hollow: bool = False
    """Whether it can stand without its text, so that an empty one says nothing."""
    children: Mapping[str, Node | Chosen] = field(default_factory=dict)
    inner: Inner | None = None


@dataclass(slots=True, eq=False)
class Chosen:
    """Elements of one name, told apart by an attribute's value."""

    attribute: str
    nodes: dict[str, Node]


def read(element: etree._Element, node: Node, record: Record) -> None:
    """Fill `record` from `element` and everything below it. Raises: MappingError (path only)."""
    for name, value in node.attributes:
        text = element.get(name)
        if text is not None:
            value.put(record, text, element)
    if node.text is not None:
        text = _content(element, node.path)
        if text or not node.hollow:
            node.text.put(record, text, element)
        return
    children = node.children
    if not children:
        return
    seen = 0
    for child in element:
        known = children.get(child.tag)  # type: ignore[arg-type]  # of comments a function: in no table
        if known is None:
            continue
        if type(known) is Chosen:
            chosen = known.nodes.get(child.get(known.attribute, ""))
            if chosen is None:
                continue
            known = chosen
        assert isinstance(known, Node)
        if seen & known.bit:
            raise MappingError(known.path, "stands more than once")
        seen |= known.bit
        if known.inner is None:
            read(child, known, record)
        else:
            _begin(child, known, known.inner, record)


def _begin(element: etree._Element, node: Node, inner: Inner, record: Record) -> None:
    for step in inner.where:
        record = record.setdefault(step, {})
    below: Record = {}
    read(element, node, below)
    if inner.when is not None:
        key, value = inner.when
        if key in record:
            raise MappingError(node.path, "stands beside another choice")
        record[key] = value
        if inner.beside is not None and inner.beside in below:
            record[inner.beside] = below.pop(inner.beside)
        record[inner.key] = below
        return
    if inner.plain and ITEM not in below:
        raise MappingError(node.path, "lacks its value")
    record.setdefault(inner.key, []).append(below[ITEM] if inner.plain else below)


def _content(element: etree._Element, path: str) -> str:
    """Out: the element's text, joined around comments and processing instructions. Raises: MappingError."""
    text = element.text or ""
    for child in element:
        if not isinstance(child, _SILENT):
            raise MappingError(path, "holds elements where text belongs")
        text += child.tail or ""
    return text


def _resolved(text: str, element: etree._Element) -> str:
    """Out: the qualified name in a value (`xsi:type`) as `{namespace}local`. Raises: Unfit."""
    prefix, colon, local = collapse(text).rpartition(":")
    uri = element.nsmap.get(prefix if colon else None)
    if uri is None:
        if colon:
            raise Unfit("has a prefix that is not bound")
        return local
    return f"{{{uri}}}{local}"
