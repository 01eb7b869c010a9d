"""What must be there once: names, keys, identifiers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from consent.problems import Document, KeyPath
from consent.tables import Home, Toml, tables, text, texts

_Found: TypeAlias = tuple[Document, KeyPath, object]


def duplicates(home: Home) -> None:
    """Find every name that is there twice where it must be there once."""

    def ids(folder: str, key: str) -> Iterator[_Found]:
        return ((item, (key,), text(item.data, key)) for item in home.of(folder))

    def inner(folder: str, key: str, *path: str) -> Iterator[_Found]:
        return (
            (document, (*place, key), text(table, key))
            for document in home.of(folder)
            for place, table in tables(document, *path)
        )

    def identifiers(folder: str) -> Iterator[_Found]:
        for document in home.of(folder):
            for place, table in tables(document, "identifiers"):
                yield document, place, (text(table, "scheme"), text(table, "value"))

    _once(home, "consumer", ids("consumers", "id"))
    _once(home, "bus user", ids("consumers", "bus_user"))
    _once(home, "key", inner("consumers", "kid", "key"))
    _once(home, "identifier", identifiers("consumers"))
    _once(home, "register", ids("registers", "id"))
    _once(home, "identifier", identifiers("registers"))
    _once(home, "person", ids("people", "id"))
    _once(home, "public key", _public_keys(home))
    _once(home, "purpose", inner("purposes.toml", "code", "purpose"))
    _once(home, "procedure", inner("purposes.toml", "code", "procedure"))
    _once(home, "requirement", _requirements(home))
    _once(home, "grant", inner("grants", "id", "grant"))
    for document in home.of("registers"):
        found = ((document, (*at, "type"), text(item, "type")) for at, item in tables(document, "evidence"))
        _once(home, "evidence type", found)
    _one_meaning(home)


def _public_keys(home: Home) -> Iterator[_Found]:
    """Out: every key's x: two that are equal would be one signer under two names."""
    for document in home.of("people"):
        yield document, ("jwk", "x"), _coordinate(document.data)
    for document in home.of("consumers"):
        for place, key in tables(document, "key"):
            yield document, (*place, "jwk", "x"), _coordinate(key)


def _coordinate(table: Toml) -> str | None:
    jwk = table.get("jwk")
    return text(jwk, "x") if isinstance(jwk, Mapping) else None


def _requirements(home: Home) -> Iterator[_Found]:
    for document in home.of("purposes.toml"):
        for place, table in tables(document, "procedure"):
            for name in texts(table, "requirements"):
                yield document, (*place, "requirements"), name


def _once(home: Home, what: str, found: Iterable[_Found]) -> None:
    first: dict[object, Document] = {}
    for document, path, name in found:
        if name is None:
            continue
        if name in first:
            shown = " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
            wrong = f"{what} {shown!r} is there already, in {first[name].file}"
            home.say(document, path, wrong, "Give one of them another name, or remove it.")
        first.setdefault(name, document)


def _one_meaning(home: Home) -> None:
    meaning: dict[str, str] = {}
    for document in home.of("registers"):
        for place, item in tables(document, "evidence"):
            kind = text(item, "type") or ""
            for name in texts(item, "identifiers"):
                if meaning.setdefault(name, kind) != kind:
                    wrong = f"the identifier already means the evidence type {meaning[name]!r}"
                    home.say(
                        document, (*place, "identifiers"), wrong, "An identifier means one evidence type."
                    )
