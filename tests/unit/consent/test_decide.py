"""The decision, check by check (DOMAIN.md 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from law_sample import ANNA, NOW, RECORD, REQUEST, SETTINGS, policy, record, request, sample

from consent.decide import decide
from consent.idnr import check_digit
from consent.policy import Settings
from consent.trials import RULES
from consent.vocabulary import (
    BasisClaim,
    BasisKind,
    Check,
    Fact,
    Permit,
    ReasonCode,
    Record,
    RecordState,
    Refusal,
    Request,
    Subject,
)

UNNAMED = BasisClaim(BasisKind.CHOICE)
STATUTORY: Mapping[str, Any] = {"basis": ["statutory"], "recorded_by": [], "norm": "WoGG § 23"}
BY_LAW = BasisClaim(BasisKind.STATUTORY)


def permit(found: Permit | Refusal) -> Permit:
    assert isinstance(found, Permit), found
    return found


def refusal(found: Permit | Refusal, code: ReasonCode, *checks: Check) -> Refusal:
    assert isinstance(found, Refusal), "permitted"
    assert (found.code, found.checks) == (code, checks)
    assert all(found.facts[check] is Fact.FAILED for check in checks)
    assert set(checks) == {check for check, fact in found.facts.items() if fact is Fact.FAILED}
    return found


def judge(
    asked: Request, grants: Sequence[Mapping[str, Any]] = ({},), records: Sequence[Record] = (RECORD,)
) -> Permit | Refusal:
    return decide(asked, policy(*grants), records, NOW)


# --- what a permit says ---------------------------------------------------------------------------------------
def test_a_permit_says_what_it_stands_on() -> None:
    """Grant, register, fields, basis with revision and end, retention, policy and time are all in it."""
    found = permit(decide(REQUEST, sample(), [RECORD], NOW))
    assert (found.grant, found.register, found.retention) == ("wohngeld-residence", "melderegister", "24m")
    assert found.fields == {"family_name", "given_names", "street", "town"}
    assert (found.policy, found.decided) == (sample().hash, NOW)
    basis = found.basis
    assert (basis.kind, basis.norm, basis.record) == (BasisKind.CHOICE, "EGovG § 5", "r-1")
    assert (basis.revision, basis.not_after, basis.max_uses) == (1, RECORD.not_after, 1)
    assert found.request is REQUEST


def test_a_permit_has_the_facts_of_all_checks_made() -> None:
    """Every check before the register is asked has its outcome, and none failed."""
    facts = permit(decide(REQUEST, sample(), [RECORD], NOW)).facts
    assert list(facts) == [Check.AUTHENTIC, Check.SENDER, *(rule.check for rule in RULES)]
    assert Fact.FAILED not in facts.values()
    assert facts[Check.BASIS_MATCH] is Fact.PASSED
    assert facts[Check.PREVIEW] is Fact.NOT_NEEDED


def test_the_checks_stand_in_the_order_of_the_law() -> None:
    """The rules follow the order of `Check`, each once and with its clause."""
    order = list(Check)
    places = [order.index(rule.check) for rule in RULES]
    assert places == sorted(set(places))
    assert all(rule.clause for rule in RULES)


# --- 3 message ------------------------------------------------------------------------------------------------
def test_test_messages_are_refused() -> None:
    """There is no test twin of a register yet."""
    refusal(judge(request(test=True)), ReasonCode.TEST_MESSAGE, Check.MESSAGE)


def test_a_grant_that_demands_encryption_refuses_for_now() -> None:
    """What can't be kept is not ignored."""
    refusal(judge(REQUEST, [{"encrypt": True}]), ReasonCode.ENCRYPTION_REQUIRED, Check.MESSAGE)


def test_a_wish_for_a_document_is_answered_with_the_item_that_the_grant_names() -> None:
    """With a structured item it is answered so; without one it is refused."""
    refusal(judge(request(document=True)), ReasonCode.NOT_SUPPORTED, Check.MESSAGE)
    assert permit(judge(request(document=True), [{"item": "residence-1"}])).item == "residence-1"


# --- 4 grant --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "different",
    [
        {"consumer": "buergerportal"},
        {"consumer": "unknown"},
        {"consumer": "Wohngeldstelle"},
        {"evidence": "birth"},
        {"purpose": "parking"},
        {"procedure": "parkausweis"},
        {"register": "personenstandsregister"},
        {"on_behalf_of": "buergerportal"},
    ],
    ids=str,
)
def test_without_its_own_grant_nothing_is_permitted(different: dict[str, Any]) -> None:
    """Consumer, register, evidence, purpose, procedure and principal are each part of the grant."""
    refusal(judge(request(**different)), ReasonCode.NO_GRANT, Check.GRANT)


