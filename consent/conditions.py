"""The conditions beside the basis (DOMAIN.md 3, checks 3, 4, 11–15 and 18).

What a grant or a request calls for and the house can't do yet refuses: a condition is never ignored.
"""

from __future__ import annotations

from typing import Final

from consent.idnr import is_idnr, never_issued
from consent.matter import NOT_NEEDED, PASSED, Matter, Rule, Verdict
from consent.vocabulary import PERMITTING, BasisKind, Check, Power, ReasonCode


def _form_of_message(matter: Matter) -> Verdict:
    if matter.grant.encrypt:
        return ReasonCode.ENCRYPTION_REQUIRED
    if matter.request.document and matter.grant.item is None:
        return ReasonCode.NOT_SUPPORTED
    return PASSED


def _grant_can_be_kept(matter: Matter) -> Verdict:
    grant = matter.grant
    unsupported = grant.push or grant.max_age_days or grant.rate_per_minute
    return ReasonCode.NOT_SUPPORTED if unsupported else PASSED


def _fields(matter: Matter) -> Verdict:
    return PASSED if matter.permitted() and not matter.excess() else ReasonCode.FIELDS_NOT_PERMITTED


def _representation(matter: Matter) -> Verdict:
    named = matter.powers_named()
    if not named:
        return NOT_NEEDED
    standing = all(name in matter.powers and _acts(matter.powers[name], matter) for name in named)
    return PASSED if standing else ReasonCode.NOT_REPRESENTED


def _acts(power: Power, matter: Matter) -> bool:
    """Out: whether somebody with this power may act here and now for the person asked about."""
    request = matter.request
    return (
        power.authentic is True
        and power.state in PERMITTING
        and power.not_before <= matter.now < power.not_after
        and power.proof in matter.grant.representation
        and (power.procedures is None or request.procedure in power.procedures)
        and power.subject.agrees_with(request.subject)
    )


def _special_category(matter: Matter) -> Verdict:
    if not matter.wanted() & matter.special:
        return NOT_NEEDED
    if matter.kind is BasisKind.CONSENT or matter.grant.special_category_law is not None:
        return PASSED
    return ReasonCode.SPECIAL_CATEGORY


def _idnr(matter: Matter) -> Verdict:
    subject = matter.request.subject
    if subject.idnr is None:
        return NOT_NEEDED
    if is_idnr(subject.idnr) and never_issued(subject.idnr) is not matter.test_identities:
        return ReasonCode.IDENTITY_NOT_PERMITTED
    if subject.forms() and not matter.asked_of_register().forms():
        return ReasonCode.IDENTITY_NOT_PERMITTED
    return PASSED


def _subject(matter: Matter) -> Verdict:
    subject = matter.request.subject
    if subject.idnr is not None and not is_idnr(subject.idnr):
        return ReasonCode.SUBJECT_INSUFFICIENT
    if subject.birth_date is not None and subject.birth_date > matter.now.date():
        return ReasonCode.SUBJECT_INSUFFICIENT
    return PASSED if matter.asked_of_register().forms() else ReasonCode.SUBJECT_INSUFFICIENT


def _preview(matter: Matter) -> Verdict:
    return ReasonCode.PREVIEW_REQUIRED if matter.grant.preview else NOT_NEEDED


GRANT_RULES: Final = (
    Rule(Check.MESSAGE, "§ 5 EGovG", _form_of_message),
    Rule(Check.GRANT, "§ 7(2) IDNrG", _grant_can_be_kept),
)
CONDITION_RULES: Final = (
    Rule(Check.FIELDS, "GDPR Art. 5(1)(c)", _fields),
    Rule(Check.REPRESENTATION, "§§ 164, 1814 BGB; § 14 VwVfG", _representation),
    Rule(Check.SPECIAL_CATEGORY, "GDPR Art. 9(1), (2)", _special_category),
    Rule(Check.IDNR, "§§ 1, 5 IDNrG", _idnr),
    Rule(Check.SUBJECT, "GDPR Art. 5(1)(d); § 5 IDNrG", _subject),
    Rule(Check.PREVIEW, "§ 5(5) EGovG; Regulation (EU) 2018/1724 Art. 14(3)", _preview),
)
