"""What happens to one message. Read from top to bottom; nothing leaves without a receipt.

    1 who is at the door · 2 was it here before · 3 what is asked · 4 may it be answered · 5 say so in the journal
    6 ask the register · 7 keep what was permitted · 8 answer in the asker's language · 9 the journal again · 10 reply

A refusal is a value and ends here as a signed, journalled reply. A fault says whose it is; one that a retry can
cure is postponed. A journal that can't be written raises out of here: the delivery stays on the bus, no register
is asked, nothing is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from consent.decide import decide
from consent.minimise import minimise, still_permitted
from consent.vocabulary import Check, Evidence, Fact, Permit, ReasonCode, Refusal, Request, Withheld
from gateway import inbound, outbound
from gateway.authenticate import Terms, authenticate
from gateway.errors import Fault, FaultCode, JournalUnavailable
from gateway.journal import Journal
from gateway.ports import Clock, ConsentStore, Ids, Keys, Policies, Register
from gateway.stages import (
    Answer,
    Case,
    Delivery,
    Elsewhere,
    Failure,
    Heard,
    Late,
    Mandate,
    Misread,
    Moved,
    Outcome,
    Postponed,
    Repeat,
    Reply,
    Sender,
    Silent,
    Unauthentic,
    Written,
)
from xoev_schemas.languages import Languages


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a curable fault is retried."""

    attempts: int
    first_seconds: float
    most_seconds: float
    decisions: int = 3
    """How often an exchange whose basis moves under it is decided again before it is refused."""


@dataclass(frozen=True, slots=True)
class House:
    """Everything one message may meet. Wired in gateway/assembly.py, and nowhere else."""

    journal: Journal
    policies: Policies
    consents: ConsentStore
    registers: Mapping[str, Register]
    languages: Languages
    keys: Keys
    clock: Clock
    ids: Ids
    terms: Terms
    patience: Patience


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
    sender = authenticate(delivery, house.policies.current(), house.terms, now)

    # 2. Was it here before? The same message gets the same reply; its id on other bytes gets a refusal.
    case = await house.journal.arrive(delivery, sender, now)
    if isinstance(case, Repeat):
        return _repeat(case, delivery, sender, house)
    if isinstance(sender, Unauthentic):
        return await _turn_away(case, Heard(sender), sender, house)
    if isinstance(sender, Late):
        return await _turn_away(case, _heard(delivery, sender.sender, house), sender.refusal, house)
    if case.secondary:
        return await _turn_away(case, _heard(delivery, sender, house), _reused(), house)

    # 3. What is asked? Well-formed, schema-valid, by the rules, in an agreed standard.
    request = _read(delivery, sender, house)
    if isinstance(request, Misread):
        return await _turn_away(case, Heard(sender, request.language), request.refusal, house)
    heard = Heard(sender, request.language, request)

    # 4. May it be answered? The grant, then the basis.
    permit = await _decide(request, case, house)
    if isinstance(permit, Refusal):
        return await _turn_away(case, heard, permit, house)

    # 5. Say so in the journal before any register is touched; a use of the basis is reserved with it.
    mandate = await house.journal.asked(case, permit, sender, house.clock.now())
    if isinstance(mandate, Moved):
        return mandate
    if isinstance(mandate, Refusal):
        return await _turn_away(case, heard, mandate, house)
    heard = Heard(sender, request.language, request, mandate)

    try:
        outcome = await _outcome(mandate, house)
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
) -> Reply | Silent | Moved:
    """A no before the register was asked: said only under the law in force, which may be another by now."""
    believed = house.policies.current().hash
    if (await house.policies.refresh()).hash != believed:
        return Moved()
    return await _close(case, heard, outcome, house)


async def _give_up(delivery: Delivery, outcome: Refusal | Failure, house: House) -> Reply | Silent | Moved:
    """No attempt is left, because the law moved every time or we were wrong: say so, and leave it to the asker."""
    now = house.clock.now()
    sender = authenticate(delivery, house.policies.current(), house.terms, now)
    case = await house.journal.arrive(delivery, sender, now)
    if isinstance(case, Repeat):
        return _repeat(case, delivery, sender, house)
    if isinstance(sender, Unauthentic):
        return await _close(case, Heard(sender), sender, house)
    if isinstance(sender, Late):
        return await _close(case, _heard(delivery, sender.sender, house), sender.refusal, house)
    return await _close(case, _heard(delivery, sender, house), outcome, house)


