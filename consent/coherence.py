"""Whether the files of a home agree with each other: references, duplicates, overlaps, periods.

Works on the parsed tables and not on the models, so that a misspelt key in a table hides none of its other
mistakes. What has the wrong type is left to the models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from consent.duplicates import duplicates
from consent.problems import Document, KeyPath
from consent.succession import overlaps, succession
from consent.tables import Fields, Home, Toml, period, tables, text, texts
from consent.terms import terms
from consent.vocabulary import Problem

LONGEST: Final = timedelta(days=3660)
"""A grant must be looked at again within ten years: more is open-ended in disguise."""


def incoherent(
    documents: Sequence[Document], retention_classes: Sequence[str], revoked: Iterable[str] = ()
) -> list[Problem]:
    """In: also the ids of grants that are revoked. Out: every disagreement between and within the files."""
    home = Home(documents, frozenset(revoked))
    home.known("retention class").update(retention_classes)
    _gather(home)
    for check in (duplicates, _periods, _evidence, _people, _procedures, terms, succession, overlaps):
        check(home)
    return home.problems


def _gather(home: Home) -> None:
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
            home.fields_of[key] = Fields(
                frozenset({*texts(item, "fields"), *texts(_group(item), "fields")}),
                frozenset(texts(item, "special")),
                frozenset(texts(item, "writable")),
            )


def _periods(home: Home) -> None:
    places: list[tuple[Document, KeyPath, Toml]] = []
    places += [(document, (), document.data) for document in home.of("people")]
    places += [(item, path, table) for item in home.of("consumers") for path, table in tables(item, "key")]
    grants = [(item, path, table) for item in home.of("grants") for path, table in tables(item, "grant")]
    for document, path, table in places + grants:
        start, end = period(table)
        if start is not None and start > end:
            home.say(document, (*path, "valid_to"), "ends before it begins", "Swap valid_from and valid_to.")
    for document, path, table in grants:
        start, end = period(table)
        if start is not None and end - start > LONGEST:
            mend = "A grant is looked at again within ten years: choose an earlier end."
            home.say(document, (*path, "valid_to"), "is as good as open-ended", mend)


def _evidence(home: Home) -> None:
    for document in home.of("registers"):
        for place, item in tables(document, "evidence"):
            own, grouped = set(texts(item, "fields")), set(texts(_group(item), "fields"))
            home.fields_known((document, (*place, "special")), texts(item, "special"), own | grouped)
            _writable(home, document, (*place, "writable"), texts(item, "writable"), own, grouped)
            for name in sorted(own & grouped):
                wrong = f"field {name!r} is a field of the evidence itself already"
                home.say(document, (*place, "group", "fields", name), wrong, "Give one of them another name.")
        for place, item in tables(document, "evidence", "person"):
            evidence = document.data["evidence"][place[1]]
            known = {*texts(evidence, "fields"), *texts(_group(evidence), "fields")}
            home.fields_known((document, (*place, "fields")), texts(item, "fields"), known)


def _writable(
    home: Home, document: Document, place: KeyPath, names: Iterable[str], own: set[str], grouped: set[str]
) -> None:
    for name in names:
        if name in grouped - own:
            wrong, mend = f"field {name!r} is a group's, whose entries are only ever read", "Leave it out."
            home.say(document, place, wrong, mend)
        else:
            home.fields_known((document, place), [name], own)


def _group(evidence: Toml) -> Toml:
    group = evidence.get("group")
    return group if isinstance(group, Mapping) else {}


def _people(home: Home) -> None:
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


def _procedures(home: Home) -> None:
    for document in home.of("purposes.toml"):
        for place, item in tables(document, "procedure"):
            home.must_be_known(
                document, (*place, "purpose"), filter(None, [text(item, "purpose")]), "purpose"
            )
