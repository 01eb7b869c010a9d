"""What was decided is decided again from the line that tells of it and the policy of its time, from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from law_sample import NOW, POWER_TERMS, RECORD, REQUEST, give, policy
from law_strategies import GRANTS, HELD, World, frozen, law, requests, worlds

from consent.decide import decide
from consent.orders import Give, Withdraw, giving
from consent.policy import Policy
from consent.recording import judge_give, judge_withdraw
from consent.replay import Decided, replay
from consent.vocabulary import (
    Action,
    BasisClaim,
    BasisKind,
    Check,
    Fact,
    Permit,
    Power,
    ReasonCode,
    Record,
    Refusal,
    Request,
)
from gateway.audit.record import Event, from_bytes, to_bytes
from gateway.audit.replayable import decided
from gateway.journal import lines
from gateway.stages import Case, Heard, Sender

LATER: Final = NOW + timedelta(seconds=1)
CASE: Final = Case("e-1", 1, REQUEST.message, REQUEST.consumer, "0" * 64, NOW)
SENDER: Final = Sender(
    REQUEST.consumer, "wohngeldstelle-2026", "EdDSA", NOW, LATER, "0" * 64, REQUEST.message, "q"
)


def line(asked: Request, result: Permit | Refusal) -> Event:
    """Out: the line that the journal would write of the decision, read back from its bytes."""
    if isinstance(result, Permit):
        event = lines.asked(CASE, result, SENDER, LATER)
    else:
        heard = Heard(SENDER, asked.language, asked)
        [(_, event)] = lines.terminal(CASE, heard, result, None, LATER)
    kept = from_bytes(to_bytes(event))
    assert isinstance(kept, Event)
    return kept


def read(asked: Request, result: Permit | Refusal, law: Policy) -> Decided:
    found = decided(line(asked, result), law)
    assert found is not None
    return found


@settings(deadline=None, max_examples=300)
@given(grant=GRANTS, asked=requests(), there=HELD)
def test_a_decision_is_the_same_again(
    grant: Mapping[str, Any], asked: Request, there: tuple[Record, Record, Power]
) -> None:
    """Permitted by the same grant with the same fields, or refused for the same reason."""
    assume(asked.action is not Action.RECORD)  # never decided here: an order has its own law
    if asked.action is Action.WRITE:  # a submission names its register and its fields
        asked = replace(asked, register="melderegister", fields=asked.fields or frozenset({"town"}))
    policy = law(frozen(grant))
    found = decide(asked, policy, there, NOW)
    said = read(asked, found, policy)
    again = replay(said, policy)
    assert again.agrees(said)
    assert again.reason == (None if isinstance(found, Permit) else found.code)
    if isinstance(found, Permit):
        assert (again.grant, again.norm, again.fields) == (found.grant, found.basis.norm, found.fields)


@settings(deadline=None, max_examples=200)
@given(world=worlds())
def test_a_permit_is_the_same_again(world: World) -> None:
    """The same for requests that mostly are permitted."""
    grant, asked, there = world
    policy = law(frozen(grant))
    found = decide(asked, policy, there, NOW)
    said = read(asked, found, policy)
    assert replay(said, policy).agrees(said)


CHANGES: Final = st.sampled_from(
    [
        ({"id": "renamed"}, None),
        ({"norm": "SGB X § 67a"}, None),
        ({"consumer": "buergerportal"}, ReasonCode.NO_GRANT),
        ({"valid_to": date(2026, 11, 21)}, ReasonCode.NO_GRANT),
        ({"valid_from": date(2026, 11, 23)}, ReasonCode.NO_GRANT),
        ({"on_behalf_of": "buergerportal"}, ReasonCode.NO_GRANT),
        ({"register": "personenstandsregister"}, ReasonCode.NO_GRANT),
        ({"encrypt": True}, ReasonCode.ENCRYPTION_REQUIRED),
        ({"push": True}, ReasonCode.NOT_SUPPORTED),
        ({"preview": True}, ReasonCode.PREVIEW_REQUIRED),
        ({"fields": ("sex",)}, ReasonCode.FIELDS_NOT_PERMITTED),
        ({"representation": ()}, ReasonCode.NOT_REPRESENTED),
    ]
)


@settings(deadline=None, max_examples=200)
@given(world=worlds(), change=CHANGES)
def test_another_policy_is_noticed(world: World, change: tuple[Mapping[str, Any], ReasonCode | None]) -> None:
    """A permit replayed under a policy that would not have given it does not agree, and says why not."""
    grant, asked, there = world
    before = law(frozen(grant))
    found = decide(asked, before, there, NOW)
    assume(isinstance(found, Permit))
    assert isinstance(found, Permit)
    assume("sex" not in found.fields)
    assume("representation" not in change[0] or found.basis.powers)
    assume("encrypt" not in change[0] or not grant["encrypt"])
    said = read(asked, found, before)
    again = replay(said, law(frozen({**grant, **change[0]})))
    assert not again.agrees(said)
    assert again.reason is change[1]


def test_a_basis_kind_no_longer_granted_is_noticed() -> None:
    """A permit by statute does not stand where only choice is granted."""
    by_law = replace(REQUEST, basis=BasisClaim(BasisKind.STATUTORY))
    statute = policy({"basis": ["statutory"], "recorded_by": []})
    said = read(by_law, decide(by_law, statute, [], NOW), statute)
    again = replay(said, policy({}))
    assert (again.stopped, again.reason) == (Check.BASIS_KIND, ReasonCode.BASIS_KIND_NOT_ALLOWED)
    assert not again.agrees(said)


def test_a_law_on_special_categories_that_is_gone_is_noticed() -> None:
    """What left under it would not leave by choice alone."""
    asked = replace(REQUEST, fields=frozenset({"religion"}))
    before = policy({"fields": ["religion"], "special_category_law": "BMG § 42"})
    said = read(asked, decide(asked, before, [RECORD], NOW), before)
    again = replay(said, policy({"fields": ["religion"], "basis": ["choice", "consent"]}))
    assert again.reason is ReasonCode.SPECIAL_CATEGORY


def test_a_grant_that_was_missing_is_noticed() -> None:
    """A refusal for want of a grant does not agree with a policy that has it; nor does one for a norm's demand."""
    nothing, sample = policy({"consumer": "buergerportal"}), policy({})
    said = read(REQUEST, decide(REQUEST, nothing, [RECORD], NOW), nothing)
    assert replay(said, nothing).agrees(said)
    assert not replay(said, sample).agrees(said)
    owed = policy({"encrypt": True})
    said = read(REQUEST, decide(REQUEST, owed, [RECORD], NOW), owed)
    assert replay(said, owed).agrees(said)
    assert replay(said, sample).stopped is None


