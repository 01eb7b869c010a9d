"""A mapping file's rows grown into one tree of elements, with every key checked to have one place only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from xoev_schemas.mapping.errors import MappingInvalid
from xoev_schemas.mapping.source import XSI, Name, Row, Source, Step
from xoev_schemas.mapping.words import Word, escape_attribute, escape_text, word

Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Slot:
    """A value of a record level, and where it stands in the level's row."""

    key: Key
    index: int
    word: Word
    many: bool
    qname: bool


@dataclass(slots=True, eq=False)
class Growth:
    """One record level while it grows: the document, a list item, a chosen branch."""

    claimed: dict[Key, Row] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    lists: list[Branch] = field(default_factory=list)
    choices: dict[Key, dict[str, Branch]] = field(default_factory=dict)
    """By the choosing key: value → branch."""
    size: int = 0
    ignored: frozenset[str] = frozenset()

    def next(self) -> int:
        """Out: the index of a new place in this level's row."""
        self.size += 1
        return self.size - 1

    def claim(self, key: Key, row: Row) -> None:
        """Two paths to one key, or a key inside another's value, are errors. Raises: MappingInvalid."""
        for other in self.claimed:
            if other[: len(key)] == key or key[: len(other)] == other:
                raise row.wrong(f"fills the record key {'.'.join(other) or '.'} that another path fills")
        if key and key[0] in self.ignored:
            raise row.wrong(f"fills the record key {key[0]} that the file ignores")
        self.claimed[key] = row


@dataclass(slots=True, eq=False)
class Branch:
    """One element, with all that the file says stands in it."""

    step: Step
    path: str
    attributes: dict[Name, Slot | str] = field(default_factory=dict)
    text: Slot | str | None = None
    children: dict[Step, Branch] = field(default_factory=dict)
    inner: Growth | None = None
    """The level that begins here; the next four say where it stands in the level above."""
    key: Key = ()
    index: int = 0
    when: tuple[str, str] | None = None
    beside: str | None = None

    @property
    def many(self) -> bool:
        """Whether the element may be repeated."""
        if self.inner is not None:
            return self.when is None
        return isinstance(self.text, Slot) and self.text.many


def grow(source: Source) -> tuple[Branch, Growth, dict[str, str]]:
    """In: a file. Out: its root element, the record's level, the namespaces used. Raises: MappingInvalid."""
    root, level = Branch(source.root, f"/{source.root.said}"), Growth(ignored=source.ignore)
    gardener = _Gardener(source)
    gardener.plant(source.rows, root, level, (), ())
    unused = sorted(source.own - gardener.used)
    if unused:
        raise MappingInvalid(source.file, unused[0], "is never used")
    if () in level.claimed:
        raise level.claimed[()].wrong("only a list item can be a plain value")
    bound = {p: uri for p, uri in source.namespaces.items() if f"namespaces.{p}" in gardener.used}
    return root, level, bound


