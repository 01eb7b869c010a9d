"""The decision, checks 5 to 10: the record or statute that a request stands on (DOMAIN.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from deciding import BY_LAW, STATUTORY, judge, permit, refusal
from law_sample import ANNA, NOW, RECORD, REQUEST, record, request

from consent.vocabulary import BasisClaim, BasisKind, Check, ReasonCode, RecordState, Refusal, Subject

UNNAMED = BasisClaim(BasisKind.CHOICE)


def test_only_the_granted_kinds_of_basis_count() -> None:
    """A consent is no choice, and a statute must be granted as one."""
    for kind in (BasisKind.CONSENT, BasisKind.STATUTORY):
        found = judge(request(basis=BasisClaim(kind)))
        assert isinstance(found, Refusal)
        assert found.code is ReasonCode.BASIS_KIND_NOT_ALLOWED


def test_a_statute_needs_no_record() -> None:
    """It stands by its grant, with the grant's norm."""
    for claim in (BY_LAW, BasisClaim(), BasisClaim(BasisKind.STATUTORY, norm="WoGG § 23")):
        basis = permit(judge(request(basis=claim), [STATUTORY], [])).basis
        assert (basis.kind, basis.norm, basis.record) == (BasisKind.STATUTORY, "WoGG § 23", None)


@pytest.mark.parametrize("kind", [BasisKind.STATUTORY, BasisKind.CHOICE])
def test_a_norm_claimed_must_be_the_granted_one(kind: BasisKind) -> None:
    """Who relies on another law than the one granted is refused."""
    grant = STATUTORY if kind is BasisKind.STATUTORY else {}
    claim = BasisClaim(kind, norm="SGB X § 67a")
    refusal(judge(request(basis=claim), [grant]), ReasonCode.BASIS_MISMATCH, Check.BASIS_MATCH)


def test_a_statute_is_no_way_out_for_want_of_a_record() -> None:
    """Where choice and statute are granted, who claims none has no statute."""
    both = {"basis": ["choice", "statutory"]}
    refusal(judge(request(basis=BasisClaim()), [both], []), ReasonCode.NO_BASIS, Check.BASIS_RECORD)
    assert permit(judge(request(basis=BY_LAW), [both], [])).basis.kind is BasisKind.STATUTORY


@pytest.mark.parametrize(
    ("different", "code"),
    [
        ({"id": "r-2"}, ReasonCode.NO_BASIS),
        ({"kind": BasisKind.CONSENT}, ReasonCode.NO_BASIS),
        ({"recorded_by": "wohngeldstelle"}, ReasonCode.RECORDER_NOT_ACCEPTED),
        ({"authentic": False}, ReasonCode.RECORD_NOT_AUTHENTIC),
        ({"authentic": 1}, ReasonCode.RECORD_NOT_AUTHENTIC),
    ],
)
def test_a_record_of_ours_must_exist(different: dict[str, Any], code: ReasonCode) -> None:
    """The record named, of the kind claimed, by a recorder that the grant accepts, with a true receipt."""
    refusal(judge(REQUEST, records=[record(**different)]), code, Check.BASIS_RECORD)


@pytest.mark.parametrize("state", RecordState)
def test_only_given_and_renewed_permit(state: RecordState) -> None:
    """Every other state refuses with its reason."""
    found = judge(REQUEST, records=[record(state=state)])
    codes = {
        RecordState.WITHDRAWN: ReasonCode.BASIS_WITHDRAWN,
        RecordState.REVOKED: ReasonCode.BASIS_WITHDRAWN,
        RecordState.EXPIRED: ReasonCode.BASIS_OUTSIDE_PERIOD,
        RecordState.CONSUMED: ReasonCode.BASIS_USED_UP,
    }
    if state in {RecordState.GIVEN, RecordState.RENEWED}:
        permit(found)
    else:
        refusal(found, codes.get(state, ReasonCode.BASIS_NOT_GIVEN), Check.BASIS_STATE)


def test_an_unknown_state_denies() -> None:
    """What a record's state may mean is never guessed."""
    found = judge(REQUEST, records=[record(state="granted")])
    refusal(found, ReasonCode.BASIS_NOT_GIVEN, Check.BASIS_STATE)


@pytest.mark.parametrize(
    ("start", "end", "within"),
    [(0, 1, True), (-1, 0, False), (1, 2, False), (-2, -1, False), (-1, 1, True)],
)
def test_a_record_counts_within_its_period(start: int, end: int, within: bool) -> None:
    """From its first second; its end lies ahead."""
    there = record(not_before=NOW + timedelta(seconds=start), not_after=NOW + timedelta(seconds=end))
    found = judge(REQUEST, records=[there])
    if within:
        permit(found)
    else:
        refusal(found, ReasonCode.BASIS_OUTSIDE_PERIOD, Check.BASIS_PERIOD)


