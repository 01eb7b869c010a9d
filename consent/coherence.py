"""Whether the files of a home agree with each other: references, duplicates, overlaps, periods.

Works on the parsed tables and not on the models, so that a misspelt key in a table hides none of its other
mistakes. What has the wrong type is left to the models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

from consent.problems import Document, KeyPath, did_you_mean
from consent.vocabulary import BasisKind, Problem

Toml: TypeAlias = Mapping[str, Any]
LONGEST: Final = timedelta(days=3660)
"""A grant must be looked at again within ten years: more is open-ended in disguise."""


def text(table: Toml, key: str) -> str | None:
    """Out: a text of the table, if it is one."""
    value = table.get(key)
    return value if isinstance(value, str) else None


def texts(table: Toml, key: str) -> list[str]:
    """Out: the texts of a list (or the keys of a table) of the table."""
    value = table.get(key)
    return (
        [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple | Mapping) else []
    )


def tables(document: Document, *keys: str) -> Iterator[tuple[KeyPath, Toml]]:
    """Out: each table of an array of tables, with its path: `tables(doc, "evidence", "person")`."""

    def walk(table: Toml, path: KeyPath, rest: Sequence[str]) -> Iterator[tuple[KeyPath, Toml]]:
        if not rest:
            yield path, table
            return
        items = table.get(rest[0])
        for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
            if isinstance(item, Mapping):
                yield from walk(item, (*path, rest[0], index), rest[1:])

    return walk(document.data, (), keys)


@dataclass
class _Home:
    """What the files name, gathered first, so that the order of files does not matter."""

    documents: Sequence[Document]
    problems: list[Problem] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)
    purpose_of: dict[str, str | None] = field(default_factory=dict)
    fields_of: dict[tuple[str, str], tuple[set[str], set[str]]] = field(default_factory=dict)
    """(register, evidence type) → its fields, its special ones."""

    def of(self, folder: str) -> Iterator[Document]:
        return (item for item in self.documents if item.file.partition("/")[0] == folder)

    def known(self, what: str) -> set[str]:
        return self.names.setdefault(what, set())

    def say(self, document: Document, path: KeyPath, wrong: str, mend: str) -> None:
        self.problems.append(document.problem(path, wrong, mend))

    def must_be_known(self, document: Document, path: KeyPath, words: Iterable[str], what: str) -> None:
        known = self.known(what)
        for word in words:
            if word not in known and "*" not in word:
                self.say(document, path, f"{what} {word!r} is unknown", did_you_mean(word, known, what))


def incoherent(documents: Sequence[Document], retention_classes: Sequence[str]) -> list[Problem]:
    """Out: every disagreement between and within the files."""
    home = _Home(documents)
    home.known("retention class").update(retention_classes)
    _gather(home)
    for check in (_duplicates, _periods, _evidence, _people, _procedures, _grants, _overlaps):
        check(home)
    return home.problems


def _gather(home: _Home) -> None:
    for folder, what in (("consumers", "consumer"), ("registers", "register"), ("people", "person")):
        home.known(what).update(filter(None, (text(item.data, "id") for item in home.of(folder))))
    home.known("recorder").update(home.known("consumer"), home.known("person"))
    for document in home.of("purposes.toml"):
        home.known("purpose").update(
            filter(None, (text(item, "code") for _, item in tables(document, "purpose")))
        )
        for _, item in tables(document, "procedure"):
            home.purpose_of[text(item, "code") or ""] = text(item, "purpose")
    home.known("procedure").update(filter(None, home.purpose_of))
    for document in home.of("registers"):
        for _, item in tables(document, "evidence"):
            key = text(document.data, "id") or "", text(item, "type") or ""
            home.fields_of[key] = set(texts(item, "fields")), set(texts(item, "special"))


_Found: TypeAlias = tuple[Document, KeyPath, object]


def _duplicates(home: _Home) -> None:
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


def _public_keys(home: _Home) -> Iterator[_Found]:
    """Out: every key's x: two that are equal would be one signer under two names."""
    for document in home.of("people"):
        yield document, ("jwk", "x"), _coordinate(document.data)
    for document in home.of("consumers"):
        for place, key in tables(document, "key"):
            yield document, (*place, "jwk", "x"), _coordinate(key)


