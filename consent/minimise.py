"""What the register returned, cut to what is permitted (GDPR Art. 5(1)(c); DOMAIN.md 3, checks 16 and 20).

The register was asked for the permitted fields only; that it answered with no more is checked, not believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from consent.idnr import LENGTH, is_idnr
from consent.vocabulary import (
    Check,
    Evidence,
    Fact,
    Facts,
    Found,
    NotFound,
    Permit,
    ReasonCode,
    Refusal,
    Removed,
    Value,
    Withheld,
)

_IDNR: Final = "idnr:"
_PUNCTUATION: Final = str.maketrans("", "", " \t\n\u00a0-/.")


def minimise(found: Found | NotFound, permit: Permit) -> Evidence | Withheld | Refusal:
    """In: a register's answer and the permit it was asked under. Out: what may leave, what was removed and
    why; or nothing. Blocked, unknown and ambiguous persons are refused in the same words."""
    if isinstance(found, NotFound):
        return no_data(permit, {Check.HOLD: Fact.NOT_NEEDED, Check.ANSWER: Fact.NOT_NEEDED})
    if found.blocked is not False and permit.blocked != "deliver-with-notice":
        why = no_data(permit, {Check.HOLD: Fact.FAILED, Check.ANSWER: Fact.NOT_NEEDED})
        return Withheld(why, found.persons)
    removed = tuple(_removed(found, permit))
    gone = {item.field for item in removed}
    values = {name: value for name, value in found.values.items() if name not in gone}
    if not values:
        return no_data(permit, {Check.HOLD: Fact.PASSED, Check.ANSWER: Fact.FAILED})
    facts = _facts(permit, {Check.HOLD: Fact.PASSED, Check.ANSWER: Fact.PASSED})
    cut = Evidence(permit, MappingProxyType(values), found.persons, removed, facts)
    return cut if found.blocked is False else replace(cut, notice="blocked")


def still_permitted(evidence: Evidence, permit: Permit) -> Evidence | Refusal:
    """In: evidence cut under an earlier permit, and what is permitted now that basis or policy moved.

    Out: the same evidence under the new permit, if that permits all of it; else a refusal (LOG.md 9.3). Another
    record's use was never reserved, so what was asked on one record leaves on that record or not at all.
    """
    before = evidence.permit
    same = (
        permit.request == before.request
        and permit.register == before.register
        and permit.item == before.item
        and permit.idnr is before.idnr
        and (permit.basis.kind, permit.basis.record) == (before.basis.kind, before.basis.record)
        and evidence.values.keys() <= permit.fields
        and (evidence.notice is None or permit.blocked == "deliver-with-notice")
    )
    if not same:
        return refusal(ReasonCode.BASIS_CHANGED, Check.BOUNDARY, permit, {Check.BOUNDARY: Fact.FAILED})
    kept = {check: evidence.facts[check] for check in (Check.HOLD, Check.ANSWER)}
    under = replace(permit, retention=before.retention)
    return replace(evidence, permit=under, facts=_facts(permit, kept))


def _removed(found: Found, permit: Permit) -> Iterator[Removed]:
    subjects = {person.subject for person in found.persons if person.subject is not None}
    known = {subject.removeprefix(_IDNR) for subject in subjects if subject.startswith(_IDNR)}
    if permit.request.subject.idnr is not None:
        known.add(permit.request.subject.idnr)
    for name, value in sorted(found.values.items()):
        if name not in permit.granted and name not in permit.fields:
            yield Removed(name, "grant")
        elif permit.recorded is not None and name not in permit.recorded:
            yield Removed(name, "record")
        elif name not in permit.fields:
            yield Removed(name, "not-asked")
        elif not permit.idnr and _holds_idnr(value, known):
            yield Removed(name, "idnr")


def _holds_idnr(value: Value, known: set[str]) -> bool:
    """Out: whether a value is an IDNr, or has one of those that are known here in it."""
    if isinstance(value, tuple):
        return any(_holds_idnr(text, known) for text in value)
    plain = value.translate(_PUNCTUATION)
    if len(plain) < LENGTH:
        return False
    return is_idnr(plain) or any(number in plain for number in known)


def no_data(permit: Permit, facts: Mapping[Check, Fact]) -> Refusal:
    """Out: nobody is known by that name, or nobody who may be told of; the asker can't see which."""
    return refusal(ReasonCode.NO_DATA, Check.SUBJECT, permit, facts)


def refusal(
    code: ReasonCode,
    check: Check,
    permit: Permit,
    facts: Mapping[Check, Fact],
    fields: frozenset[str] = frozenset(),
) -> Refusal:
    """Out: a refusal of what was permitted before the register was asked."""
    return Refusal(
        code,
        facts=_facts(permit, facts),
        fields=fields,
        grant=permit.grant,
        basis=permit.basis,
        register=permit.register,
        retention=permit.retention,
        policy=permit.policy,
        checks=(check,),
        exempt=permit.exempt,
    )


def _facts(permit: Permit, more: Mapping[Check, Fact]) -> Facts:
    return MappingProxyType({**permit.facts, **more})