async def _outcome(mandate: Mandate, house: House) -> Outcome:
    # 6. Ask the register; the mandate is the only key to it.
    found = await house.registers[mandate.permit.register].fetch(mandate)

    # 7. Keep only what was permitted.
    evidence = minimise(found, mandate.permit)
    if isinstance(evidence, Refusal | Withheld):
        return evidence

    # 8. Answer in the asker's language, and check our own words.
    return _answer(evidence, mandate, house)


def _read(delivery: Delivery, sender: Sender, house: House) -> Request | Misread:
    try:
        return inbound.read(delivery, sender, house.policies.current(), house.languages)
    except Exception:  # noqa: BLE001  what can't be read without an error was not understood: a refusal
        facts = {Check.AUTHENTIC: Fact.PASSED, Check.SENDER: Fact.PASSED, Check.MESSAGE: Fact.FAILED}
        refusal = Refusal(ReasonCode.MALFORMED, facts, checks=(Check.MESSAGE,))
        return Misread(refusal, inbound.language_of(delivery, house.languages))


async def _decide(request: Request, case: Case, house: House) -> Permit | Refusal:
    records = await house.consents.held_for(request, case.exchange)
    return decide(request, house.policies.current(), records, house.clock.now())


def _answer(evidence: Evidence, mandate: Mandate, house: House) -> Answer:
    written = outbound.answer(
        evidence, mandate.case, house.policies.current(), house.languages, house.ids.new(), house.clock.now()
    )
    return Answer(evidence, written, mandate)


async def _close(case: Case, heard: Heard, outcome: Outcome, house: House) -> Reply | Silent | Moved:
    """9. The second journal line, if the basis still stands; 10. the reply, once a signed checkpoint covers it."""
    for _ in range(house.patience.decisions):
        written = _words(outcome, case, heard, house)
        settled = await house.journal.settled(case, heard, outcome, written, house.clock.now())
        if isinstance(settled, Repeat):
            return _repeat(settled, None, heard.sender, house)
        if isinstance(settled, Elsewhere):
            return Moved()
        if not isinstance(settled, Moved):
            message, receipt = settled
            return Reply(case.exchange, message, receipt) if message else Silent(receipt)
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
    return Postponed(now + timedelta(seconds=wait), receipt)


def _words(outcome: Outcome, case: Case, heard: Heard, house: House) -> Written | None:
    """What is said about an outcome; nothing is ever said to someone unknown."""
    if isinstance(outcome, Answer):
        return outcome.written
    if isinstance(outcome, Unauthentic):
        return None
    context = heard.request.context if heard.request else {}
    message_id, now = house.ids.new(), house.clock.now()
    if isinstance(outcome, Failure):
        return outbound.failure(outcome.code, case, heard.language, context, house.languages, message_id, now)
    refusal = outcome.refusal if isinstance(outcome, Withheld) else outcome
    return outbound.refusal(refusal, case, heard.language, context, house.languages, message_id, now)


def _repeat(
    repeat: Repeat, delivery: Delivery | None, sender: Sender | Unauthentic | Late, house: House
) -> Reply | Silent:
    """The kept bytes again; or, when they are no longer kept or may no longer leave, why not."""
    if repeat.message is not None:
        return Reply(repeat.exchange, repeat.message, repeat.receipt)
    if repeat.refusal is None or delivery is None or not isinstance(sender, Sender):
        return Silent(repeat.receipt)
    now = house.clock.now()
    case = Case(
        repeat.exchange, 0, sender.message_id, sender.consumer, sender.digest, now, delivery.correlation_id
    )
    language = inbound.language_of(delivery, house.languages)
    written = outbound.refusal(repeat.refusal, case, language, {}, house.languages, house.ids.new(), now)
    return Reply(repeat.exchange, house.journal.addressed(case, sender, written, now), repeat.receipt)


def _heard(delivery: Delivery, sender: Sender, house: House) -> Heard:
    """What an exchange that ends at the door is about: its line is the person's all the same, if it names one."""
    request = _read(delivery, sender, house)
    if isinstance(request, Misread):
        return Heard(sender, request.language)
    return Heard(sender, request.language, request)


def _reused() -> Refusal:
    return Refusal(ReasonCode.MESSAGE_ID_REUSED, {Check.AUTHENTIC: Fact.FAILED}, checks=(Check.AUTHENTIC,))


def _changed() -> Refusal:
    return Refusal(ReasonCode.BASIS_CHANGED, {Check.BOUNDARY: Fact.FAILED}, checks=(Check.BOUNDARY,))
