"""What holds for every request, record and grant, not only for the examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from law_sample import NOW, POWER_TERMS, RECORD, REQUEST, TERMS, give
from law_strategies import (
    CASES,
    FIELDS,
    GRANTS,
    HELD,
    World,
    answers,
    frozen,
    law,
    requests,
    worlds,
)

from consent.decide import decide, examine
from consent.minimise import minimise, still_permitted
from consent.receive import receive
from consent.recording import judge_give
from consent.trials import RULES
from consent.vocabulary import (
    PERMITTING,
    Action,
    BasisKind,
    Blocked,
    Evidence,
    Fact,
    Found,
    Held,
    NotFound,
    Permit,
    Person,
    Power,
    ReasonCode,
    Record,
    RecordState,
    Refusal,
    Request,
    Withheld,
)


@settings(deadline=None)
@given(world=worlds())
def test_permitted_fields_are_asked_for_granted_and_recorded(world: World) -> None:
    """permit.fields ⊆ request ∩ grant ∩ record, never empty, and no fact of it failed."""
    grant, asked, there = world
    found = decide(asked, law(frozen(grant)), there, NOW)
    assume(isinstance(found, Permit))
    assert isinstance(found, Permit)
    assert found.fields
    assert found.fields <= set(grant["fields"])
    assert not asked.fields or found.fields == asked.fields
    assert Fact.FAILED not in found.facts.values()
    assert found.basis.kind in grant["basis"]
    assert found.subject.forms()
    assert grant["idnr"] or found.subject.idnr is None
    if found.basis.kind is not BasisKind.STATUTORY:
        record = next(one for one in there[:2] if one.id == found.basis.record)
        assert record.state in PERMITTING
        assert found.fields <= record.fields
        assert record.recorded_by in grant["recorded_by"]
    named = {asked.representative, _representative(found, there)} - {None}
    assert {name for name, _ in found.basis.powers} == named
    assert not named or (there[2].state in PERMITTING and there[2].proof in grant["representation"])


def _representative(permit: Permit, there: Sequence[Held]) -> str | None:
    """Out: the power under which the record was given that the permit stands on."""
    found = [one for one in there if isinstance(one, Record) and one.id == permit.basis.record]
    return found[0].representative if found else None


@settings(deadline=None)
@given(grant=GRANTS, asked=requests(), there=HELD)
def test_a_refusal_always_says_why(
    grant: Mapping[str, Any], asked: Request, there: tuple[Record, Record, Power]
) -> None:
    """Permit or refusal with a failed check, and never undecidable for well-formed input; the same every time."""
    found = decide(asked, law(frozen(grant)), there, NOW)
    assert found == decide(asked, law(frozen(grant)), there[::-1], NOW)
    if isinstance(found, Refusal):
        assert found.code is not ReasonCode.UNDECIDABLE
        assert found.checks
        assert {check for check, fact in found.facts.items() if fact is Fact.FAILED} == set(found.checks)


@settings(deadline=None)
@given(grant=GRANTS, asked=requests(), there=HELD)
def test_every_failed_check_says_what_would_have_passed(
    grant: Mapping[str, Any], asked: Request, there: tuple[Record, Record, Power]
) -> None:
    """Whatever was tried, a failed check names something, in words that hold nothing of the person."""
    examined = examine(asked, law(frozen(grant)), there, NOW)
    assert examined.decision == decide(asked, law(frozen(grant)), there, NOW)
    for trial in examined.trials:
        assert [one.check for one in trial.findings()] == [rule.check for rule in RULES]
        for one in trial.findings():
            assert bool(one.wanted) is isinstance(one.verdict, ReasonCode)
            told = repr(one.wanted)
            assert not any(
                word in told for word in ("02468135774", "1990-04-01", "Beispiel", "Anna", "00001")
            )


RESTRICTIONS: Final[Sequence[Mapping[str, Any]]] = [
    {"preview": True},
    {"write": True},
    {"encrypt": True},
    {"rate_per_minute": 1},
    {"max_age_days": 1},
    {"idnr": False},
    {"recorded_by": ("wohngeldstelle",)},
    {"valid_to": date(2026, 11, 21)},
    {"valid_from": date(2026, 11, 23)},
    {"on_behalf_of": "buergerportal"},
    {"push": True},
    {"representation": ()},
    {"assurance": "high"},
    {"special_category_law": None},
    {"exempt": "BDSG § 33", "exempt_days": 30},
]


@settings(deadline=None, max_examples=500)
@given(case=CASES, restriction=st.sampled_from(RESTRICTIONS))
def test_a_restriction_of_the_grant_never_permits(case: World, restriction: Mapping[str, Any]) -> None:
    """What was refused stays refused under one condition more, and what is permitted on the same record is never more.

    Where none is named, the condition may leave another record of the case to decide, with its own fields.
    """
    grant, asked, there = case
    assume(grant["basis"] != ("statutory",) or "recorded_by" not in restriction)
    assume(asked.action is not Action.WRITE or "write" not in restriction)
    there = tuple(replace(one, recorded_by="buergerportal") for one in there)  # type: ignore[assignment]
    before = decide(asked, law(frozen(grant)), there, NOW)
    after = decide(asked, law(frozen({**grant, **restriction})), there, NOW)
    if isinstance(after, Permit):
        assert isinstance(before, Permit)
        assert after.fields <= before.fields or after.basis.record != before.basis.record


@settings(deadline=None, max_examples=300)
@given(case=CASES, whose=st.sampled_from(["grant", "consumer"]))
def test_a_demand_for_encryption_never_permits(case: World, whose: Literal["grant", "consumer"]) -> None:
    """Whoever demands it: what is permitted then came encrypted, and is what was permitted without the demand."""
    grant, asked, there = case
    free, owed = law(frozen({**grant, "encrypt": False})), law(frozen({**grant, "encrypt": whose == "grant"}))
    if whose == "consumer":
        known = {name: one.model_copy(update={"encrypt": True}) for name, one in owed.consumers.items()}
        owed = replace(owed, consumers=known)
    before, after = decide(asked, free, there, NOW), decide(asked, owed, there, NOW)
    if isinstance(after, Permit):
        assert asked.encrypted
        assert isinstance(before, Permit)
        assert (after.fields, after.basis) == (before.fields, before.basis)
    elif isinstance(before, Permit):
        assert after.code is ReasonCode.ENCRYPTION_REQUIRED
        assert not asked.encrypted


@settings(deadline=None, max_examples=300)
@given(case=CASES, gone=st.sampled_from(FIELDS))
def test_a_field_less_never_permits(case: World, gone: str) -> None:
    """Not in the grant, and where it stands on a record not in that: what is permitted is never more.

    A request that names no fields asks for those of the grant: without its special category it is another question.
    """
    grant, asked, (there, _, power) = case
    assume(asked.fields or gone != "religion")
    assume(set(grant["fields"]) != {gone})
    before = decide(asked, law(frozen(grant)), [there, power], NOW)
    less = {**grant, "fields": tuple(name for name in grant["fields"] if name != gone)}
    fewer = replace(there, fields=there.fields - {gone})
    ungranted = decide(asked, law(frozen(less)), [there, power], NOW)
    unrecorded = decide(asked, law(frozen(grant)), [fewer, power], NOW)
    for after in (ungranted, unrecorded):
        if isinstance(after, Permit):
            assert isinstance(before, Permit)
            assert after.fields <= before.fields
            assert gone not in after.fields or after.basis.record is None
    assert not isinstance(ungranted, Permit) or gone not in ungranted.fields


@settings(deadline=None, max_examples=300)
@given(
    case=CASES,
    worse=st.sampled_from(
        [
            {"authentic": False},
            {"uses": 99, "max_uses": 1},
            {"not_after": NOW},
            {"not_before": NOW + timedelta(seconds=1)},
            {"state": RecordState.WITHDRAWN},
            {"state": RecordState.REFUSED},
            {"representative": "v-9"},
            {"case": "another"},
            {"assurance": "none"},
            {"recorded_by": "wohngeldstelle"},
        ]
    ),
)
def test_a_worse_record_never_permits(case: World, worse: Mapping[str, Any]) -> None:
    """A record's defect never turns a refusal into a permit."""
    grant, asked, (there, _, power) = case
    before = decide(asked, law(frozen(grant)), [there, power], NOW)
    after = decide(asked, law(frozen(grant)), [replace(there, **worse), power], NOW)
    if isinstance(after, Permit):
        assert isinstance(before, Permit)


