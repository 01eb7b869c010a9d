"""By which law a class is kept stands in einmal.toml, one rule a class, and what does not fit is told with its mend."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from gateway.audit.retention import Rule, Until
from gateway.config.home import load_settings
from gateway.errors import ConfigurationFault

EINMAL: Final = """[authority]
name = "musterstadt.example"
title = { de = "Stadt Musterstadt", en = "Town of Musterstadt" }
audience = "einmal.musterstadt.example"
"""
BMG: Final = '[[retention]]\nclass = "12m"\nnorm = "BMG § 40"\nmonths = 12\nuntil = "calendar-year"\n'


def rules(folder: Path, more: str) -> tuple[Rule, ...]:
    (folder / "einmal.toml").write_text(EINMAL + more, "utf-8")
    return load_settings(folder).rules


def test_the_usual_classes_have_their_law(tmp_path: Path) -> None:
    """Two years and twelve months, without a word."""
    assert rules(tmp_path, "") == (Rule("24m", "IDNrG § 9", 24), Rule("12m", "BMG § 40", 12))


def test_a_class_gets_the_rule_that_is_written(tmp_path: Path) -> None:
    """In place of the usual one, or for a class that has none."""
    assert rules(tmp_path, BMG)[1] == Rule("12m", "BMG § 40", 12, Until.CALENDAR_YEAR)
    own = '[log]\nclasses = ["24m", "36m"]\n[[retention]]\nclass = "36m"\nnorm = "X § 1"\nmonths = 36\n'
    assert rules(tmp_path, own) == (Rule("24m", "IDNrG § 9", 24), Rule("36m", "X § 1", 36))


WRONG: Final = {
    "a class without rule": ('[log]\nclasses = ["24m", "6m"]\n', "retention", "has no rule for the class 6m"),
    "a rule without class": (
        BMG.replace("12m", "6m").replace("= 12", "= 6"),
        "retention",
        "has a rule for the class 6m, which log.classes does not list",
    ),
    "months that do not fit": (
        BMG.replace("months = 12", "months = 24"),
        "retention[0].months",
        "does not fit the class 12m",
    ),
    "two rules": (BMG + BMG, "retention", "has two rules for the class 12m"),
    "no norm": (BMG.replace('norm = "BMG § 40"\n', ""), "retention[0].norm", "is missing"),
    "another end": (
        BMG.replace("calendar-year", "year"),
        "retention[0].until",
        "is not one of the allowed words",
    ),
    "an unknown word": (BMG + "days = 3\n", "retention[0].days", "is unknown"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_told_with_their_place(case: str, tmp_path: Path) -> None:
    """File, key, what is wrong and a mend."""
    text, key, wrong = WRONG[case]
    with pytest.raises(ConfigurationFault) as fault:
        rules(tmp_path, text)
    (found,) = fault.value.problems
    assert (found.file, found.key, found.wrong) == ("einmal.toml", key, wrong)
    assert found.mend
