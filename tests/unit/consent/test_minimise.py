"""What a register returned is cut to the permit (DOMAIN.md 3, checks 16 and 20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from law_sample import ANNA, NOW, RECORD, policy, request

from consent.decide import decide
from consent.minimise import minimise, still_permitted
from consent.vocabulary import (
    BasisKind,
    Check,
    Evidence,
    Fact,
    Found,
    NotFound,
    Permit,
    Person,
    ReasonCode,
    Refusal,
    Removed,
    Withheld,
)

PERSONS = (Person("idnr:02468135774"), Person("idnr:01234567812", "parent"))
VALUES = {"town": "Musterstadt", "street": "Beispielweg"}


def permit(asked: frozenset[str] = frozenset(), **grant: Any) -> Permit:
    there = replace(RECORD, fields=RECORD.fields - {"given_names"}) if not asked else RECORD
    found = decide(request(fields=asked), policy(grant), [there], NOW)
    assert isinstance(found, Permit), found
    return found


def found(values: Mapping[str, str] = VALUES, *, blocked: bool = False) -> Found:
    return Found(values, PERSONS, blocked)


def evidence(outcome: Evidence | Withheld | Refusal) -> Evidence:
    assert isinstance(outcome, Evidence), outcome
    return outcome


def test_what_is_permitted_stays() -> None:
    """Values, persons and facts are handed on."""
    cut = evidence(minimise(found(), permit()))
    assert dict(cut.values) == VALUES
    assert cut.persons == PERSONS
    assert (cut.removed, cut.notice) == ((), None)
    assert (cut.facts[Check.HOLD], cut.facts[Check.ANSWER]) == (Fact.PASSED, Fact.PASSED)
    assert cut.facts[Check.GRANT] is Fact.PASSED


def test_everything_beyond_the_permit_is_removed_and_named() -> None:
    """With the reason: not granted, not recorded, not asked for."""
    more = {**VALUES, "given_names": "Anna", "sex": "female"}
    assert evidence(minimise(found(more), permit())).removed == (
        Removed("given_names", "record"),
        Removed("sex", "grant"),
    )
    cut = evidence(minimise(found(more), permit(frozenset({"town"}))))
    assert dict(cut.values) == {"town": "Musterstadt"}
    assert set(cut.removed) == {
        Removed("given_names", "not-asked"),
        Removed("street", "not-asked"),
        Removed("sex", "grant"),
    }


@pytest.mark.parametrize(
    "value",
    ["02468135774", "01234567812", "02 468 135 774", "IdNr. 02468135774", "024/681/35774", "x01234567812y"],
)
def test_a_number_never_leaves_unless_permitted(value: str) -> None:
    """Not in any field, not spaced, not within other text: of the subject or of anyone in the evidence."""
    values = {"town": "Musterstadt", "street": value}
    cut = evidence(minimise(found(values), permit()))
    assert dict(cut.values) == {"town": "Musterstadt"}
    assert cut.removed == (Removed("street", "idnr"),)
    assert dict(evidence(minimise(found(values), permit(idnr=True))).values) == values


def test_a_number_of_somebody_unknown_does_not_leave_either() -> None:
    """Whatever is a valid number is one."""
    values = {"town": "Musterstadt", "street": "02468135758"}
    cut = evidence(minimise(Found(values, (Person("reg:melderegister:1"),)), permit()))
    assert cut.removed == (Removed("street", "idnr"),)


def test_ordinary_numbers_leave() -> None:
    """Eleven digits without the form of an IDNr are no IDNr."""
    values = {"street": "12345678901", "town": "00001 Musterstadt"}
    assert dict(evidence(minimise(found(values), permit())).values) == values


def test_blocked_unknown_and_ambiguous_get_the_same_words() -> None:
    """The refusals differ in their facts for the journal only."""
    held = minimise(found(blocked=True), permit())
    assert isinstance(held, Withheld)
    assert held.persons == PERSONS
    refusals = [held.refusal]
    for why in (NotFound("unknown"), NotFound("ambiguous")):
        refused = minimise(why, permit())
        assert isinstance(refused, Refusal)
        refusals.append(refused)
    told = {(one.code, one.checks, one.fields, one.findings) for one in refusals}
    assert told == {(ReasonCode.NO_DATA, (Check.SUBJECT,), frozenset(), ())}
    assert held.refusal.facts[Check.HOLD] is Fact.FAILED


def test_a_block_can_be_delivered_as_a_notice() -> None:
    """Where the grant says so the recipient learns of the block."""
    cut = evidence(minimise(found(blocked=True), permit(blocked="deliver-with-notice")))
    assert cut.notice == "blocked"
    assert evidence(minimise(found(), permit(blocked="deliver-with-notice"))).notice is None


def test_a_block_that_is_not_clearly_none_is_one() -> None:
    """A register's odd answer about the block hides the person."""
    odd: Any = None
    assert isinstance(minimise(Found(VALUES, PERSONS, odd), permit()), Withheld)