class _Gardener:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.used = set[str]()
        self._name(source.root.name)

    def plant(self, rows: tuple[Row, ...], at: Branch, level: Growth, prefix: Key, inside: Key) -> None:
        """Rows below an element. `prefix`: the dict they fill; `inside`: the parts they are parts of."""
        for row in rows:
            branch = self._reach(row, at)
            if row.part is None:
                self._value(row, branch, level, prefix)
                continue
            if row.part in inside:
                raise row.wrong(f"the part {row.part} holds itself")
            parts = self.source.parts.get(row.part)
            if parts is None:
                raise row.wrong(f"there is no part {row.part}")
            self.used.add(f"part.{row.part}")
            if row.many or row.when:
                inner = self._inner(row, branch, level, prefix)
                self.plant(parts, branch, inner, (), (*inside, row.part))
                if row.when and () in inner.claimed:
                    raise row.wrong("a branch that a value chooses can't be a plain value")
                if row.beside and all(claimed[0] != row.beside for claimed in inner.claimed):
                    raise row.wrong(f"{row.beside} is no key of the part {row.part}")
            else:
                self.plant(parts, branch, level, prefix + row.key, (*inside, row.part))

    def _reach(self, row: Row, at: Branch) -> Branch:
        for step in row.steps:
            self._name(step.name)
            if at.text is not None:
                raise row.wrong(f"can't be reached: {at.path} is text")
            same = [other for other in at.children if other.name == step.name and other != step]
            if any(_attribute(other) != _attribute(step) for other in same):
                raise row.wrong(f"can't be reached: {step.name.said} stands there told apart in another way")
            at = at.children.setdefault(step, Branch(step, f"{at.path}/{step.said}"))
            if at.inner is not None:
                raise row.wrong(f"can't be reached: {at.path} has a record of its own")
        return at

    def _inner(self, row: Row, branch: Branch, level: Growth, prefix: Key) -> Growth:
        self._fresh(row, branch)
        if not row.steps:
            raise row.wrong("a record of its own needs an element of its own")
        key = prefix + row.key
        branch.inner, branch.key, branch.index, branch.when = Growth(), key, level.next(), row.when
        if row.when is None:
            level.claim(key, row)
            level.lists.append(branch)
            return branch.inner
        chooser = (*key[:-1], row.when[0])
        branches = level.choices.get(chooser)
        if branches is None:
            level.claim(chooser, row)
            level.claim(key, row)
            branches = level.choices[chooser] = {}
        elif next(iter(branches.values())).key != key:
            raise row.wrong(f"chooses by {row.when[0]}, which already chooses the form of another key")
        if row.when[1] in branches:
            raise row.wrong(f"is chosen by the value {row.when[1]} of {row.when[0]}, as another path is")
        if row.beside is not None and all(other.beside != row.beside for other in branches.values()):
            level.claim((*key[:-1], row.beside), row)
        branch.beside = row.beside
        branches[row.when[1]] = branch
        return branch.inner

    def _value(self, row: Row, branch: Branch, level: Growth, prefix: Key) -> None:
        if row.many and row.key == ():
            raise row.wrong("a list needs a record key")
        if row.attribute is None:
            self._fresh(row, branch)
        else:
            self._name(row.attribute)
            if row.attribute in branch.attributes or row.attribute.said == _attribute(branch.step):
                raise row.wrong("says an attribute that is said already")
        said = self._constant(row) if row.const is not None else self._slot(row, level, prefix)
        if row.attribute is None:
            branch.text = said
        else:
            branch.attributes[row.attribute] = said
        if (
            branch.many
            and branch.inner is None
            and any(isinstance(a, Slot) for a in branch.attributes.values())
        ):
            raise row.wrong("a repeated value with attributes of its own needs a part")

    def _slot(self, row: Row, level: Growth, prefix: Key) -> Slot:
        key = prefix + row.key
        level.claim(key, row)
        codes = None
        qname = row.attribute is not None and row.attribute.clark == f"{{{XSI}}}type"
        if row.codes is not None:
            codes = self.source.codes.get(row.codes)
            if codes is None:
                raise row.wrong(f"there is no table codes.{row.codes}")
            self.used.add(f"codes.{row.codes}")
        both = word(row.kind, codes, row.attribute is not None)
        if qname:
            if codes is None:
                raise row.wrong("xsi:type needs a table of its types")
            both = Word(
                word("token", {self._type(row, code): said for code, said in codes.items()}, True).read,
                both.write,
            )
        slot = Slot(key, level.next(), both, row.many, qname)
        level.slots.append(slot)
        return slot

    def _constant(self, row: Row) -> str:
        assert row.const is not None
        if row.attribute is None:
            return escape_text(row.const)
        if row.attribute.clark == f"{{{XSI}}}type":
            self._type(row, row.const)
        return escape_attribute(row.const)

    def _type(self, row: Row, name: str) -> str:
        """Out: a type's name as `{namespace}local`; the document carries its prefix."""
        prefix, _, local = name.rpartition(":")
        uri = self.source.namespaces.get(prefix)
        if uri is None:
            raise row.wrong(f"the type {name} has no declared prefix")
        self.used.add(f"namespaces.{prefix}")
        return f"{{{uri}}}{local}"

    def _fresh(self, row: Row, branch: Branch) -> None:
        if branch.text is not None or branch.children:
            raise row.wrong(f"{branch.path} holds something else already")

    def _name(self, name: Name) -> None:
        if name.prefix is not None:
            self.used.add(f"namespaces.{name.prefix}")


def _attribute(step: Step) -> str | None:
    return step.select[0] if step.select else None
