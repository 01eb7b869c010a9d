"""PRUEFEN.txt and VERIFY.txt: what a citizen reads before they check is short, whole, and what the command says."""

from __future__ import annotations

import re
from typing import Final

import pytest
from citizen_sample import auskunft, line

from gateway.audit.verify.exported.verdict import Outcome
from gateway.cli.checked import HEAD
from gateway.views.render import readable
from gateway.views.words import Language

FILES: Final = readable(auskunft(line(1, "answered", "x")))
TEXTS: Final[dict[Language, str]] = {
    "de": FILES["PRUEFEN.txt"].decode(),
    "en": FILES["VERIFY.txt"].decode(),
}
ENDS: Final[dict[Language, str]] = {"de": "FÜR FACHLEUTE", "en": "CHECKING WITH"}
"""Where the part for people who write programs begins."""


def for_everybody(language: Language) -> str:
    return TEXTS[language].split(ENDS[language])[0]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_result_the_command_can_tell_is_explained(language: Language) -> None:
    """By the words it begins with: who reads one on the screen finds it in the text."""
    told = for_everybody(language)
    for outcome in Outcome:
        head = HEAD[outcome].to(language).replace("{auditors}.", "...")
        assert f'"{head}"' in told, head


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_everybody_reads_fits_a_narrow_window_and_has_short_sentences(language: Language) -> None:
    """No line is wider than a terminal, no sentence longer than twenty-two words."""
    told = for_everybody(language)
    command = next(row for row in told.splitlines() if row.strip().startswith("einmal citizen verify"))
    assert [row for row in told.splitlines() if len(row) > 80 and row != command] == []
    how, _ = told.split({"de": "WAS BEWIESEN IST", "en": "WHAT IS PROVED"}[language])
    for sentence in re.split(r"(?<=[.:?!])\s+|\n\n", how):
        assert len(sentence.split()) <= 22, sentence


@pytest.mark.parametrize(
    ("language", "program", "publishes", "needs"),
    [
        (
            "de",
            "Wo Sie es bekommen, sagt Ihnen Ihre Behörde.",
            "auf dem Briefkopf",
            "proof/proof.json, sonst nichts",
        ),
        (
            "en",
            "The authority tells you\n   where to get it.",
            "letterhead",
            "proof/proof.json, nothing else",
        ),
    ],
)
def test_it_says_where_fingerprint_and_program_come_from_and_what_others_programs_need(
    language: Language, program: str, publishes: str, needs: str
) -> None:
    """From the town and not from the file; the format is public, so that nobody depends on this program."""
    told = " ".join(TEXTS[language].split())
    for said in (program, publishes, needs, "SHA-256", "Ed25519", "RFC 9381", "Python"):
        assert " ".join(said.split()) in told, said