def test_facts_that_do_not_belong_to_the_outcome_are_noticed() -> None:
    """A line that says permitted although a check failed, or refused although none did, does not agree."""
    sample = policy({})
    said = read(REQUEST, decide(REQUEST, sample, [RECORD], NOW), sample)
    failed = replace(said, facts={**said.facts, Check.BASIS_STATE: Fact.FAILED})
    assert not replay(failed, sample).agrees(failed)
    refused = replace(said, reason=ReasonCode.BASIS_WITHDRAWN)
    assert not replay(refused, sample).agrees(refused)
    unmade = replace(
        said, facts={check: fact for check, fact in said.facts.items() if check is not Check.SUBJECT}
    )
    assert not replay(unmade, sample).agrees(unmade)


def test_where_no_grant_is_named_the_form_tells_a_question() -> None:
    """Without a register or fields it can't be a submission, and is held against grants to read alone; with both it
    is right if it is right for one of the two."""
    neither, reads = policy({"consumer": "buergerportal"}), policy({})
    both = policy({}, {"id": "wohngeld-move", "write": True, "fields": ["town"]})
    for asked, noticed in (
        (REQUEST, reads),
        (replace(REQUEST, register="melderegister"), reads),
        (replace(REQUEST, fields=frozenset({"town"})), reads),
        (replace(REQUEST, register="melderegister", fields=frozenset({"town"})), both),
    ):
        said = read(asked, decide(asked, neither, [RECORD], NOW), neither)
        assert replay(said, neither).agrees(said)
        assert not replay(said, noticed).agrees(said)
    told = replace(REQUEST, register="melderegister", fields=frozenset({"town"}))
    said = read(told, decide(told, neither, [RECORD], NOW), neither)
    assert replay(said, reads).agrees(said)


def test_a_grant_that_now_is_one_to_submit_is_noticed() -> None:
    """What was wanted is read off the grant as it was then, not as it is in another policy."""
    reads, writes = policy({"fields": ["town"]}), policy({"fields": ["town"], "write": True})
    named = replace(REQUEST, register="melderegister", fields=frozenset({"town"}))
    for asked, then, other in (
        (named, reads, writes),
        (replace(named, action=Action.WRITE), writes, reads),
    ):
        said = read(asked, decide(asked, then, [RECORD], NOW), then)
        assert replay(said, then).agrees(said)
        assert replay(said, other).reason is ReasonCode.NO_GRANT


def refused(order: Give | Withdraw, law: Policy) -> Event:
    """Out: the line of an order that the law refuses."""
    no = judge_give(order, law, [], NOW) if isinstance(order, Give) else judge_withdraw(order, None, law, NOW)
    assert isinstance(no, Refusal)
    return line(order.request, no)


def test_lines_without_a_decision_are_told_apart() -> None:
    """What was turned away at the door was not decided by the law."""
    at_the_door = Refusal(ReasonCode.MALFORMED, {Check.MESSAGE: Fact.FAILED}, checks=(Check.MESSAGE,))
    sample = policy({})
    assert decided(line(REQUEST, at_the_door), sample) is None
    test = decide(replace(REQUEST, test=True), sample, [], NOW)
    said = read(REQUEST, test, sample)
    assert replay(said, sample).agrees(said)


def test_orders_to_the_ledger_are_no_decisions_on_evidence() -> None:
    """Whatever was to be recorded, listed or ended; of a decision that no grant would serve the line tells no more
    than of a question, and that no grant serves its sender's question either is what is found again."""
    sample = policy({})
    asked = give().request
    beyond = giving(asked, give(fields=["religion"]).terms)
    line_of_it = refused(beyond, sample)
    assert (line_of_it.grant, line_of_it.evidence) == ("wohngeld-residence", "residence")
    assert decided(line_of_it, sample) is None
    for order in (give(of=POWER_TERMS), Withdraw(asked, "r-9")):
        assert decided(refused(order, sample), sample) is None
    unserved = decided(refused(giving(asked, give(recipient="buergerportal").terms), sample), sample)
    assert unserved is not None
    assert replay(unserved, sample).agrees(unserved)