@settings(deadline=None, max_examples=500)
@given(case=CASES, ended=st.sampled_from(["withdrawn", "revoked"]))
def test_a_withdrawal_always_wins(case: World, ended: str) -> None:
    """No permit stands on a withdrawn record, nor, unnamed, on another beside one withdrawn for the same."""
    grant, asked, there = case
    withdrawn = replace(
        there[0],
        state=RecordState(ended),
        subject=asked.subject,
        purpose=asked.purpose,
        procedure=asked.procedure,
    )
    found = decide(asked, law(frozen(grant)), [withdrawn, *there[1:]], NOW)
    if isinstance(found, Permit) and found.basis.record is not None:
        assert found.basis.record != withdrawn.id
        assert asked.basis.record == found.basis.record or not asked.subject.forms()


ENDED: Final = st.sampled_from([state for state in RecordState if state not in PERMITTING])


@settings(deadline=None)
@given(world=worlds(), ended=ENDED)
def test_a_power_that_has_ended_always_wins(world: World, ended: RecordState) -> None:
    """No permit stands on it, whether the request or the record names it; what names none is decided as before."""
    grant, asked, (first, second, power) = world
    before = decide(asked, law(frozen(grant)), [first, second, power], NOW)
    after = decide(asked, law(frozen(grant)), [first, second, replace(power, state=ended)], NOW)
    if isinstance(after, Permit):
        assert after.basis.powers == ()
        assert asked.representative is None
    if isinstance(before, Permit) and not before.basis.powers:
        assert isinstance(after, Permit)
        assert after.basis.record == before.basis.record