def _coordinate(table: Toml) -> str | None:
    jwk = table.get("jwk")
    return text(jwk, "x") if isinstance(jwk, Mapping) else None


def _requirements(home: _Home) -> Iterator[_Found]:
    for document in home.of("purposes.toml"):
        for place, table in tables(document, "procedure"):
            for name in texts(table, "requirements"):
                yield document, (*place, "requirements"), name


def _once(home: _Home, what: str, found: Iterable[_Found]) -> None:
    first: dict[object, Document] = {}
    for document, path, name in found:
        if name is None:
            continue
        if name in first:
            shown = " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
            wrong = f"{what} {shown!r} is there already, in {first[name].file}"
            home.say(document, path, wrong, "Give one of them another name, or remove it.")
        first.setdefault(name, document)


def _one_meaning(home: _Home) -> None:
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


def _periods(home: _Home) -> None:
    places: list[tuple[Document, KeyPath, Toml]] = []
    places += [(document, (), document.data) for document in home.of("people")]
    places += [(item, path, table) for item in home.of("consumers") for path, table in tables(item, "key")]
    grants = [(item, path, table) for item in home.of("grants") for path, table in tables(item, "grant")]
    for document, path, table in places + grants:
        start, end = _period(table)
        if start is not None and start > end:
            home.say(document, (*path, "valid_to"), "ends before it begins", "Swap valid_from and valid_to.")
    for document, path, table in grants:
        start, end = _period(table)
        if start is not None and end - start > LONGEST:
            mend = "A grant is looked at again within ten years: choose an earlier end."
            home.say(document, (*path, "valid_to"), "is as good as open-ended", mend)


def _period(table: Toml) -> tuple[Any, Any]:
    """Out: first and last day (or moment); None twice unless they can be compared."""
    start, end = table.get("valid_from"), table.get("valid_to")
    return (start, end) if _comparable(start, end) else (None, None)


def _comparable(start: object, end: object) -> bool:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return (start.tzinfo is None) is (end.tzinfo is None)
    plain = not isinstance(start, datetime) and not isinstance(end, datetime)
    return plain and isinstance(start, date) and isinstance(end, date)


