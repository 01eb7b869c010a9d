"""An error while deciding refuses: nothing odd permits anything, and nothing is raised."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from law_sample import NOW, POWER, RECORD, REQUEST, give, order
from law_strategies import law

from consent.decide import decide
from consent.orders import Listing, Withdraw
from consent.recording import judge_give, judge_withdraw, listed
from consent.vocabulary import Permit, Refusal

ODD: Final = st.sampled_from([None, "x", 3, -1, float("nan"), [], {}, object(), datetime(2026, 11, 22, 12)])  # noqa: DTZ001 - the mistake is meant
JUDGED: Final = (
    "kind", "state", "subject", "recipient", "register", "evidence", "fields", "purpose", "procedure", "case",
    "recorded_by", "not_before", "not_after", "uses", "authentic", "assurance",
)  # fmt: skip
POWER_JUDGED: Final = ("state", "subject", "proof", "recorded_by", "not_before", "not_after", "authentic")


@settings(deadline=None)
@given(name=st.sampled_from(JUDGED), odd=ODD)
def test_an_odd_record_permits_nothing(name: str, odd: Any) -> None:
    """Whatever of it is missing, of a wrong type or no number, and nothing is raised."""
    policy = law((("assurance", "low"),))
    sure = replace(RECORD, assurance="high")
    there = replace(sure, **{name: odd})
    assert isinstance(decide(REQUEST, policy, [sure], NOW), Permit)
    assert isinstance(decide(REQUEST, policy, [there], NOW), Refusal)
    assert isinstance(judge_withdraw(Withdraw(order("stranger"), "r-1"), there, policy, NOW), Refusal)
    assert isinstance(listed(Listing(order("buergerportal")), [there], policy, NOW), tuple | Refusal)
    renewal = give(previous="r-1")
    assert isinstance(judge_give(renewal, policy, [there], NOW), Refusal | None)


@settings(deadline=None)
@given(name=st.sampled_from(POWER_JUDGED), odd=ODD)
def test_an_odd_power_permits_nothing(name: str, odd: Any) -> None:
    """The same for powers, and for what is recorded under them."""
    policy = law((("representation", ("power-of-attorney",)),))
    asked = replace(REQUEST, representative="v-1")
    under = give(representative={"record": "v-1", "proof": "power-of-attorney"})
    assert isinstance(decide(asked, policy, [RECORD, POWER], NOW), Permit)
    assert judge_give(under, policy, [POWER], NOW) is None
    there = replace(POWER, **{name: odd})
    assert isinstance(decide(asked, policy, [RECORD, there], NOW), Refusal)
    assert isinstance(judge_give(under, policy, [there], NOW), Refusal)


@settings(deadline=None)
@given(odd=ODD)
def test_an_odd_time_permits_nothing(odd: Any) -> None:
    """Nor does it let anything be recorded, withdrawn or listed."""
    policy = law(())
    assert isinstance(decide(REQUEST, policy, [RECORD], odd), Refusal)
    assert isinstance(judge_give(give(), policy, [], odd), Refusal)
    assert isinstance(judge_withdraw(Withdraw(order("buergerportal"), "r-1"), RECORD, policy, odd), Refusal)
    assert isinstance(listed(Listing(order("buergerportal")), [RECORD], policy, odd), Refusal)
