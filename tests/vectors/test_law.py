"""Cases of the law, one file each: what is asked, of what law and records, and what is expected.

What a file may say is in tests/support/law_cases.py.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from law_cases import (
    EXPECTED,
    KEYS,
    asked,
    empowered,
    expected,
    facts_in,
    known,
    outcome,
    recorded,
    refusal_in,
    told,
)

import consent
from consent.vocabulary import Check, Fact, ReasonCode, Refusal

CASES: Final = sorted((Path(__file__).parent / "law").iterdir())
AT_THE_DOOR: Final = {Check.AUTHENTIC, Check.SENDER, Check.JOURNAL}
"""What no law of consent/ judges."""
LAW: Final = sorted(Path(consent.__path__[0]).glob("*.py"))


def read(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """What the file says."""
    assert path.suffix == ".toml", "cases are .toml files"
    case = read(path)
    known(case, KEYS)
    assert case["fact"]
    assert case["expect"] in EXPECTED
    result = outcome(case)
    refusal = refusal_in(result)
    assert expected(result) == case["expect"]
    assert case.get("checks") == (None if refusal is None else list(refusal.checks))
    said, then = told(result), case.get("then", {})
    known(then, set(said))
    assert {key: said[key] for key in then} == then


def test_there_is_a_case_for_every_reason() -> None:
    """Whatever code the law can give is expected somewhere; no two cases show the same fact."""
    cases = [read(path) for path in CASES]
    given = {name for file in LAW for name in re.findall(r"ReasonCode\.([A-Z_]+)", file.read_text("utf-8"))}
    codes = {ReasonCode[name].value for name in given}
    expected_somewhere = {case["expect"] for case in cases} | {
        case.get("then", {}).get("code") for case in cases
    }
    assert len(codes) >= 22
    assert codes <= expected_somewhere, f"no case expects {sorted(codes - expected_somewhere)}"
    assert len({case["fact"] for case in cases}) == len(cases)
    assert len(cases) >= 130


def test_there_is_a_case_for_every_check_both_ways() -> None:
    """Every check of the law fails in some case, and in some other it passes or is not needed."""
    seen: dict[Check, set[Fact]] = {check: set() for check in Check}
    for path in CASES:
        for check, fact in facts_in(outcome(read(path))).items():
            seen[check].add(fact)
    judged = set(Check) - AT_THE_DOOR
    assert {check for check in judged if Fact.FAILED not in seen[check]} == set()
    # the journal says that the boundary held: the law only says that it did not
    assert {check for check in judged - {Check.BOUNDARY} if seen[check] == {Fact.FAILED}} == set()
    assert all(Fact.FAILED not in seen[check] for check in AT_THE_DOOR)


def test_a_case_can_fail() -> None:
    """A key that is not known, or a code that does not exist, is noticed."""
    for read_table, table in (
        (asked, {"feilds": ["town"]}),
        (recorded, {"stat": "given"}),
        (empowered, {"prof": ""}),
    ):
        with pytest.raises(AssertionError, match="unknown keys"):
            read_table(table)
    with pytest.raises(AssertionError, match="unknown keys"):
        outcome({"recrd": []})
    assert "no-basis" in EXPECTED
    assert "denied" not in EXPECTED
    refused = outcome({"record": []})
    assert expected(refused) == "no-basis"
    assert isinstance(refused, Refusal)
    assert told(refused)["grant"] == "wohngeld-residence"
