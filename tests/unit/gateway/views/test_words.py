"""A citizen never meets a bare code where the house has a word for it."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

import pytest

from consent.ledger import Step
from consent.vocabulary import BasisKind, ProofKind, ReasonCode, RecordState, Removed
from gateway.audit.record import LABELLED, Kind, Labelled
from gateway.errors import FaultCode
from gateway.journal.parts import ON_FILE
from gateway.views.decisions import NOT_STANDING
from gateway.views.meaning import ON_FILE as TOLD_ON_FILE
from gateway.views.meaning import VARIANTS
from gateway.views.words import Text, words
from xoev_schemas.safe_xml import Limits, parse
from xoev_schemas.standards import packaged

XEINMAL: Final = next(standard for standard in packaged() if standard.language == "xeinmal/1.0")
FIELDS: Final = parse(
    (Path(str(XEINMAL.schema)).parent / "codelists" / "angabe_1.0.xml").read_bytes(), Limits()
)
RECORDED: Final = {BasisKind.CHOICE, BasisKind.CONSENT}
KINDS: Final = {
    kind
    for kind in Kind
    if LABELLED[kind] in (Labelled.PERSON, Labelled.PERSON_IF_KNOWN) and not kind.startswith("consent.")
} - {Kind.RELEASED} | {Kind.POSTPONED, Kind.QUARANTINED}
"""What can stand under a person's label, and two that could be shown with it; steps of a record have `step`, and a
released line is told like its twin."""
CLOSED_LISTS: Final = {
    "field": {str(name.text) for name in FIELDS.iterfind("SimpleCodeList/Row/Value[@ColumnRef='code']/SimpleValue")},
    "reason": {*ReasonCode, *FaultCode, ON_FILE},
    "state": {*RecordState, *NOT_STANDING},
    "step": set(RecordState),
    "power_step": set(RecordState),
    "recorded": {*RECORDED, "power"},
    "proof": set(get_args(ProofKind)),
    "proof_end": set(get_args(ProofKind)),
    "channel": set(get_args(Step.model_fields["channel"].annotation)),
    "basis": set(BasisKind),
    "basis_stood": set(BasisKind),
    "basis_filed": set(BasisKind),
    "basis_other": set(BasisKind),
    "basis_claimed": set(BasisKind),
    "basis_claimed_other": set(BasisKind),
    "basis_recorded": RECORDED,
    "rule": {
        *get_args(get_type_hints(Removed)["rule"]), "not-on-file", "nothing-left", "nothing-filed", ON_FILE
    },
    "month": {str(month) for month in range(1, 13)},
    "outcome": {*KINDS, *VARIANTS},
}  # fmt: skip


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


def test_no_sentence_is_left_without_the_person_it_speaks_to() -> None:
    """Plain words: nobody is spoken to as "du", no sentence runs longer than thirty words, none is cut short."""
    for name in ("words.toml", "page.toml"):
        for text in _leaves(tomllib.loads(files("gateway.views").joinpath(name).read_text("utf-8"))):
            assert not re.search(r"\b(du|dein|deine|dir|dich)\b", text["de"])
            for sentence in re.split(r"[.:?!]\s", text["de"]):
                assert len(sentence.split()) <= 30, sentence


def test_the_journal_and_the_report_mean_the_same_reason() -> None:
    """What the journal writes of a submission that changed nothing is what the report reads."""
    assert TOLD_ON_FILE == ON_FILE


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
