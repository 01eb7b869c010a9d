"""What holds for every request, record and grant, not only for the examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from law_sample import ANNA, NOW, RECORD, REQUEST, regranted

from consent.decide import decide
from consent.idnr import check_digit, is_idnr
from consent.ledger import may_follow
from consent.minimise import minimise, still_permitted
from consent.policy import Policy, archive, unpack
from consent.vocabulary import (
    PERMITTING,
    BasisClaim,
    BasisKind,
    Evidence,
    Fact,
    Found,
    Permit,
    Person,
    ReasonCode,
    Record,
    RecordState,
    Refusal,
    Request,
    Subject,
    Withheld,
)

FIELDS: Final = ("family_name", "given_names", "street", "town", "religion", "sex")
SOME_FIELDS: Final = st.frozensets(st.sampled_from(FIELDS), min_size=1)
PURPOSES: Final = st.sampled_from(
    [("housing-benefit", "wohngeld-antrag")] * 15 + [("parking", "parkausweis")]
)


@cache
def law(frozen: tuple[tuple[str, Any], ...]) -> Policy:
    """Out: a policy with this grant."""
    return regranted(dict(frozen))


@st.composite
def grants(draw: st.DrawFn) -> Mapping[str, Any]:
    """Everything a grant can differ in that decides."""
    kinds = draw(
        st.sampled_from([("choice",), ("consent",), ("statutory",), ("choice", "consent", "statutory")])
    )
    fields = tuple(sorted(draw(SOME_FIELDS) | {"town"}))
    purpose, procedure = draw(PURPOSES)
    grant: dict[str, Any] = {
        "basis": kinds,
        "recorded_by": () if kinds == ("statutory",) else ("buergerportal",),
        "fields": fields,
        "purpose": purpose,
        "procedures": (procedure,),
        "idnr": draw(st.booleans()),
        "special_category_law": "BMG § 42",
    }
    for condition in ("preview", "write", "encrypt"):
        grant[condition] = draw(st.sampled_from([False] * 19 + [True]))
    return grant


SUBJECTS: Final = st.sampled_from(
    [ANNA] * 7
    + [replace(ANNA, idnr=None), Subject(ANNA.idnr, ANNA.birth_date), replace(ANNA, birth_date=None)]
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Requests near the sample's, so that many are permitted."""
    purpose, procedure = draw(PURPOSES)
    return replace(
        REQUEST,
        purpose=purpose,
        procedure=procedure,
        subject=draw(SUBJECTS),
        fields=draw(st.one_of(st.just(frozenset()), st.just(frozenset({"town"})), SOME_FIELDS)),
        basis=BasisClaim(
            draw(st.sampled_from([None, *BasisKind])), draw(st.sampled_from([None, "r-0", "r-1"]))
        ),
        representative=draw(st.sampled_from([None] * 15 + ["v-1"])),
    )


@st.composite
def records(draw: st.DrawFn, name: str = "r-1") -> Record:
    """Records near the sample's, so that many permit."""
    purpose, procedure = draw(PURPOSES)
    start = NOW + timedelta(seconds=draw(st.integers(-20, 1)))
    return replace(
        RECORD,
        id=name,
        kind=draw(st.sampled_from([BasisKind.CHOICE, BasisKind.CONSENT])),
        state=draw(st.sampled_from([*RecordState, *[RecordState.GIVEN] * 30])),
        subject=draw(SUBJECTS),
        purpose=purpose,
        procedure=procedure,
        fields=draw(SOME_FIELDS) | {"town"},
        not_before=start,
        not_after=start + timedelta(seconds=draw(st.integers(1, 40))),
        max_uses=draw(st.sampled_from([None, 1, 2])),
        uses=draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2])),
        authentic=draw(st.sampled_from([True] * 9 + [False])),
        recorded_by=draw(st.sampled_from(["buergerportal"] * 9 + ["wohngeldstelle"])),
    )


def frozen(grant: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(grant.items()))


GRANTS: Final = grants()
BOTH: Final = st.tuples(records("r-0"), records("r-1"))


