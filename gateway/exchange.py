"""What happens to one message. Read from top to bottom; nothing leaves without a receipt.

    1 who is at the door · 2 was it here before · 3 what is asked · 4 may it be answered · 5 say so in the journal
    6 ask the register · 7 keep what was permitted · 8 answer in the asker's language · 9 the journal again · 10 reply

What came encrypted is opened after 1 and answered encrypted (`gateway.envelope`).

A refusal is a value and ends here as a signed, journalled reply. A fault says whose it is; one that a retry can
cure is postponed. A journal that can't be written raises out of here: the delivery stays on the bus, no register
is asked, nothing is sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from consent.decide import decide
from consent.minimise import minimise, still_permitted
from consent.orders import Order
from consent.vocabulary import (
    Action,
    Check,
    Evidence,
    Fact,
    Permit,
    ReasonCode,
    Refusal,
    Request,
    Submission,
    Withheld,
)
from gateway import envelope, hearing, inbound, outbound, records
from gateway.audit.record import Kind
from gateway.authenticate import authenticate
from gateway.errors import Fault, FaultCode, JournalUnavailable
from gateway.house import House
from gateway.journal.lines import ended_as
from gateway.outbound.said import Setting
from gateway.ports import Room
from gateway.stages import (
    Answer,
    Case,
    Delivery,
    Elsewhere,
    Enclosed,
    Failure,
    Filing,
    Heard,
    Late,
    Listed,
    Mandate,
    Misread,
    Moved,
    Outcome,
    Outgoing,
    Postponed,
    Receipt,
    Recorded,
    Repeat,
    Reply,
    Sender,
    Silent,
    Unauthentic,
    is_no_data,
    request_of,
)
from gateway.submitting import as_it_happened, put_on_file


async def handle(delivery: Delivery, house: House) -> Reply | Silent | Postponed:
    """Settle one delivery: in bytes at the door, out a reply the bus may send, or silence, or a later attempt.

    What was decided under a law that is no longer the one in force is decided again, from the door on. A mistake of
    ours is raised while another attempt is left, and ends the exchange with the last one.
    Raises: JournalUnavailable.
    """
    try:
        for _ in range(house.patience.decisions):
            ended = await _attempt(delivery, house)
            if not isinstance(ended, Moved):
                return ended
            await house.policies.refresh()
        ended = await _give_up(delivery, _changed(), house)
    except JournalUnavailable:
        raise
    except Exception:  # unforeseen, whatever it is: the last attempt must still end in a line
        if delivery.attempt < house.patience.attempts:
            raise
        mistake = Failure(FaultCode.INTERNAL, "ours", "exchange", exhausted=True)
        ended = await _give_up(delivery, mistake, house)
    if isinstance(ended, Moved):
        raise JournalUnavailable("journal")
    return ended


async def _attempt(delivery: Delivery, house: House) -> Reply | Silent | Postponed | Moved:
    now = house.clock.now()

    # 1. Who is at the door? Nothing is parsed before the signature over the received bytes holds.
    with house.measures.room(Room.AUTHENTICATE):
        sender = authenticate(delivery, house.policies.current(), house.terms, now)

    # 2. Was it here before? The same message gets the same reply; its id on other bytes gets a refusal.
    with house.measures.room(Room.RECALL):
        case = await house.journal.arrive(delivery, sender, now)
    if isinstance(case, Repeat):
        return _repeat(case, delivery.received, delivery, sender, house)
    if isinstance(sender, Unauthentic):
        return await _turn_away(case, hearing.of_stranger(delivery, sender, case, house), sender, house)
    if isinstance(sender, Late):
        return await _turn_away(case, hearing.heard(delivery, sender.sender, house), sender.refusal, house)
    if case.secondary:
        return await _turn_away(case, hearing.heard(delivery, sender, house), _reused(), house)

    # 3. What is wanted? Opened if it is encrypted; well-formed, schema-valid, by the rules, in an agreed standard.
    with house.measures.room(Room.READ):
        contents = envelope.opened(delivery, house)
        errand = hearing.read(contents, sender, house)
        heard = hearing.of(errand, delivery, sender, house)
    if isinstance(errand, Misread):
        return await _turn_away(case, heard, errand.refusal, house)
    if isinstance(errand, Order):  # the house's own ledger is no register: nothing is asked of anyone
        return await _keep(errand, case, heard, house)
    request = request_of(errand)

    # 4. May it be answered? The grant, then the basis.
    with house.measures.room(Room.DECIDE):
        permit = await _decide(request, case, house)
    if isinstance(permit, Refusal):
        return await _turn_away(case, heard, permit, house)

    # 5. Say so in the journal before any register is touched; a use of the basis is reserved with it.
    with house.measures.room(Room.ASKED):
        mandate = await house.journal.asked(case, permit, sender, house.clock.now())
    if isinstance(mandate, Moved):
        return mandate
    if isinstance(mandate, Refusal):
        return await _turn_away(case, heard, mandate, house)
    heard = replace(heard, mandate=mandate)

    try:
        outcome = await _outcome(errand, mandate, house)
    except Fault as fault:
        if fault.curable and case.attempt < house.patience.attempts:
            return await _postpone(case, heard, fault, house)
        outcome = Failure(fault.code, fault.whose, fault.where, exhausted=fault.curable)
    except Exception:  # noqa: BLE001  unforeseen: ours, told without content; the exchange still ends in a line
        outcome = Failure(FaultCode.INTERNAL, "ours", "exchange")

    # 9. The journal again, if the basis still stands.  10. Reply.
    return await _close(case, heard, outcome, house)


async def _turn_away(
    case: Case, heard: Heard, outcome: Refusal | Unauthentic, house: House
) -> Reply | Silent | Postponed | Moved:
    """A no before the register was asked: said only under the law in force, which may be another by now."""
    believed = house.policies.current().hash
    if (await house.policies.refresh()).hash != believed:
        return Moved()
    return await _close(case, heard, outcome, house)


async def _give_up(
    delivery: Delivery, outcome: Refusal | Failure, house: House
) -> Reply | Silent | Postponed | Moved:
    """No attempt is left, because the law moved every time or we were wrong: say so, and leave it to the asker."""
    now = house.clock.now()
    sender = authenticate(delivery, house.policies.current(), house.terms, now)
    case = await house.journal.arrive(delivery, sender, now)
    if isinstance(case, Repeat):
        return _repeat(case, delivery.received, delivery, sender, house)
    if isinstance(sender, Unauthentic):
        return await _close(case, hearing.of_stranger(delivery, sender, case, house), sender, house)
    if isinstance(sender, Late):
        return await _close(case, hearing.heard(delivery, sender.sender, house), sender.refusal, house)
    return await _close(case, hearing.heard(delivery, sender, house), outcome, house)


async def _outcome(errand: Request | Submission, mandate: Mandate, house: House) -> Outcome:
    # 6. Ask the register, or have it write; the mandate is the only key to it.
    if isinstance(errand, Submission):
        question = replace(errand.request, action=Action.READ)
        may_ask = isinstance(await _decide(question, mandate.case, house), Permit)
        return await put_on_file(errand, mandate, may_ask, house)
    with house.measures.register(mandate.permit.register):
        found = await house.registers[mandate.permit.register].fetch(mandate)

    # 7. Keep only what was permitted.
    evidence = minimise(found, mandate.permit)
    if isinstance(evidence, Refusal | Withheld):
        return evidence

    # 8. Answer in the asker's language, and check our own words.
    return _answer(evidence, mandate, house)


async def _keep(order: Order, case: Case, heard: Heard, house: House) -> Reply | Silent | Postponed | Moved:
    """4 to 10 for the house's own ledger: judged, then appended with the line that tells of it, at one commit."""
    policy, now = house.policies.current(), house.clock.now()
    key = house.keys.gateway
    outcome = await records.carry_out(order, house.ids.new(), policy, house.consents, key, now)
    if isinstance(outcome, Refusal):
        return await _turn_away(case, heard, outcome, house)
    return await _close(case, heard, outcome, house)


