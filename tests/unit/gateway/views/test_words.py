"""A citizen never meets a bare code where the house has a word for it."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any, Final

import pytest

from consent.vocabulary import BasisKind, ReasonCode, RecordState
from gateway.audit.record import LABELLED, Kind, Labelled
from gateway.errors import FaultCode
from gateway.views.words import Text, words

RESIDENCE: Final = (
    "family_name given_names birth_name birth_date birth_place sex nationality marital_status religion "
    "street house_number postcode town moved_in previous_postcode previous_town"
)
BIRTH: Final = (
    "family_name given_names birth_date birth_place sex register_office register_number issued_on "
    "parent1_family_name parent1_given_names parent2_family_name parent2_given_names"
)
KINDS: Final = {
    kind
    for kind in Kind
    if LABELLED[kind] in (Labelled.PERSON, Labelled.PERSON_IF_KNOWN) and not kind.startswith("consent.")
} | {Kind.POSTPONED, Kind.QUARANTINED}
"""What can stand under a person's label, and two that could be shown with it; steps of a record have `state`."""
CLOSED_LISTS: Final = {
    "field": set(RESIDENCE.split()) | set(BIRTH.split()),
    "reason": {*ReasonCode, *FaultCode},
    "state": set(RecordState),
    "basis": set(BasisKind),
    "basis_stood": set(BasisKind),
    "basis_other": set(BasisKind),
    "basis_claimed": set(BasisKind),
    "rule": {"grant", "record", "not-asked", "blocked", "idnr", "not-on-file", "nothing-left"},
    "month": {str(month) for month in range(1, 13)},
    "outcome": KINDS,
}


@pytest.mark.parametrize("section", CLOSED_LISTS)
def test_every_code_of_a_closed_list_has_words_and_no_word_is_left_over(section: str) -> None:
    """The word list and the code agree: a new code without words fails, and so does a word nobody uses."""
    assert set(words().codes(section)) == {str(code) for code in CLOSED_LISTS[section]}


@pytest.mark.parametrize("name", ["words.toml", "page.toml"])
def test_every_text_is_there_in_both_languages(name: str) -> None:
    """No page has a hole: each text has exactly German and English (an outcome: two texts and a tone)."""
    tables = tomllib.loads(files("gateway.views").joinpath(name).read_text("utf-8"))
    texts = list(_leaves(tables))
    assert len(texts) > 50
    assert all(set(text) == {"de", "en"} and all(text.values()) for text in texts)


def test_both_languages_fill_the_same_blanks() -> None:
    """A figure told in one language is told in the other."""
    tables = tomllib.loads(files("gateway.views").joinpath("page.toml").read_text("utf-8"))
    for text in _leaves(tables):
        assert _blanks(text["de"]) == _blanks(text["en"])


def test_an_unknown_code_is_shown_as_itself() -> None:
    """What a later version writes is not hidden from the citizen."""
    assert words().text("reason", "brand-new") == Text("brand-new", "brand-new")
    assert words().outcome("brand-new").title == Text("brand-new", "brand-new")


def _leaves(table: dict[str, Any]) -> list[dict[str, str]]:
    if "de" in table or "en" in table:
        return [table]
    return [leaf for child in table.values() if isinstance(child, dict) for leaf in _leaves(child)]


def _blanks(text: str) -> set[str]:
    return {part.partition("}")[0] for part in text.split("{")[1:]}