def _fields_known(home: _Home, at: tuple[Document, KeyPath], names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known and "*" not in name:
            home.say(*at, f"field {name!r} is unknown", did_you_mean(name, known, "field"))


def _evidence(home: _Home) -> None:
    for document in home.of("registers"):
        for place, item in tables(document, "evidence"):
            _fields_known(
                home, (document, (*place, "special")), texts(item, "special"), set(texts(item, "fields"))
            )
        for place, item in tables(document, "evidence", "person"):
            evidence = document.data["evidence"][place[1]]
            known = set(texts(evidence, "fields"))
            _fields_known(home, (document, (*place, "fields")), texts(item, "fields"), known)


def _people(home: _Home) -> None:
    for document in home.of("people"):
        registers = texts(document.data, "registers")
        home.must_be_known(document, ("registers",), registers, "register")
        owner = text(document.data, "role") == "register-owner"
        if owner and not registers:
            wrong, mend = "a register owner answers for no register", 'Add registers = ["…"].'
            home.say(document, ("registers",), wrong, mend)
        if registers and not owner:
            wrong = "only a register owner answers for registers"
            home.say(document, ("registers",), wrong, 'Remove it, or set role = "register-owner".')


def _procedures(home: _Home) -> None:
    for document in home.of("purposes.toml"):
        for place, item in tables(document, "procedure"):
            home.must_be_known(
                document, (*place, "purpose"), filter(None, [text(item, "purpose")]), "purpose"
            )


def _grants(home: _Home) -> None:
    for document in home.of("grants"):
        for place, grant in tables(document, "grant"):

            def at(key: str, place: KeyPath = place) -> KeyPath:
                return (*place, key)

            for key, what in (
                ("consumer", "consumer"),
                ("register", "register"),
                ("purpose", "purpose"),
                ("retention", "retention class"),
            ):
                home.must_be_known(document, at(key), filter(None, [text(grant, key)]), what)
            home.must_be_known(document, at("procedures"), texts(grant, "procedures"), "procedure")
            home.must_be_known(document, at("recorded_by"), texts(grant, "recorded_by"), "recorder")
            _grant_purpose(home, document, at, grant)
            _grant_fields(home, document, at, grant)
            _grant_basis(home, document, at, grant)


_At: TypeAlias = Callable[[str], KeyPath]


def _grant_purpose(home: _Home, document: Document, at: _At, grant: Toml) -> None:
    purpose = text(grant, "purpose")
    for name in texts(grant, "procedures"):
        theirs = home.purpose_of.get(name)
        if theirs is not None and purpose in home.known("purpose") and theirs != purpose:
            wrong = f"procedure {name!r} serves the purpose {theirs!r}, not {purpose!r}"
            home.say(document, at("procedures"), wrong, "Grant it for the purpose it serves.")
    if grant.get("predecessor") is not None and text(grant, "predecessor") == text(grant, "id"):
        home.say(document, at("predecessor"), "a grant can't replace itself", "Name the older grant.")


def _grant_fields(home: _Home, document: Document, at: _At, grant: Toml) -> None:
    register, evidence = text(grant, "register") or "", text(grant, "evidence")
    granted, defaults = texts(grant, "fields"), texts(grant, "default_fields")
    for name in defaults:
        if name not in granted:
            wrong = f"field {name!r} is not among the granted fields"
            home.say(document, at("default_fields"), wrong, did_you_mean(name, granted, "field"))
    if register not in home.known("register") or evidence is None:
        return
    if (register, evidence) not in home.fields_of:
        kinds = {kind for owner, kind in home.fields_of if owner == register}
        wrong = f"register {register!r} has no evidence type {evidence!r}"
        home.say(document, at("evidence"), wrong, did_you_mean(evidence, kinds, "evidence type"))
        return
    known, special = home.fields_of[register, evidence]
    _fields_known(home, (document, at("fields")), granted, known)
    delicate = sorted(special & set(granted))
    if delicate and BasisKind.CONSENT not in texts(grant, "basis") and not grant.get("special_category_law"):
        wrong = f"field {delicate[0]!r} is of a special category (GDPR Art. 9)"
        mend = 'Name special_category_law, grant it on basis "consent", or leave the field out.'
        home.say(document, at("fields"), wrong, mend)


def _grant_basis(home: _Home, document: Document, at: _At, grant: Toml) -> None:
    kinds, recorders = texts(grant, "basis"), texts(grant, "recorded_by")
    if "recorded_by" not in grant or not kinds:
        return
    recorded = [kind for kind in kinds if kind != BasisKind.STATUTORY]
    if recorded and not recorders:
        wrong = f"nobody may record the {recorded[0]} it rests on"
        home.say(document, at("recorded_by"), wrong, "Name whose records count.")
    if recorders and not recorded:
        wrong = "a statute is not recorded by anyone"
        home.say(document, at("recorded_by"), wrong, "Write recorded_by = [].")


def _overlaps(home: _Home) -> None:
    """Two grants answer the same question on the same day: then nobody can say which one decides."""
    seen: dict[tuple[str | None, ...], list[tuple[Document, Toml]]] = {}
    for document in home.of("grants"):
        for place, grant in tables(document, "grant"):
            start, end = _period(grant)
            if start is None:
                continue
            who = [
                text(grant, key) for key in ("consumer", "register", "evidence", "purpose", "on_behalf_of")
            ]
            clash: Toml | None = None
            for procedure in texts(grant, "procedures"):
                for kind in texts(grant, "basis"):
                    others = seen.setdefault((*who, procedure, kind), [])
                    for _, other in others:
                        if _comparable(start, other["valid_from"]) and (
                            other["valid_from"] <= end and start <= other["valid_to"]
                        ):
                            clash = other
                    others.append((document, grant))
            if clash is not None and clash is not grant:
                wrong = f"answers the same question as grant {text(clash, 'id')!r} in the same time"
                mend = "Let one end before the other begins, or make them one."
                home.say(document, (*place, "id"), wrong, mend)
