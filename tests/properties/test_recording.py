"""What holds for whatever is recorded, ended and listed, not only for the examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from law_sample import NOW, RECORD, REQUEST, give, order
from law_strategies import GRANTS, SUBJECTS, frozen, law, powers, records, terms

from consent.decide import decide
from consent.ledger import Terms
from consent.orders import Listing, Withdraw
from consent.recording import judge_give, judge_withdraw, listed
from consent.vocabulary import (
    Action,
    BasisClaim,
    BasisKind,
    Permit,
    Power,
    ReasonCode,
    Record,
    Refusal,
    Request,
    Subject,
)


@settings(deadline=None, max_examples=300)
@given(grant=GRANTS, said=terms(), power=powers(), seconds=st.integers(0, 40))
def test_what_may_be_recorded_can_be_asked_on(
    grant: Mapping[str, Any], said: Mapping[str, Any], power: Power, seconds: int
) -> None:
    """A record that the law of recording lets in permits exactly its own question, as long as it and its power last,
    unless the grant calls for what no record can give; one that it keeps out would not have."""
    grant = {**grant, "preview": False, "encrypt": False}
    policy, wanted = law(frozen(grant)), give(**said)
    now = NOW + timedelta(seconds=seconds)
    refused = judge_give(wanted, policy, [power], now)
    assert isinstance(wanted.terms, Terms)
    record, asked = _as_recorded(
        wanted.terms, wanted.request, Action.WRITE if grant["write"] else Action.READ
    )
    at = max(now, record.not_before)
    found = decide(asked, policy, [record, power], at)
    if refused is None:
        lasts = record.representative is None or power.not_before <= at < power.not_after
        assert isinstance(found, Permit) is lasts
        assert at < record.not_after
    elif isinstance(found, Permit):
        too_long = refused.code is ReasonCode.BASIS_OUTSIDE_PERIOD
        other_proof = wanted.terms.representative is not None and refused.code is ReasonCode.NOT_REPRESENTED
        assert too_long or other_proof or refused.code is ReasonCode.BASIS_MISMATCH


def _as_recorded(terms: Terms, sender: Request, action: Action) -> tuple[Record, Request]:
    """Out: the record that the house would keep, and the question word for word on it."""
    record = replace(
        RECORD,
        id="r-9",
        kind=BasisKind(terms.kind),
        fields=terms.fields,
        purpose=terms.purpose,
        procedure=terms.procedure,
        recorded_by=sender.consumer,
        not_before=terms.not_before,
        not_after=terms.not_after,
        assurance=terms.authentication.level,
        representative=terms.representative.record if terms.representative else None,
        max_uses=None,
    )
    asked = replace(
        REQUEST,
        purpose=terms.purpose,
        procedure=terms.procedure,
        fields=terms.fields,
        basis=BasisClaim(BasisKind(terms.kind), "r-9"),
        action=action,
    )
    return record, asked


@settings(deadline=None)
@given(
    grant=GRANTS,
    there=records(),
    who=SUBJECTS,
    sender=st.sampled_from(["buergerportal", "wohngeldstelle", "standesamt"]),
)
def test_what_may_not_be_ended_looks_as_if_it_were_not_there(
    grant: Mapping[str, Any], there: Record, who: Subject, sender: str
) -> None:
    """For every sender and person: the refusal for a record that is not theirs is the one for none, and what may be
    ended is also listed, and nothing else is."""
    policy, asked = law(frozen(grant)), Withdraw(order(sender, who), "r-1")
    none = judge_withdraw(asked, None, policy, NOW)
    said = judge_withdraw(asked, there, policy, NOW)
    shown = listed(Listing(asked.request), [there], policy, NOW)
    theirs = there.subject.agrees_with(who) and (
        sender == there.recorded_by or (sender in grant["recorded_by"] and there.purpose == grant["purpose"])
    )
    if theirs:
        assert said is None or said.code is ReasonCode.BASIS_WITHDRAWN
        assert shown == (there,)
    else:
        assert said == none
        assert shown == () or isinstance(shown, Refusal)
