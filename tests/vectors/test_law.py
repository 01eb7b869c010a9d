"""Cases of the law, one file each: what is asked, of what law and records, and what is expected.

A key that is not known here fails, so that no case means less than it says. A file has:

    fact                what it shows
    expect              permit | evidence | withheld | a reason code
    checks              the checks that failed, for refusals
    now, test_identities
    [[grant]]           each as it differs from the sample's (tests/support/law_sample.py); left out = false
    [request] [[record]]  as they differ from the sample's; none = no record
    [found]             what the register returns, to be cut: values, blocked, missing
    [then]              of a permit or evidence: grant, kind, fields, idnr, values, removed, notice
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import pytest
from law_sample import NOW, SETTINGS, policy, record, request

from consent.decide import decide
from consent.minimise import minimise
from consent.policy import Settings
from consent.vocabulary import (
    BasisClaim,
    BasisKind,
    Evidence,
    Found,
    NotFound,
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

CASES: Final = sorted((Path(__file__).parent / "law").iterdir())
EXPECTED: Final = {"permit", "evidence", "withheld", *ReasonCode}
KEYS: Final = {
    "fact", "expect", "checks", "now", "test_identities", "grant", "request", "record", "found", "then",
}  # fmt: skip
LEFT_OUT: Final = False


def known(table: Mapping[str, Any], keys: set[str]) -> None:
    unknown = table.keys() - keys
    assert not unknown, f"unknown keys: {sorted(unknown)}"


def names(kind: type) -> set[str]:
    return {item.name for item in fields(kind)}


def subject(table: Mapping[str, Any]) -> Subject:
    known(table, names(Subject))
    return Subject(**table)


def asked(table: Mapping[str, Any]) -> Request:
    known(table, names(Request))
    said = dict(table)
    if "subject" in said:
        said["subject"] = subject(said["subject"])
    if "fields" in said:
        said["fields"] = frozenset(said["fields"])
    if "basis" in said:
        claim = dict(said["basis"])
        known(claim, names(BasisClaim))
        said["basis"] = BasisClaim(
            **{**claim, **({"kind": BasisKind(claim["kind"])} if "kind" in claim else {})}
        )
    return request(**said)


def recorded(table: Mapping[str, Any]) -> Record:
    known(table, names(Record))
    said = dict(table)
    if "subject" in said:
        said["subject"] = subject(said["subject"])
    if "fields" in said:
        said["fields"] = frozenset(said["fields"])
    if "kind" in said:
        said["kind"] = BasisKind(said["kind"])
    if "state" in said:
        said["state"] = RecordState(said["state"])
    if said.get("max_uses") is LEFT_OUT:
        said["max_uses"] = None
    return record(**said)


def found(table: Mapping[str, Any]) -> Found | NotFound:
    known(table, {"values", "blocked", "missing"})
    if "missing" in table:
        return NotFound(table["missing"])
    return Found(table["values"], (Person("idnr:02468135774"),), table.get("blocked", False))


def outcome(case: Mapping[str, Any]) -> Permit | Refusal | Evidence | Withheld:
    grants = [
        {key: None if value is LEFT_OUT else value for key, value in grant.items()}
        for grant in case.get("grant", [{}])
    ]
    law = policy(*grants, settings=Settings(case.get("test_identities", True), SETTINGS.retention_classes))
    records = [recorded(table) for table in case.get("record", [])]
    decided = decide(asked(case.get("request", {})), law, records, case.get("now", NOW))
    if "found" in case and isinstance(decided, Permit):
        return minimise(found(case["found"]), decided)
    return decided


def told(result: Permit | Evidence) -> dict[str, Any]:
    """Out: what a case may say about a permit or evidence, under the names it says it."""
    permit = result if isinstance(result, Permit) else result.permit
    said: dict[str, Any] = {
        "grant": permit.grant,
        "kind": permit.basis.kind,
        "fields": sorted(permit.fields),
        "idnr": permit.subject.idnr or LEFT_OUT,
    }
    if isinstance(result, Evidence):
        said |= {
            "values": dict(result.values),
            "removed": [f"{one.field}: {one.rule}" for one in result.removed],
            "notice": result.notice or LEFT_OUT,
        }
    return said


def expected(result: Permit | Refusal | Evidence | Withheld) -> str:
    match result:
        case Permit():
            return "permit"
        case Evidence():
            return "evidence"
        case Withheld():
            return "withheld"
        case Refusal():
            return result.code


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """What the file says."""
    assert path.suffix == ".toml", "cases are .toml files"
    case = tomllib.loads(path.read_text("utf-8"))
    known(case, KEYS)
    assert case["fact"]
    assert case["expect"] in EXPECTED
    result = outcome(case)
    assert expected(result) == case["expect"]
    if isinstance(result, Refusal):
        assert "then" not in case
        assert list(result.checks) == case["checks"]
    else:
        assert "checks" not in case
    if isinstance(result, Permit | Evidence):
        said = told(result)
        then = case.get("then", {})
        known(then, set(said))
        assert {key: said[key] for key in then} == then


def test_a_case_can_fail() -> None:
    """A key that is not known, or a code that does not exist, is noticed."""
    with pytest.raises(AssertionError, match="unknown keys"):
        asked({"feilds": ["town"]})
    with pytest.raises(AssertionError, match="unknown keys"):
        recorded({"stat": "given"})
    assert "no-basis" in EXPECTED
    assert "denied" not in EXPECTED
    refused = outcome({"record": []})
    assert expected(refused) == "no-basis"
    assert isinstance(refused, Refusal)
    assert expected(replace(refused, code=ReasonCode.HELD)) == "held"
