"""Answers, refusals and failures in the asker's language, checked against its schema before they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from consent.policy import Policy
from consent.vocabulary import Evidence, ReasonCode, Refusal, Request, Submitted
from gateway.errors import AnswerInvalid, FaultCode
from gateway.outbound import edm, plain
from gateway.outbound.reasons import FAULTS, REASONS
from gateway.outbound.said import No, Setting
from gateway.stages import About, Listed, Recorded, ReplyType, Written
from xoev_schemas.languages import JSON, Unwritable


@dataclass(frozen=True, slots=True)
class Writer:
    """How a language says evidence, and how it says no. Both give content type and body, or raise Unwritable."""

    answer: Callable[[Evidence, Policy, Setting], tuple[str, bytes]]
    no: Callable[[No, Setting], tuple[str, bytes]]


PLAIN: Final = Writer(plain.answer, plain.no)
WRITERS: Final[Mapping[str, Writer]] = MappingProxyType({"oots-edm/1.0": Writer(edm.answer, edm.no)})
"""Languages whose records are not the house's own words."""

_NO: Final[Mapping[About, tuple[ReplyType, ReplyType]]] = MappingProxyType(
    {
        "evidence": (ReplyType.EVIDENCE_REFUSAL, ReplyType.EVIDENCE_FAILURE),
        "submit": (ReplyType.SUBMIT_REFUSAL, ReplyType.SUBMIT_FAILURE),
        "consent": (ReplyType.CONSENT_REFUSAL, ReplyType.CONSENT_REFUSAL),
    }
)
"""How a refusal and a failure are called in each conversation (CONTRACT.md 4)."""

OUT_OF_TIME: Final = frozenset({ReasonCode.DEADLINE_PASSED, ReasonCode.NOT_FRESH})
"""Told as a failure: nothing was judged (DOMAIN.md 5, `expired`)."""


def answer(evidence: Evidence, policy: Policy, setting: Setting) -> Written:
    """In: evidence cut to its permit. Out: its words. Raises: AnswerInvalid, when they break the schema."""
    try:
        kind, body = _writer(setting.language).answer(evidence, policy, setting)
    except Unwritable:
        raise AnswerInvalid(f"{setting.language}, register {evidence.permit.register}") from None
    return Written(ReplyType.EVIDENCE_ANSWER, kind, body, setting.message_id)


def receipt(submitted: Submitted, request: Request, policy: Policy, setting: Setting) -> Written:
    """In: what became of a submission. Out: its words, in JSON if the language has none for it. Never raises: what
    is on file can't be taken back for want of words."""
    try:
        kind, body = plain.receipt(submitted, request, policy, setting)
    except Exception:  # noqa: BLE001
        kind, body = plain.receipt(submitted, request, policy, replace(setting, language=JSON))
    return Written(ReplyType.SUBMIT_RECEIPT, kind, body, setting.message_id)


def recorded(outcome: Recorded | Listed, setting: Setting) -> Written:
    """In: a record's new event, or a person's records. Out: the words: JSON, as orders are."""
    said = (
        plain.recorded(outcome, setting) if isinstance(outcome, Recorded) else plain.listed(outcome, setting)
    )
    kind, body = said
    return Written(ReplyType.CONSENT_RECEIPT, kind, body, setting.message_id)


def refusal(refusal: Refusal, setting: Setting, about: About = "evidence") -> Written:
    """In: why not, and whom to tell. Out: the words for it, in JSON if the language has none. Never raises."""
    late = refusal.code in OUT_OF_TIME
    said = No(str(refusal.code), REASONS[refusal.code], refusal.checks, late, refusal.fields)
    return _no(said, setting, about)


def failure(code: FaultCode, setting: Setting, about: About = "evidence") -> Written:
    """In: what failed. Out: the words for it, in JSON if the language has none. Never raises."""
    return _no(No(str(code), FAULTS[code], (), failure=True), setting, about)


def _no(said: No, setting: Setting, about: About) -> Written:
    kind = _NO[about][said.failure]
    try:
        media, body = _writer(setting.language).no(said, setting)
    except Exception:  # noqa: BLE001  a no must always be possible: without its words the exchange can't end
        media, body = plain.no(said, replace(setting, language=JSON))
    return Written(kind, media, body, setting.message_id)


def _writer(language: str) -> Writer:
    return WRITERS.get(language, PLAIN)