async def _decide(request: Request, case: Case, house: House) -> Permit | Refusal:
    held = await house.consents.held_for(request, case.exchange)
    return decide(request, house.policies.current(), held, house.clock.now())


def _answer(evidence: Evidence, mandate: Mandate, house: House) -> Answer:
    request = evidence.permit.request
    message_id, now = house.ids.new(), house.clock.now()
    setting = Setting(mandate.case, request.language, request.context, house.languages, message_id, now)
    with house.measures.room(Room.ANSWER):
        return Answer(evidence, outbound.answer(evidence, house.policies.current(), setting), mandate)


async def _close(
    case: Case, heard: Heard, outcome: Outcome, house: House
) -> Reply | Silent | Postponed | Moved:
    """9. The second journal line, if the basis still stands; 10. the reply, once a signed checkpoint covers it."""
    try:
        outcome = await as_it_happened(outcome, case, heard, house)
    except Fault as fault:
        if fault.curable and case.attempt < house.patience.attempts:
            return await _postpone(case, heard, fault, house)
        outcome = Failure(fault.code, fault.whose, fault.where, exhausted=True)
    except Exception:  # noqa: BLE001  unforeseen: nothing may be said of it but that it failed
        outcome = Failure(FaultCode.INTERNAL, "ours", "exchange", exhausted=True)
    for _ in range(house.patience.decisions):
        outcome = envelope.sendable(outcome, heard, house)
        written = _words(outcome, case, heard, house)
        with house.measures.room(Room.SETTLED):
            settled = await house.journal.settled(case, heard, outcome, written, house.clock.now())
        if isinstance(settled, Repeat):
            return _repeat(settled, case.received, None, heard.sender, house)
        if isinstance(settled, Elsewhere) or (
            isinstance(settled, Moved) and isinstance(outcome, Recorded | Listed)
        ):
            return Moved()
        if not isinstance(settled, Moved):
            message, receipt = settled
            house.measures.ended(*ended_as(outcome))
            return (
                _reply(case.exchange, message, receipt, case.received, house) if message else Silent(receipt)
            )
        await house.policies.refresh()
        outcome = await _once_more(outcome, case, house)
    return await _close(case, heard, _changed(), house)