World: TypeAlias = tuple[Mapping[str, Any], Request, tuple[Record, Record]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A grant, and a request and records that agree with it in most."""
    grant = {**draw(GRANTS), "preview": False, "write": False, "encrypt": False}
    asked = draw(requests())
    kind = draw(st.sampled_from([BasisKind(word) for word in grant["basis"]]))
    said = {"purpose": grant["purpose"], "procedure": grant["procedures"][0]}
    some = frozenset(grant["fields"]) & asked.fields
    claim = replace(asked.basis, kind=kind)
    asked = replace(asked, **said, fields=some, basis=claim, subject=ANNA, representative=None)
    kind = BasisKind.CHOICE if kind is BasisKind.STATUTORY else kind
    there = [
        replace(one, **said, kind=kind, subject=ANNA, fields=one.fields | some, state=RecordState.GIVEN)
        for one in draw(BOTH)
    ]
    return grant, asked, (there[0], there[1])


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
        record = next(one for one in there if one.id == found.basis.record)
        assert record.state in PERMITTING
        assert found.fields <= record.fields


@settings(deadline=None)
@given(grant=GRANTS, asked=requests(), there=BOTH)
def test_a_refusal_always_says_why(
    grant: Mapping[str, Any], asked: Request, there: tuple[Record, Record]
) -> None:
    """Permit or refusal with a failed check, and never undecidable for well-formed input; the same every time."""
    found = decide(asked, law(frozen(grant)), there, NOW)
    assert found == decide(asked, law(frozen(grant)), there[::-1], NOW)
    if isinstance(found, Refusal):
        assert found.code is not ReasonCode.UNDECIDABLE
        assert found.checks
        assert {check for check, fact in found.facts.items() if fact is Fact.FAILED} == set(found.checks)


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
]


@settings(deadline=None)
@given(grant=GRANTS, asked=requests(), there=BOTH, restriction=st.sampled_from(RESTRICTIONS))
def test_a_restriction_of_the_grant_never_permits(
    grant: Mapping[str, Any],
    asked: Request,
    there: tuple[Record, Record],
    restriction: Mapping[str, Any],
) -> None:
    """What was refused stays refused under one condition more, and what is permitted is never more."""
    assume(grant["basis"] != ("statutory",) or "recorded_by" not in restriction)
    there = tuple(replace(one, recorded_by="buergerportal") for one in there)  # type: ignore[assignment]
    before = decide(asked, law(frozen(grant)), there, NOW)
    after = decide(asked, law(frozen({**grant, **restriction})), there, NOW)
    if isinstance(after, Permit):
        assert isinstance(before, Permit)
        assert after.fields <= before.fields


@settings(deadline=None)
@given(grant=GRANTS, asked=requests(), there=records(), gone=st.sampled_from(FIELDS))
def test_a_field_less_never_permits(
    grant: Mapping[str, Any], asked: Request, there: Record, gone: str
) -> None:
    """Not in the grant, and where it stands on a record not in that: what is permitted is never more."""
    assume(set(grant["fields"]) != {gone})
    before = decide(asked, law(frozen(grant)), [there], NOW)
    less = {**grant, "fields": tuple(name for name in grant["fields"] if name != gone)}
    fewer = replace(there, fields=there.fields - {gone})
    ungranted = decide(asked, law(frozen(less)), [there], NOW)
    unrecorded = decide(asked, law(frozen(grant)), [fewer], NOW)
    for after in (ungranted, unrecorded):
        if isinstance(after, Permit):
            assert isinstance(before, Permit)
            assert after.fields <= before.fields
            assert gone not in after.fields or after.basis.record is None
    assert not isinstance(ungranted, Permit) or gone not in ungranted.fields


@settings(deadline=None)
@given(
    grant=GRANTS,
    asked=requests(),
    there=records(),
    worse=st.sampled_from(
        [
            {"authentic": False},
            {"uses": 99, "max_uses": 1},
            {"not_after": NOW},
            {"not_before": NOW + timedelta(seconds=1)},
            {"state": RecordState.WITHDRAWN},
            {"state": RecordState.REFUSED},
            {"representative": "v-1"},
            {"case": "another"},
        ]
    ),
)
def test_a_worse_record_never_permits(
    grant: Mapping[str, Any], asked: Request, there: Record, worse: Mapping[str, Any]
) -> None:
    """A record's defect never turns a refusal into a permit."""
    before = decide(asked, law(frozen(grant)), [there], NOW)
    after = decide(asked, law(frozen(grant)), [replace(there, **worse)], NOW)
    if isinstance(after, Permit):
        assert isinstance(before, Permit)


@settings(deadline=None)
@given(grant=GRANTS, asked=requests(), there=BOTH, ended=st.sampled_from(["withdrawn", "revoked"]))
def test_a_withdrawal_always_wins(
    grant: Mapping[str, Any], asked: Request, there: tuple[Record, Record], ended: str
) -> None:
    """No permit stands on a withdrawn record, nor, unnamed, on another beside one withdrawn for the same."""
    withdrawn = replace(
        there[0],
        state=RecordState(ended),
        subject=asked.subject,
        purpose=asked.purpose,
        procedure=asked.procedure,
    )
    found = decide(asked, law(frozen(grant)), [withdrawn, there[1]], NOW)
    if isinstance(found, Permit) and found.basis.record is not None:
        assert found.basis.record != withdrawn.id
        assert asked.basis.record == found.basis.record or not asked.subject.forms()


@settings(deadline=None)
@given(
    asked=requests(),
    broken=st.sampled_from(
        [
            {"subject": None},
            {"fields": None},
            {"not_after": None},
            {"not_before": "now"},
            {"uses": None, "max_uses": 1},
            {"fields": 3},
        ]
    ),
)
def test_an_error_while_deciding_refuses(asked: Request, broken: Mapping[str, Any]) -> None:
    """Whatever is wrong with a record, it permits nothing and nothing is raised."""
    there = replace(RECORD, id="r-1", purpose=asked.purpose, procedure=asked.procedure, **broken)
    named = replace(asked, basis=BasisClaim(BasisKind.CHOICE, "r-1"))
    assert isinstance(decide(named, law(()), [there], NOW), Refusal)


VALUES: Final = st.dictionaries(
    st.sampled_from([*FIELDS, "idnr", "note"]),
    st.one_of(st.text(max_size=12), st.sampled_from(["02468135774", "0246 8135 774", "x02468135774"])),
)


@settings(deadline=None)
@given(world=worlds(), values=VALUES, blocked=st.booleans(), again=GRANTS)
def test_what_leaves_is_permitted_and_what_does_not_is_named(
    world: World, values: dict[str, str], blocked: bool, again: Mapping[str, Any]
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
            assert not any("02468135774" in value.replace(" ", "") for value in cut.values.values())
        second = decide(asked, law(frozen(again)), there, NOW)
        if isinstance(second, Permit):
            standing = still_permitted(cut, second)
            if isinstance(standing, Evidence):
                assert standing.values.keys() <= second.fields


# --- numbers, archives, records -----------------------------------------------------------------------------
@settings(deadline=None)
@given(st.permutations("0123456789"), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10))
def test_one_wrong_digit_is_always_noticed(digits: list[str], twice: int, by: int, place: int) -> None:
    """ISO/IEC 7064 MOD 11,10 finds every single wrong digit."""
    first_ten = "".join([*digits[1:], digits[twice]])
    number = first_ten + str(check_digit(first_ten))
    assert is_idnr(number)
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not is_idnr(wrong)


NAMES: Final = st.text("abcdefghijklmnopqrstuvwxyz0123456789/._- ", min_size=1, max_size=20)


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=60)))
def test_archives_give_back_what_they_hold(files: dict[str, bytes]) -> None:
    """Whatever the bytes, also ones that look like an archive's own."""
    assert unpack(archive(files)) == files


@settings(deadline=None)
@given(st.lists(st.sampled_from(RecordState), max_size=8))
def test_no_way_leads_back_from_an_ending(states: list[RecordState]) -> None:
    """Along every allowed way, a record that was ended never permits again."""
    before: RecordState | None = None
    ended = False
    for after in states:
        if may_follow(before, after):
            before = after
            ended = ended or after in {RecordState.WITHDRAWN, RecordState.REVOKED, RecordState.INVALIDATED}
        assert not (ended and before in PERMITTING)


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