@pytest.mark.parametrize(
    ("uses", "most", "left"), [(0, 1, True), (1, 1, False), (2, 1, False), (99, None, True), (-1, 1, False)]
)
def test_a_use_must_be_left(uses: int, most: int | None, left: bool) -> None:
    """As often as the record says, or without end within its period."""
    found = judge(REQUEST, records=[record(uses=uses, max_uses=most)])
    if left:
        permit(found)
    else:
        refusal(found, ReasonCode.BASIS_USED_UP, Check.BASIS_USES)


@pytest.mark.parametrize(
    "different",
    [
        {"recipient": "buergerportal"},
        {"register": "personenstandsregister"},
        {"evidence": "birth"},
        {"purpose": "parking"},
        {"procedure": "parkausweis"},
        {"case": "WG-2026-2"},
        {"subject": replace(ANNA, birth_date=date(1990, 4, 2))},
        {"subject": replace(ANNA, idnr="01234567812")},
        {"subject": replace(ANNA, family_name="Anders")},
        {"subject": Subject()},
    ],
    ids=lambda different: next(iter(different)),
)
def test_a_record_counts_for_exactly_its_matter(different: dict[str, Any]) -> None:
    """Another recipient, register, evidence, purpose, procedure, application or person is another matter."""
    found = judge(REQUEST, records=[record(**different)])
    refusal(found, ReasonCode.BASIS_MISMATCH, Check.BASIS_MATCH)


def test_a_record_need_not_name_the_person_in_every_way() -> None:
    """One way of naming in common is enough, if none contradicts."""
    by_name = Subject(birth_date=ANNA.birth_date, family_name="Beispiel", given_name="Anna")
    permit(judge(REQUEST, records=[record(subject=by_name)]))


def test_a_record_need_not_be_named() -> None:
    """Without a name, the record of this recipient and case is found."""
    for claim in (UNNAMED, BasisClaim()):
        assert permit(judge(request(basis=claim))).basis.record == "r-1"
    refusal(
        judge(request(basis=UNNAMED), records=[record(case="another")]),
        ReasonCode.NO_BASIS,
        Check.BASIS_RECORD,
    )


def test_the_kind_of_a_named_record_need_not_be_claimed() -> None:
    """It is the record's."""
    claim = BasisClaim(None, "r-1")
    assert permit(judge(request(basis=claim))).basis.kind is BasisKind.CHOICE
    consent = judge(request(basis=claim), records=[record(kind=BasisKind.CONSENT)])
    assert isinstance(consent, Refusal)
    assert consent.code is ReasonCode.BASIS_KIND_NOT_ALLOWED
    refusal(judge(request(basis=claim), records=[]), ReasonCode.NO_BASIS, Check.BASIS_RECORD)


def test_the_record_that_comes_furthest_tells_the_reason() -> None:
    """Of several records the one that fits decides; if none does, the closest one says why."""
    others = [record(id="a", case="WG-2026-1", state=RecordState.DEFERRED), record(id="b", uses=1)]
    assert permit(judge(request(basis=UNNAMED), records=[*others, RECORD])).basis.record == "r-1"
    found = judge(request(basis=UNNAMED), records=others)
    assert refusal(found, ReasonCode.BASIS_USED_UP, Check.BASIS_USES).basis is not None


def test_a_withdrawal_outweighs_what_was_given_for_the_same() -> None:
    """Who withdrew one of two records for the same matter has withdrawn, unless the other is named."""
    records = [record(id="r-0", state=RecordState.WITHDRAWN), RECORD]
    for order in (records, records[::-1]):
        found = judge(request(basis=UNNAMED), records=order)
        refusal(found, ReasonCode.BASIS_WITHDRAWN, Check.BASIS_STATE)
        permit(judge(REQUEST, records=order))


def test_a_withdrawal_for_something_else_changes_nothing() -> None:
    """It ends what it is about."""
    other = record(id="r-0", state=RecordState.WITHDRAWN, evidence="birth")
    permit(judge(request(basis=UNNAMED), records=[other, RECORD]))


def test_choice_comes_before_consent_before_statute() -> None:
    """Of several grants that permit, the person's say decides first, whatever the grants are called."""
    grants: list[Mapping[str, Any]] = [
        {"id": "a", "basis": ["consent"]},
        {"id": "b", "basis": ["choice"]},
        {"id": "c", **STATUTORY},
    ]
    records = [RECORD, record(id="r-2", kind=BasisKind.CONSENT)]
    assert permit(judge(request(basis=BasisClaim()), grants, records)).grant == "b"
    assert permit(judge(request(basis=BasisClaim()), grants, records[1:])).grant == "a"
