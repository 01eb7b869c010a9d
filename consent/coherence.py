"""Whether the files of a home agree with each other: references, duplicates, overlaps, periods.

Works on the parsed tables and not on the models, so that a misspelt key in a table hides none of its other
mistakes. What has the wrong type is left to the models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

from consent.duplicates import duplicates, overlaps
from consent.problems import Document, KeyPath, did_you_mean
from consent.tables import Home, Toml, period, tables, text, texts
from consent.vocabulary import BasisKind, Problem

LONGEST: Final = timedelta(days=3660)
"""A grant must be looked at again within ten years: more is open-ended in disguise."""


def incoherent(documents: Sequence[Document], retention_classes: Sequence[str]) -> list[Problem]:
    """Out: every disagreement between and within the files."""
    home = Home(documents)
    home.known("retention class").update(retention_classes)
    _gather(home)
    for check in (duplicates, _periods, _evidence, _people, _procedures, _grants, overlaps):
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
            home.fields_of[key] = set(texts(item, "fields")), set(texts(item, "special"))


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


def _fields_known(home: Home, at: tuple[Document, KeyPath], names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known and "*" not in name:
            home.say(*at, f"field {name!r} is unknown", did_you_mean(name, known, "field"))


def _evidence(home: Home) -> None:
    for document in home.of("registers"):
        for place, item in tables(document, "evidence"):
            _fields_known(
                home, (document, (*place, "special")), texts(item, "special"), set(texts(item, "fields"))
            )
        for place, item in tables(document, "evidence", "person"):
            evidence = document.data["evidence"][place[1]]
            known = set(texts(evidence, "fields"))
            _fields_known(home, (document, (*place, "fields")), texts(item, "fields"), known)


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


def _grants(home: Home) -> None:
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


def _grant_purpose(home: Home, document: Document, at: _At, grant: Toml) -> None:
    purpose = text(grant, "purpose")
    for name in texts(grant, "procedures"):
        theirs = home.purpose_of.get(name)
        if theirs is not None and purpose in home.known("purpose") and theirs != purpose:
            wrong = f"procedure {name!r} serves the purpose {theirs!r}, not {purpose!r}"
            home.say(document, at("procedures"), wrong, "Grant it for the purpose it serves.")
    if grant.get("predecessor") is not None and text(grant, "predecessor") == text(grant, "id"):
        home.say(document, at("predecessor"), "a grant can't replace itself", "Name the older grant.")


def _grant_fields(home: Home, document: Document, at: _At, grant: Toml) -> None:
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


def _grant_basis(home: Home, document: Document, at: _At, grant: Toml) -> None:
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
