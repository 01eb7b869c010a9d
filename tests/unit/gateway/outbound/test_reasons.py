"""Every reason and every fault has its words."""

from __future__ import annotations

import pytest

from consent.vocabulary import ReasonCode
from gateway.errors import FaultCode
from gateway.outbound.reasons import FAULTS, REASONS, Reason, read

ALL = [*REASONS.values(), *FAULTS.values()]


def test_no_reason_and_no_fault_is_without_words() -> None:
    """The list is closed on both sides: nothing missing, nothing more."""
    assert set(REASONS) == set(ReasonCode)
    assert set(FAULTS) == set(FaultCode)


@pytest.mark.parametrize("reason", ALL, ids=lambda reason: reason.en[:40])
def test_the_words_are_whole_sentences_in_both_languages(reason: Reason) -> None:
    """What is wrong and what to do: neither a code nor half a sentence, and short enough for every language."""
    for text in (reason.de, reason.en):
        assert text[0].isupper()
        assert text.endswith(".")
        assert text == " ".join(text.split())
        assert 40 <= len(text) <= 250


def test_what_hides_a_blocked_person_says_the_same_for_everyone() -> None:
    """no-data tells neither that the person is unknown, nor ambiguous, nor blocked (DOMAIN.md 3)."""
    words = REASONS[ReasonCode.NO_DATA].words
    for word in ("unbekannt", "gesperrt", "Sperre", "mehrere", "unknown", "block", "several", "not exist"):
        assert word not in words["de"] + words["en"]


def test_the_exceptions_of_edm_are_those_of_the_table() -> None:
    """no-data is object not found; grant and basis are authorization; the message is an invalid request."""
    assert REASONS[ReasonCode.NO_DATA].edm == "0004"
    assert REASONS[ReasonCode.NO_GRANT].edm == REASONS[ReasonCode.NO_BASIS].edm == "0002"
    assert REASONS[ReasonCode.PREVIEW_REQUIRED].edm == "0002"
    assert REASONS[ReasonCode.SCHEMA_INVALID].edm == "0003"
    assert {reason.edm for reason in ALL} <= {f"{number:04}" for number in range(1, 9)}


@pytest.mark.parametrize(
    "document",
    [
        '[reason.because]\nde = "a"\nen = "b"\nedm = "0001"\n[fault]',
        '[reason.no-data]\nde = "a"\nen = "b"\n[fault]',
        '[reason.no-data]\nde = "a"\nen = "b"\nedm = "0001"\nfr = "c"\n[fault]',
        "[reason]\n[fault]\n[other]",
    ],
)
def test_a_slip_in_the_file_stops_the_start(document: str) -> None:
    """Unknown codes, keys and tables are errors."""
    with pytest.raises(ValueError):
        read(document)
