"""Grants, requests, records, powers and answers near the sample's, for properties of the law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from law_sample import ANNA, NOW, POWER, RECORD, REQUEST, regranted

from consent.policy import Policy
from consent.vocabulary import (
    ASSURANCES,
    Action,
    BasisClaim,
    BasisKind,
    Power,
    ProofKind,
    Record,
    RecordState,
    Request,
    Subject,
)

FIELDS: Final = ("family_name", "given_names", "street", "town", "religion", "sex")
PROOFS: Final[st.SearchStrategy[ProofKind]] = st.sampled_from(
    ("power-of-attorney", "power-of-attorney", "power-of-attorney", "guardianship")
)
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
        "special_category_law": draw(st.sampled_from(["BMG § 42"] * 4 + [None])),
        "representation": tuple(sorted(draw(st.frozensets(PROOFS, max_size=2)))),
        "assurance": draw(st.sampled_from([None] * 4 + ["low", "substantial", "high"])),
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
        representative=draw(st.sampled_from([None] * 5 + ["v-1"])),
        action=draw(st.sampled_from([Action.READ] * 9 + [Action.WRITE, Action.RECORD])),
        encrypted=draw(st.booleans()),
    )


@st.composite
def powers(draw: st.DrawFn) -> Power:
    """Powers near the sample's, so that many count."""
    start = NOW + timedelta(seconds=draw(st.integers(-20, 1)))
    return replace(
        POWER,
        state=draw(st.sampled_from([*RecordState, *[RecordState.GIVEN] * 30])),
        subject=draw(SUBJECTS),
        proof=draw(PROOFS),
        recorded_by=draw(st.sampled_from(["buergerportal"] * 9 + ["wohngeldstelle"])),
        not_before=start,
        not_after=start + timedelta(seconds=draw(st.integers(1, 40))),
        procedures=draw(
            st.sampled_from(
                [None, None, frozenset({"wohngeld-antrag", "parkausweis"}), frozenset({"parkausweis"})]
            )
        ),
        authentic=draw(st.sampled_from([True] * 9 + [False])),
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
        assurance=draw(st.sampled_from(ASSURANCES)),
        representative=draw(st.sampled_from([None] * 5 + ["v-1"])),
    )


def frozen(grant: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(grant.items()))


GRANTS: Final = grants()
HELD: Final = st.tuples(records("r-0"), records("r-1"), powers())


World: TypeAlias = tuple[Mapping[str, Any], Request, tuple[Record, Record, Power]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A grant, and a request and records that agree with it in most."""
    grant = {**draw(GRANTS), "preview": False, "assurance": None}
    grant["special_category_law"] = "BMG § 42"
    grant["representation"] = tuple({*grant["representation"], "power-of-attorney"})
    asked = draw(requests())
    kind = draw(st.sampled_from([BasisKind(word) for word in grant["basis"]]))
    said = {"purpose": grant["purpose"], "procedure": grant["procedures"][0]}
    some = frozenset(grant["fields"]) & asked.fields
    claim = replace(asked.basis, kind=kind)
    action = Action.WRITE if grant["write"] else Action.READ
    encrypted = grant["encrypt"] or asked.encrypted
    asked = replace(asked, **said, fields=some, basis=claim, subject=ANNA, action=action, encrypted=encrypted)
    kind = BasisKind.CHOICE if kind is BasisKind.STATUTORY else kind
    first, second, power = draw(HELD)
    there = [
        replace(one, **said, kind=kind, subject=ANNA, fields=one.fields | some, state=RecordState.GIVEN)
        for one in (first, second)
    ]
    if draw(st.booleans()):
        until = NOW + timedelta(seconds=9)
        power = replace(POWER, not_before=NOW, not_after=until, recorded_by="buergerportal")
    return grant, asked, (there[0], there[1], power)


CASES: Final[st.SearchStrategy[World]] = st.one_of(st.tuples(GRANTS, requests(), HELD), worlds())
"""Refusals of every sort, and as many permits."""


@st.composite
def terms(draw: st.DrawFn) -> Mapping[str, Any]:
    """Terms near the sample's, so that many may be recorded."""
    start = NOW + timedelta(days=draw(st.integers(-3, 3)))
    end = start + timedelta(days=draw(st.sampled_from([1, 4, 30, 92, 93, 500])))
    purpose, procedure = draw(PURPOSES)
    power = {"record": "v-1", "proof": draw(PROOFS)}
    return {
        "kind": draw(st.sampled_from(["choice", "consent"])),
        "fields": sorted(draw(st.one_of(st.just(frozenset({"town"})), SOME_FIELDS))),
        "purpose": purpose,
        "procedure": procedure,
        "norm": draw(st.sampled_from(["EGovG § 5"] * 9 + ["SGB X § 67a"])),
        "authentication": {"level": draw(st.sampled_from(ASSURANCES)), "event": "e-1"},
        "not_before": start.isoformat(),
        "not_after": end.isoformat(),
        **({"representative": power} if draw(st.integers(0, 3)) == 0 else {}),
    }


TEXTS: Final = st.one_of(
    st.text(max_size=12), st.sampled_from(["02468135774", "0246 8135 774", "x02468135774"])
)
SAID: Final = st.sampled_from([*FIELDS, "idnr", "note"])


@st.composite
def answers(draw: st.DrawFn) -> dict[str, str | tuple[str, ...]]:
    """What a register may return: single fields, and fields of a group with the same number of entries."""
    entries = draw(st.integers(0, 3))
    group = st.tuples(*[TEXTS] * entries)
    return draw(st.dictionaries(SAID, st.one_of(TEXTS, group)))
