"""A page that says something else than its proof is found out, whichever file lies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from citizen_sample import SUBJECTS, auskunft, every_kind, everything, line, record

from gateway.views.agreement import Agreement, compare
from gateway.views.auskunft import Auskunft, JournalLine
from gateway.views.export import Export, Proof
from gateway.views.render import readable

BASIS = {"kind": "consent", "norm": "DSGVO Art. 6", "record": "r1", "revision": 1}
LINES = (
    line(1, "asked", "x", requested=["town", "religion"]),
    line(2, "answered", "x", minutes=1, released=["town"], basis=BASIS, concerned="subject"),
    line(3, "refused", "y", minutes=2, reasons=["no-basis"], requested=["town"]),
    line(4, "consent.given", None, basis=BASIS),
    JournalLine("musterstadt.example/24m/2026-10", 5, None, "IDNrG § 9"),
)
PERIOD = ("2026-01-01", "2026-11-21T20:00:00Z")
TOLD = auskunft(*LINES, records=(record(),))


def export(told: Auskunft = TOLD, **files: bytes) -> Export:
    names = {name.replace("_", "."): body for name, body in files.items()}
    return Export({**readable(told), **names}, Proof(b"{}", {}, b""))


def check(found: Export, lines: tuple[JournalLine, ...] = LINES) -> Agreement:
    return compare(found, lines, SUBJECTS, PERIOD)


def test_an_honest_export_agrees() -> None:
    """Pages, sheets and texts are what auskunft.json says, and that is what the lines say."""
    agreement = check(export())
    assert agreement.wrong == ()
    assert agreement.compared
    assert agreement.proved is not None
    assert agreement.proved.count("given") == 1


def test_an_honest_export_of_everything_agrees() -> None:
    """Submissions, released lines, histories of records and powers: all of it is told again from the proof alone."""
    assert check(export(everything()), every_kind()[0]).wrong == ()


@pytest.mark.parametrize("name", sorted(readable(TOLD).keys() - {"auskunft.json"}))
def test_one_changed_byte_in_any_readable_file_is_found(name: str) -> None:
    """No page, sheet or instruction can be rewritten by hand."""
    body = bytearray(readable(TOLD)[name])
    body[len(body) // 2] ^= 1
    wrong = check(Export({**readable(TOLD), name: bytes(body)}, Proof(b"{}", {}, b""))).wrong
    assert wrong == ((name, "is not what auskunft.json says"),)


def test_a_missing_or_added_file_is_found() -> None:
    """An export has exactly its files."""
    files = dict(readable(TOLD))
    del files["report.html"]
    wrong = check(Export({**files, "extra.html": b""}, Proof(b"{}", {}, b""))).wrong
    assert set(wrong) == {("extra.html", "does not belong to an export"), ("report.html", "is missing")}


@pytest.mark.parametrize("period", [("2025-12-01", PERIOD[1]), (PERIOD[0], "2026-11-21T20:00:01Z")])
def test_another_period_than_the_proof_s_is_found(period: tuple[str, str]) -> None:
    """Months can't be taken out of a proof, nor put on the pages, without the other."""
    wrong = compare(export(), LINES, SUBJECTS, period).wrong
    assert wrong == (("auskunft.json", "the period is another than that of the proof"),)


Lie = Callable[[dict[str, Any]], None]


def _entry(told: dict[str, Any], number: int) -> dict[str, Any]:
    entry: dict[str, Any] = told["months"][0]["entries"][number]
    return entry


LIES: dict[str, Lie] = {
    "another outcome": lambda told: _entry(told, 0).update(outcome="failed"),
    "another consumer": lambda told: _entry(told, 1)["consumer"].update(code="kitaverwaltung"),
    "a field less": lambda told: _entry(told, 1).update(handed_over=[]),
    "another sentence": lambda told: _entry(told, 1)["sentence"].update(de="Alles gut."),
    "another time": lambda told: _entry(told, 1).update(time="2026-11-20T12:00:00Z"),
    "another place": lambda told: _entry(told, 0)["places"][0].update(index=9),
    "an entry less": lambda told: told["months"][0]["entries"].pop(0),
    "an entry twice": lambda told: told["months"][0]["entries"].append(_entry(told, 0)),
    "closed lines hidden": lambda told: told.update(closed=[]),
    "a step at another place": lambda told: told["consents"][0]["steps"][0]["place"].update(index=9),
    "a step of another kind": lambda told: told["consents"][0]["steps"][0]["state"].update(code="refused"),
    "a step of another record": lambda told: told["consents"][0].update(id="r2"),
    "a step told twice": lambda told: told["consents"][0].update(steps=told["consents"][0]["steps"] * 2),
    "another day of erasure": lambda told: _entry(told, 0).update(kept_until="2036-01-01"),
    "represented": lambda told: _entry(told, 0).update(represented=True),
    "another grant": lambda told: _entry(told, 0).update(grant="other"),
    "an entry called filing": lambda told: _entry(told, 1).update(filing=True),
    "another form": lambda told: told["forms"][0]["title"].update(de="Jemand"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_lies_consistently_is_found_by_its_proof(lie: str) -> None:
    """Even with every page written from it, an auskunft.json that differs from the lines is named."""
    said = json.loads(readable(TOLD)["auskunft.json"])
    LIES[lie](said)
    files = dict(readable(TOLD)) | {"auskunft.json": json.dumps(said).encode()}
    wrong = check(Export(files, Proof(b"{}", {}, b""))).wrong
    assert any(file == "auskunft.json" for file, _ in wrong)


def test_words_of_another_edition_are_not_compared_but_codes_are() -> None:
    """A report told with other words stands if its codes agree; the reader learns that pages weren't compared."""
    older = replace(TOLD, edition="0" * 64)
    agreement = check(export(older))
    assert (agreement.wrong, agreement.compared) == ((), False)
    lied = check(export(older), LINES[1:])
    assert lied.wrong


def test_an_unreadable_auskunft_is_a_finding() -> None:
    """Damaged JSON never raises."""
    broken = Export({"auskunft.json": b"{"}, Proof(b"{}", {}, b""))
    assert check(broken).wrong == (("auskunft.json", "is missing or can't be read"),)
