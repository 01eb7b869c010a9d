"""Which schema judges a message: a table from (namespace, root, version), compiled once, at start.

Standards name their namespaces after three different habits, with and without their version, so nothing is
guessed from a name. The version of a message is its root's `version`, as XÖV standards have it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from xoev_schemas.resolve import Document, Library
from xoev_schemas.sets import Flaw, SchemaSet
from xoev_schemas.validate import Schema, Uncompilable


@dataclass(frozen=True, slots=True, order=True)
class MessageKey:
    """What a message says it is."""

    namespace: str
    root: str
    version: str

    @classmethod
    def of(cls, root: etree._Element) -> MessageKey:
        """In: a message's root."""
        name = etree.QName(root)
        return cls(name.namespace or "", name.localname, root.get("version", ""))


@dataclass(frozen=True, slots=True)
class Listed:
    """A message the catalogue knows: where from, and the schema that judges it."""

    set: str
    schema: Schema


class Catalogue:
    """Every message of every set. Frozen once made."""

    def __init__(self, sets: Sequence[SchemaSet]) -> None:
        """Compile all sets. What can't be used is left out and told in `flaws`; the rest works."""
        self._sets = tuple(sets)
        self._table: dict[tuple[str, str], dict[str, Listed]] = {}
        library = Library(sets)
        flaws = list(library.flaws)
        for name in library.names:
            flaws += self._compile(library, name)
        self.flaws: tuple[Flaw, ...] = tuple(dict.fromkeys(flaws))

    def _compile(self, library: Library, name: str) -> list[Flaw]:
        """A set is one schema; if its documents contradict each other, each top one is its own."""
        tops = library.tops(name)
        if not self._compiled(library, name, tops):
            return []
        return [flaw for top in tops for flaw in self._compiled(library, name, (top,))]

    def _compiled(self, library: Library, name: str, tops: tuple[Document, ...]) -> tuple[Flaw, ...]:
        assembled = library.assemble(tops)
        if isinstance(assembled, tuple):
            return assembled
        try:
            schema = Schema(assembled)
        except Uncompilable as wrong:
            return (Flaw(name, tops[0].path, f"does not compile: {wrong}"),)
        for document in assembled.members:
            if document.set == name:
                for element in document.elements:
                    versions = self._table.setdefault((document.namespace or "", element), {})
                    versions.setdefault(document.version, Listed(name, schema))
        return ()

    def find(self, key: MessageKey) -> Listed | None:
        """In: what a message says it is. Out: the schema for it, or None if nothing here knows it.

        Where schemas of one version only are here, they judge every version: they fix it themselves.
        """
        versions = self._table.get((key.namespace, key.root))
        if versions is None:
            return None
        if key.version in versions:
            return versions[key.version]
        return next(iter(versions.values())) if len(versions) == 1 else None

    def schema(self, namespace: str, root: str, version: str = "") -> Schema | None:
        """Out: the schema of a message, by its names."""
        listed = self.find(MessageKey(namespace, root, version))
        return None if listed is None else listed.schema

    def keys(self) -> list[tuple[MessageKey, str]]:
        """Out: every message known and the set it comes from, in order."""
        return sorted(
            (MessageKey(namespace, root, version), listed.set)
            for (namespace, root), versions in self._table.items()
            for version, listed in versions.items()
        )

    def flaws_with(self, new: SchemaSet) -> tuple[Flaw, ...]:
        """Out: what would be wrong with one more set; nothing if it can be used (for `sets.install`)."""
        others = tuple(one for one in self._sets if one.name != new.name)
        return tuple(flaw for flaw in Catalogue((*others, new)).flaws if flaw not in self.flaws)
