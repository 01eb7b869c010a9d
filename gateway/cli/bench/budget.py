"""Where an exchange's processor time goes: each room called by itself, many times, on one real exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from consent.decide import decide
from consent.minimise import minimise
from consent.vocabulary import Evidence, Permit, Request
from gateway import envelope, inbound, outbound
from gateway.assembly import Opened
from gateway.audit import record
from gateway.authenticate import authenticate
from gateway.cli.bench.measuring import elapsed, per_call_us
from gateway.journal import lines, outbox
from gateway.outbound.said import Setting
from gateway.ports import Outbound
from gateway.stages import Answer, Case, Contents, Delivery, Heard, Mandate, Sender

_TOGETHER = 32
_CALLS = 960


async def run(opened: Opened, asked: Outbound) -> dict[str, float]:
    """Out: microseconds by room. `fetch`, `recall` and `records` include their way to a thread and back."""
    house, now = opened.house, opened.house.clock.now()
    policy, own = house.policies.current(), opened.keys.gateway
    delivery = _delivery(asked, opened)
    sender = authenticate(delivery, policy, house.terms, now)
    assert isinstance(sender, Sender)
    contents = envelope.opened(delivery, house)
    assert isinstance(contents, Contents)
    request = inbound.read(contents, sender, policy, house.languages)
    assert isinstance(request, Request)
    records = await house.consents.held_for(request, "")
    permit = decide(request, policy, records, now)
    assert isinstance(permit, Permit)
    case = Case(house.ids.new(), 1, house.ids.new(), sender.consumer, sender.digest, now)
    mandate = await house.journal.asked(case, permit, sender, now)
    assert isinstance(mandate, Mandate)
    register = house.registers[permit.register]
    found = await register.fetch(mandate)
    evidence = minimise(found, permit)
    assert isinstance(evidence, Evidence)
    setting = Setting(case, request.language, request.context, house.languages, house.ids.new(), now)
    written = outbound.answer(evidence, policy, setting)
    heard, answer = Heard(sender, request.language, request, mandate), Answer(evidence, written, mandate)
    enclosed = envelope.closed(written, answer, heard, setting, house)
    message = outbox.addressed(case, sender, enclosed, 0, own)
    said = lines.asked(case, permit, sender, now)
    rooms: dict[str, Callable[[], object]] = {
        "authenticate": lambda: authenticate(delivery, policy, house.terms, now),
        "read": lambda: inbound.read(contents, sender, policy, house.languages),
        "decide": lambda: decide(request, policy, records, now),
        "minimise": lambda: minimise(found, permit),
        "write": lambda: outbound.answer(evidence, policy, setting),
        "events": lambda: (
            lines.asked(case, permit, sender, now),
            lines.terminal(case, heard, answer, enclosed, now),
        ),
        "events_to_bytes": lambda: (record.to_bytes(said), record.to_bytes(said)),
        "sign_reply": lambda: outbox.addressed(case, sender, enclosed, 0, own),
        "sign_receipt": lambda: own.sign(delivery.body[:300]),
        "seal_reply": lambda: outbox.seal(message, case.exchange, opened.keys),
    }
    budget = {name: round(per_call_us(room), 1) for name, room in rooms.items()}
    stranger = replace(sender, message_id=house.ids.new())
    budget["recall"] = await _together(lambda: house.journal.arrive(delivery, stranger, now))
    budget["records"] = await _together(lambda: house.consents.held_for(request, ""))
    budget["fetch"] = await _together(lambda: register.fetch(mandate))
    return budget


async def _together(call: Callable[[], Awaitable[object]]) -> float:
    """Out: microseconds of processor time a call takes, 32 under way at a time."""
    rest = iter(range(_CALLS))

    async def hand() -> None:
        for _ in rest:
            await call()

    async def everyone() -> None:
        await asyncio.gather(*(hand() for _ in range(_TOGETHER)))

    _, processor = await elapsed(everyone())
    return round(processor / _CALLS * 1e6, 1)


def _delivery(asked: Outbound, opened: Opened) -> Delivery:
    return Delivery(
        tag="",
        message_id=asked.message_id,
        routing_key=asked.routing_key,
        content_type=asked.content_type,
        body=asked.body,
        jws=asked.jws,
        user_id=asked.user_id,
        reply_to=asked.reply_to,
        correlation_id=asked.correlation_id,
        received=opened.house.clock.now(),
        attempt=1,
    )
