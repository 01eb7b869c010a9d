"""What is asked of the small register and submitted to it: mandates, as only the journal builds them outside tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from consent.vocabulary import (
    Action,
    BasisKind,
    BasisUsed,
    Blocked,
    Conflict,
    Filed,
    NotFound,
    OnFile,
    Permit,
    Request,
    Subject,
)
from gateway import ports
from gateway.stages import Case, Mandate, Position

EXCHANGE: Final = "99999999-2222-4333-8444-555555555555"
NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


def mandate(
    subject: Subject,
    *fields: str,
    evidence: str = "residence",
    blocked: Literal["hide", "deliver-with-notice"] = "hide",
    action: Action = Action.READ,
    exchange: str = EXCHANGE,
    consumer: str = "wohngeldstelle",
    at: datetime = NOW,
) -> Mandate:
    """Out: the key to the register for these fields of this person."""
    request = Request(
        message="0b8b2a3e-5a4f-4c1d-9e2b-3f4a5b6c7d8e",
        consumer=consumer,
        language="xeinmal/1.0",
        evidence=evidence,
        purpose="housing-benefit",
        procedure="wohngeld-antrag",
        case="WG-1",
        subject=subject,
        action=action,
    )
    permit = Permit(
        request=request,
        grant="wohngeld-residence",
        register="melderegister",
        fields=frozenset(fields),
        item=None,
        subject=subject,
        basis=BasisUsed(BasisKind.STATUTORY, "WoGG § 23"),
        blocked=blocked,
        retention="24m",
        policy="0" * 64,
        facts=MappingProxyType({}),
        decided=NOW,
    )
    case = Case(exchange, 1, request.message, request.consumer, "0" * 64, NOW)
    return Mandate(case, permit, Position("musterstadt.example/24m/2026-11", 1), at)


async def submit(
    register: ports.Register,
    subject: Subject,
    values: Mapping[str, str],
    replaces: Mapping[str, str] | None = None,
    **named: Any,
) -> Filed | OnFile | Conflict | Blocked | NotFound:
    """Bring values to the register under a mandate to write exactly these. Out: what it did."""
    to_write = mandate(subject, *values, action=Action.WRITE, **named)
    return await register.write(to_write, values, replaces or {})
