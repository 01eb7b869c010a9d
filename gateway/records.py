"""Choices and consents as the house keeps them: signed when they are appended, checked whenever they are used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from consent import recording
from consent.held import AnyStep, beginning, folded, following, read
from consent.ledger import may_follow
from consent.orders import Give, Listing, Order, Withdraw
from consent.policy import Policy
from consent.served import refused
from consent.vocabulary import Check, Held, ReasonCode, RecordState, Refusal, Subject
from gateway import jws
from gateway.house import House
from gateway.journal import Journal
from gateway.jws import Find, PublicKey, SigningKey
from gateway.ports import ConsentStore, RecordEvent
from gateway.stages import Listed, Moved, Recorded

RECORD_TYPE: Final = "einmal-record+jws"
_REMEMBERED: Final = 10_000
_TRIES: Final = 5
"""How often a step is tried again when somebody else's came first: a withdrawal must not lose to a renewal."""


class NotAllowed(Exception):
    """The record can't take this step. Says which states, never whose."""

    def __init__(self, before: RecordState | None, after: RecordState) -> None:
        super().__init__(f"a record that is {before or 'not there'} can't become {after}")
        self.before, self.after = before, after


def folding(find: Find) -> Callable[[Sequence[RecordEvent], int], Held]:
    """Out: how a record or power is made of its events: `authentic` only if the house's receipt over
    each one verifies."""

    @lru_cache(maxsize=_REMEMBERED)
    def stands(receipt: str, body: bytes) -> bool:
        return vouched(receipt, body, find)

    @lru_cache(maxsize=_REMEMBERED)
    def step(body: bytes) -> AnyStep:
        return read(body)

    def standing(events: Sequence[RecordEvent], uses: int) -> Held:
        authentic = all(stands(event.receipt, event.body) for event in events)
        return folded([step(event.body) for event in events], uses, authentic)

    return standing


def vouched(receipt: str, body: bytes, find: Find, told: datetime | None = None) -> bool:
    """In: the time of the step's line, where it is known. Out: whether the receipt over a step verifies, by a key that
    was the house's when the step was taken. A former key signs no later step; that one was not dated back, its line
    shows (`log verify`)."""
    try:
        said = read(body).time
        taken = max(said, told) if told is not None else said
        return jws.verify_compact(receipt, RECORD_TYPE, lambda kid: _in_use(find(kid), taken)) == body
    except (jws.SignatureInvalid, ValueError):
        return False


def _in_use(key: PublicKey | None, taken: datetime) -> PublicKey | None:
    return key if key is not None and taken <= key.valid_to else None


def signed(step: AnyStep, key: SigningKey) -> Recorded:
    """Out: the event with the house's receipt over it: ready to be appended."""
    return Recorded(step, jws.sign_compact(step.body(), RECORD_TYPE, key))


async def carry_out(
    order: Order, record: str, policy: Policy, store: ConsentStore, key: SigningKey, now: datetime
) -> Recorded | Listed | Refusal:
    """In: what a recorder asks for; the id of a record that is begun; the policy in force. Out: the event to append
    with the line that tells of it, the records to name, or why not."""
    match order:
        case Give():
            return await _given(order, record, policy, store, key, now)
        case Withdraw():
            return await _withdrawn(order, policy, store, key, now)
        case Listing():
            held = await store.of_subject(order.request.subject)
            found = recording.listed(order, held, policy, now)
            return found if isinstance(found, Refusal) else Listed(found, policy.hash)


async def _given(
    order: Give, record: str, policy: Policy, store: ConsentStore, key: SigningKey, now: datetime
) -> Recorded | Refusal:
    held = list(await store.of_subject(order.request.subject))
    named = order.request.representative
    power = await store.record(named) if named is not None else None
    if power is not None and power.id not in {item.id for item in held}:
        held.append(power)
    no = recording.judge_give(order, policy, held, now)
    if no is not None:
        return no
    step = beginning(order.terms, record, order.request.consumer, now)
    powers = ((power.id, power.revision),) if power is not None else ()
    return replace(signed(step, key), policy=policy.hash, powers=powers)


async def _withdrawn(
    order: Withdraw, policy: Policy, store: ConsentStore, key: SigningKey, now: datetime
) -> Recorded | Refusal:
    no = recording.judge_withdraw(order, await store.record(order.record), policy, now)
    if no is not None:
        return no
    last = read((await store.events(order.record))[-1].body)
    step = following(last, RecordState.WITHDRAWN, order.request.consumer, now)
    return signed(step, key) if step is not None else recording.ended(policy)  # ended since it was judged


async def of_person(subject: Subject, store: ConsentStore) -> Sequence[Held]:
    """Out: every record and power that names the person in one of these ways; and, where they know one number of the
    person, those that name the person by that number alone."""
    found = await store.of_subject(subject)
    numbers = {item.subject.idnr for item in found if item.subject.idnr}
    if subject.idnr is not None or len(numbers) != 1:
        return found
    return await store.of_subject(replace(subject, idnr=numbers.pop()))


async def at_the_counter(order: Give, house: House) -> Recorded | Refusal | Moved:
    """In: what somebody decided, as a consumer or one of the home's people records it. Out: what was appended, judged
    by the law that holds for messages; why not; Moved when the law or a power never held still."""
    for _ in range(house.patience.decisions):
        policy, now = house.policies.current(), house.clock.now()
        outcome = await _judged(order, policy, house, now)
        if isinstance(outcome, Recorded):
            kept = await house.journal.recorded(outcome, now)
            if not isinstance(kept, Moved):
                return outcome
        if (await house.policies.refresh()).hash == policy.hash and isinstance(outcome, Refusal):
            return outcome
    return Moved()


async def _judged(order: Give, policy: Policy, house: House, now: datetime) -> Recorded | Refusal:
    by = order.request.consumer
    clerk = policy.people.get(by)
    if by not in policy.consumers and (clerk is None or not clerk.valid_at(now)):
        return refused(policy, ReasonCode.RECORDER_NOT_ACCEPTED, Check.BASIS_RECORD)
    return await _given(order, house.ids.new(), policy, house.consents, house.keys.gateway, now)


async def begin(step: AnyStep, journal: Journal, key: SigningKey, now: datetime) -> Recorded | Moved:
    """Append the first event of a record or power. Out: it, with its receipt. Raises: NotAllowed."""
    if not may_follow(None, step.state):
        raise NotAllowed(None, step.state)
    return await _append(signed(step, key), journal, now)


async def move(
    record: str,
    state: RecordState,
    by: str,
    store: ConsentStore,
    journal: Journal,
    key: SigningKey,
    now: datetime,
) -> Recorded | Moved:
    """Take a record or power to another state, on the same terms; it acts at this commit. In: who records it.

    Raises: NotAllowed, KeyError.
    """
    for _ in range(_TRIES):
        events = await store.events(record)
        if not events:
            raise KeyError(record)
        last = read(events[-1].body)
        step = following(last, state, by, now)
        if step is None:
            raise NotAllowed(last.state, state)
        moved = await _append(signed(step, key), journal, now)
        if not isinstance(moved, Moved):
            return moved
    return Moved()


async def _append(recorded: Recorded, journal: Journal, now: datetime) -> Recorded | Moved:
    kept = await journal.recorded(recorded, now)
    return kept if isinstance(kept, Moved) else recorded
