"""The conditions beside the basis (DOMAIN.md 3, checks 3, 4, 11–15 and 18).

What a grant or a request calls for and the house can't do yet refuses: a condition is never ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from consent.idnr import is_idnr, never_issued
from consent.matter import NOT_NEEDED, PASSED, Matter, Rule, Verdict, Wanted
from consent.vocabulary import PERMITTING, BasisKind, Check, Power, ReasonCode, Subject


def _form_of_message(matter: Matter) -> Verdict:
    if matter.demands_encryption() and not matter.request.encrypted:
        return ReasonCode.ENCRYPTION_REQUIRED
    if matter.request.encrypted and not matter.answerable_encrypted():
        return ReasonCode.ENCRYPTION_KEY_MISSING
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
    return PASSED if not _lacking(matter) else ReasonCode.NOT_REPRESENTED


def _lacking(matter: Matter) -> tuple[str, ...]:
    """Out: what the powers named lack for somebody to act under them, here and now, for the person asked about."""
    there = matter.powers_used()
    lacking = [name for power in there for name in _wrong_with(power, matter)]
    unknown = ("known",) if len(there) < len(matter.powers_named()) else ()
    return (*unknown, *dict.fromkeys(lacking))


def _wrong_with(power: Power, matter: Matter) -> tuple[str, ...]:
    """A statute's grant names no recorders: there, whoever was allowed to record the power counts."""
    request, grant = matter.request, matter.grant
    right = {
        "receipt": power.authentic is True,
        "state": power.state in PERMITTING,
        "time": power.not_before <= matter.now < power.not_after,
        "proof": power.proof in grant.representation,
        "recorded_by": not grant.recorded_by or power.recorded_by in grant.recorded_by,
        "procedure": power.procedures is None or request.procedure in power.procedures,
        "subject": power.subject.agrees_with(request.subject),
    }
    return tuple(name for name, holds in right.items() if not holds)


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
    if of_another_world(subject, matter.test_identities):
        return ReasonCode.IDENTITY_NOT_PERMITTED
    if subject.forms() and not matter.asked_of_register().forms():
        return ReasonCode.IDENTITY_NOT_PERMITTED
    return PASSED


def _subject(matter: Matter) -> Verdict:
    if not could_be(matter.request.subject, matter.now):
        return ReasonCode.SUBJECT_INSUFFICIENT
    return PASSED if matter.asked_of_register().forms() else ReasonCode.SUBJECT_INSUFFICIENT


def of_another_world(subject: Subject, test_identities: bool) -> bool:
    """Out: whether it is named by an issued IDNr where all people are invented, or the other way about."""
    return (
        subject.idnr is not None
        and is_idnr(subject.idnr)
        and never_issued(subject.idnr) is not test_identities
    )


def could_be(subject: Subject, now: datetime) -> bool:
    """Out: whether there could be such a person: an IDNr that is one, and born by now."""
    numbered = subject.idnr is None or is_idnr(subject.idnr)
    return numbered and (subject.birth_date is None or subject.birth_date <= now.date())


def _preview(matter: Matter) -> Verdict:
    return ReasonCode.PREVIEW_REQUIRED if matter.grant.preview else NOT_NEEDED


# --- what would have passed ------------------------------------------------------------------------------------
def _form_wanted(matter: Matter) -> Wanted:
    if matter.demands_encryption() and not matter.request.encrypted:
        return {"encrypted": ("true",)}
    if matter.request.encrypted and not matter.answerable_encrypted():
        return {"encryption_key": ("valid",)}
    return {"document": ("false",)}


def _kept_wanted(matter: Matter) -> Wanted:
    grant = matter.grant
    unsupported = {
        "push": grant.push,
        "max_age_days": grant.max_age_days,
        "rate_per_minute": grant.rate_per_minute,
    }
    return {name: ("none",) for name, said in unsupported.items() if said}


def _fields_wanted(matter: Matter) -> Wanted:
    grant, record = matter.grant, matter.record
    return {"fields": tuple(sorted(grant.fields if record is None else grant.fields & record.fields))}


def _power_wanted(matter: Matter) -> Wanted:
    return {"proof": tuple(sorted(matter.grant.representation)), "power": _lacking(matter)}


def _special_wanted(matter: Matter) -> Wanted:
    without = sorted(matter.wanted() & matter.special)
    return {"one_of": ("consent", "special_category_law", *[f"without {name}" for name in without])}


def _idnr_wanted(matter: Matter) -> Wanted:
    if of_another_world(matter.request.subject, matter.test_identities):
        return {"idnr": ("never-issued" if matter.test_identities else "issued",)}
    return {"one_of": ("idnr in the grant", "subject by name", "subject by place")}


def _subject_wanted(matter: Matter) -> Wanted:
    subject = matter.request.subject
    if subject.idnr is not None and not is_idnr(subject.idnr):
        return {"idnr": ("well-formed",)}
    if not could_be(subject, matter.now):
        return {"birth_date": ("past",)}
    return {"subject": ("idnr", "name", "place") if matter.grant.idnr else ("name", "place")}


def _preview_wanted(_matter: Matter) -> Wanted:
    return {"preview": ("false",)}


GRANT_RULES: Final = (
    Rule(Check.MESSAGE, "§ 5 EGovG", _form_of_message, _form_wanted),
    Rule(Check.GRANT, "§ 7(2) IDNrG", _grant_can_be_kept, _kept_wanted),
)
DATA_RULES: Final = (
    Rule(Check.FIELDS, "GDPR Art. 5(1)(c)", _fields, _fields_wanted),
    Rule(Check.REPRESENTATION, "§§ 164, 1814 BGB; § 14 VwVfG", _representation, _power_wanted),
    Rule(Check.SPECIAL_CATEGORY, "GDPR Art. 9(1), (2)", _special_category, _special_wanted),
    Rule(Check.IDNR, "§§ 1, 5 IDNrG", _idnr, _idnr_wanted),
    Rule(Check.SUBJECT, "GDPR Art. 5(1)(d); § 5 IDNrG", _subject, _subject_wanted),
)
"""Which data of whom: they hold for what is asked, and for what is recorded that it may be asked."""
PREVIEW_RULE: Final = Rule(
    Check.PREVIEW, "§ 5(5) EGovG; Reg. (EU) 2018/1724 Art. 14(3)", _preview, _preview_wanted
)