@settings(deadline=None)
@given(world=worlds(), sender=st.sampled_from(["wohngeldstelle", "standesamt", "", "Buergerportal"]))
def test_a_record_by_someone_who_may_not_record_permits_nothing(world: World, sender: str) -> None:
    """Neither a decision nor a power counts, and none is recorded, for a sender that no grant accepts."""
    grant, asked, (first, second, power) = world
    theirs = [replace(one, recorded_by=sender) for one in (first, second)]
    found = decide(asked, law(frozen(grant)), [*theirs, power], NOW)
    assert not isinstance(found, Permit) or found.basis.record is None
    under = decide(asked, law(frozen(grant)), [first, second, replace(power, recorded_by=sender)], NOW)
    assert not isinstance(under, Permit) or not under.basis.powers or not grant["recorded_by"]
    for sample in (TERMS, POWER_TERMS):
        assert isinstance(judge_give(give(sender, of=sample), law(frozen(grant)), [power], NOW), Refusal)


# --- what leaves --------------------------------------------------------------------------------------------
@settings(deadline=None)
@given(world=worlds(), blocked=st.booleans(), missing=st.sampled_from(["unknown", "ambiguous"]))
def test_blocked_unknown_and_ambiguous_are_refused_in_the_same_words(
    world: World, blocked: bool, missing: Literal["unknown", "ambiguous"]
) -> None:
    """What the asker is told of somebody hidden is what they are told of nobody, for questions and submissions."""
    grant, asked, there = world
    permit = decide(asked, law(frozen(grant)), there, NOW)
    assume(isinstance(permit, Permit))
    assert isinstance(permit, Permit)
    persons = (Person("idnr:02468135774"),)
    hidden = minimise(Found({"town": "x"}, persons, blocked=True), permit)
    unwritten = receive(Blocked(persons), permit, blocked, NOW)
    nobody = minimise(NotFound(missing), permit)
    nowhere = receive(NotFound(missing), permit, blocked, NOW)
    assert isinstance(hidden, Withheld)
    assert isinstance(unwritten, Withheld)
    assert isinstance(nobody, Refusal)
    assert isinstance(nowhere, Refusal)
    assert _heard(hidden.refusal) == _heard(nobody) == _heard(unwritten.refusal) == _heard(nowhere)


def _heard(refusal: Refusal) -> tuple[object, ...]:
    """Out: all of a refusal that is not for the journal alone."""
    return refusal.code, refusal.checks, refusal.fields, refusal.findings


@settings(deadline=None, max_examples=500)
@given(world=worlds(), values=answers(), blocked=st.booleans(), again=GRANTS)
def test_what_leaves_is_permitted_and_what_does_not_is_named(
    world: World, values: dict[str, str | tuple[str, ...]], blocked: bool, again: Mapping[str, Any]
) -> None:
    """Evidence ⊆ permit and ⊆ what the register returned; the rest is removed by name; blocked leaves nothing;
    and decided again it leaves only if all of it is permitted again."""
    grant, asked, there = world
    permit = decide(asked, law(frozen(grant)), there, NOW)
    assume(isinstance(permit, Permit))
    assert isinstance(permit, Permit)
    cut = minimise(Found(values, (Person("idnr:02468135774"),), blocked), permit)
    assert isinstance(cut, Withheld) is blocked
    if isinstance(cut, Evidence):
        assert cut.values.keys() <= permit.fields
        assert cut.values.items() <= values.items()
        assert {one.field for one in cut.removed} == values.keys() - cut.values.keys()
        if not grant["idnr"]:
            assert not any("02468135774" in said.replace(" ", "") for said in _texts(cut.values))
        second = decide(asked, law(frozen(again)), there, NOW)
        if isinstance(second, Permit):
            standing = still_permitted(cut, second)
            if isinstance(standing, Evidence):
                assert standing.values.keys() <= second.fields


def _texts(values: Mapping[str, str | tuple[str, ...]]) -> Iterator[str]:
    for value in values.values():
        yield from (value,) if isinstance(value, str) else value


EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


@settings(deadline=None)
@given(st.integers(0, 2 * 365 * 24 * 3600))
def test_nothing_is_granted_outside_its_days(seconds: int) -> None:
    """Within the grant's days there is a permit, outside them none."""
    now = EPOCH - timedelta(days=180) + timedelta(seconds=seconds)
    there = replace(RECORD, not_before=now, not_after=now + timedelta(seconds=1))
    limited = law((("valid_from", date(2026, 3, 1)), ("valid_to", date(2026, 9, 30))))
    inside = datetime(2026, 3, 1, tzinfo=UTC) <= now < datetime(2026, 10, 1, tzinfo=UTC)
    assert isinstance(decide(REQUEST, limited, [there], now), Permit) is inside
