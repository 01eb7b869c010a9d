"""The decision, checks 11 to 15: what may be told, for whom and of whom (DOMAIN.md 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from deciding import BY_LAW, STATUTORY, judge, permit, refusal
from law_sample import ANNA, NOW, REQUEST, SETTINGS, policy, record, request

from consent.decide import decide
from consent.idnr import check_digit
from consent.policy import Settings
from consent.vocabulary import BasisClaim, BasisKind, Check, ReasonCode, Refusal, Subject


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
def test_a_representative_without_a_power_is_refused() -> None:
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
