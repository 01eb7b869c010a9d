"""What the documents say is what the house does."""

from __future__ import annotations

import re
from pathlib import Path

import reasons_doc

ROOT = Path(__file__).parents[2]


def test_the_list_of_reasons_is_in_step() -> None:
    """docs/reasons.md holds every code with its words (tests/support/reasons_doc.py writes it)."""
    assert (ROOT / "docs" / "reasons.md").read_text("utf-8") == "\n".join(reasons_doc.lines()) + "\n"


def test_every_file_the_documents_point_to_is_there() -> None:
    """No dead link in README, CHANGELOG and docs/."""
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    links = [
        (document, target)
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
    ]
    assert links
    assert not [
        (str(document), target) for document, target in links if not (document.parent / target).exists()
    ]


def test_publiccode_tells_what_catalogues_ask_for() -> None:
    """Short descriptions up to 150 characters, the licence as SPDX id."""
    text = (ROOT / "publiccode.yml").read_text("utf-8")
    assert "license: EUPL-1.2" in text
    assert all(len(short) <= 150 for short in re.findall(r"shortDescription: (.*)", text))
