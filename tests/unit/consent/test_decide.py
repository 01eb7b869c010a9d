"""The decision as a whole, and its checks 3, 4 and 18: message, grant and preview (DOMAIN.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deciding import judge, permit, refusal
from law_sample import NOW, RECORD, REQUEST, policy, record, request, sample

from consent.decide import decide
from consent.policy import Policy
from consent.trials import RULES
from consent.vocabulary import BasisKind, Check, Fact, Permit, ReasonCode, RecordState, Refusal


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


def test_a_grant_that_demands_encryption_refuses_what_came_in_the_clear() -> None:
    """And permits what came encrypted, as long as the answer can be."""
    owed = [{"encrypt": True}]
    refusal(judge(REQUEST, owed), ReasonCode.ENCRYPTION_REQUIRED, Check.MESSAGE)
    permit(judge(request(encrypted=True), owed))


def test_a_consumer_that_demands_encryption_gets_nothing_in_the_clear() -> None:
    """Under any of its grants."""
    strict = with_encryption(encrypt=True)
    refusal(decide(REQUEST, strict, [RECORD], NOW), ReasonCode.ENCRYPTION_REQUIRED, Check.MESSAGE)
    permit(decide(request(encrypted=True), strict, [RECORD], NOW))


@pytest.mark.parametrize(
    ("key", "answerable"),
    [
        ({}, True),
        ({"valid_from": NOW}, True),
        ({"valid_from": NOW + timedelta(seconds=1)}, False),
        ({"valid_to": NOW}, True),
        ({"valid_to": NOW - timedelta(seconds=1)}, False),
        ({"revoked_at": NOW}, False),
        ({"revoked_at": NOW + timedelta(seconds=1)}, True),
        ({"use": "sig"}, False),
    ],
    ids=str,
)
def test_what_came_encrypted_needs_a_key_that_counts_for_the_answer(
    key: dict[str, Any], answerable: bool
) -> None:
    """Valid now, both ends included, and not revoked by now; a key to sign with is none."""
    found = decide(request(encrypted=True), with_encryption(key), [RECORD], NOW)
    if answerable:
        permit(found)
    else:
        refusal(found, ReasonCode.ENCRYPTION_KEY_MISSING, Check.MESSAGE)


def test_of_several_keys_the_newest_that_counts_is_encrypted_to() -> None:
    """One that is announced is not used yet, one that was revoked no more."""
    consumer = sample().consumers["wohngeldstelle"]
    old = next(key for key in consumer.keys if key.use == "enc")
    new = old.model_copy(update={"kid": "new", "valid_from": NOW})
    both = consumer.model_copy(update={"keys": (new, old)})
    revoked = new.model_copy(update={"revoked_at": NOW + timedelta(1)})
    assert both.encryption_key(NOW - timedelta(seconds=1)) == old
    assert both.encryption_key(NOW) == new
    assert both.model_copy(update={"keys": (revoked, old)}).encryption_key(NOW + timedelta(1)) == old


def with_encryption(key: Mapping[str, Any] | None = None, **consumer: Any) -> Policy:
    """Out: the sample, its asker and that one's key for encryption changed so."""
    known = sample().consumers["wohngeldstelle"]
    keys = tuple(one.model_copy(update=key or {}) if one.use == "enc" else one for one in known.keys)
    changed = known.model_copy(update={"keys": keys, **consumer})
    return replace(sample(), consumers={**sample().consumers, known.id: changed})


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
