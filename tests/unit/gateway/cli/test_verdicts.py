"""What `einmal explain` says of an examination: every check, what would have passed, which grants come near."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from law_sample import ANNA, NOW, POWER, RECORD, REQUEST, policy, power, record, request

from consent.decide import examine
from consent.nearby import nearest
from consent.policy import Policy
from consent.vocabulary import Action, BasisClaim, BasisKind, Check, Held, Request, Subject
from gateway.cli import verdicts

STATUTE: Mapping[str, Any] = {"basis": ["statutory"], "recorded_by": []}
BY_LAW = BasisClaim(BasisKind.STATUTORY)


def examined(asked: Request, law: Policy, held: Sequence[Held] = (RECORD,)) -> dict[str, Any]:
    said: dict[str, Any] = verdicts.as_plain(examine(asked, law, held, NOW), nearest(asked, law, NOW))
    return said


def wanted(asked: Request, law: Policy, held: Sequence[Held], check: Check) -> dict[str, Any]:
    """Out: what would have passed a check that failed."""
    row = next(row for row in examined(asked, law, held)["examined"] if row["check"] == check)
    assert row["outcome"] == "failed"
    found: dict[str, Any] = row["wanted"]
    return found


def told(asked: Request, law: Policy, held: Sequence[Held], capsys: pytest.CaptureFixture[str]) -> str:
    verdicts.tell(examine(asked, law, held, NOW), nearest(asked, law, NOW))
    return capsys.readouterr().out


def test_every_check_has_its_row_in_order() -> None:
    """All twenty, each with a clause; where no law can judge it before there is a message, it says where it is."""
    rows = examined(REQUEST, policy({}))["examined"]
    assert [row["check"] for row in rows] == list(Check)
    assert len(rows) == 20
    assert all(row["clause"] for row in rows)
    elsewhere = {row["check"]: row["judged"] for row in rows if row["outcome"] == "not-judged-here"}
    assert elsewhere.keys() == {"authentic", "sender", "hold", "journal", "boundary", "answer"}
    assert elsewhere["sender"] == "at the door"
    assert {row["outcome"] for row in rows if row["check"] not in elsewhere} == {"passed", "not-needed"}


def test_a_permit_says_what_it_stands_on() -> None:
    """Grant, register, basis, fields, exemption and what was tried."""
    law = policy({**STATUTE, "exempt": "BDSG § 33 Abs. 1", "exempt_days": 30})
    said = examined(request(basis=BY_LAW), law, [])
    assert (said["permitted"], said["grant"], said["register"]) == (
        True,
        "wohngeld-residence",
        "melderegister",
    )
    assert said["basis"] == {"kind": "statutory", "norm": "EGovG § 5", "record": None}
    assert said["exempt"] == {"norm": "BDSG § 33 Abs. 1", "until": "2026-12-22"}
    assert [one["grant"] for one in said["tried"]] == ["wohngeld-residence"]
    assert json.loads(json.dumps(said)) == said


UNDER_POWER = request(representative="v-1")


@pytest.mark.parametrize(
    ("asked", "law", "held", "check", "words"),
    [
        (request(), {"encrypt": True}, [RECORD], "message", {"encrypted": ["true"]}),
        (request(consumer="buergerportal", encrypted=True), {"consumer": "buergerportal"},
         [record(recipient="buergerportal")], "message", {"encryption_key": ["valid"]}),
        (request(document=True), {}, [RECORD], "message", {"document": ["false"]}),
        (request(), {"push": True, "max_age_days": 3}, [RECORD], "grant",
         {"push": ["none"], "max_age_days": ["none"]}),
        (request(basis=BY_LAW), {}, [RECORD], "basis-kind", {"basis": ["choice"]}),
        (request(basis=BasisClaim()), {"assurance": "substantial"}, [], "basis-record",
         {"record": ["choice"], "same": ["recipient", "case"], "recorded_by": ["buergerportal"],
          "assurance": ["substantial", "high"]}),
        (request(), {}, [record(recorded_by="x")], "basis-record", {"recorded_by": ["buergerportal"]}),
        (request(), {}, [record(authentic=False)], "basis-record", {"receipt": ["verified"]}),
        (request(), {"assurance": "high"}, [RECORD], "basis-record", {"assurance": ["high"]}),
        (request(), {}, [record(state="deferred")], "basis-state", {"state": ["given", "renewed"]}),
        (request(), {}, [record(not_after=NOW)], "basis-period",
         {"from": ["2026-11-21T12:00:00Z"], "before": ["2026-11-22T12:00:00Z"]}),
        (request(), {}, [record(uses=1)], "basis-uses", {"uses_below": ["1"]}),
        (request(), {}, [record(case="x", subject=Subject())], "basis-match", {"same": ["case", "subject"]}),
        (request(basis=BasisClaim(BasisKind.CHOICE, "r-1", "x")), {}, [RECORD], "basis-match",
         {"norm": ["EGovG § 5"]}),
        (request(fields=frozenset({"sex"})), {}, [record(fields=frozenset({"town", "sex"}))], "fields",
         {"fields": ["town"]}),
        (UNDER_POWER, {"representation": ["guardianship"]}, [RECORD, power(authentic=False)], "representation",
         {"proof": ["guardianship"], "power": ["receipt", "proof"]}),
        (UNDER_POWER, {"representation": ["power-of-attorney"]}, [RECORD], "representation",
         {"proof": ["power-of-attorney"], "power": ["known"]}),
        (UNDER_POWER, {}, [RECORD, POWER], "representation", {"proof": [], "power": ["proof"]}),
        (request(fields=frozenset({"religion"})), {"basis": ["choice", "consent"], "fields": ["religion"]},
         [RECORD], "special-category", {"one_of": ["consent", "special_category_law", "without religion"]}),
        (request(subject=Subject("02468135774", date(1990, 4, 1))), {}, [RECORD], "idnr",
         {"one_of": ["idnr in the grant", "subject by name", "subject by place"]}),
        (request(subject=Subject("11234567808", date(1990, 4, 1))), {"idnr": True}, [RECORD], "idnr",
         {"idnr": ["never-issued"]}),
        (request(subject=Subject("02468135775", date(1990, 4, 1))), {}, [RECORD], "subject",
         {"idnr": ["well-formed"]}),
        (request(subject=Subject(None, date(2026, 11, 23), "Beispiel", "Anna")), {}, [RECORD], "subject",
         {"birth_date": ["past"]}),
        (request(subject=Subject()), {"idnr": True}, [RECORD], "subject", {"subject": ["idnr", "name", "place"]}),
        (request(), {"preview": True}, [RECORD], "preview", {"preview": ["false"]}),
    ],
)  # fmt: skip
def test_a_failed_check_says_what_would_have_passed(
    asked: Request, law: dict[str, Any], held: list[Held], check: str, words: dict[str, list[str]]
) -> None:
    """In codes of law and record, for every check that the law makes."""
    assert wanted(asked, policy(law), held, Check(check)) == words


@pytest.mark.parametrize(
    ("different", "law", "differs"),
    [
        ({"purpose": "parking"}, {}, {"purpose": ["housing-benefit"]}),
        ({"consumer": "buergerportal"}, {}, {"consumer": ["wohngeldstelle"]}),
        ({"evidence": "birth"}, {}, {"evidence": ["residence"]}),
        ({"procedure": "parkausweis"}, {}, {"procedure": ["wohngeld-antrag"]}),
        ({"register": "personenstandsregister"}, {}, {"register": ["melderegister"]}),
        ({"action": Action.WRITE}, {}, {"action": ["read"]}),
        ({}, {"write": True, "fields": ["town"]}, {"action": ["write"]}),
        ({"on_behalf_of": "buergerportal"}, {}, {"on_behalf_of": []}),
        ({}, {"on_behalf_of": "buergerportal"}, {"on_behalf_of": ["buergerportal"]}),
        ({}, {"valid_to": date(2026, 11, 21)}, {"valid": ["2026-01-01", "2026-11-21"]}),
    ],
    ids=str,
)
def test_without_a_grant_the_nearest_says_what_differs(
    different: dict[str, Any], law: dict[str, Any], differs: dict[str, list[str]]
) -> None:
    """Each thing in which a grant may be another one, by name."""
    said = examined(request(**different), policy(law))
    assert said["code"] == "no-grant"
    assert said["nearest"] == [{"grant": "wohngeld-residence", "differs": differs}]


def test_only_what_is_near_is_named() -> None:
    """The closest first, the asker's own before others', none much further off than the closest, three at most."""
    law = policy(
        {"id": "z-own", "valid_to": date(2026, 11, 21)},
        {"id": "a-others", "consumer": "buergerportal"},
        {"id": "g-0", "procedures": ["parkausweis"], "purpose": "parking"},
        {"id": "far", "consumer": "buergerportal", "register": "personenstandsregister",
         "evidence": "birth", "fields": ["family_name"]},
    )  # fmt: skip
    near = nearest(REQUEST, law, NOW)
    assert [one.grant for one in near] == ["g-0", "z-own", "a-others"]
    assert nearest(request(consumer="x", evidence="x", purpose="x", action=Action.WRITE), law, NOW) == ()


def test_a_grant_that_was_replaced_is_said_to_have_ended() -> None:
    """The day before its successor began."""
    law = policy({}, {"id": "newer", "predecessor": "wohngeld-residence", "valid_from": date(2026, 7, 1),
                      "valid_to": date(2026, 11, 1)})  # fmt: skip
    said = {near.grant: near.differs for near in nearest(REQUEST, law, NOW)}
    assert said["wohngeld-residence"] == (("valid", ("2026-01-01", "2026-06-30")),)


def test_people_read_what_failed_and_what_would_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """In lines that fit an 80-column terminal, but for sentences, which it breaks between words."""
    out = told(
        request(basis=BasisClaim(BasisKind.CHOICE)),
        policy({}),
        [record(state="deferred"), record(id="r-2", uses=1)],
        capsys,
    )
    assert "✕ failed       basis-uses        GDPR Art. 5(1)(b)" in out
    assert "basis-used-up; passes with uses below: 1" in out
    assert "Also tried: grant wohngeld-residence on choice r-1: basis-not-given." in out
    assert "No: basis-used-up, held against grant wohngeld-residence." in out
    assert "– elsewhere    hold              when the register has answered" in out
    rows = [line for line in out.splitlines() if line.startswith("  ")]
    assert len(rows) == 21
    assert all(len(line) <= 80 for line in rows)


def test_people_read_which_grant_is_near(capsys: pytest.CaptureFixture[str]) -> None:
    """In words, one line a grant."""
    law = policy({}, {"id": "for-portal", "on_behalf_of": "buergerportal"})
    out = told(request(purpose="parking", on_behalf_of="buergerportal"), law, [], capsys)
    assert "Nearest: grant for-portal: other purpose housing-benefit." in out
    assert "Nearest: grant wohngeld-residence: other purpose housing-benefit, only for itself." in out
    law = policy({"valid_to": date(2026, 11, 21)}, {"id": "submit", "write": True, "fields": ["town"]})
    out = told(REQUEST, law, [], capsys)
    assert "Nearest: grant submit: only to write." in out
    assert "Nearest: grant wohngeld-residence: valid from 2026-01-01 to 2026-11-21." in out


def test_nobody_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither on the screen nor in the JSON, whatever failed."""
    other = record(subject=Subject(birth_date=date(1985, 2, 3), family_name="Muster", given_name="Max"))
    law = policy({"preview": True})
    out = told(UNDER_POWER, law, [other, POWER], capsys) + json.dumps(
        examined(UNDER_POWER, law, [other, POWER])
    )
    words = (
        ANNA.idnr,
        ANNA.family_name,
        ANNA.given_name,
        ANNA.town,
        "1990",
        "1985",
        "Muster",
        "Bert",
        "1961",
    )
    assert not any(word in out for word in words if word is not None)