@pytest.mark.parametrize(
    ("now", "granted"),
    [
        (datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 1, 1, tzinfo=UTC), True),
        (datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2028, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_grant_counts_from_its_first_to_its_last_day(now: datetime, granted: bool) -> None:
    """Both days belong to it, in UTC."""
    always = record(not_before=now - timedelta(1), not_after=now + timedelta(1))
    found = decide(REQUEST, policy({}), [always], now)
    assert isinstance(found, Permit) is granted
    if isinstance(found, Refusal):
        assert found.code is ReasonCode.NO_GRANT


def test_a_grant_on_behalf_of_an_authority_needs_that_authority() -> None:
    """Asking for somebody else is permitted for this one and for no one else."""
    grants = [{"on_behalf_of": "buergerportal"}]
    permit(judge(request(on_behalf_of="buergerportal"), grants))
    refusal(judge(REQUEST, grants), ReasonCode.NO_GRANT, Check.GRANT)


OTHER_REGISTER: Mapping[str, Any] = {
    "id": "zweites",
    "register": "personenstandsregister",
    "fields": ["family_name", "town"],
}


def test_the_register_follows_from_the_grants_or_is_named() -> None:
    """One granted register needs no name; two do."""
    both = [{}, OTHER_REGISTER]
    refusal(judge(REQUEST, both), ReasonCode.REGISTER_AMBIGUOUS, Check.GRANT)
    assert permit(judge(request(register="melderegister"), both)).grant == "wohngeld-residence"
    there = record(register="personenstandsregister")
    assert permit(judge(request(register="personenstandsregister"), both, [there])).grant == "zweites"


@pytest.mark.parametrize(
    "condition", [{"push": True}, {"max_age_days": 30}, {"rate_per_minute": 60}], ids=str
)
def test_conditions_that_cannot_be_kept_yet_refuse(condition: dict[str, Any]) -> None:
    """A condition of a grant is never ignored."""
    refusal(judge(REQUEST, [condition]), ReasonCode.NOT_SUPPORTED, Check.GRANT)


# --- 5-10 basis -----------------------------------------------------------------------------------------------
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


# --- 11 fields ------------------------------------------------------------------------------------------------
def test_fields_beyond_grant_or_record_are_refused_by_name() -> None:
    """Nothing is handed on when too much is asked; the names of what is too much are told."""
    asked = request(fields=frozenset({"town", "sex", "street"}))
    there = record(fields=frozenset({"town", "sex"}))
    found = refusal(judge(asked, records=[there]), ReasonCode.FIELDS_NOT_PERMITTED, Check.FIELDS)
    assert found.fields == {"sex", "street"}


def test_the_fields_asked_for_are_the_ones_permitted() -> None:
    """Less may be asked for than is granted."""
    assert permit(judge(request(fields=frozenset({"town"})))).fields == {"town"}


def test_no_fields_means_the_granted_default_within_the_record() -> None:
    """The default is cut to what the person agreed to; nothing left is a refusal."""
    grant = [{"default_fields": ["town", "street"]}]
    assert permit(judge(REQUEST, grant)).fields == {"town", "street"}
    assert permit(judge(REQUEST, grant, [record(fields=frozenset({"town", "sex"}))])).fields == {"town"}
    nothing = judge(REQUEST, grant, [record(fields=frozenset({"sex"}))])
    refusal(nothing, ReasonCode.FIELDS_NOT_PERMITTED, Check.FIELDS)


# --- 12 representation, 13 special categories --------------------------------------------------------------
def test_representatives_are_refused_for_now() -> None:
    """Whether asked by one or agreed by one."""
    for found in (
        judge(request(representative="v-1")),
        judge(REQUEST, records=[record(representative="v-1")]),
    ):
        refusal(found, ReasonCode.NOT_REPRESENTED, Check.REPRESENTATION)


RELIGION: Mapping[str, Any] = {
    "fields": ["town", "religion"],
    "default_fields": ["town"],
    "basis": ["choice", "consent"],
}


def test_special_categories_need_consent_or_a_law() -> None:
    """A choice is not enough for religion; a consent is, and so is a law."""
    asked = request(fields=frozenset({"religion"}), basis=BasisClaim())
    found = judge(asked, [RELIGION])
    refusal(found, ReasonCode.SPECIAL_CATEGORY, Check.SPECIAL_CATEGORY)
    permit(judge(asked, [RELIGION], [record(kind=BasisKind.CONSENT)]))
    permit(judge(asked, [{**RELIGION, "special_category_law": "BMG § 42"}]))
    permit(judge(request(basis=BasisClaim()), [RELIGION]))


# --- 14 IDNr, 15 subject ---------------------------------------------------------------------------------------
ISSUED = "1123456780" + str(check_digit("1123456780"))
"""A number that could be somebody's: never written down, only there to see it refused."""
ONLY_NUMBER = Subject(idnr="02468135774", birth_date=ANNA.birth_date)


def test_the_number_is_stripped_unless_granted() -> None:
    """The register is asked without it, if the person is named otherwise too."""
    assert permit(judge(REQUEST)).subject == replace(ANNA, idnr=None)
    assert permit(judge(REQUEST, [{"idnr": True}])).subject == ANNA


def test_the_number_alone_needs_its_grant() -> None:
    """Without the number nobody is named."""
    asked, there = request(subject=ONLY_NUMBER), record(subject=ONLY_NUMBER)
    found = decide(asked, policy({}), [there], NOW)
    assert isinstance(found, Refusal)
    assert found.code is ReasonCode.IDENTITY_NOT_PERMITTED
    permit(judge(asked, [{"idnr": True}], [there]))


@pytest.mark.parametrize("granted", [True, False])
@pytest.mark.parametrize(("invented", "number"), [(True, ISSUED), (False, "02468135774")])
def test_invented_and_real_people_never_mix(invented: bool, number: str, granted: bool) -> None:
    """A home of invented people refuses issued numbers, any other the never issued, stripped or not."""
    subject = replace(ANNA, idnr=number)
    law = policy({"idnr": granted}, settings=Settings(invented, SETTINGS.retention_classes))
    found = decide(request(subject=subject), law, [record(subject=subject)], NOW)
    refusal(found, ReasonCode.IDENTITY_NOT_PERMITTED, Check.IDNR)
    other = policy({"idnr": granted}, settings=Settings(not invented, SETTINGS.retention_classes))
    permit(decide(request(subject=subject), other, [record(subject=subject)], NOW))


@pytest.mark.parametrize(
    "subject",
    [
        Subject(),
        replace(ANNA, birth_date=None),
        replace(ANNA, idnr="02468135775"),
        Subject(family_name="Beispiel", birth_date=ANNA.birth_date),
        Subject(family_name="Beispiel", town="Musterstadt", birth_date=ANNA.birth_date),
        Subject(given_name="Anna", town="Musterstadt", postcode="00001", birth_date=ANNA.birth_date),
        replace(ANNA, birth_date=date(2026, 11, 23)),
    ],
    ids=["nothing", "no-birth-date", "no-idnr", "family-name", "no-postcode", "no-family-name", "unborn"],
)
def test_a_subject_must_be_named_sufficiently(subject: Subject) -> None:
    """Number and birth date, family name with given name or with town and postcode, and a past birth date."""
    found = judge(request(subject=subject, basis=BY_LAW), [{**STATUTORY, "idnr": True}], [])
    refusal(found, ReasonCode.SUBJECT_INSUFFICIENT, Check.SUBJECT)


# --- 18 preview, errors ------------------------------------------------------------------------------------
def test_a_grant_with_preview_refuses_for_now() -> None:
    """Nothing goes past a preview that is owed."""
    refusal(judge(REQUEST, [{"preview": True}]), ReasonCode.PREVIEW_REQUIRED, Check.PREVIEW)


@pytest.mark.parametrize(
    "broken",
    [
        {"not_before": datetime(2026, 1, 1)},  # noqa: DTZ001 - the mistake is meant
        {"subject": None},
        {"fields": None},
        {"uses": "1"},
    ],
    ids=str,
)
def test_an_error_while_deciding_refuses(broken: dict[str, Any]) -> None:
    """A record that can't be judged permits nothing, and the error does not come out."""
    found = judge(REQUEST, records=[record(**broken)])
    assert isinstance(found, Refusal)
    assert found.code is ReasonCode.UNDECIDABLE


def test_a_time_without_zone_refuses() -> None:
    """Nothing is decided at an unknown time."""
    found = decide(REQUEST, sample(), [RECORD], datetime(2026, 11, 22, 12))  # noqa: DTZ001
    assert isinstance(found, Refusal)
    assert found.code is ReasonCode.UNDECIDABLE


def test_a_refusal_names_all_that_failed_and_what_it_was_held_against() -> None:
    """The first failure is the code; grant, basis, register, retention and policy are for the journal."""
    there = record(state=RecordState.WITHDRAWN, not_after=NOW)
    found = refusal(
        decide(request(fields=frozenset({"sex"})), sample(), [there], NOW),
        ReasonCode.BASIS_WITHDRAWN,
        Check.BASIS_STATE,
        Check.BASIS_PERIOD,
        Check.FIELDS,
    )
    assert (found.grant, found.register, found.retention) == ("wohngeld-residence", "melderegister", "24m")
    assert found.policy == sample().hash
    assert found.basis is not None
    assert found.basis.record == "r-1"
    assert found.fields == frozenset()