async def _once_more(outcome: Outcome, case: Case, house: House) -> Outcome:
    """The basis or the policy moved before the line was written: what was cut leaves only if still permitted."""
    if not isinstance(outcome, Answer):
        return outcome
    evidence = outcome.evidence
    permit = await _decide(evidence.permit.request, case, house)
    if isinstance(permit, Refusal):
        return permit
    standing = still_permitted(evidence, permit)
    return standing if isinstance(standing, Refusal) else _answer(standing, outcome.mandate, house)


async def _postpone(case: Case, heard: Heard, fault: Fault, house: House) -> Postponed:
    now = house.clock.now()
    wait = min(house.patience.first_seconds * 2 ** (case.attempt - 1), house.patience.most_seconds)
    receipt = await house.journal.postponed(case, heard, fault, now)
    house.measures.ended(Kind.POSTPONED, fault.code)
    return Postponed(now + timedelta(seconds=wait), receipt)


def _words(outcome: Outcome, case: Case, heard: Heard, house: House) -> Enclosed | None:
    """What is said about an outcome, as it leaves; nothing is ever said to someone unknown."""
    context = heard.request.context if heard.request else {}
    slot = house.next_slot(case.received) if is_no_data(outcome) else None
    moment = slot or house.clock.now()
    setting = Setting(case, heard.language, context, house.languages, house.ids.new(), moment)
    match outcome:
        case Unauthentic():
            return None
        case Answer(written=said) | Filing(written=said):
            written = said
        case Recorded() | Listed():
            written = outbound.recorded(outcome, setting)
        case Failure(code=code):
            written = outbound.failure(code, setting, heard.about)
        case Withheld(refusal=refusal):
            written = replace(outbound.refusal(refusal, setting, heard.about), not_before=slot)
        case _:
            written = replace(outbound.refusal(outcome, setting, heard.about), not_before=slot)
    return envelope.closed(written, outcome, heard, setting, house)


def _repeat(
    repeat: Repeat,
    received: datetime,
    delivery: Delivery | None,
    sender: Sender | Unauthentic | Late,
    house: House,
) -> Reply | Silent:
    """The kept bytes again; or, when they are no longer kept or may no longer leave, why not."""
    if repeat.message is not None:
        return _reply(repeat.exchange, repeat.message, repeat.receipt, received, house)
    if repeat.refusal is None or delivery is None or not isinstance(sender, Sender):
        return Silent(repeat.receipt)
    now = house.clock.now()
    case = Case(
        repeat.exchange, 0, sender.message_id, sender.consumer, sender.digest, now, delivery.correlation_id
    )
    language, about = hearing.language_of(delivery, sender, house), inbound.about(delivery.routing_key)
    setting = Setting(case, language, {}, house.languages, house.ids.new(), now)
    heard = Heard(sender, language, about=about, encrypted=envelope.came_encrypted(delivery))
    written = outbound.refusal(repeat.refusal, setting, about)
    enclosed = envelope.closed(written, repeat.refusal, heard, setting, house)
    return Reply(repeat.exchange, house.journal.addressed(case, sender, enclosed, now), repeat.receipt)


def _reply(exchange: str, message: Outgoing, receipt: Receipt, received: datetime, house: House) -> Reply:
    """10. What waits for a slot leaves at the next one of this delivery, the first time as well as a repeat: when the
    outcome was known shows in neither."""
    if message.not_before is not None:
        message = replace(message, not_before=max(message.not_before, house.next_slot(received)))
    return Reply(exchange, message, receipt)


def _reused() -> Refusal:
    return Refusal(ReasonCode.MESSAGE_ID_REUSED, {Check.AUTHENTIC: Fact.FAILED}, checks=(Check.AUTHENTIC,))


def _changed() -> Refusal:
    return Refusal(ReasonCode.BASIS_CHANGED, {Check.BOUNDARY: Fact.FAILED}, checks=(Check.BOUNDARY,))
