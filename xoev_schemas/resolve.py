"""From the files of the sets to schemas that need nothing else: every include and import finds its document.

XML Schema leaves open how a reference is resolved (W3C XML Schema 1.0 part 1, 4.3.2). Here: by the location
given, inside the set; by the file name the location or URL ends in; by namespace; first in the set itself,
then in the others. Never from a network. The documents then get names of our own, and each namespace one
place to import it from, because libxml2 reads only the first of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import basename, dirname, join, normpath
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import quoteattr

from lxml import etree

from xoev_schemas.safe_xml import Unsafe, parse_schema
from xoev_schemas.sets import Flaw, SchemaSet, is_schema

XSD: Final = "http://www.w3.org/2001/XMLSchema"
_BUILT_IN: Final = frozenset({XSD, "http://www.w3.org/2001/XMLSchema-instance"})
_IMPORT: Final = f"{{{XSD}}}import"
_INCLUDES: Final = frozenset({f"{{{XSD}}}include", f"{{{XSD}}}redefine"})
_ELEMENT: Final = f"{{{XSD}}}element"
SCHEME: Final = "einmal:///"
"""Where the assembled documents say they are; nothing outside resolves it."""


@dataclass(frozen=True, eq=False)
class Document:
    """One schema file."""

    set: str
    path: str
    root: etree._Element = field(repr=False)

    @cached_property
    def namespace(self) -> str | None:
        return self.root.get("targetNamespace")

    @cached_property
    def version(self) -> str:
        return self.root.get("version", "")

    @cached_property
    def elements(self) -> tuple[str, ...]:
        """The names a message can begin with."""
        return tuple(child.get("name", "") for child in self.root if child.tag == _ELEMENT)

    @cached_property
    def references(self) -> tuple[etree._Element, ...]:
        return tuple(child for child in self.root if child.tag == _IMPORT or child.tag in _INCLUDES)


@dataclass(frozen=True, slots=True)
class Assembled:
    """A schema and all it needs: texts by our own names; `top` is where it begins."""

    top: str
    texts: Mapping[str, bytes] = field(repr=False)
    members: tuple[Document, ...]
    """Which documents take part, the set's own and borrowed ones."""


class Library:
    """Every document of every set, and who may lend to whom: each set to all others, in the order given."""

    def __init__(self, sets: Sequence[SchemaSet]) -> None:
        self.flaws: list[Flaw] = [flaw for one in sets for flaw in one.flaws]
        self._sets = {one.name: self._documents(one) for one in sets if not one.flaws}

    def _documents(self, one: SchemaSet) -> dict[str, Document]:
        found: dict[str, Document] = {}
        for path, file in sorted(one.files.items()):
            if is_schema(path):
                try:
                    root = parse_schema(file)
                except Unsafe as unsafe:
                    self.flaws.append(Flaw(one.name, path, f"is not readable XML ({unsafe})"))
                    continue
                if root.tag == f"{{{XSD}}}schema":
                    found[path] = Document(one.name, path, root)
                else:
                    self.flaws.append(Flaw(one.name, path, "is not an XML Schema"))
        return found

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._sets)

    def tops(self, name: str) -> tuple[Document, ...]:
        """Out: the documents of a set that no other of its documents refers to; of a circle, its first."""
        documents = self._sets[name].values()
        wanted = {
            target: document
            for document in documents
            for reference in document.references
            for target in self.targets(document, reference)
            if target is not document
        }
        tops = [document for document in documents if document not in wanted]
        reached = set(self._reachable(tops))
        for document in documents:
            if document not in reached:
                tops.append(document)
                reached.update(self._reachable([document]))
        return tuple(tops)

    def targets(self, document: Document, reference: etree._Element) -> tuple[Document, ...]:
        """Out: the documents a reference means; none if it can't be resolved."""
        location = reference.get("schemaLocation")
        importing = reference.tag == _IMPORT
        namespaces = {reference.get("namespace")} if importing else {document.namespace, None}
        own = self._sets[document.set]
        if location is not None:
            at = own.get(normpath(join(dirname(document.path), unquote(location))))
            if at is not None and at.namespace in namespaces:
                return (at,)
            for documents in self._lenders(document.set):
                named = [one for one in documents.values() if one.namespace in namespaces]
                best = _alike(unquote(urlsplit(location).path), named)
                if best is not None:
                    return (best,)
        if importing:
            for documents in self._lenders(document.set):
                found = [one for one in documents.values() if one.namespace in namespaces]
                if found:
                    return tuple(found)
        return ()

    def _lenders(self, name: str) -> Iterable[Mapping[str, Document]]:
        yield self._sets[name]
        yield from (documents for other, documents in self._sets.items() if other != name)

    def _reachable(self, tops: Iterable[Document]) -> list[Document]:
        found: dict[Document, None] = {}
        waiting = list(tops)
        while waiting:
            document = waiting.pop(0)
            if document not in found:
                found[document] = None
                for reference in document.references:
                    waiting += self.targets(document, reference)
        return list(found)

    def assemble(self, tops: Sequence[Document]) -> Assembled | tuple[Flaw, ...]:
        """In: documents of one set. Out: one schema of them all, or every reference that leads nowhere."""
        members = self._reachable(tops)
        names = {document: f"{SCHEME}{number}.xsd" for number, document in enumerate(members, start=1)}
        imported: dict[str | None, dict[Document, None]] = {}
        for top in tops:
            imported.setdefault(top.namespace, {})[top] = None
        flaws: list[Flaw] = []
        for document in members:
            for reference in document.references:
                targets = self.targets(document, reference)
                if reference.tag == _IMPORT:
                    if reference.get("namespace") not in _BUILT_IN:
                        imported.setdefault(reference.get("namespace"), {}).update(dict.fromkeys(targets))
                    else:
                        continue
                if not targets:
                    flaws.append(Flaw(document.set, document.path, _wanted(reference)))
        if flaws:
            return tuple(flaws)
        texts: dict[str, bytes] = {}
        places = _places(imported, names, texts)
        for document in members:
            texts[names[document]] = self._rewritten(document, names, places)
        lines = "".join(
            _import(namespace, places[namespace]) for namespace in {top.namespace: None for top in tops}
        )
        texts[f"{SCHEME}0.xsd"] = _schema("urn:einmal:assembled", lines)
        return Assembled(f"{SCHEME}0.xsd", texts, tuple(members))

    def _rewritten(
        self, document: Document, names: Mapping[Document, str], places: Mapping[str | None, str]
    ) -> bytes:
        root = deepcopy(document.root)
        for reference in [child for child in root if child.tag == _IMPORT or child.tag in _INCLUDES]:
            if reference.tag != _IMPORT:
                original = document.references[_position(reference)]
                reference.set("schemaLocation", names[self.targets(document, original)[0]])
            elif reference.get("namespace") not in _BUILT_IN:
                reference.set("schemaLocation", places[reference.get("namespace")])
        return etree.tostring(root, encoding="utf-8")


