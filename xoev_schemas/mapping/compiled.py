"""A mapping, compiled once: both directions of one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from xoev_schemas.mapping import emit, pour, reader
from xoev_schemas.mapping.errors import MappingError
from xoev_schemas.mapping.source import parse
from xoev_schemas.mapping.tree import Branch, Growth, Key, Slot, grow
from xoev_schemas.mapping.words import escape_attribute

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """Reads and writes one message. Immutable; safe in threads."""

    root: str
    """The root element as `{namespace}local`."""
    _node: reader.Node = field(repr=False)
    _level: pour.Level = field(repr=False)
    _document: emit.EmitElement = field(repr=False)

    @classmethod
    def compile(cls, toml: bytes, name: str, shared: tuple[bytes, str] | None = None) -> Mapping:
        """In: a mapping file, its name, and a file of shared parts with its name. Raises: MappingInvalid."""
        source = parse(toml, name, shared)
        root, growth, bound = grow(source)
        bindings = "".join(f' xmlns:{prefix}="{escape_attribute(uri)}"' for prefix, uri in bound.items())
        return cls(root.step.name.clark, _node(root, 0), _level(growth), _element(root, bindings))

    def read(self, root: etree._Element) -> dict[str, Any]:
        """In: a parsed document's root. Out: nested dicts of str, bool, list; what is absent is left out.

        Raises: MappingError, with the path and never a value.
        """
        if root.tag != self.root:
            raise MappingError(self._node.path, "another root element was expected")
        record: dict[str, Any] = {}
        reader.read(root, self._node, record)
        return record

    def write(self, record: dict[str, Any]) -> bytes:
        """In: a record. Out: the document in UTF-8, the same bytes for the same record.

        Raises: MappingError for keys the message has no place for and for values that are not of their type;
        with the key and never a value.
        """
        out = [_DECLARATION]
        self._document.fill(self._level.row(record, ""), out)
        return "".join(out).encode("utf-8")


def _level(growth: Growth) -> pour.Level:
    """Out: how a record of this level is poured."""
    level = pour.Level(size=growth.size)
    for slot in growth.slots:
        kind = pour.PourTexts if slot.many else pour.PourText
        _place(level, slot.key, kind(_dotted(slot.key), slot.index, slot.word.write))
    for branch in growth.lists:
        assert branch.inner is not None
        _place(level, branch.key, pour.PourRows(_dotted(branch.key), branch.index, _level(branch.inner)))
    for key, branches in growth.choices.items():
        other = next(iter(branches.values())).key
        choice = pour.PourChoice(_dotted(key), other[-1])
        for value, branch in branches.items():
            assert branch.inner is not None
            choice.branches[value] = pour.PourBranch(branch.index, _level(branch.inner), branch.beside)
            if branch.beside is not None and branch.beside not in choice.beside:
                choice.beside.add(branch.beside)
                lifted = (*other[:-1], branch.beside)
                _place(level, lifted, pour.PourChosen(_dotted(lifted), key[-1]))
        _place(level, key, choice)
        _place(level, other, pour.PourChosen(_dotted(other), key[-1]))
    level.keys.update({name: pour.PourAway() for name in growth.ignored})
    return level


def _place(level: pour.Level, key: Key, entry: pour.Pour) -> None:
    if not key:
        level.plain = entry
        return
    keys = level.keys
    for depth, step in enumerate(key[:-1], start=1):
        nested = keys.setdefault(step, pour.PourNested(_dotted(key[:depth]), {}))
        assert isinstance(nested, pour.PourNested)
        keys = nested.keys
    keys[key[-1]] = entry


def _dotted(key: Key) -> str:
    return ".".join(key) or reader.ITEM


def _emit(branch: Branch) -> emit.Emit:
    element = _element(branch, "")
    if branch.inner is not None:
        kind = emit.EmitRows if branch.many else emit.EmitBranch
        return kind(branch.index, element)
    slotted = element.attributes or element.text is not None
    if not slotted and all(isinstance(piece, emit.EmitConstant) for piece in element.content):
        out: list[str] = []
        element.fill([], out)
        return emit.EmitConstant("".join(out))
    if isinstance(branch.text, Slot) and not element.attributes:
        texts = emit.EmitTexts if branch.text.many else emit.EmitText
        return texts(f"{element.begin}>", branch.text.index, element.end)
    return element


def _element(branch: Branch, bindings: str) -> emit.EmitElement:
    said = branch.step.name.said
    begin = f"<{said}{bindings}"
    if branch.step.select is not None:
        begin += ' {}="{}"'.format(*branch.step.select)
    begin += "".join(f' {name.said}="{a}"' for name, a in branch.attributes.items() if isinstance(a, str))
    attributes = tuple(
        (f' {name.said}="', a.index) for name, a in branch.attributes.items() if isinstance(a, Slot)
    )
    text = branch.text.index if isinstance(branch.text, Slot) else None
    content = tuple(_emit(child) for child in branch.children.values())
    if isinstance(branch.text, str):
        content = (emit.EmitConstant(branch.text),)
    return emit.EmitElement(begin, attributes, text, content, f"</{said}>")


def _node(branch: Branch, bit: int) -> reader.Node:
    attributes = tuple(
        (name.clark, _value(slot, f"{branch.path}/@{name.said}"))
        for name, slot in branch.attributes.items()
        if isinstance(slot, Slot)
    )
    text = _value(branch.text, branch.path) if isinstance(branch.text, Slot) else None
    children: dict[str, reader.Node | reader.Chosen] = {}
    for place, (step, child) in enumerate(branch.children.items()):
        node = _node(child, 0 if child.many else 1 << place)
        if step.select is None:
            children[step.name.clark] = node
            continue
        attribute, value = step.select
        chosen = children.setdefault(step.name.clark, reader.Chosen(attribute, {}))
        assert isinstance(chosen, reader.Chosen)
        chosen.nodes[value] = node
    inner = None
    if branch.inner is not None:
        plain = () in branch.inner.claimed
        inner = reader.Inner(branch.key[:-1], branch.key[-1], plain, branch.when, branch.beside)
    hollow = bool(attributes) or (inner is not None and not inner.plain)
    return reader.Node(branch.path, bit, attributes, text, hollow, children, inner)


def _value(slot: Slot, path: str) -> reader.Value:
    key = slot.key[-1] if slot.key else reader.ITEM
    return reader.Value(path, slot.key[:-1], key, slot.many, slot.word.read, slot.qname)
