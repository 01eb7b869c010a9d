"""The IDNr's form (DOMAIN.md 3)."""

from __future__ import annotations

import pytest

from consent.idnr import check_digit, is_idnr, never_issued


def number(first_ten: str) -> str:
    return first_ten + str(check_digit(first_ten))


def test_the_published_example_has_its_check_digit() -> None:
    """The example of ISO/IEC 7064 MOD 11,10: 0794 gets the check digit 5."""
    assert check_digit("0794") == 5


@pytest.mark.parametrize("text", ["02468135774", "01234567812", number("0112345678"), number("0121134567")])
def test_one_digit_twice_or_thrice_apart_is_an_idnr(text: str) -> None:
    """Ten digits of which exactly one comes two or three times, not thrice side by side, and a check digit."""
    assert is_idnr(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0246813577",
        "024681357744",
        "02468135775",
        "0246813577x",
        "０２４６８１３５７７４",
        " 0246813577",
        number("0123456789"),
        number("0011234567"),
        number("0111234567"),
        number("0111123456"),
        number("0000000000"),
    ],
    ids=lambda text: text or "empty",
)
def test_everything_else_is_none(text: str) -> None:
    """Too short, too long, wrong check digit, other characters, no digit or several repeated, thrice in a row."""
    assert not is_idnr(text)


def test_numbers_that_begin_with_zero_are_never_issued() -> None:
    """Only those may be used in samples and tests."""
    assert never_issued("02468135774")
    assert not never_issued(number("1123456780"))