def _position(reference: etree._Element) -> int:
    """Out: which of its document's references this is."""
    return sum(1 for _ in reference.itersiblings(_IMPORT, *_INCLUDES, preceding=True))


def _alike(path: str, documents: Sequence[Document]) -> Document | None:
    """Out: the document of the same file name whose folders agree longest with the path, if there is one."""

    def agreement(document: Document) -> int:
        parts = zip(reversed(document.path.split("/")), reversed(path.split("/")), strict=False)
        return next((number for number, (mine, theirs) in enumerate(parts) if mine != theirs), 99)

    named = [document for document in documents if basename(document.path) == basename(path)]
    return max(named, key=agreement, default=None)


def _places(
    imported: Mapping[str | None, Mapping[Document, None]],
    names: Mapping[Document, str],
    texts: dict[str, bytes],
) -> dict[str | None, str]:
    """Out: for each namespace the one place it is imported from; of several documents, a new one."""
    places: dict[str | None, str] = {}
    for number, (namespace, documents) in enumerate(imported.items(), start=1):
        if len(documents) == 1:
            places[namespace] = names[next(iter(documents))]
            continue
        places[namespace] = f"{SCHEME}all-{number}.xsd"
        lines = "".join(
            f"<xs:include schemaLocation={quoteattr(names[document])}/>" for document in documents
        )
        texts[places[namespace]] = _schema(namespace, lines)
    return places


def _schema(namespace: str | None, lines: str) -> bytes:
    target = "" if namespace is None else f" targetNamespace={quoteattr(namespace)}"
    return f'<xs:schema xmlns:xs="{XSD}"{target}>{lines}</xs:schema>'.encode()


def _import(namespace: str | None, place: str) -> str:
    named = "" if namespace is None else f"namespace={quoteattr(namespace)} "
    return f"<xs:import {named}schemaLocation={quoteattr(place)}/>"


def _wanted(reference: etree._Element) -> str:
    namespace, location = reference.get("namespace"), reference.get("schemaLocation")
    what = " ".join(
        [f"namespace {namespace}"] * (namespace is not None) + [f"file {location}"] * (location is not None)
    )
    return f"wants {what}, which no installed set holds: install the set it belongs to first"
