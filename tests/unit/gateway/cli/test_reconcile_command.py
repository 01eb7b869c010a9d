"""`einmal log reconcile` and the receipts that `ask` and `submit` keep, as an office and an operator use them."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Einmal, Ended

OFFICE = "parkraumbewirtschaftung"


@pytest.fixture
def receipts(home: Path, played: Path, tmp_path: Path, einmal: Einmal) -> Path:
    """A file with the receipts of two answers."""
    kept = tmp_path / "receipts.txt"
    for number in ("20-parkraumbewirtschaftung-request.json", "21-parkraumbewirtschaftung-request.xml"):
        message = played / "messages" / number
        assert einmal("ask", message, "--as", OFFICE, "--home", home, "--receipts", kept).code == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    return kept


def reconciled(einmal: Einmal, home: Path, file: Path, *more: str) -> Ended:
    return einmal("log", "reconcile", file, "--home", home, *more)


def test_what_an_office_kept_agrees(home: Path, receipts: Path, einmal: Einmal) -> None:
    """0, and both sides tell the same; each receipt stands on a line of its own."""
    assert len(receipts.read_text("ascii").splitlines()) == 2
    asked = reconciled(einmal, home, receipts)
    assert (asked.code, "2 agree" in asked.out, "Both sides tell the same." in asked.out) == (0, True, True)
    told = reconciled(einmal, home, receipts, "--json").json
    assert (told["receipts"], told["consumers"], told["findings"]) == (2, [OFFICE], [])


def test_the_same_question_again_keeps_the_same_receipt(
    home: Path, played: Path, receipts: Path, einmal: Einmal
) -> None:
    """It is there twice then, and that is no difference."""
    message = played / "messages" / "20-parkraumbewirtschaftung-request.json"
    assert einmal("ask", message, "--as", OFFICE, "--home", home, "--receipts", receipts).code == 0
    asked = reconciled(einmal, home, receipts)
    assert (asked.code, "1 there more than once." in asked.out) == (0, True)


def test_a_receipt_of_a_submission_is_kept(home: Path, played: Path, tmp_path: Path, einmal: Einmal) -> None:
    """By the command that submits."""
    kept = tmp_path / "portal.txt"
    message = played / "messages" / "02-buergerportal-request.xml"
    sent = einmal("submit", message, "--as", "buergerportal", "--home", home, "--receipts", kept)
    assert sent.code == 0
    assert reconciled(einmal, home, kept).code == 0


def test_damaged_lines_are_named_by_number(home: Path, receipts: Path, einmal: Einmal) -> None:
    """1; empty lines count and are no receipts; a line without an end is one line."""
    first, second = receipts.read_text("ascii").splitlines()
    receipts.write_text(f"{first}\n\nrubbish\n{'x' * 1_000_000}\n{second}", "ascii")
    asked = reconciled(einmal, home, receipts)
    assert asked.code == 1
    assert "line 3: no receipt" in asked.out
    assert "line 4: no receipt" in asked.out
    assert "2 differences." in asked.out
    assert "2 agree" in asked.out


def test_what_the_office_lacks_is_named(home: Path, receipts: Path, einmal: Einmal) -> None:
    """With its days given, everything that the house replied to them on these."""
    found = reconciled(
        einmal, home, receipts, "--consumer", OFFICE, "--from", "2020-01-01", "--to", "2099-12-31"
    )
    assert found.code == 1
    assert f"{OFFICE} has no receipt for exchange" in found.out
    none = reconciled(einmal, home, receipts, "--from", "2020-01-01", "--to", "2020-12-31")
    assert (none.code, "2 not of these days." in none.out) == (0, True)


def test_wrong_usage(home: Path, receipts: Path, einmal: Einmal) -> None:
    """2 for an office there is not or a day that never was, 3 for a file there is not."""
    unknown = reconciled(einmal, home, receipts, "--consumer", "nobody")
    assert (unknown.code, "there are: buergerportal" in unknown.err) == (2, True)
    assert reconciled(einmal, home, receipts, "--from", "2026-02-30").code == 2
    assert reconciled(einmal, home, receipts.with_name("none.txt")).code == 3


def test_an_empty_file_says_nothing_by_itself(home: Path, receipts: Path, einmal: Einmal) -> None:
    """Whose it is has to be said: an office that kept nothing lacks everything, and nobody's file compares nothing."""
    empty = receipts.with_name("empty.txt")
    empty.write_text("\n\n")
    for more in ((), ("--json",)):
        asked = reconciled(einmal, home, empty, *more)
        assert (asked.code, "--consumer" in asked.err, asked.out) == (2, True, "")
    days = ("--from", "2020-01-01", "--to", "2099-12-31")
    assert reconciled(einmal, home, empty, "--consumer", OFFICE, *days).code == 1