def test_nothing_left_is_no_data() -> None:
    """An answer without a permitted value is no evidence."""
    for values in ({}, {"sex": "female"}):
        refused = minimise(found(values), permit())
        assert isinstance(refused, Refusal)
        assert refused.code is ReasonCode.NO_DATA


# --- decided again because basis or policy moved -------------------------------------------------------------
def test_evidence_that_is_still_permitted_goes_on_under_the_new_permit() -> None:
    """All of it, in the retention class its first line went to."""
    cut = evidence(minimise(found(), permit()))
    wider = permit(fields=["town", "street", "sex"], retention="12m")
    again = evidence(still_permitted(cut, wider))
    assert again.values == cut.values
    assert again.permit == replace(wider, retention="24m")
    assert again.facts[Check.HOLD] is Fact.PASSED


@pytest.mark.parametrize(
    "narrower",
    [{"fields": ["town"]}, {"idnr": True}, {"item": "other"}],
    ids=str,
)
def test_evidence_that_is_no_longer_permitted_is_discarded(narrower: dict[str, Any]) -> None:
    """A field less, another way to ask, another item: nothing of it leaves."""
    again = still_permitted(evidence(minimise(found(), permit())), permit(**narrower))
    assert isinstance(again, Refusal)
    assert (again.code, again.checks) == (ReasonCode.BASIS_CHANGED, (Check.BOUNDARY,))


def test_a_blocked_person_is_hidden_as_soon_as_the_grant_says_so() -> None:
    """What was to leave with a notice stays."""
    cut = evidence(minimise(found(blocked=True), permit(blocked="deliver-with-notice")))
    assert isinstance(still_permitted(cut, permit(blocked="hide")), Refusal)


def test_evidence_of_one_request_is_never_another_s() -> None:
    """The permit must be for the same request."""
    other = replace(permit(), request=request(message="5a0c3fd2-8f6e-4c4a-9d62-000000000002"))
    assert isinstance(still_permitted(evidence(minimise(found(), permit())), other), Refusal)


@pytest.mark.parametrize("other", [{"record": "record-2"}, {"kind": BasisKind.CONSENT}], ids=str)
def test_evidence_leaves_on_the_record_it_was_asked_on(other: dict[str, Any]) -> None:
    """Only that record's use is reserved: what another one permits was never counted against its uses."""
    cut = evidence(minimise(found(), permit()))
    moved = replace(cut.permit, basis=replace(cut.permit.basis, **other))
    again = still_permitted(cut, moved)
    assert isinstance(again, Refusal)
    assert again.code is ReasonCode.BASIS_CHANGED
    renewed = replace(cut.permit, basis=replace(cut.permit.basis, revision=2))
    assert evidence(still_permitted(cut, renewed)).permit.basis.revision == 2


def test_nothing_personal_is_printed() -> None:
    """Neither values nor persons nor the subject stand in a representation."""
    shown = repr(evidence(minimise(found(), permit()))) + repr(minimise(found(blocked=True), permit()))
    assert not any(word in shown for word in ("Musterstadt", "Beispiel", str(ANNA.birth_date), "02468135774"))
