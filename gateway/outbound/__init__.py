"""Answers, refusals and failures in the asker's language, checked against its schema before they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from consent.policy import Policy
from consent.vocabulary import Evidence, ReasonCode, Refusal
from gateway.errors import AnswerInvalid, FaultCode
from gateway.outbound import edm, plain
from gateway.outbound.reasons import FAULTS, REASONS
from gateway.outbound.said import No, Setting
from gateway.stages import Case, ReplyType, Written
from xoev_schemas.languages import JSON, Languages, Unwritable


@dataclass(frozen=True, slots=True)
class Writer:
    """How a language says evidence, and how it says no. Both give content type and body, or raise Unwritable."""

    answer: Callable[[Evidence, Policy, Setting], tuple[str, bytes]]
    no: Callable[[No, Setting], tuple[str, bytes]]


PLAIN: Final = Writer(plain.answer, plain.no)
WRITERS: Final[Mapping[str, Writer]] = MappingProxyType({"oots-edm/1.0": Writer(edm.answer, edm.no)})
"""Languages whose records are not the house's own words."""

OUT_OF_TIME: Final = frozenset({ReasonCode.DEADLINE_PASSED, ReasonCode.NOT_FRESH})
"""Told as a failure: nothing was judged (DOMAIN.md 5, `expired`)."""


def answer(
    evidence: Evidence, case: Case, policy: Policy, languages: Languages, message_id: str, now: datetime
) -> Written:
    """In: evidence cut to its permit. Out: its words. Raises: AnswerInvalid, when they break the schema."""
    request = evidence.permit.request
    setting = Setting(case, request.language, request.context, languages, message_id, now)
    try:
        kind, body = _writer(request.language).answer(evidence, policy, setting)
    except Unwritable:
        raise AnswerInvalid(f"{request.language}, register {evidence.permit.register}") from None
    return Written(ReplyType.EVIDENCE_ANSWER, kind, body, message_id)


def refusal(
    refusal: Refusal,
    case: Case,
    language: str,
    context: Mapping[str, str],
    languages: Languages,
    message_id: str,
    now: datetime,
) -> Written:
    """In: why not, and whom to tell. Out: the words for it, in JSON if the language has none. Never raises."""
    said = No(str(refusal.code), REASONS[refusal.code], refusal.checks, refusal.code in OUT_OF_TIME)
    return _no(said, case, language, context, languages, message_id, now)


def failure(
    code: FaultCode,
    case: Case,
    language: str,
    context: Mapping[str, str],
    languages: Languages,
    message_id: str,
    now: datetime,
) -> Written:
    """In: what failed. Out: the words for it, in JSON if the language has none. Never raises."""
    said = No(str(code), FAULTS[code], (), failure=True)
    return _no(said, case, language, context, languages, message_id, now)


def _no(
    said: No,
    case: Case,
    language: str,
    context: Mapping[str, str],
    languages: Languages,
    message_id: str,
    now: datetime,
) -> Written:
    kind = ReplyType.EVIDENCE_FAILURE if said.failure else ReplyType.EVIDENCE_REFUSAL
    try:
        setting = Setting(case, language, context, languages, message_id, now)
        media, body = _writer(language).no(said, setting)
    except Exception:  # noqa: BLE001  a no must always be possible: without its words the exchange can't end
        media, body = plain.no(said, Setting(case, JSON, context, languages, message_id, now))
    return Written(kind, media, body, message_id)


def _writer(language: str) -> Writer:
    return WRITERS.get(language, PLAIN)
