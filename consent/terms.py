"""Whether the keys of a grant agree with each other and with what registers, purposes and consumers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from consent.problems import Document, KeyPath, did_you_mean
from consent.tables import Home, Toml, tables, text, texts
from consent.vocabulary import BasisKind

_At: TypeAlias = Callable[[str], KeyPath]
_NOT_TO_WRITE: Final = ("default_fields", "item", "preview", "push", "document", "max_age_days")
"""What only a grant to ask can say: nothing is handed on under a grant to submit."""


def terms(home: Home) -> None:
    """Find every grant that contradicts itself, or names what is not there."""
    for document in home.of("grants"):
        for place, grant in tables(document, "grant"):

            def at(key: str, place: KeyPath = place) -> KeyPath:
                return (*place, key)

            for check in (_names, _purpose, _fields, _basis, _submission):
                check(home, document, at, grant)


def _names(home: Home, document: Document, at: _At, grant: Toml) -> None:
    for key, what in (
        ("consumer", "consumer"),
        ("register", "register"),
        ("purpose", "purpose"),
        ("retention", "retention class"),
        ("on_behalf_of", "consumer"),
    ):
        home.must_be_known(document, at(key), filter(None, [text(grant, key)]), what)
    home.must_be_known(document, at("procedures"), texts(grant, "procedures"), "procedure")
    home.must_be_known(document, at("recorded_by"), texts(grant, "recorded_by"), "recorder")
    if text(grant, "on_behalf_of") is not None and text(grant, "on_behalf_of") == text(grant, "consumer"):
        mend = "Leave it out: everybody asks in their own name."
        home.say(document, at("on_behalf_of"), "nobody asks on their own behalf", mend)


def _purpose(home: Home, document: Document, at: _At, grant: Toml) -> None:
    purpose = text(grant, "purpose")
    for name in texts(grant, "procedures"):
        theirs = home.purpose_of.get(name)
        if theirs != purpose and {theirs, purpose} <= home.known("purpose"):
            wrong = f"procedure {name!r} serves the purpose {theirs!r}, not {purpose!r}"
            home.say(document, at("procedures"), wrong, "Grant it for the purpose it serves.")


def _fields(home: Home, document: Document, at: _At, grant: Toml) -> None:
    register, evidence = text(grant, "register") or "", text(grant, "evidence")
    granted, defaults = texts(grant, "fields"), texts(grant, "default_fields")
    for name in defaults:
        if name not in granted:
            wrong = f"field {name!r} is not among the granted fields"
            home.say(document, at("default_fields"), wrong, did_you_mean(name, granted, "field"))
    if register not in home.known("register") or evidence is None:
        return
    fields = home.fields_of.get((register, evidence))
    if fields is None:
        kinds = {kind for owner, kind in home.fields_of if owner == register}
        wrong = f"register {register!r} has no evidence type {evidence!r}"
        home.say(document, at("evidence"), wrong, did_you_mean(evidence, kinds, "evidence type"))
        return
    home.fields_known((document, at("fields")), granted, fields.names)
    delicate = sorted(fields.special & set(granted))
    if delicate and BasisKind.CONSENT not in texts(grant, "basis") and not grant.get("special_category_law"):
        wrong = f"field {delicate[0]!r} is of a special category (GDPR Art. 9)"
        mend = 'Name special_category_law, grant it on basis "consent", or leave the field out.'
        home.say(document, at("fields"), wrong, mend)
    if grant.get("write") is True:
        for name in granted:
            if name in fields.names - fields.writable:
                wrong = f"field {name!r} can't be submitted to this register"
                mend = did_you_mean(name, fields.writable, "field to submit (`writable`)")
                home.say(document, at("fields"), wrong, mend)


def _basis(home: Home, document: Document, at: _At, grant: Toml) -> None:
    kinds, recorders = texts(grant, "basis"), texts(grant, "recorded_by")
    if not kinds:
        return
    recorded = [kind for kind in kinds if kind != BasisKind.STATUTORY]
    if recorded and not recorders and "recorded_by" in grant:
        wrong = f"nobody may record the {recorded[0]} it rests on"
        home.say(document, at("recorded_by"), wrong, "Name whose records count.")
    if recorders and not recorded:
        wrong = "a statute is not recorded by anyone"
        home.say(document, at("recorded_by"), wrong, "Write recorded_by = [].")
    if "assurance" in grant and not recorded:
        wrong = "a statute has no record whose level could count"
        home.say(document, at("assurance"), wrong, "Leave it out, or grant it on choice or consent.")
    for key in ("exempt", "exempt_days"):
        if key in grant and recorded:
            wrong = f"what rests on the person's own {recorded[0]} can't be kept from them"
            home.say(document, at(key), wrong, 'Leave it out, or grant it on basis ["statutory"] alone.')


def _submission(home: Home, document: Document, at: _At, grant: Toml) -> None:
    if grant.get("write") is not True:
        return
    for key in _NOT_TO_WRITE:
        if key in grant:
            wrong = "has no meaning in a grant to submit (write = true)"
            home.say(document, at(key), wrong, "Leave it out.")
